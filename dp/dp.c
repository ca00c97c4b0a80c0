/* SPDX-License-Identifier: BSD-3-Clause */
#include "bfd_io.h"
#include "dp_private.h"
#include "log.h"
#include "memif.h"
#include <errno.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#define POOL_CACHE          256
#define POOL_SPARE          4096 /* bursts under way, per-core caches */
#define PENDING_MS          100  /* a packet waits for its neighbour */
#define FRAGMENT_WAIT_MS    100  /* for the first fragment of a datagram */
#define FRAGMENT_MEMORY_MS  1000 /* of a datagram whose fragments cease to come */
#define REQUEST_INTERVAL_MS 20   /* a flow to an unresolved neighbour asks this often */

static int create_tables(struct dp *dp, struct error *error)
{
    dp->rcu = rcu_create(dp->worker_count);
    if (dp->rcu == NULL) {
        goto no_memory;
    }
    dp->fib4 = fib4_create(&(struct fib_config){.rcu = dp->rcu});
    dp->fib6 = fib6_create(&(struct fib_config){.rcu = dp->rcu});
    dp->adjacencies = adjacency_table_create(dp->rcu);
    dp->path_lists = path_list_table_create(dp->rcu);
    dp->datagrams = rte_zmalloc("datagrams", sizeof(*dp->datagrams), RTE_CACHE_LINE_SIZE);
    if (dp->fib4 == NULL || dp->fib6 == NULL || dp->adjacencies == NULL || dp->path_lists == NULL ||
        dp->datagrams == NULL) {
        goto no_memory;
    }
    dp->bfd = bfd_create(dp->rcu, adjacency_array(dp->adjacencies), dp->worker_count, rte_get_tsc_hz());
    if (dp->bfd == NULL) {
        goto no_memory;
    }
    return 0;
no_memory:
    return error_set(error, -ENOMEM, "no memory for the forwarding tables");
}

/* As rte_pktmbuf_pool_create(). Unless all of a packet buffer must lie in one page, buffers follow each other closely:
 * at the same place in each of many small pages, their headers would share a few lines of the CPU's cache. */
static struct rte_mempool *pool_create(unsigned int mbufs, uint16_t room, bool within_pages)
{
    struct rte_pktmbuf_pool_private buffers = {.mbuf_data_room_size = room};
    struct rte_mempool *pool = rte_mempool_create_empty("mbufs", mbufs, (unsigned int)sizeof(struct rte_mbuf) + room,
                                                        POOL_CACHE, sizeof(struct rte_pktmbuf_pool_private),
                                                        SOCKET_ID_ANY, within_pages ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG);

    if (pool == NULL) {
        return NULL;
    }
    rte_pktmbuf_pool_init(pool, &buffers);
    if (rte_mempool_populate_default(pool) < 0) {
        rte_mempool_free(pool);
        return NULL;
    }
    rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
    return pool;
}

/* Where there are large pages, it is no matter; a NIC and an AF_XDP socket want it in small ones. */
static bool needs_pages(const struct port_settings *port)
{
    return port->kind == PORT_PCI || port->kind == PORT_AF_XDP;
}

static int create_pool(struct dp *dp, const struct dp_settings *settings, struct error *error)
{
    bool within_pages = rte_eal_has_hugepages() != 0;
    unsigned int queues = 0;
    unsigned int mbufs;
    uint16_t room;
    int result = port_data_room(settings->ports, settings->port_count, &room, error);

    if (result != 0) {
        return result;
    }
    for (unsigned int i = 0; i < settings->port_count; i++) {
        queues += settings->ports[i].queues + (settings->ports[i].twin != NULL ? 1 : 0);
        within_pages = within_pages || needs_pages(&settings->ports[i]);
    }
    mbufs = port_mbufs(queues) + POOL_SPARE * (dp->worker_count + 1) + PENDING_MAX * PENDING_DEPTH * dp->worker_count;
    dp->pool = pool_create(mbufs, room, within_pages);
    if (dp->pool == NULL) {
        unsigned int mb = (unsigned int)(mbufs * (room + 256UL) >> 20) + 32;

        return error_set(error, -ENOMEM, "dpdk.memory_mb %u is too little: %u packet buffers for these ports need %u",
                         settings->eal.memory_mb, mbufs, mb);
    }
    return 0;
}

static int create_worker(struct dp *dp, const struct dp_settings *settings, unsigned int id, struct error *error)
{
    struct worker *worker = rte_zmalloc_socket("worker", sizeof(*worker), RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY);

    if (worker == NULL) {
        goto no_memory;
    }
    dp->workers[id] = worker;
    worker->pipe.counters = rte_zmalloc("counters", sizeof(struct counters), RTE_CACHE_LINE_SIZE);
    worker->pipe.pending = rte_zmalloc("pending", sizeof(struct pending), RTE_CACHE_LINE_SIZE);
    worker->pipe.requests = rte_zmalloc("requests", sizeof(struct request_ring), RTE_CACHE_LINE_SIZE);
    worker->pipe.wanted = rte_zmalloc("wanted", sizeof(struct wanted_table), RTE_CACHE_LINE_SIZE);
    if (worker->pipe.counters == NULL || worker->pipe.requests == NULL || worker->pipe.pending == NULL ||
        worker->pipe.wanted == NULL) {
        goto no_memory;
    }
    worker->id = id;
    worker->rcu = dp->rcu;
    worker->lcore = settings->eal.worker_lcores[id];
    worker->backoff = settings->idle == IDLE_BACKOFF;
    worker->pipe.pool = dp->pool;
    worker->pipe.datagrams = dp->datagrams;
    worker->pipe.fib4 = dp->fib4;
    worker->pipe.fib6 = dp->fib6;
    worker->pipe.path_lists = path_list_array(dp->path_lists);
    worker->pipe.adjacencies = adjacency_array(dp->adjacencies);
    worker->pipe.ports = dp->pipe_ports;
    worker->pipe.bfd = dp->bfd;
    worker->pipe.worker = id;
    worker->pipe.takeovers = &dp->takeovers;
    worker->stall = rte_get_tsc_hz() / 1000;
    if (id == 0) {
        worker->bfd = dp->bfd;
        bfd_set_sender(dp->bfd, bfd_transmit, &worker->pipe);
        bfd_set_witness(dp->bfd, &dp->takeovers, dp_packets_to, dp);
    }
    worker->pipe.hash_seed = settings->hash_seed;
    worker->pipe.request_interval = rte_get_tsc_hz() / 1000 * REQUEST_INTERVAL_MS;
    worker->pipe.pending_time = rte_get_tsc_hz() / 1000 * PENDING_MS;
    worker->pipe.datagram_times.wait = rte_get_tsc_hz() / 1000 * FRAGMENT_WAIT_MS;
    worker->pipe.datagram_times.memory = rte_get_tsc_hz() / 1000 * FRAGMENT_MEMORY_MS;
    worker->pipe.drop_class_e = true;
    worker->pipe.wide = pipe_wide_works();
    return 0;
no_memory:
    return error_set(error, -ENOMEM, "dpdk.memory_mb %u is too little for the worker on lcore %u",
                     settings->eal.memory_mb, settings->eal.worker_lcores[id]);
}

static int open_ports(struct dp *dp, const struct dp_settings *settings, struct error *error)
{
    if (settings->port_count > PIPE_PORTS_MAX / 2) {
        return error_set(error, -E2BIG, "more than %d ports", PIPE_PORTS_MAX / 2);
    }
    /* all of them first: later, who listens on a socket may be ourselves */
    for (unsigned int i = 0; i < settings->port_count; i++) {
        int result = memif_prepare(&settings->ports[i], error);

        if (result != 0) {
            return result;
        }
    }
    for (unsigned int i = 0; i < settings->port_count; i++) {
        const struct port_settings *one = &settings->ports[i];
        int result = one->vlan != 0 ? port_open_vlan(&dp->ports[i], &dp->ports[one->parent], one, i, dp->pool, error)
                                    : port_open(&dp->ports[i], one, i, dp->worker_count, dp->pool, error);

        if (result != 0) {
            return result;
        }
        dp->port_count++;
    }
    return 0;
}

static int create_all(struct dp *dp, const struct dp_settings *settings, struct error *error)
{
    int result = create_tables(dp, error);

    if (result == 0) {
        result = create_pool(dp, settings, error);
    }
    for (unsigned int i = 0; i < dp->worker_count && result == 0; i++) {
        result = create_worker(dp, settings, i, error);
    }
    if (result == 0) {
        result = open_ports(dp, settings, error);
    }
    return result == 0 ? dp_wire(dp, error) : result;
}

int dp_create(const struct dp_settings *settings, struct dp **out, struct error *error)
{
    struct dp *dp = calloc(1, sizeof(*dp));
    int result;

    if (dp == NULL) {
        return error_set(error, -ENOMEM, "no memory");
    }
    dp->worker_count = settings->eal.worker_count;
    result = eal_start(&settings->eal, error);
    if (result != 0) {
        free(dp);
        return result;
    }
    result = create_all(dp, settings, error);
    if (result != 0) {
        dp_destroy(dp);
        return result;
    }
    *out = dp;
    return 0;
}

int dp_start_ports(struct dp *dp, struct error *error)
{
    for (unsigned int i = 0; i < dp->port_count; i++) {
        int result = port_start(&dp->ports[i], error);

        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int dp_start(struct dp *dp, struct error *error)
{
    int result = dp_start_ports(dp, error);

    for (unsigned int i = 0; i < dp->worker_count && result == 0; i++) {
        result = rte_eal_remote_launch(worker_run, dp->workers[i], dp->workers[i]->lcore);

        if (result != 0) {
            error_set(error, result, "the worker on lcore %u does not start", dp->workers[i]->lcore);
        }
    }
    dp->running = result == 0;
    return result;
}

static void stop_workers(struct dp *dp)
{
    for (unsigned int i = 0; i < dp->worker_count; i++) {
        if (dp->workers[i] != NULL) {
            __atomic_store_n(&dp->workers[i]->stop, true, __ATOMIC_RELAXED);
        }
    }
    rte_eal_mp_wait_lcore();
    dp->running = false;
}

void dp_destroy(struct dp *dp)
{
    if (dp == NULL) {
        return;
    }
    stop_workers(dp);
    for (unsigned int i = 0; i < dp->port_count; i++) {
        port_close(&dp->ports[i]);
        free((void *)(uintptr_t)dp->pipe_ports[i].addresses);
    }
    dp_unwire(dp);
    rcu_synchronize(dp->rcu); /* sessions that were retired */
    bfd_destroy(dp->bfd);
    path_list_table_destroy(dp->path_lists);
    adjacency_table_destroy(dp->adjacencies);
    fib6_destroy(dp->fib6);
    fib4_destroy(dp->fib4);
    rcu_destroy(dp->rcu);
    for (unsigned int i = 0; i < dp->worker_count && dp->workers[i] != NULL; i++) {
        rte_free(dp->workers[i]->pipe.counters);
        rte_free(dp->workers[i]->pipe.requests);
        rte_free(dp->workers[i]->pipe.pending);
        rte_free(dp->workers[i]->pipe.wanted);
        rte_free(dp->workers[i]);
    }
    rte_free(dp->datagrams);
    rte_mempool_free(dp->pool);
    eal_stop();
    free(dp);
}

unsigned int dp_port_count(const struct dp *dp)
{
    return dp->port_count;
}

const struct port *dp_port(const struct dp *dp, unsigned int index)
{
    return &dp->ports[index];
}

bool dp_port_link_up(const struct dp *dp, unsigned int index)
{
    return port_link_up(&dp->ports[index]);
}

static void publish_mac(struct dp *dp, unsigned int index, const uint8_t mac[6])
{
    uint64_t word = 0;

    memcpy(&word, mac, 6);
    port_set_mac(&dp->ports[index], mac);
    __atomic_store_n(&dp->pipe_ports[index].mac, word, __ATOMIC_RELAXED);
}

void dp_port_set_mac(struct dp *dp, unsigned int index, const uint8_t mac[6])
{
    bool changed = memcmp(dp->ports[index].mac, mac, 6) != 0;

    publish_mac(dp, index, mac);
    for (unsigned int i = 0; i < dp->port_count && changed; i++) {
        struct port *port = &dp->ports[i];

        if (port->vlan == 0 || port->parent != index) {
            continue;
        }
        publish_mac(dp, i, mac);
        if (port_set_twin_mac(port, mac) != 0) {
            log_warning("port %s: its kernel twin %s keeps its old MAC address", port->name, port->netdev);
        }
    }
}

static void reclaim_addresses(void *owner, void *thing)
{
    (void)owner;
    free(thing);
}

static bool addresses_are(const struct pipe_addresses *addresses, const struct ip_addr *const given[FAMILIES])
{
    for (int family = 0; family < FAMILIES; family++) {
        if (addresses->has[family] != (given[family] != NULL) ||
            (given[family] != NULL && !ip_addr_equal(&addresses->addr[family], given[family]))) {
            return false;
        }
    }
    return true;
}

int dp_port_set_addresses(struct dp *dp, unsigned int index, const struct ip_addr *v4, const struct ip_addr *v6)
{
    const struct ip_addr *given[FAMILIES] = {[FAMILY_V4] = v4, [FAMILY_V6] = v6};
    const struct pipe_addresses *old = dp->pipe_ports[index].addresses; /* of which this thread is the writer */
    struct pipe_addresses *next;

    if (old != NULL && addresses_are(old, given)) {
        return 0;
    }
    next = calloc(1, sizeof(*next));
    if (next == NULL) {
        return -ENOMEM;
    }
    for (int family = 0; family < FAMILIES; family++) {
        next->has[family] = given[family] != NULL;
        if (given[family] != NULL) {
            next->addr[family] = *given[family];
        }
    }
    old = __atomic_exchange_n(&dp->pipe_ports[index].addresses, next, __ATOMIC_ACQ_REL);
    if (old != NULL) {
        rcu_retire(dp->rcu, reclaim_addresses, NULL, (void *)(uintptr_t)old);
    }
    return 0;
}

void dp_tick(struct dp *dp)
{
    rcu_reclaim(dp->rcu);
}
