/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datagrams that arrive in fragments: only the first fragment has the ports, so it says what the others' flow is.
 *
 * A bounded table remembers the flow hash that the first fragment gave. It is shared by all workers, since the
 * fragments of one datagram may reach several of them: by two ports, or by the queues of one that spreads fragments
 * like whole packets. What waits for its first fragment is each worker's own (wanted.h).
 *
 * An entry is a cache line with a sequence number, odd while a worker writes it. Nobody waits for anybody: to a reader
 * such an entry says nothing, and a writer takes another one, or forgets the datagram if all are being written. A set
 * of the table that is full forgets the datagram that was quiet for longest: under a flood of fragments the memory gets
 * shorter, and does not fail.
 *
 * Zeroed memory is an empty table. Times are TSC cycles. Any worker may call any function at any time.
 */
#ifndef DATAGRAM_H
#define DATAGRAM_H

#include "attributes.h"
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define DATAGRAM_WAYS 8
#define DATAGRAM_SETS 1024 /* a power of two */
#define DATAGRAM_MAX  (DATAGRAM_SETS * DATAGRAM_WAYS)

/* RFC 791: source, destination, protocol, id. RFC 8200 4.5: source, destination, id. All bytes are compared. */
struct datagram_key {
    uint32_t id;
    uint8_t protocol; /* IPv6: 0, as it may differ between fragments */
    uint8_t family;
    uint16_t zero;
    uint8_t addresses[32]; /* IPv4: 8 bytes and zeros */
};
static_assert(sizeof(struct datagram_key) == 40, "no padding is compared");

#define DATAGRAM_KEY_WORDS (sizeof(struct datagram_key) / sizeof(uint64_t))

struct datagram {
    uint64_t sequence; /* 0: never written; odd: being written */
    uint64_t since;    /* the last fragment was seen */
    uint64_t hash;     /* the flow's */
    uint64_t key[DATAGRAM_KEY_WORDS];
};
static_assert(sizeof(struct datagram) == 64, "a cache line");

struct datagram_table {
    struct datagram sets[DATAGRAM_MAX];
};

/* How long things last. */
struct datagram_times {
    uint64_t wait;   /* for the first fragment, packets.md 9 */
    uint64_t memory; /* since the last fragment: long enough for slow links, short enough for ids that come again */
};

/* The clocks of two workers, or of a loop's begin and a packet of it, may differ a little. */
static inline uint64_t datagram_elapsed(uint64_t now, uint64_t since)
{
    return now > since ? now - since : 0;
}

/* The first fragment came; it says what its flow's hash is, also if another said so before. */
void datagram_learn(struct datagram_table *table, const struct datagram_key *key, uint32_t hash, uint64_t now);
/* A later fragment came. True: the flow's hash is known. */
bool datagram_find(struct datagram_table *table, const struct datagram_key *key, const struct datagram_times *times,
                   uint64_t now, uint32_t *hash) MUST_USE;

#endif
