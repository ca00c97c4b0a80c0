/* SPDX-License-Identifier: BSD-3-Clause */
#include "prefix_set.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Smaller: a longer index to move at a split; larger: more to move at an insertion. */
#define BLOCK_MEMBERS 128
#define WALK_AHEAD    8 /* members */

/* Never empty between calls. */
struct block {
    uint32_t n;
    struct prefix keys[BLOCK_MEMBERS]; /* copies, so that a search stays in the block */
    struct prefix *members[BLOCK_MEMBERS];
};

/* `first` is at most the first key of the block and above the last one of the block before. */
struct prefix_slot {
    struct prefix first;
    struct block *block;
};

/* How many of n ascending keys, `stride` bytes apart, come before the prefix, or are equal to it if `inclusive`. */
static uint32_t count_before(const void *keys, uint32_t n, size_t stride, const struct prefix *prefix, bool inclusive)
{
    uint32_t low = 0;
    int limit = inclusive ? 1 : 0;

    while (low < n) {
        uint32_t middle = low + (n - low) / 2;
        const struct prefix *key = (const struct prefix *)((const char *)keys + middle * stride);

        if (prefix_compare(key, prefix) < limit) {
            low = middle + 1;
        } else {
            n = middle;
        }
    }
    return low;
}

static uint32_t block_position(const struct block *block, const struct prefix *prefix, bool after)
{
    return count_before(block->keys, block->n, sizeof(block->keys[0]), prefix, after);
}

/* The prefix is or belongs in this slot's block. */
static bool slot_holds(const struct prefix_set *set, uint32_t slot, const struct prefix *prefix)
{
    return slot < set->n_slots && prefix_compare(&set->slots[slot].first, prefix) <= 0 &&
           (slot + 1 == set->n_slots || prefix_compare(prefix, &set->slots[slot + 1].first) < 0);
}

/* The slot in whose block the prefix is or belongs; the set is not empty. */
static uint32_t slot_of(const struct prefix_set *set, const struct prefix *prefix)
{
    uint32_t n;

    if (slot_holds(set, set->last, prefix)) {
        return set->last;
    }
    n = count_before(set->slots, set->n_slots, sizeof(set->slots[0]), prefix, true);
    return n > 0 ? n - 1 : 0;
}

static struct prefix *seek(const struct prefix_set *set, const struct prefix *prefix, bool after)
{
    uint32_t slot;
    uint32_t at;

    if (set->n_slots == 0) {
        return NULL;
    }
    slot = slot_of(set, prefix);
    at = block_position(set->slots[slot].block, prefix, after);
    if (at < set->slots[slot].block->n) {
        return set->slots[slot].block->members[at];
    }
    return slot + 1 < set->n_slots ? set->slots[slot + 1].block->members[0] : NULL;
}

struct prefix *prefix_set_seek(const struct prefix_set *set, const struct prefix *prefix)
{
    return seek(set, prefix, false);
}

struct prefix *prefix_set_next(const struct prefix_set *set, const struct prefix *prefix)
{
    return seek(set, prefix, true);
}

struct prefix_place prefix_set_locate(const struct prefix_set *set, const struct prefix *prefix)
{
    struct prefix_place place = {.slot = 0};
    const struct block *block;

    if (set->n_slots == 0) {
        return place;
    }
    place.slot = slot_of(set, prefix);
    block = set->slots[place.slot].block;
    place.at = block_position(block, prefix, false);
    if (place.at < block->n && prefix_equal(&block->keys[place.at], prefix)) {
        place.member = block->members[place.at];
    }
    return place;
}

struct prefix *prefix_set_find(const struct prefix_set *set, const struct prefix *prefix)
{
    return prefix_set_locate(set, prefix).member;
}

/* A new block, without members yet, for those from `first` on. */
static int slot_insert(struct prefix_set *set, uint32_t slot, const struct prefix *first)
{
    struct block *block = pool_alloc(&set->pool, sizeof(*block));

    if (block == NULL) {
        return -ENOMEM;
    }
    if (set->n_slots == set->room) {
        uint32_t room = set->room > 0 ? 2 * set->room : 16;
        struct prefix_slot *slots = realloc(set->slots, room * sizeof(*slots));

        if (slots == NULL) {
            pool_free(&set->pool, block, sizeof(*block));
            return -ENOMEM;
        }
        set->slots = slots;
        set->room = room;
    }
    block->n = 0;
    memmove(&set->slots[slot + 1], &set->slots[slot], (set->n_slots - slot) * sizeof(set->slots[0]));
    set->slots[slot] = (struct prefix_slot){*first, block};
    set->n_slots++;
    return 0;
}

/* Makes room around position `at` of a full block. In the middle, by halves; behind its end, by a block for what comes
 * next, so that loading in order fills the blocks. */
static int block_split(struct prefix_set *set, uint32_t slot, uint32_t at, const struct prefix *prefix)
{
    uint32_t from = at == BLOCK_MEMBERS ? at : BLOCK_MEMBERS / 2;
    struct block *low = set->slots[slot].block;
    struct block *high;

    if (slot_insert(set, slot + 1, from == BLOCK_MEMBERS ? prefix : &low->keys[from]) != 0) {
        return -ENOMEM;
    }
    high = set->slots[slot + 1].block;
    high->n = BLOCK_MEMBERS - from;
    memcpy(high->keys, &low->keys[from], high->n * sizeof(low->keys[0]));
    memcpy(high->members, &low->members[from], high->n * sizeof(struct prefix *));
    low->n = from;
    return 0;
}

static void block_insert(struct block *block, uint32_t at, struct prefix *member)
{
    memmove(&block->keys[at + 1], &block->keys[at], (block->n - at) * sizeof(block->keys[0]));
    memmove(&block->members[at + 1], &block->members[at], (block->n - at) * sizeof(struct prefix *));
    block->keys[at] = *member;
    block->members[at] = member;
    block->n++;
}

int prefix_set_insert_at(struct prefix_set *set, struct prefix_place place, struct prefix *member)
{
    if (set->n_slots == 0 && slot_insert(set, 0, member) != 0) {
        return -ENOMEM;
    }
    if (set->slots[place.slot].block->n == BLOCK_MEMBERS) {
        if (block_split(set, place.slot, place.at, member) != 0) {
            return -ENOMEM;
        }
        if (place.at >= set->slots[place.slot].block->n && slot_holds(set, place.slot + 1, member)) {
            place.at -= set->slots[place.slot++].block->n;
        }
    }
    block_insert(set->slots[place.slot].block, place.at, member);
    set->last = place.slot;
    return 0;
}

int prefix_set_insert(struct prefix_set *set, struct prefix *member)
{
    struct prefix_place place = prefix_set_locate(set, member);

    return place.member != NULL ? -EEXIST : prefix_set_insert_at(set, place, member);
}

void prefix_set_remove(struct prefix_set *set, const struct prefix *prefix)
{
    uint32_t slot = slot_of(set, prefix);
    struct block *block = set->slots[slot].block;
    uint32_t at = block_position(block, prefix, false);

    block->n--;
    memmove(&block->keys[at], &block->keys[at + 1], (block->n - at) * sizeof(block->keys[0]));
    memmove(&block->members[at], &block->members[at + 1], (block->n - at) * sizeof(struct prefix *));
    if (block->n == 0) {
        pool_free(&set->pool, block, sizeof(*block));
        set->n_slots--;
        memmove(&set->slots[slot], &set->slots[slot + 1], (set->n_slots - slot) * sizeof(set->slots[0]));
    }
}

struct prefix *prefix_set_walk(const struct prefix_set *set, struct prefix_place *place)
{
    while (place->slot < set->n_slots) {
        const struct block *block = set->slots[place->slot].block;

        if (place->at < block->n) {
            if (place->at + WALK_AHEAD < block->n) {
                __builtin_prefetch(block->members[place->at + WALK_AHEAD]);
            }
            return block->members[place->at++];
        }
        place->slot++;
        place->at = 0;
    }
    return NULL;
}

struct prefix_place prefix_set_after(const struct prefix_set *set, const struct prefix *prefix)
{
    struct prefix_place place = prefix_set_locate(set, prefix);

    place.at += place.member != NULL;
    return place;
}

size_t prefix_set_bytes(const struct prefix_set *set)
{
    return set->pool.bytes + set->room * sizeof(set->slots[0]);
}

void prefix_set_clear(struct prefix_set *set, void (*drop)(void *owner, struct prefix *member), void *owner)
{
    for (uint32_t slot = 0; slot < set->n_slots; slot++) {
        struct block *block = set->slots[slot].block;

        for (uint32_t at = 0; at < block->n; at++) {
            drop(owner, block->members[at]);
        }
        pool_free(&set->pool, block, sizeof(*block));
    }
    pool_fini(&set->pool);
    free(set->slots);
    *set = (struct prefix_set){.slots = NULL};
}
