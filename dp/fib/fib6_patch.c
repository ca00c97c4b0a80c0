/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The common change: a prefix inside one leaf, none of it deeper. The leaf and its siblings are copied, the segments of
 * the prefix put between the others, and the word that named the run now names the copy.
 */
#include "fib6_tree.h"
#include <errno.h>
#include <string.h>

/* A leaf and the way to it. */
struct place {
    _Atomic uint32_t *word; /* names the run; so does the entry of a tree without height */
    uint32_t run;
    uint32_t siblings;
    uint32_t position; /* of the leaf among them */
    uint32_t low;      /* its cells */
    uint32_t high;
};

/* False: the cells are not all one leaf's. */
static bool place_find(const struct fib6_trees *trees, _Atomic uint32_t *word, uint32_t first, uint32_t last,
                       struct place *place)
{
    uint32_t entry = atomic_load_explicit(word, memory_order_relaxed);

    *place = (struct place){.word = word, .run = fib6_entry_index(entry), .siblings = 1, .high = UINT32_MAX};
    for (unsigned int height = fib6_entry_high(entry); height > 0; height--) {
        struct fib6_inner *inner = &fib6_node_at(trees, place->run + place->position)->inner;
        uint32_t child = fib6_position(inner->last, FIB6_CHILDREN - 1, first);

        if (fib6_position(inner->last, FIB6_CHILDREN - 1, last) != child) {
            return false;
        }
        place->low = child > 0 ? inner->last[child - 1] + 1 : place->low;
        place->high = child < FIB6_CHILDREN - 1 && inner->last[child] < place->high ? inner->last[child] : place->high;
        place->siblings = fib6_used(inner->last, FIB6_CHILDREN - 1);
        place->position = child;
        place->word = &inner->children;
        place->run = atomic_load_explicit(&inner->children, memory_order_relaxed);
    }
    return true;
}

/* A segment on its way from one leaf to the next. */
struct moved {
    struct fib6_segment segments[2 * FIB6_SEGMENTS + 2];
    size_t count;
};

/* The part of the leaf's segments that lies within these cells. */
static void leaf_take(const struct fib6_leaf *leaf, const struct place *place, uint64_t first, uint64_t end,
                      struct moved *to)
{
    uint32_t used = fib6_used(leaf->last, FIB6_SEGMENTS - 1);

    for (uint32_t i = 0; i < used; i++) {
        uint64_t own_first = i > 0 ? (uint64_t)leaf->last[i - 1] + 1 : place->low;
        uint64_t own_end = i + 1 < used ? (uint64_t)leaf->last[i] + 1 : (uint64_t)place->high + 1;

        own_first = own_first > first ? own_first : first;
        own_end = own_end < end ? own_end : end;
        if (own_first < own_end) {
            fib6_segment_add(to->segments, &to->count, own_first, leaf->value[i]);
        }
    }
}

/* The new leaf, in the copy of its run. What goes deeper still does, by the same trees. */
static void leaf_write(struct fib6_leaf *old, struct fib6_leaf *leaf, const struct moved *moved)
{
    memset(leaf->last, 0xff, sizeof(leaf->last));
    memset(leaf->value, 0, sizeof(leaf->value));
    for (uint32_t i = 0; i < moved->count; i++) {
        const struct fib6_segment *segment = &moved->segments[i];

        if (i > 0) {
            leaf->last[i - 1] = segment->first - 1;
        }
        leaf->value[i] = (uint16_t)segment->value;
        if (segment->value == TRIE_DEEPER) {
            uint32_t was = fib6_position(old->last, FIB6_SEGMENTS - 1, segment->first);

            atomic_store_explicit(fib6_leaf_deeper(leaf, i),
                                  atomic_load_explicit(fib6_leaf_deeper(old, was), memory_order_relaxed),
                                  memory_order_relaxed);
        }
    }
}

static int leaf_replace(struct fib6_trees *trees, const struct place *place, const struct moved *moved)
{
    uint32_t units = place->siblings;
    uint32_t copy;
    int rc;

    for (uint32_t i = 0; i < place->siblings; i++) {
        units += fib6_node_at(trees, place->run + i)->leaf.deeper != 0;
    }
    rc = fib6_make(trees, &trees->nodes, units, &copy);
    if (rc != 0) {
        return rc;
    }
    memcpy(fib6_node_at(trees, copy), fib6_node_at(trees, place->run), units * sizeof(union fib6_node));
    leaf_write(&fib6_node_at(trees, place->run + place->position)->leaf,
               &fib6_node_at(trees, copy + place->position)->leaf, moved);
    atomic_store_explicit(place->word, copy, memory_order_release);
    fib6_nodes_retire(trees, place->run, units);
    return 0;
}

static bool goes_deeper(const struct fib6_segment *segments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (segments[i].value == TRIE_DEEPER) {
            return true;
        }
    }
    return false;
}

int fib6_tree_patch(struct fib6_trees *trees, _Atomic uint32_t *word, unsigned int window, trie_key key,
                    unsigned int length)
{
    struct fib6_segment *between = trees->segments + trees->segments_count;
    struct moved moved = {.count = 0};
    const struct fib6_leaf *leaf;
    struct place place;
    uint64_t first;
    uint64_t end;
    size_t count;

    if (length > window + FIB6_WINDOW || fib6_entry_uniform(atomic_load_explicit(word, memory_order_relaxed))) {
        return -EAGAIN;
    }
    first = fib6_cell(key, window);
    end = first + fib6_cells(window, length);
    if (!place_find(trees, word, (uint32_t)first, (uint32_t)(end - 1), &place)) {
        return -EAGAIN;
    }
    count = fib6_segments_collect(trees->trie, key, length, window, between);
    if (count > FIB6_SEGMENTS || goes_deeper(between, count)) {
        return -EAGAIN;
    }
    leaf = &fib6_node_at(trees, place.run + place.position)->leaf;
    leaf_take(leaf, &place, 0, first, &moved);
    for (size_t i = 0; i < count; i++) {
        fib6_segment_add(moved.segments, &moved.count, between[i].first, between[i].value);
    }
    leaf_take(leaf, &place, end, UINT64_MAX, &moved);
    if (moved.count > FIB6_SEGMENTS || leaf_replace(trees, &place, &moved) != 0) {
        return -EAGAIN;
    }
    return 0;
}
