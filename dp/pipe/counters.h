/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker counts. Each worker has its own, written by it alone and read by the control thread at any time; every
 * packet ends in exactly one of sent, punted, consumed and drops[], or is held, in a ring on its way to another worker
 * or by a worker that waits for a neighbour or a first fragment: received + created = sent + punted + consumed +
 * sum(drops) + held
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include "adjacency.h"
#include "drop.h"
#include <stdint.h>

#define PIPE_PORTS_MAX 64 /* ports and the twins of those that have one */

struct traffic {
    _Alignas(16) uint64_t packets; /* both in one cache line */
    uint64_t bytes;                /* frames for ports, IP packets for adjacencies */
};

struct counters {
    uint64_t sequence; /* odd while a loop changes what follows: a reader waits for an even one, unchanged */
    uint64_t loops;
    uint64_t busy_loops;  /* loops that received something */
    uint64_t busy_cycles; /* TSC cycles of those */
    uint64_t stalls; /* loops that began over a millisecond after the one before: the worker was kept from running */
    uint64_t stall_longest; /* TSC cycles */
    uint64_t received;
    uint64_t created;   /* what the kernel sends through a twin, and what is made here */
    uint64_t icmp_sent; /* of these: ICMP errors */
    uint64_t sent;
    uint64_t punted;
    uint64_t consumed; /* BFD packets of sessions of ours */
    uint64_t held;     /* now: packets that wait for a neighbour, or for the first fragment of their datagram */
    uint64_t fragments_unmatched; /* steered without their first fragment, by addresses and id */
    uint64_t flows_incomplete;    /* steered by addresses alone, as the packet has no more or quotes no more */
    uint64_t failed_open;         /* given to a suspect adjacency, because no better one was left */
    uint64_t drops[DROP_REASONS];
    /* beyond here a reader takes each number by itself */
    struct traffic rx[PIPE_PORTS_MAX];
    struct traffic tx[PIPE_PORTS_MAX];
    uint64_t tx_dropped[PIPE_PORTS_MAX]; /* of drops[]: what the device did not take */
    struct traffic adjacencies[ADJACENCY_MAX];
};

/* The one writer: an add that no reader can see half of, at the price of an ordinary one. */
static inline void counter_add(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* Of what can become fewer again. */
static inline void counter_sub(uint64_t *counter, uint64_t n)
{
    counter_add(counter, 0 - n);
}

static inline uint64_t counter_read(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static inline void traffic_add(struct traffic *traffic, uint64_t packets, uint64_t bytes)
{
    counter_add(&traffic->packets, packets);
    counter_add(&traffic->bytes, bytes);
}

#endif
