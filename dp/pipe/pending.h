/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that wait for their neighbour: one queue for each neighbour, bounded in packets and in time, and boundedly
 * many queues, so that a spray at addresses that nobody has costs a fixed share of the mbufs and nobody else's packets.
 *
 * A queue lives from its first packet until pending_take(). A worker has one of these; no other thread touches it.
 * Private to dp/pipe, but for its size.
 */
#ifndef PENDING_H
#define PENDING_H

#include "addr.h"
#include "attributes.h"
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#define PENDING_DEPTH 8   /* packets a neighbour */
#define PENDING_WAYS  8   /* queues among which a neighbour's hash lets it choose */
#define PENDING_MAX   256 /* queues; a multiple of PENDING_WAYS */

struct pending_packet {
    struct rte_mbuf *mbuf; /* as it came to the rewrite stage */
    uint16_t length;       /* as in struct packet */
    uint16_t port;         /* that received it, or for which it was made */
    bool created;          /* made here: it keeps its TTL */
};

/* Which neighbour: the adjacency's next hop, or where the adjacency is a connected subnet, the destination. */
struct pending_key {
    uint16_t adjacency;
    bool glean;
    struct ip_addr destination; /* all zero unless glean */
};

struct pending_queue {
    struct pending_key key;
    uint64_t until; /* TSC: the first packet has waited long enough */
    uint8_t family; /* of the packets */
    uint8_t count;  /* 0: free */
    uint16_t at;    /* its place in active[] */
    struct pending_packet packets[PENDING_DEPTH];
};

struct pending {
    unsigned int active_count;
    unsigned int cursor;
    uint16_t active[PENDING_MAX]; /* indices of the queues that are not empty, in no order */
    struct pending_queue queues[PENDING_MAX];
};

/* Appends the packet to its neighbour's queue; a new queue gets this `until`. False, and nothing has changed: there is
 * no room. */
bool pending_put(struct pending *pending, const struct pending_key *key, enum family family,
                 const struct pending_packet *packet, uint64_t until) MUST_USE;
/* The next queue that is not empty, in turn; NULL if there is none. */
struct pending_queue *pending_next(struct pending *pending);
/* Empties a queue into packets[], oldest first, and returns how many. */
unsigned int pending_take(struct pending *pending, struct pending_queue *queue,
                          struct pending_packet packets[PENDING_DEPTH]) MUST_USE;

#endif
