/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files behind dp.h share. */
#ifndef DP_PRIVATE_H
#define DP_PRIVATE_H

#include "dp.h"
#include "fib.h"
#include "worker.h"
#include <rte_mempool.h>

struct dp {
    bool running;
    unsigned int port_count;
    unsigned int lane_count; /* ports, then their twins */
    unsigned int worker_count;
    struct rcu *rcu;
    struct fib4 *fib4;
    struct fib6 *fib6;
    struct adjacency_table *adjacencies;
    struct path_list_table *path_lists;
    uint64_t route_writes; /* for dp_stats() */
    uint64_t path_list_writes;
    struct bfd *bfd;
    struct takeovers takeovers;
    struct rte_mempool *pool;
    struct datagram_table *datagrams; /* zeroed; of all workers */
    struct port ports[PIPE_PORTS_MAX];
    struct pipe_port pipe_ports[PIPE_PORTS_MAX];
    uint16_t *vlans[PIPE_PORTS_MAX]; /* pipe_ports[].vlans, to be freed */
    struct worker *workers[RTE_MAX_LCORE];
    struct traffic adjacency_base[ADJACENCY_MAX]; /* what had been counted when the id was given out */
};

int dp_start_ports(struct dp *dp, struct error *error) MUST_USE;

/* Gives each receive queue and each transmit queue of the open ports to a worker. 0 or -errno with a text. */
int dp_wire(struct dp *dp, struct error *error) MUST_USE;
/* Frees what dp_wire() made. */
void dp_unwire(struct dp *dp);

/* A bfd_count_fn, whose owner is the dp. */
uint64_t dp_packets_to(const void *dp, uint16_t id);

#endif
