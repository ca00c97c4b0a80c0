/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two steps of a fib4 lookup, for a whole burst each, so that the misses of all its addresses overlap: first where
 * each address's leaf is, from its record; then the leaves. The first has a form for AVX-512, in fib4_avx512.c.
 *
 * Private to this folder.
 */
#ifndef FIB4_BURST_H
#define FIB4_BURST_H

#include "fib_isa.h"

/* The record of each address says which leaf is its. */
static inline void fib4_leaves_find(const struct fib4_table *table, const uint32_t *dst, uint32_t *leaves,
                                    unsigned int n, bool whole)
{
    for (unsigned int i = 0; i < n; i++) {
        struct fib4_run run = fib4_record_load(fib4_record_of(table, dst[i]), whole);
        /* the changes up to and with this slot's */
        uint64_t changes = run.bitmap << (FIB4_SLOTS - 1 - fib4_slot_of(dst[i]));

        leaves[i] = run.base + (uint32_t)__builtin_popcountll(changes);
    }
}

/* The addresses whose /24 has longer routes inside. */
static inline void fib4_groups_read(const struct fib4_table *table, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        if ((out[i] & TRIE_DEEPER) != 0) {
            out[i] =
                atomic_load_explicit(fib4_group_at(table, out[i]) + dst[i] % FIB4_GROUP_LEAVES, memory_order_relaxed);
        }
    }
}

/* What is left when out[] holds the leaves: groups, and the default route. all: the leaves, or'ed. */
static inline void fib4_leaves_finish(const struct fib4_table *table, const uint32_t *dst, uint32_t *out,
                                      unsigned int n, uint32_t all)
{
    uint32_t if_none = atomic_load_explicit(&table->base.default_value, memory_order_relaxed);

    if (__builtin_expect((all & TRIE_DEEPER) != 0, 0)) {
        fib4_groups_read(table, dst, out, n);
    }
    for (unsigned int i = 0; if_none != FIB_NO_ROUTE && i < n; i++) {
        out[i] = out[i] != FIB_NO_ROUTE ? out[i] : if_none;
    }
}

static inline void fib4_leaves_read(const struct fib4_table *table, const uint32_t *dst, const uint32_t *leaves,
                                    uint32_t *out, unsigned int n)
{
    const fib4_leaf *first = fib4_leaf_at(table, 0);
    uint32_t all = 0;

    for (unsigned int i = 0; i < n; i++) {
        /* acquire: a leaf may name a group that was just made */
        out[i] = atomic_load_explicit(&first[leaves[i]], memory_order_acquire);
        all |= out[i];
    }
    fib4_leaves_finish(table, dst, out, n, all);
}

/* Whether all addresses lie in one /24: an anycast site's traffic often is for one prefix, and then for one leaf. To
 * look costs next to nothing. */
static inline bool fib4_one_slot(const uint32_t *dst, unsigned int n)
{
    uint32_t differ = 0;

    for (unsigned int i = 1; i < n; i++) {
        differ |= dst[i] ^ dst[0];
    }
    return differ < FIB4_GROUP_LEAVES;
}

/* One leaf for all of them. */
static inline void fib4_leaf_spread(const struct fib4_table *table, const uint32_t *dst, uint32_t leaf, uint32_t *out,
                                    unsigned int n)
{
    uint32_t value = atomic_load_explicit(fib4_leaf_at(table, leaf), memory_order_acquire);

    for (unsigned int i = 0; i < n; i++) {
        out[i] = value;
    }
    fib4_leaves_finish(table, dst, out, n, value);
}

#endif
