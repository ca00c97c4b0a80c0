/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records of different lengths from a worker to the control thread: one writer, one reader, bounded. What finds no room
 * is counted as lost. Neither side waits, locks or allocates.
 *
 * A record lies in one piece: where the end of the ring is too near, the rest of it is skipped.
 */
#ifndef RECORD_RING_H
#define RECORD_RING_H

#include "attributes.h"
#include <stdint.h>

struct record_ring {
    uint32_t size;                              /* of bytes[], a power of two */
    uint32_t reserved;                          /* the worker's: bytes that the next commit publishes */
    uint64_t head;                              /* bytes ever written; the worker writes */
    uint64_t lost;                              /* the worker writes */
    uint64_t tail __attribute__((aligned(64))); /* bytes ever read; the control thread writes */
    uint8_t bytes[] __attribute__((aligned(64)));
};

/* With every page of it touched, so that the worker's first writes cost no page fault. size: a power of two, above
 * 64. NULL: no memory. */
struct record_ring *record_ring_create(uint32_t size);
void record_ring_destroy(struct record_ring *ring);

/* Worker: room for a record, aligned to 8 bytes, which record_ring_commit() publishes. NULL: there is none, which is
 * counted. length: at most half of the ring. */
void *record_ring_reserve(struct record_ring *ring, uint32_t length) MUST_USE;
void record_ring_commit(struct record_ring *ring);
/* Worker: something was lost for want of room elsewhere. */
void record_ring_lose(struct record_ring *ring);

/* Control thread: the oldest record, valid until it is consumed; NULL: there is none. */
const void *record_ring_peek(struct record_ring *ring);
void record_ring_consume(struct record_ring *ring);
uint64_t record_ring_lost(const struct record_ring *ring);

#endif
