/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fib6 lookup, in steps for a whole burst each, so that the misses of all its addresses overlap: the bucket's entry,
 * the sub-table's entry, the inner nodes, the leaf. Compiled for AVX-512, a node is searched by one compare
 * (fib6_tree.h), and fib6_avx512.c has a form of its own for the first step.
 *
 * Private to this folder.
 */
#ifndef FIB6_BURST_H
#define FIB6_BURST_H

#include "fib_isa.h"

#define FIB6_SITE_LENGTH 48

static_assert(FIB_BURST <= 64, "fib6_leaves_find() has a bit for each");

/* What is known of a burst's addresses after each step. */
struct fib6_burst {
    _Alignas(64) uint32_t cells[FIB_BURST];   /* in the window that begins behind the bucket */
    _Alignas(64) uint32_t entries[FIB_BURST]; /* which of the sub-tables' entries; then that itself */
};

/* By the buckets, cells and entries. */
static inline void fib6_buckets_read(const struct fib6_table *table, const uint8_t (*dst)[16], struct fib6_burst *burst,
                                     unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        uint64_t high = fib6_half_of(dst[i]);
        struct fib6_bucket bucket = fib6_bucket_of(high);
        uint32_t entry = atomic_load_explicit(&table->root[bucket.index], memory_order_acquire);
        uint32_t cell = (uint32_t)(high >> (64 - FIB6_WINDOW - bucket.length));

        burst->cells[i] = cell;
        burst->entries[i] =
            fib6_entry_index(entry) + (uint32_t)((uint64_t)cell << fib6_entry_high(entry) >> FIB6_WINDOW);
    }
}

static inline void fib6_entries_read(const struct fib6_table *table, struct fib6_burst *burst, unsigned int n)
{
    const _Atomic uint32_t *first = fib6_table_at(&table->trees, 0);

    for (unsigned int i = 0; i < n; i++) {
        burst->entries[i] = atomic_load_explicit(&first[burst->entries[i]], memory_order_acquire);
        __builtin_prefetch(fib6_node_at(&table->trees, fib6_entry_index(burst->entries[i])));
    }
}

/* By the windows behind the bucket's own, when that was not enough. */
static inline uint32_t fib6_deeper_find(const struct fib6_table *table, const uint8_t *dst, struct fib6_leaf *leaf,
                                        uint32_t segment)
{
    unsigned int window = fib6_bucket_of(fib6_half_of(dst)).length;
    trie_key key = fib6_key_of(dst);

    while (leaf->value[segment] == TRIE_DEEPER) {
        uint32_t entry = atomic_load_explicit(fib6_leaf_deeper(leaf, segment), memory_order_acquire);

        window += FIB6_WINDOW;
        leaf = fib6_tree_find(&table->trees, entry, fib6_cell(key, window), &segment);
    }
    return leaf->value[segment];
}

/* To the leaves, a level at a time: which addresses have a level more is no branch, which could not be predicted. */
static inline void fib6_leaves_find(const struct fib6_table *table, struct fib6_burst *burst, unsigned int n)
{
    uint64_t above = 0;

    for (unsigned int i = 0; i < n; i++) {
        above |= (uint64_t)(fib6_entry_high(burst->entries[i]) > 0) << i;
    }
    while (above != 0) {
        uint64_t still = 0;

        for (uint64_t left = above; left != 0; left &= left - 1) {
            unsigned int i = (unsigned int)__builtin_ctzll(left);
            uint32_t entry = fib6_entry_down(&table->trees, burst->entries[i], burst->cells[i]);

            burst->entries[i] = entry;
            __builtin_prefetch(fib6_node_at(&table->trees, fib6_entry_index(entry)));
            still |= (uint64_t)(fib6_entry_high(entry) > 0) << i;
        }
        above = still;
    }
}

static inline void fib6_leaves_read(const struct fib6_table *table, const uint8_t (*dst)[16],
                                    const struct fib6_burst *burst, uint32_t *out, unsigned int n)
{
    uint32_t if_none = atomic_load_explicit(&table->base.default_value, memory_order_relaxed);

    for (unsigned int i = 0; i < n; i++) {
        struct fib6_leaf *leaf = &fib6_node_at(&table->trees, burst->entries[i])->leaf;
        uint32_t segment = fib6_position(leaf->last, FIB6_SEGMENTS - 1, burst->cells[i]);
        uint32_t value = leaf->value[segment];

        if (__builtin_expect(value == TRIE_DEEPER, 0)) {
            value = fib6_deeper_find(table, dst[i], leaf, segment);
        }
        out[i] = value != FIB_NO_ROUTE ? value : if_none;
    }
}

/* Whether all addresses share their first 48 bits, as those of an anycast site often do: see fib4_one_slot(). */
static inline bool fib6_one_site(const uint8_t (*dst)[16], unsigned int n)
{
    uint64_t first = fib6_half_of(dst[0]);
    uint64_t differ = 0;

    for (unsigned int i = 1; i < n; i++) {
        differ |= fib6_half_of(dst[i]) ^ first;
    }
    return differ >> (64 - FIB6_SITE_LENGTH) == 0;
}

/* The first and the last of the addresses, by their first halves. */
static inline void fib6_ends_find(const uint8_t (*dst)[16], unsigned int n, uint8_t (*ends)[16])
{
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;

    for (unsigned int i = 0; i < n; i++) {
        uint64_t half = fib6_half_of(dst[i]);

        low = half < low ? half : low;
        high = half > high ? half : high;
    }
    low = __builtin_bswap64(low);
    high = __builtin_bswap64(high);
    memcpy(ends[0], &low, sizeof(low));
    memcpy(ends[1], &high, sizeof(high));
}

/* True, and the lookup is done, if the first and the last of the addresses, and so all, lie in one segment. Worth to
 * try for those of one site. */
static inline bool fib6_one_segment(const struct fib6_table *table, const uint8_t (*dst)[16], uint32_t *out,
                                    unsigned int n)
{
    uint8_t ends[2][16] = {{0}, {0}};
    struct fib6_leaf *leaves[2];
    uint32_t segments[2];
    struct fib6_burst burst;
    uint32_t value;

    fib6_ends_find(dst, n, ends);
    fib6_buckets_read(table, (const uint8_t(*)[16])ends, &burst, 2);
    fib6_entries_read(table, &burst, 2);
    for (unsigned int i = 0; i < 2; i++) {
        leaves[i] = fib6_tree_find(&table->trees, burst.entries[i], burst.cells[i], &segments[i]);
    }
    value = leaves[0]->value[segments[0]];
    if (leaves[0] != leaves[1] || segments[0] != segments[1] || value == TRIE_DEEPER) {
        return false;
    }
    if (value == FIB_NO_ROUTE) {
        value = atomic_load_explicit(&table->base.default_value, memory_order_relaxed);
    }
    for (unsigned int i = 0; i < n; i++) {
        out[i] = value;
    }
    return true;
}

#endif
