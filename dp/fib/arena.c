/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"
#include "pages.h"
#include <assert.h>
#include <errno.h>

#define NONE UINT32_MAX

struct free_block {
    uint32_t next;
    uint32_t previous;
};

int arena_init(struct arena *arena, size_t unit_bytes, uint32_t units, unsigned int largest)
{
    uint32_t block = 1u << largest;

    assert(unit_bytes >= sizeof(struct free_block) && largest < ARENA_ORDERS);
    units = (units + block - 1) & ~(block - 1);
    *arena = (struct arena){.unit_bytes = unit_bytes, .units = units, .largest = largest};
    for (unsigned int order = 0; order < ARENA_ORDERS; order++) {
        arena->heads[order] = NONE;
    }
    arena->memory = pages_map(units * unit_bytes);
    arena->free_order = pages_map(units);
    if (arena->memory == NULL || arena->free_order == NULL) {
        arena_fini(arena);
        return -ENOMEM;
    }
    return 0;
}

void arena_fini(struct arena *arena)
{
    pages_unmap(arena->memory, arena->units * arena->unit_bytes);
    pages_unmap(arena->free_order, arena->units);
    *arena = (struct arena){0};
}

static struct free_block *block_at(const struct arena *arena, uint32_t index)
{
    return arena_at(arena, index);
}

static void push(struct arena *arena, uint32_t index, unsigned int order)
{
    uint32_t next = arena->heads[order];

    *block_at(arena, index) = (struct free_block){.next = next, .previous = NONE};
    if (next != NONE) {
        block_at(arena, next)->previous = index;
    }
    arena->heads[order] = index;
    arena->free_order[index] = (uint8_t)(order + 1);
}

static void unlink_block(struct arena *arena, uint32_t index, unsigned int order)
{
    struct free_block block = *block_at(arena, index);

    if (block.previous != NONE) {
        block_at(arena, block.previous)->next = block.next;
    } else {
        arena->heads[order] = block.next;
    }
    if (block.next != NONE) {
        block_at(arena, block.next)->previous = block.previous;
    }
    arena->free_order[index] = 0;
}

static void free_block(struct arena *arena, uint32_t index, unsigned int order)
{
    for (; order < arena->largest; order++) {
        uint32_t buddy = index ^ 1u << order;

        if (arena->free_order[buddy] != order + 1) {
            break;
        }
        unlink_block(arena, buddy, order);
        index &= ~(1u << order);
    }
    push(arena, index, order);
}

/* Cuts the units into the largest aligned blocks. */
void arena_free(struct arena *arena, uint32_t index, uint32_t units)
{
    while (units > 0) {
        unsigned int fits = 31 - (unsigned int)__builtin_clz(units);
        unsigned int aligned = index == 0 ? fits : (unsigned int)__builtin_ctz(index);
        unsigned int order = fits < aligned ? fits : aligned;

        free_block(arena, index, order);
        index += 1u << order;
        units -= 1u << order;
    }
}

/* A free block of at least this order; the arena grows by the largest order, so every block is aligned. */
static uint32_t take(struct arena *arena, unsigned int wanted, unsigned int *order)
{
    uint32_t index;

    for (*order = wanted; *order <= arena->largest; (*order)++) {
        index = arena->heads[*order];
        if (index != NONE) {
            unlink_block(arena, index, *order);
            return index;
        }
    }
    if (arena->top == arena->units) {
        return ARENA_FULL;
    }
    *order = arena->largest;
    index = arena->top;
    arena->top += 1u << arena->largest;
    return index;
}

uint32_t arena_alloc(struct arena *arena, uint32_t units)
{
    unsigned int wanted = units > 1 ? 32 - (unsigned int)__builtin_clz(units - 1) : 0;
    unsigned int order;
    uint32_t index;

    assert(units > 0 && wanted <= arena->largest);
    index = take(arena, wanted, &order);
    if (index != ARENA_FULL) {
        arena_free(arena, index + units, (1u << order) - units);
    }
    return index;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->top * arena->unit_bytes;
}

size_t arena_overhead(const struct arena *arena)
{
    return arena->top;
}
