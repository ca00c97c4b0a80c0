/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs of equal units out of one contiguous piece of memory, named by index so that tables can hold them in few bits.
 *
 * The gaps between runs are joined at once when they touch (boundary tags: Knuth, TAOCP 2.5) and kept in a list for
 * each length; a run takes the shortest gap that fits. So a run of n units finds no room only if every gap is shorter
 * than n, and there is at most one gap more than there are runs: with room for `runs` runs of n and as many gaps of n -
 * 1, and another run, nothing fails.
 *
 * Gaps hold the allocator's links, hence at least 8 bytes a unit, and hence a run that readers may still look at must
 * not be freed before they are done. Writer only.
 */
#ifndef ARENA_H
#define ARENA_H

#include "attributes.h"
#include <stddef.h>
#include <stdint.h>

#define ARENA_FULL UINT32_MAX
#define ARENA_BINS 64

struct arena {
    char *memory;  /* unit i at memory + i * unit_bytes, zero until first used */
    uint32_t *gap; /* at the first and at the last unit of a gap its length; 0 in runs */
    size_t unit_bytes;
    uint32_t units;
    uint32_t top;               /* units from here on were never used */
    uint32_t heads[ARENA_BINS]; /* gaps of i + 1 units; the last, all longer ones */
    uint64_t filled;            /* bit i: heads[i] has one */
};

/* -ENOMEM. */
int arena_init(struct arena *arena, size_t unit_bytes, uint32_t units) MUST_USE;
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
