/* SPDX-License-Identifier: BSD-3-Clause */
#include "record_ring.h"
#include <stdlib.h>
#include <string.h>

#define SKIP UINT32_C(1) /* a header's flag: nothing is in it */

/* In front of each record. */
struct record_header {
    uint32_t length; /* with this header, a multiple of 8 */
    uint32_t flags;
};

struct record_ring *record_ring_create(uint32_t size)
{
    struct record_ring *ring = NULL;

    if (posix_memalign((void **)&ring, 64, sizeof(*ring) + size) != 0) {
        return NULL;
    }
    memset(ring, 0, sizeof(*ring) + size);
    ring->size = size;
    return ring;
}

void record_ring_destroy(struct record_ring *ring)
{
    free(ring);
}

static struct record_header *header_at(struct record_ring *ring, uint64_t position)
{
    return (struct record_header *)&ring->bytes[position & (ring->size - 1)];
}

void *record_ring_reserve(struct record_ring *ring, uint32_t length)
{
    uint32_t entry = (uint32_t)sizeof(struct record_header) + ((length + 7) & ~UINT32_C(7));
    uint32_t to_end = ring->size - (uint32_t)(ring->head & (ring->size - 1));
    uint32_t skipped = entry > to_end ? to_end : 0;
    uint64_t used = ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    struct record_header *header;

    if (used + skipped + entry > ring->size) {
        record_ring_lose(ring);
        return NULL;
    }
    if (skipped != 0) {
        *header_at(ring, ring->head) = (struct record_header){skipped, SKIP};
    }
    header = header_at(ring, ring->head + skipped);
    *header = (struct record_header){entry, 0};
    ring->reserved = skipped + entry;
    return header + 1;
}

void record_ring_commit(struct record_ring *ring)
{
    __atomic_store_n(&ring->head, ring->head + ring->reserved, __ATOMIC_RELEASE);
    ring->reserved = 0;
}

void record_ring_lose(struct record_ring *ring)
{
    __atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELAXED);
}

const void *record_ring_peek(struct record_ring *ring)
{
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);

    while (ring->tail != head) {
        const struct record_header *header = header_at(ring, ring->tail);

        if ((header->flags & SKIP) == 0) {
            return header + 1;
        }
        record_ring_consume(ring);
    }
    return NULL;
}

void record_ring_consume(struct record_ring *ring)
{
    __atomic_store_n(&ring->tail, ring->tail + header_at(ring, ring->tail)->length, __ATOMIC_RELEASE);
}

uint64_t record_ring_lost(const struct record_ring *ring)
{
    return __atomic_load_n(&ring->lost, __ATOMIC_RELAXED);
}
