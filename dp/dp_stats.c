/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters, read from the workers' memory. */
#include "dp_private.h"
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <string.h>

/* A loop lasts microseconds; a worker that was preempted in one must not hold the control thread. */
#define SNAPSHOT_TRIES 10000

#define SUMMED_BYTES offsetof(struct counters, rx)

/* The counters that add up, as they stood between two loops. */
static void snapshot(const struct counters *counters, struct counters *out)
{
    for (int try = 0; try < SNAPSHOT_TRIES; try++) {
        uint64_t before = __atomic_load_n(&counters->sequence, __ATOMIC_ACQUIRE);
        const uint64_t *from = (const uint64_t *)counters;
        uint64_t *to = (uint64_t *)out;

        for (size_t i = 0; i < SUMMED_BYTES / sizeof(uint64_t); i++) {
            to[i] = counter_read(&from[i]);
        }
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (before % 2 == 0 && before == __atomic_load_n(&counters->sequence, __ATOMIC_RELAXED)) {
            return;
        }
        rte_pause();
    }
}

static void add_worker(const struct worker *worker, struct dp_stats *out)
{
    static __thread struct counters counters; /* large, and only its head is used */

    snapshot(worker->pipe.counters, &counters);
    out->received += counters.received;
    out->created += counters.created;
    out->icmp_sent += counters.icmp_sent;
    out->sent += counters.sent;
    out->punted += counters.punted;
    out->consumed += counters.consumed;
    out->fragments_unmatched += counters.fragments_unmatched;
    out->flows_incomplete += counters.flows_incomplete;
    out->failed_open += counters.failed_open;
    out->held += counters.held;
    for (int i = 0; i < DROP_REASONS; i++) {
        out->drops[i] += counters.drops[i];
    }
    for (unsigned int i = 0; i < worker->inbox_count; i++) {
        out->held += rte_ring_count(worker->inboxes[i].ring);
    }
}

static void fib_bytes(const struct dp *dp, struct dp_stats *out)
{
    struct fib_stats stats;

    fib4_stats(dp->fib4, &stats);
    out->fib[FAMILY_V4].routes = stats.routes;
    out->fib[FAMILY_V4].bytes = stats.bytes;
    out->fib_control_bytes = stats.control_bytes;
    fib6_stats(dp->fib6, &stats);
    out->fib[FAMILY_V6].routes = stats.routes;
    out->fib[FAMILY_V6].bytes = stats.bytes;
    out->fib_control_bytes += stats.control_bytes;
}

void dp_stats(const struct dp *dp, struct dp_stats *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned int i = 0; i < dp->worker_count; i++) {
        add_worker(dp->workers[i], out);
    }
    fib_bytes(dp, out);
    out->row_bytes = path_list_bytes(dp->path_lists);
    out->writes.routes = dp->route_writes;
    out->writes.path_lists = dp->path_list_writes;
    out->mbufs_free = rte_mempool_avail_count(dp->pool);
    out->mbufs_in_use = rte_mempool_in_use_count(dp->pool);
}

unsigned int dp_worker_count(const struct dp *dp)
{
    return dp->worker_count;
}

void dp_worker_stats(const struct dp *dp, unsigned int worker, struct worker_stats *out)
{
    const struct counters *counters = dp->workers[worker]->pipe.counters;
    uint64_t packets = counter_read(&counters->received) + counter_read(&counters->created);

    *out = (struct worker_stats){
        .lcore = dp->workers[worker]->lcore,
        .loops = counter_read(&counters->loops),
        .busy_loops = counter_read(&counters->busy_loops),
        .rx = counter_read(&counters->received),
        .tx = counter_read(&counters->sent),
        .stalls = counter_read(&counters->stalls),
        .stall_longest_us = counter_read(&counters->stall_longest) * 1000000 / rte_get_tsc_hz(),
        .cycles_per_packet = packets > 0 ? (double)counter_read(&counters->busy_cycles) / (double)packets : 0,
    };
}

static void add_sent(const struct dp *dp, unsigned int index, struct port_stats *out)
{
    for (unsigned int i = 0; i < dp->worker_count; i++) {
        const struct counters *counters = dp->workers[i]->pipe.counters;

        out->tx.packets += counter_read(&counters->tx[index].packets);
        out->tx.bytes += counter_read(&counters->tx[index].bytes);
        out->tx_dropped += counter_read(&counters->tx_dropped[index]);
    }
}

static void add_received(const struct dp *dp, unsigned int index, struct port_stats *out)
{
    for (unsigned int i = 0; i < dp->worker_count; i++) {
        const struct traffic *rx = &dp->workers[i]->pipe.counters->rx[index];

        out->rx.packets += counter_read(&rx->packets);
        out->rx.bytes += counter_read(&rx->bytes);
    }
}

static void add_missed(uint16_t device, struct port_stats *out)
{
    struct rte_eth_stats stats;

    if (rte_eth_stats_get(device, &stats) == 0) {
        out->rx_missed += stats.imissed + stats.rx_nombuf;
    }
}

void dp_port_stats(const struct dp *dp, unsigned int index, struct port_stats *out)
{
    *out = (struct port_stats){0};
    add_received(dp, index, out);
    add_sent(dp, index, out);
    if (dp->ports[index].vlan != 0) {
        return;
    }
    for (unsigned int i = 0; i < dp->port_count; i++) {
        if (dp->ports[i].vlan != 0 && dp->ports[i].parent == index) {
            add_sent(dp, i, out);
        }
    }
    add_missed(dp->ports[index].device, out);
    for (unsigned int i = 0; i < dp->ports[index].more_count; i++) {
        add_missed(dp->ports[index].more[i], out);
    }
}
