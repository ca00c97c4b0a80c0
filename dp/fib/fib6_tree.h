/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part of fib6 below its root: sub-tables and trees of 64-byte nodes, how they are made from the trie, and freed.
 *
 * A tree answers for one prefix by a window of 32 address bits. The routes inside cut the window's 2^32 cells into
 * segments of equal result; the nodes of a B-tree hold where the segments end, so a node takes one vector compare and a
 * popcount. Where routes longer than the window lie in a cell, the cell is a segment of its own whose value is
 * TRIE_DEEPER, and another tree answers by the next 32 bits.
 *
 * A tree is named by 32 bits: its height above the leaves and its top node. Node v, for every value v, is a tree that
 * answers v everywhere, so that what has no routes inside costs nothing.
 */
#ifndef FIB6_TREE_H
#define FIB6_TREE_H

#include "arena.h"
#include "attributes.h"
#include "trie.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FIB6_WINDOW 32 /* bits */

#define FIB6_CHILDREN 16
#define FIB6_SEGMENTS 11

/* child i is for keys up to and with last[i]; entries behind the last child's are UINT32_MAX */
struct fib6_inner {
    uint32_t last[FIB6_CHILDREN - 1];
    uint32_t children; /* the first; the others follow it */
};

struct fib6_leaf {
    uint32_t last[FIB6_SEGMENTS - 1];
    uint16_t value[FIB6_SEGMENTS];
    uint16_t deeper; /* so many nodes ahead: the fib6_deeper of this leaf; 0 = it needs none */
};

/* entry[i]: the tree for segment i of a leaf, where its value is TRIE_DEEPER */
struct fib6_deeper {
    _Atomic uint32_t entry[FIB6_CHILDREN];
};

union fib6_node {
    _Alignas(64) struct fib6_inner inner;
    struct fib6_leaf leaf;
    struct fib6_deeper deeper;
};

static_assert(sizeof(union fib6_node) == 64, "a cache line");

/* Names of trees (height, node) and of sub-tables (stride, first entry): 4 and 28 bits. */
#define FIB6_INDEX_BITS 28

static inline uint32_t fib6_entry(unsigned int high, uint32_t index)
{
    return high << FIB6_INDEX_BITS | index;
}

static inline unsigned int fib6_entry_high(uint32_t entry)
{
    return entry >> FIB6_INDEX_BITS;
}

static inline uint32_t fib6_entry_index(uint32_t entry)
{
    return entry & ((1u << FIB6_INDEX_BITS) - 1);
}

struct fib6_segment {
    uint32_t first;
    uint32_t value;
};

struct fib6_run {
    uint32_t index;
    uint32_t units;
    struct arena *arena;
};

struct fib6_trees {
    const struct trie *trie;
    struct arena nodes;
    struct arena tables;
    /* What a build made so far, so that a failure can take it back. */
    struct fib6_run *made;
    size_t made_count;
    size_t made_max;
    struct fib6_segment *segments; /* a stack: a build inside a build works above it */
    size_t segments_count;
    size_t segments_max;
};

/* -ENOMEM. The trie is not owned. */
int fib6_trees_init(struct fib6_trees *trees, const struct trie *trie, unsigned int max_routes) MUST_USE;
/* Also of one that is all zero. */
void fib6_trees_fini(struct fib6_trees *trees);

/* Builds the tree for a prefix by the window that begins at bit `window` <= length. -ENOSPC. */
int fib6_tree_build(struct fib6_trees *trees, trie_key key, unsigned int length, unsigned int window,
                    uint32_t *entry) MUST_USE;
/* Builds what a root entry names for a prefix, its window beginning where it ends: the sub-table of 2^stride trees,
 * each for as many bits more. *segments = how many there are, for the caller to judge when the stride has become wrong.
 */
int fib6_bucket_build(struct fib6_trees *trees, trie_key key, unsigned int length, uint32_t *entry,
                      size_t *segments) MUST_USE;
/* What was built since the last of these stays, or goes. */
void fib6_build_commit(struct fib6_trees *trees);
void fib6_build_abort(struct fib6_trees *trees);

/* For rcu_retire(): owner = the trees, thing = the entry. */
void fib6_tree_reclaim(void *owner, void *thing);
void fib6_bucket_reclaim(void *owner, void *thing);

/* The names of what answers `value` everywhere, a sub-table of one entry or a tree: the value itself. */
void fib6_uniform_prepare(struct fib6_trees *trees, uint32_t value);

static inline bool fib6_entry_uniform(uint32_t entry)
{
    return entry < TRIE_DEEPER;
}

/* The value of the longest route of 1 to max_length that covers the key, or 0. */
uint32_t fib6_covering_value(const struct trie *trie, trie_key key, unsigned int max_length);

static inline uint32_t fib6_window_key(trie_key key, unsigned int window)
{
    return (uint32_t)(key << window >> (TRIE_KEY_BITS - FIB6_WINDOW));
}

static inline const union fib6_node *fib6_node_at(const struct fib6_trees *trees, uint32_t index)
{
    return (const union fib6_node *)trees->nodes.memory + index;
}

static inline _Atomic uint32_t *fib6_table_at(const struct fib6_trees *trees, uint32_t entry)
{
    return (_Atomic uint32_t *)trees->tables.memory + fib6_entry_index(entry);
}

static inline uint32_t fib6_count_below(const uint32_t *last, unsigned int n, uint32_t key)
{
    uint32_t count = 0;

    for (unsigned int i = 0; i < n; i++) {
        count += key > last[i];
    }
    return count;
}

/* Readers and writer: the leaf that answers the key, and which of its segments. */
static inline const struct fib6_leaf *fib6_tree_find(const struct fib6_trees *trees, uint32_t entry, uint32_t key,
                                                     uint32_t *segment)
{
    const union fib6_node *node = fib6_node_at(trees, fib6_entry_index(entry));

    for (unsigned int height = fib6_entry_high(entry); height > 0; height--) {
        const struct fib6_inner *inner = &node->inner;

        node = fib6_node_at(trees, inner->children + fib6_count_below(inner->last, FIB6_CHILDREN - 1, key));
    }
    *segment = fib6_count_below(node->leaf.last, FIB6_SEGMENTS - 1, key);
    return &node->leaf;
}

/* Where a leaf keeps the tree of a segment whose value is TRIE_DEEPER. */
static inline _Atomic uint32_t *fib6_leaf_deeper(const struct fib6_leaf *leaf, uint32_t segment)
{
    const union fib6_node *node = (const union fib6_node *)leaf + leaf->deeper;

    return (_Atomic uint32_t *)&node->deeper.entry[segment];
}

#endif
