/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part of fib6 below its root: sub-tables, and trees of 64-byte nodes.
 *
 * A tree answers for one prefix by a window of 32 address bits (fib6_segment.h). Its nodes, those of a B-tree, hold
 * where the segments end, so a node takes one vector compare and a popcount. A segment of value TRIE_DEEPER, one cell,
 * has another tree that answers by the next 32 bits.
 *
 * A tree is named by 32 bits: its height above the leaves and its top node. Node v, for every value v, is a tree that
 * answers v everywhere, so that what has no routes inside costs nothing; sub-table v is that tree alone.
 *
 * Siblings lie in one run of nodes, behind them a struct fib6_deeper for each of them (leaves) that needs one. What
 * readers can see of a run changes only by a store to one of its words that name other runs.
 */
#ifndef FIB6_TREE_H
#define FIB6_TREE_H

#include "arena.h"
#include "attributes.h"
#include "fib6_segment.h"
#include "rcu.h"
#include "trie.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define FIB6_CHILDREN 16
#define FIB6_SEGMENTS 11

/* Child i is for cells up to and with last[i]. Behind the last child's, UINT32_MAX, which no other has. */
struct fib6_inner {
    uint32_t last[FIB6_CHILDREN - 1];
    _Atomic uint32_t children; /* the first one's node */
};

struct fib6_leaf {
    uint32_t last[FIB6_SEGMENTS - 1]; /* as above */
    uint16_t value[FIB6_SEGMENTS];
    uint16_t deeper; /* so many nodes ahead: the leaf's fib6_deeper; 0 = it has none */
};

/* entry[i]: the tree for segment i of a leaf, where its value is TRIE_DEEPER. */
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

/* One value everywhere; the entry is that value. */
static inline bool fib6_entry_uniform(uint32_t entry)
{
    return entry < TRIE_DEEPER;
}

/* A sub-table's entries are allocated by two, enough for the arena's links. */
#define FIB6_TABLE_UNIT 2

struct fib6_run {
    struct arena *arena;
    uint32_t index;
    uint32_t units;
};

struct fib6_trees {
    const struct trie *trie;
    struct rcu *rcu;
    struct arena nodes;
    struct arena tables;
    struct fib6_run *made; /* since the last commit, so that a failure can take it back */
    size_t made_count;
    size_t made_max;
    struct fib6_segment *segments; /* scratch, a stack: a build inside a build works above it */
    size_t segments_count;
    size_t segments_max;
};

/* -ENOMEM. Trie and rcu are not owned. */
int fib6_trees_init(struct fib6_trees *trees, const struct trie *trie, struct rcu *rcu,
                    unsigned int max_routes) MUST_USE;
/* Also of one that is all zero. */
void fib6_trees_fini(struct fib6_trees *trees);

/* A run that a failure takes back. -ENOSPC. */
int fib6_make(struct fib6_trees *trees, struct arena *arena, uint32_t units, uint32_t *index) MUST_USE;
/* What was made since the last of these stays, or goes. */
void fib6_made_commit(struct fib6_trees *trees);
void fib6_made_abort(struct fib6_trees *trees);

/* To be called before the uniform tree and sub-table of a value are named anywhere. */
void fib6_uniform_prepare(struct fib6_trees *trees, uint32_t value);

/* Builds the tree for a prefix by the window that begins at bit `window` <= length. -ENOSPC. */
int fib6_tree_build(struct fib6_trees *trees, trie_key key, unsigned int length, unsigned int window,
                    uint32_t *entry) MUST_USE;
/* Builds the sub-table for a prefix, its window beginning where it ends: 2^stride trees, each for `stride` bits more.
 * *segments = how many there are, for the caller to judge when the stride has become wrong. -ENOSPC. */
int fib6_bucket_build(struct fib6_trees *trees, trie_key key, unsigned int length, uint32_t *entry,
                      size_t *segments) MUST_USE;
/* Brings one leaf of the tree that *word names up to the trie, publishes it and retires what it replaces. -EAGAIN: that
 * is not enough for this prefix; nothing was changed. */
int fib6_tree_patch(struct fib6_trees *trees, _Atomic uint32_t *word, unsigned int window, trie_key key,
                    unsigned int length) MUST_USE;

/* Retires all that an entry names which no reader can find any more. */
void fib6_tree_retire(struct fib6_trees *trees, uint32_t entry);
void fib6_bucket_retire(struct fib6_trees *trees, uint32_t entry);
/* Retires the run alone. */
void fib6_nodes_retire(struct fib6_trees *trees, uint32_t index, uint32_t units);

static inline union fib6_node *fib6_node_at(const struct fib6_trees *trees, uint32_t index)
{
    return (union fib6_node *)trees->nodes.memory + index;
}

static inline _Atomic uint32_t *fib6_table_at(const struct fib6_trees *trees, uint32_t entry)
{
    return (_Atomic uint32_t *)trees->tables.memory + fib6_entry_index(entry);
}

/* Which child or segment a cell belongs to. `last` begins a node and has n < 16 words. */
static inline uint32_t fib6_position(const uint32_t *last, unsigned int n, uint32_t cell)
{
#if defined(__AVX512F__)
    /* only these words are read: others of the node may change */
    __mmask16 all = (__mmask16)((1u << n) - 1);
    __mmask16 before =
        _mm512_mask_cmpgt_epu32_mask(all, _mm512_set1_epi32((int)cell), _mm512_maskz_loadu_epi32(all, last));

    return (uint32_t)__builtin_popcount(before);
#else
    uint32_t position = 0;

    for (unsigned int i = 0; i < n; i++) {
        position += cell > last[i];
    }
    return position;
#endif
}

/* How many children or segments there are. */
static inline uint32_t fib6_used(const uint32_t *last, unsigned int n)
{
    return 1 + fib6_position(last, n, UINT32_MAX);
}

/* Readers and the writer: one step down, by the child that answers the cell. The entry is not a leaf's. */
static inline uint32_t fib6_entry_down(const struct fib6_trees *trees, uint32_t entry, uint32_t cell)
{
    const struct fib6_inner *inner = &fib6_node_at(trees, fib6_entry_index(entry))->inner;
    uint32_t children = atomic_load_explicit(&inner->children, memory_order_acquire);

    return fib6_entry(fib6_entry_high(entry) - 1, children + fib6_position(inner->last, FIB6_CHILDREN - 1, cell));
}

/* Readers and the writer: the leaf that answers the cell, and by which of its segments. */
static inline struct fib6_leaf *fib6_tree_find(const struct fib6_trees *trees, uint32_t entry, uint32_t cell,
                                               uint32_t *segment)
{
    struct fib6_leaf *leaf;

    while (fib6_entry_high(entry) > 0) {
        entry = fib6_entry_down(trees, entry, cell);
    }
    leaf = &fib6_node_at(trees, entry)->leaf;
    *segment = fib6_position(leaf->last, FIB6_SEGMENTS - 1, cell);
    return leaf;
}

/* Where a leaf keeps the tree of a segment whose value is TRIE_DEEPER. */
static inline _Atomic uint32_t *fib6_leaf_deeper(struct fib6_leaf *leaf, uint32_t segment)
{
    return &((union fib6_node *)leaf + leaf->deeper)->deeper.entry[segment];
}

#endif
