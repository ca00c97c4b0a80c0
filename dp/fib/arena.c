/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"
#include "pages.h"
#include <assert.h>
#include <errno.h>

#define NONE UINT32_MAX

/* At the first unit of a gap. */
struct link {
    uint32_t next;
    uint32_t previous;
};

int arena_init(struct arena *arena, size_t unit_bytes, uint32_t units)
{
    assert(unit_bytes >= sizeof(struct link));
    *arena = (struct arena){.unit_bytes = unit_bytes, .units = units};
    for (unsigned int bin = 0; bin < ARENA_BINS; bin++) {
        arena->heads[bin] = NONE;
    }
    arena->memory = pages_map(units * unit_bytes);
    arena->gap = pages_map(units * sizeof(*arena->gap));
    if (arena->memory == NULL || arena->gap == NULL) {
        arena_fini(arena);
        return -ENOMEM;
    }
    return 0;
}

void arena_fini(struct arena *arena)
{
    pages_unmap(arena->memory, arena->units * arena->unit_bytes);
    pages_unmap(arena->gap, arena->units * sizeof(*arena->gap));
    *arena = (struct arena){0};
}

static struct link *link_at(const struct arena *arena, uint32_t index)
{
    return arena_at(arena, index);
}

static unsigned int bin_of(uint32_t units)
{
    return units < ARENA_BINS ? units - 1 : ARENA_BINS - 1;
}

static void gap_add(struct arena *arena, uint32_t index, uint32_t units)
{
    unsigned int bin = bin_of(units);
    uint32_t next = arena->heads[bin];

    *link_at(arena, index) = (struct link){.next = next, .previous = NONE};
    if (next != NONE) {
        link_at(arena, next)->previous = index;
    }
    arena->heads[bin] = index;
    arena->filled |= 1ull << bin;
    arena->gap[index] = units;
    arena->gap[index + units - 1] = units;
}

/* Returns its length. */
static uint32_t gap_remove(struct arena *arena, uint32_t index)
{
    struct link link = *link_at(arena, index);
    uint32_t units = arena->gap[index];
    unsigned int bin = bin_of(units);

    if (link.previous != NONE) {
        link_at(arena, link.previous)->next = link.next;
    } else {
        arena->heads[bin] = link.next;
    }
    if (link.next != NONE) {
        link_at(arena, link.next)->previous = link.previous;
    }
    if (arena->heads[bin] == NONE) {
        arena->filled &= ~(1ull << bin);
    }
    arena->gap[index] = 0;
    arena->gap[index + units - 1] = 0;
    return units;
}

void arena_free(struct arena *arena, uint32_t index, uint32_t units)
{
    uint32_t before = index > 0 ? arena->gap[index - 1] : 0;

    if (index + units < arena->top && arena->gap[index + units] != 0) {
        units += gap_remove(arena, index + units);
    }
    if (before != 0) {
        index -= before;
        units += gap_remove(arena, index);
    }
    gap_add(arena, index, units);
}

/* The first gap of the shortest length that fits; among the longest ones, which are few, the first that does. */
static uint32_t gap_find(const struct arena *arena, uint32_t units)
{
    uint64_t fitting = arena->filled >> bin_of(units) << bin_of(units);
    uint32_t index;

    if (fitting == 0) {
        return NONE;
    }
    index = arena->heads[__builtin_ctzll(fitting)];
    while (index != NONE && arena->gap[index] < units) {
        index = link_at(arena, index)->next;
    }
    return index;
}

uint32_t arena_alloc(struct arena *arena, uint32_t units)
{
    uint32_t index = gap_find(arena, units);
    uint32_t found;

    assert(units > 0);
    if (index != NONE) {
        found = gap_remove(arena, index);
        if (found > units) {
            gap_add(arena, index + units, found - units);
        }
        return index;
    }
    if (arena->units - arena->top < units) {
        return ARENA_FULL;
    }
    index = arena->top;
    arena->top += units;
    return index;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->top * arena->unit_bytes;
}

size_t arena_overhead(const struct arena *arena)
{
    return arena->top * sizeof(*arena->gap);
}
