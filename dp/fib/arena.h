/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs of equal units out of one contiguous piece of memory, named by index so that tables can hold them in few bits.
 *
 * A buddy allocator (Knowlton, CACM 1965) that gives back what a run does not fill: a run of 5 units takes an aligned
 * block of 8 and frees the last 3. So nothing is lost inside a run, and an aligned block of 2^k units without a live
 * unit can always serve a run of up to 2^k.
 *
 * Free units hold the allocator's own links, hence at least 8 bytes a unit, and hence a run that readers may still look
 * at must not be freed before they are done. Writer only.
 */
#ifndef ARENA_H
#define ARENA_H

#include "attributes.h"
#include <stddef.h>
#include <stdint.h>

#define ARENA_FULL   UINT32_MAX
#define ARENA_ORDERS 16

struct arena {
    char *memory;        /* unit i at memory + i * unit_bytes, zero until first used */
    uint8_t *free_order; /* of the free block that starts at this unit, plus one; 0 = none does */
    size_t unit_bytes;
    uint32_t units;
    uint32_t top; /* units from here on were never used */
    unsigned int largest;
    uint32_t heads[ARENA_ORDERS];
};

/* Runs are of 1 to 2^largest units, largest < ARENA_ORDERS. -ENOMEM. */
int arena_init(struct arena *arena, size_t unit_bytes, uint32_t units, unsigned int largest) MUST_USE;
/* Also of an arena that is all zero. */
void arena_fini(struct arena *arena);

/* The index of the first unit, or ARENA_FULL. The contents are undefined. */
uint32_t arena_alloc(struct arena *arena, uint32_t units) MUST_USE;
/* A run as it was allocated. */
void arena_free(struct arena *arena, uint32_t index, uint32_t units);

static inline void *arena_at(const struct arena *arena, uint32_t index)
{
    return arena->memory + (size_t)index * arena->unit_bytes;
}

/* Bytes ever used for units, and for the allocator's own bookkeeping. */
size_t arena_bytes(const struct arena *arena);
size_t arena_overhead(const struct arena *arena);

#endif
