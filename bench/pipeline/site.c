/* SPDX-License-Identifier: BSD-3-Clause */
#include "site.h"
#include "hash.h"
#include "traffic.h"
#include <errno.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MB 1024 /* of which the peers' tables take the most */
#define MTU       1500

enum { INGRESS, EGRESS };

static void fail(const char *what)
{
    fprintf(stderr, "bench-pipeline: %s\n", what);
    exit(1);
}

void site_create(struct site *site, const struct table *tables)
{
    static const unsigned int lcores[] = {1};
    static const struct port_settings ports[] = {
        {.name = "in", .kind = PORT_VDEV, .argument = "net_ring0", .queues = 1},
        {.name = "out0", .kind = PORT_VDEV, .argument = "net_ring1", .queues = 1},
        {.name = "out1", .kind = PORT_VDEV, .argument = "net_ring2", .queues = 1},
    };
    static const struct dp_settings settings = {
        .eal = {.memory_mb = MEMORY_MB, .control_lcore = 0, .worker_lcores = lcores, .worker_count = 1},
        .idle = IDLE_POLL,
        .hash_seed = 1,
        .ports = ports,
        .port_count = 1 + SITE_EGRESSES,
    };
    struct error error;

    *site = (struct site){.tables = tables};
    if (dp_create(&settings, &site->dp, &error) != 0 || dp_start_ports(site->dp, &error) != 0) {
        fail(error.text);
    }
    site->feed.stop = &site->dp->workers[0]->stop;
    if (device_set_feed(site->dp->ports[INGRESS].device, &site->feed, site->dp->pool) != 0) {
        fail("no callback");
    }
    for (unsigned int i = 0; i < SITE_EGRESSES; i++) {
        if (device_set_sink(site->dp->ports[EGRESS + i].device, &site->sinks[i]) != 0) {
            fail("no callback");
        }
    }
}

void site_destroy(struct site *site)
{
    for (unsigned int i = 0; i < SITE_EGRESSES; i++) {
        sink_empty(&site->sinks[i]);
    }
    dp_destroy(site->dp);
}

/* ---- Routes */

/* A next hop of its own, by one of the egress ports. */
static int add_adjacency(struct site *site, const struct site_case *one, enum family family)
{
    struct rewrite rewrite = {.kind = REWRITE_TX, .header_length = RTE_ETHER_HDR_LEN, .mtu = MTU};
    unsigned int number = site->adjacency_count;
    int id;

    rewrite.port = (uint16_t)(EGRESS + number % one->egresses);
    memcpy(rewrite.header, (const uint8_t[]){0x02, 0, 0, 0x66, (uint8_t)(number >> 8), (uint8_t)number}, 6);
    memcpy(rewrite.header + 6, site->dp->ports[rewrite.port].mac, 6);
    memcpy(rewrite.header + 12, family == FAMILY_V4 ? "\x08\x00" : "\x86\xdd", 2);
    id = dp_adjacency_create(site->dp, &rewrite);
    if (id > 0) {
        site->adjacencies[site->adjacency_count++] = (uint16_t)id;
    }
    return id;
}

/* Of so many instances. */
static int add_list(struct site *site, const struct site_case *one, enum family family)
{
    struct path *paths = calloc(one->instances, sizeof(*paths));
    uint16_t tier = (uint16_t)one->instances;
    int id = paths == NULL ? -ENOMEM : 0;

    for (unsigned int i = 0; i < one->instances && id >= 0; i++) {
        id = add_adjacency(site, one, family);
        paths[i] = (struct path){.adjacency = (uint16_t)id, .weight = 1, .hash = hash_mix64(i + 1)};
    }
    if (id >= 0) {
        id = dp_path_list_create(site->dp, &(struct path_list_spec){.paths = paths, .tiers = &tier, .tier_count = 1});
    }
    if (id > 0) {
        site->lists[family][site->list_count[family]++] = (uint32_t)id;
    }
    free(paths);
    return id < 0 ? id : 0;
}

/* A list for each next hop of the table, or one of all instances. */
static int add_lists(struct site *site, const struct site_case *one, enum family family)
{
    unsigned int count = one->instances > 1 ? 1 : TABLE_VALUES;
    int result = 0;

    for (unsigned int i = 0; i < count && result == 0; i++) {
        result = add_list(site, one, family);
    }
    return result;
}

/* The first routes of the whole table, and where destinations are chosen otherwise, a route for each of their parts. */
static int choose_routes(struct site *site, const struct site_case *one, enum family family)
{
    size_t parts = one->destinations != DESTINATIONS_PREFIXES ? TRAFFIC_PARTS : 0;
    size_t count = family == one->family ? RTE_MIN(one->routes, site->tables[family].count) : 0;
    struct table_route *routes = calloc(parts + count, sizeof(*routes));

    if (parts + count == 0) {
        return 0;
    }
    if (routes == NULL) {
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < parts; i++) {
        routes[i] = traffic_part(family, i);
    }
    memcpy(routes + parts, site->tables[family].routes, count * sizeof(*routes));
    for (size_t i = 0; i < parts + count; i++) {
        routes[i].value = site->lists[family][(routes[i].value - 1) % site->list_count[family]];
    }
    site->routes[family] = routes;
    site->route_count[family] = parts + count;
    return 0;
}

int site_set_up(struct site *site, const struct site_case *one)
{
    int result = 0;

    for (int family = 0; family < FAMILIES && result == 0; family++) {
        result = add_lists(site, one, (enum family)family);
        if (result == 0) {
            result = choose_routes(site, one, (enum family)family);
        }
    }
    if (result == 0) {
        result = traffic_create(site, one);
    }
    if (result != 0) {
        site_clear(site);
    }
    return result;
}

void site_clear(struct site *site)
{
    traffic_free(site);
    for (int family = 0; family < FAMILIES; family++) {
        for (unsigned int i = 0; i < site->list_count[family]; i++) {
            dp_path_list_destroy(site->dp, site->lists[family][i]);
        }
        site->list_count[family] = 0;
        free(site->routes[family]);
        site->routes[family] = NULL;
        site->route_count[family] = 0;
    }
    for (unsigned int i = 0; i < site->adjacency_count; i++) {
        dp_adjacency_destroy(site->dp, site->adjacencies[i]);
    }
    site->adjacency_count = 0;
    dp_tick(site->dp);
}

/* ---- Runs */

static uint64_t sent(const struct site *site)
{
    uint64_t packets = 0;

    for (unsigned int i = 0; i < SITE_EGRESSES; i++) {
        packets += site->sinks[i].sent;
    }
    return packets;
}

static bool sent_right(const struct site *site)
{
    for (unsigned int i = 0; i < SITE_EGRESSES; i++) {
        const struct sink *sink = &site->sinks[i];

        if (sink->last != NULL && !traffic_is_right(rte_pktmbuf_mtod(sink->last, const uint8_t *))) {
            return false;
        }
    }
    return true;
}

static void print_drops(const struct counters *counters)
{
    for (int reason = 0; reason < DROP_REASONS; reason++) {
        if (counters->drops[reason] > 0) {
            fprintf(stderr, "%s: %" PRIu64 " packets\n", drop_reason_name((enum drop_reason)reason),
                    counters->drops[reason]);
        }
    }
}

double site_run_worker(struct site *site, uint64_t packets)
{
    struct worker *worker = site->dp->workers[0];
    uint64_t before = sent(site);
    uint64_t begin;
    uint64_t cycles;

    worker->stop = false;
    site->feed.left = packets;
    begin = rte_rdtsc();
    worker_run(worker);
    cycles = rte_rdtsc() - begin;
    packets -= site->feed.left;
    if (sent(site) - before != packets || !sent_right(site)) {
        fprintf(stderr, "of %" PRIu64 " packets, %" PRIu64 " were sent\n", packets, sent(site) - before);
        print_drops(worker->pipe.counters);
        return -1;
    }
    return (double)cycles / (double)packets;
}

double site_run_io(struct site *site, uint64_t packets)
{
    const struct port *ports = site->dp->ports;
    struct rte_mbuf *mbufs[BURST_MAX];
    uint64_t begin;
    uint64_t cycles;
    bool stop = false;

    site->feed.left = packets;
    site->feed.stop = &stop;
    begin = rte_rdtsc();
    while (!stop) {
        uint16_t n = rte_eth_rx_burst(ports[INGRESS].device, 0, mbufs, BURST_MAX);

        rte_eth_tx_burst(ports[EGRESS].device, 0, mbufs, n);
        for (unsigned int i = 0; i < SITE_EGRESSES; i++) {
            rte_eth_rx_burst(ports[EGRESS + i].device, 0, mbufs, BURST_MAX);
        }
    }
    cycles = rte_rdtsc() - begin;
    site->feed.stop = &site->dp->workers[0]->stop;
    for (unsigned int i = 0; i < SITE_EGRESSES; i++) {
        site->sinks[i].last = NULL;
    }
    return (double)cycles / (double)(packets - site->feed.left);
}
