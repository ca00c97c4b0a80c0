/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams that arrive in fragments: only the first fragment has the ports, and it may come late.
 *
 * A bounded table remembers the flow hash that the first fragment gave; later fragments that come before it wait in the
 * table. Each waits a fixed time at most, so what is overdue is found at the head of a list in order of arrival.
 * Packets whose wait is over, for whatever reason, are taken out by datagram_take().
 *
 * A set of the table that is full forgets the datagram that was quiet for longest: under a flood of fragments the
 * memory gets shorter, and does not fail. Whoever finds no room for waiting does not wait.
 *
 * One a worker and its own. Zeroed memory is an empty table. Times are TSC cycles. No packet's bytes
 * are touched.
 */
#ifndef DATAGRAM_H
#define DATAGRAM_H

#include "attributes.h"
#include <assert.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#define DATAGRAM_WAYS    8
#define DATAGRAM_SETS    512 /* a power of two */
#define DATAGRAM_MAX     (DATAGRAM_SETS * DATAGRAM_WAYS)
#define DATAGRAM_WAITING 512 /* packets, of all datagrams */

/* RFC 791: source, destination, protocol, id. RFC 8200 4.5: source, destination, id. All bytes are compared. */
struct datagram_key {
    uint32_t id;
    uint8_t protocol; /* IPv6: 0, as it may differ between fragments */
    uint8_t family;
    uint16_t zero;
    uint8_t addresses[32]; /* IPv4: 8 bytes and zeros */
};
static_assert(sizeof(struct datagram_key) == 40, "no padding is compared");

/* A fragment that waits, and what is known when it no longer does. */
struct fragment_waiting {
    struct rte_mbuf *mbuf;
    uint32_t hash; /* put in: for the case that the first fragment never comes; taken out: where to go */
    uint16_t length;
    uint16_t port; /* that received it */
    uint8_t family;
    bool matched; /* taken out: hash is the flow's */
    uint16_t next;
};

enum datagram_state { DATAGRAM_FREE, DATAGRAM_KNOWN, DATAGRAM_WANTED };

struct datagram {
    struct datagram_key key;
    uint64_t since; /* DATAGRAM_KNOWN: last fragment seen; DATAGRAM_WANTED: the first waiting one came */
    uint32_t hash;  /* DATAGRAM_KNOWN */
    uint16_t first; /* DATAGRAM_WANTED: fragments that wait, 0 ends */
    uint16_t older; /* DATAGRAM_WANTED: neighbours in order of arrival, 0 ends */
    uint16_t newer;
    uint8_t state; /* enum datagram_state */
};
static_assert(sizeof(struct datagram) == 64, "a cache line");

struct datagram_table {
    unsigned int waiting;                                /* packets in waits[] */
    uint16_t oldest, newest;                             /* DATAGRAM_WANTED, in order of arrival; 0: none */
    uint16_t ready;                                      /* packets whose wait is over; 0: none */
    uint16_t free;                                       /* waits[] that were used and are free; 0: none */
    uint16_t used;                                       /* waits[] that ever were */
    struct fragment_waiting waits[DATAGRAM_WAITING + 1]; /* [0] is no packet */
    struct datagram sets[DATAGRAM_MAX + 1];              /* [0] is no datagram */
};

/* How long things last. */
struct datagram_times {
    uint64_t wait;   /* for the first fragment, packets.md 9 */
    uint64_t memory; /* since the last fragment: long enough for slow links, short enough for ids that come again */
};

/* The first fragment came; it says what its flow's hash is, also if another said so before. */
void datagram_learn(struct datagram_table *table, const struct datagram_key *key, uint32_t hash, uint64_t now);
/* A later fragment came. True: the flow's hash is known. */
bool datagram_find(struct datagram_table *table, const struct datagram_key *key, const struct datagram_times *times,
                   uint64_t now, uint32_t *hash) MUST_USE;
/* What datagram_find() does not know waits. False: no room. */
bool datagram_wait(struct datagram_table *table, const struct datagram_key *key, const struct fragment_waiting *packet,
                   uint64_t now) MUST_USE;
/* A packet that need not wait any more. False: there is none. */
bool datagram_take(struct datagram_table *table, const struct datagram_times *times, uint64_t now,
                   struct fragment_waiting *out) MUST_USE;

#endif
