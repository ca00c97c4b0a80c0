/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments that came before the first one of their datagram, and wait for it.
 *
 * Each waits a fixed time at most, so what is overdue is found at the head of a list in order of arrival. Packets whose
 * wait is over, for whatever reason, are taken out by wanted_take(). Whoever finds no room for waiting does not wait.
 *
 * The first fragment may reach another worker, which tells this one nothing: every loop asks the shared table for a few
 * of the datagrams that are wanted.
 *
 * One a worker and its own. Zeroed memory is an empty table. Times are TSC cycles. No packet's bytes are touched.
 */
#ifndef WANTED_H
#define WANTED_H

#include "datagram.h"
#include <rte_mbuf.h>

#define WANTED_WAYS    8
#define WANTED_SETS    256 /* a power of two */
#define WANTED_MAX     (WANTED_SETS * WANTED_WAYS)
#define WANTED_PACKETS 512 /* of all datagrams */
#define WANTED_ASKS    8   /* datagrams a loop: all of them within microseconds */

/* A fragment that waits, and what is known when it no longer does. */
struct wanted_packet {
    struct rte_mbuf *mbuf;
    uint32_t hash; /* put in: for the case that the first fragment never comes; taken out: where to go */
    uint16_t length;
    uint16_t port; /* that received it */
    uint8_t family;
    bool matched; /* taken out: hash is the flow's */
    uint16_t next;
};

struct wanted {
    struct datagram_key key;
    uint64_t since; /* the first waiting fragment came */
    uint16_t first; /* fragments that wait, 0: nobody does, the place is free */
    uint16_t older; /* neighbours in order of arrival, 0 ends */
    uint16_t newer;
};

struct wanted_table {
    unsigned int waiting;                           /* packets in waits[] */
    uint16_t oldest, newest;                        /* in order of arrival; 0: none */
    uint16_t asked;                                 /* whom wanted_ask() comes to next; 0: the oldest */
    uint16_t ready;                                 /* packets whose wait is over; 0: none */
    uint16_t free;                                  /* waits[] that were used and are free; 0: none */
    uint16_t used;                                  /* waits[] that ever were */
    struct wanted_packet waits[WANTED_PACKETS + 1]; /* [0] is no packet */
    struct wanted sets[WANTED_MAX + 1];             /* [0] is no datagram */
};

/* A fragment waits for the first one of its datagram. False: no room. */
bool wanted_put(struct wanted_table *table, const struct datagram_key *key, const struct wanted_packet *packet,
                uint64_t now) MUST_USE;
/* This worker has the first fragment: nobody waits for it any more. */
void wanted_found(struct wanted_table *table, const struct datagram_key *key, uint32_t hash);
/* Every loop: whether other workers have. */
void wanted_ask(struct wanted_table *table, struct datagram_table *known, const struct datagram_times *times,
                uint64_t now);
/* A packet that need not wait any more. False: there is none. */
bool wanted_take(struct wanted_table *table, const struct datagram_times *times, uint64_t now,
                 struct wanted_packet *out) MUST_USE;

#endif
