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

/* Which of the sub-tables' entries answers the cell, by what names the sub-table. */
static inline uint32_t fib6_sub_table_index(uint32_t sub_table, uint32_t cell)
{
    return fib6_entry_index(sub_table) + (uint32_t)((uint64_t)cell << fib6_entry_high(sub_table) >> FIB6_WINDOW);
}

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
        burst->entries[i] = fib6_sub_table_index(entry, cell);
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

/* By the windows behind the leaf's own, when that was not enough. */
static inline uint32_t fib6_deeper_find(const struct fib6_table *table, const uint8_t *dst, unsigned int window,
                                        struct fib6_leaf *leaf, uint32_t segment)
{
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

/* window: all the cells'; 0: that behind the bucket of each address. */
static inline void fib6_leaves_read(const struct fib6_table *table, const uint8_t (*dst)[16],
                                    const struct fib6_burst *burst, unsigned int window, uint32_t *out, unsigned int n)
{
    uint32_t if_none = atomic_load_explicit(&table->base.default_value, memory_order_relaxed);

    for (unsigned int i = 0; i < n; i++) {
        struct fib6_leaf *leaf = &fib6_node_at(&table->trees, burst->entries[i])->leaf;
        uint32_t segment = fib6_position(leaf->last, FIB6_SEGMENTS - 1, burst->cells[i]);
        uint32_t value = leaf->value[segment];

        if (__builtin_expect(value == TRIE_DEEPER, 0)) {
            unsigned int own = window != 0 ? window : fib6_bucket_of(fib6_half_of(dst[i])).length;

            value = fib6_deeper_find(table, dst[i], own, leaf, segment);
        }
        out[i] = value != FIB_NO_ROUTE ? value : if_none;
    }
}

/* ---- Bursts whose addresses have much in common, as those to an anycast site often do: see fib4_one_slot() */

#if defined(__AVX512F__)

/* Four addresses, the first of them in the place of what is behind the last. */
static inline __m512i fib6_four_load(const uint8_t (*dst)[16], unsigned int i, unsigned int n)
{
    __m512i first = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)dst));

    return _mm512_mask_loadu_epi64(first, (__mmask8)_bzhi_u32(UINT8_MAX, 2 * (n - i)), dst + i);
}

/* Whether all share their first 48 bits. */
static inline bool fib6_one_site(const uint8_t (*dst)[16], unsigned int n)
{
    const __m512i site = _mm512_broadcast_i32x4(_mm_setr_epi32(-1, UINT16_MAX, 0, 0));
    __m512i first = fib6_four_load(dst, n, n);
    __m512i differ = _mm512_setzero_si512();

    for (unsigned int i = 0; i < n; i += 4) {
        differ = _mm512_or_si512(differ, _mm512_xor_si512(fib6_four_load(dst, i, n), first));
    }
    return _mm512_test_epi32_mask(differ, site) == 0;
}
static_assert(FIB6_SITE_LENGTH == 48, "the first six octets");

/* The cells in the window, which ends within the address, and the first and the last of them. */
static inline void fib6_cells_read(const uint8_t (*dst)[16], unsigned int window, uint32_t *cells, uint32_t ends[2],
                                   unsigned int n)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i octets = _mm512_set1_epi32((int)(0x00010203 + window / 8 * 0x01010101));
    __m512i low = _mm512_set1_epi32(-1);
    __m512i high = _mm512_setzero_si512();

    for (unsigned int i = 0; i < n; i += 16) {
        __m512i sixteen = _mm512_setzero_si512();

        for (unsigned int four = 0; four < 4; four++) { /* its cells are words `four` of the 128 bits */
            __m512i some = i + 4 * four < n ? fib6_four_load(dst, i + 4 * four, n) : fib6_four_load(dst, n, n);
            __mmask64 place = UINT64_C(0x000f000f000f000f) << (4 * four);

            sixteen = _mm512_mask_shuffle_epi8(sixteen, place, some, octets);
        }
        sixteen = _mm512_permutexvar_epi32(order, sixteen);
        low = _mm512_min_epu32(low, sixteen);
        high = _mm512_max_epu32(high, sixteen);
        _mm512_store_si512(cells + i, sixteen);
    }
    ends[0] = _mm512_reduce_min_epu32(low);
    ends[1] = _mm512_reduce_max_epu32(high);
}

#else

/* Whether all share their first 48 bits. To the end in any case: it brings the addresses into the cache, all at once.
 */
static inline bool fib6_one_site(const uint8_t (*dst)[16], unsigned int n)
{
    uint64_t first = fib6_half_of(dst[0]);
    uint64_t differ = 0;

    for (unsigned int i = 1; i < n; i++) {
        differ |= fib6_half_of(dst[i]) ^ first;
    }
    return differ >> (64 - FIB6_SITE_LENGTH) == 0;
}

/* The cells in the window, which ends within the address, and the first and the last of them. */
static inline void fib6_cells_read(const uint8_t (*dst)[16], unsigned int window, uint32_t *cells, uint32_t ends[2],
                                   unsigned int n)
{
    uint32_t low = UINT32_MAX;
    uint32_t high = 0;

    for (unsigned int i = 0; i < n; i++) {
        uint32_t cell;

        memcpy(&cell, dst[i] + window / 8, sizeof(cell));
        cell = __builtin_bswap32(cell);
        low = cell < low ? cell : low; /* here, not from what was just stored: no vector is read back from its words */
        high = cell > high ? cell : high;
        cells[i] = cell;
    }
    ends[0] = low;
    ends[1] = high;
}

#endif

/* The leaf and the segment that answers both cells, or NULL. */
static inline struct fib6_leaf *fib6_common_find(const struct fib6_table *table, uint32_t entry, const uint32_t ends[2],
                                                 uint32_t *segment)
{
    uint32_t other;
    struct fib6_leaf *leaf = fib6_tree_find(&table->trees, entry, ends[0], segment);

    return leaf == fib6_tree_find(&table->trees, entry, ends[1], &other) && other == *segment ? leaf : NULL;
}

/* What is left to do for a burst. */
enum fib6_left {
    FIB6_ALL_LEFT,
    FIB6_LEAVES_LEFT, /* cells, and entries that name the tree, are known */
    FIB6_NOTHING_LEFT
};

/* For addresses of one site: if one tree answers all of them, the search goes down the windows with all at once, for as
 * long as the first and the last cell, and so all, lie in one segment. *window: the one that it got to. */
static __attribute__((noinline)) enum fib6_left fib6_site_find(const struct fib6_table *table, const uint8_t (*dst)[16],
                                                               struct fib6_burst *burst, unsigned int *window,
                                                               uint32_t *out, unsigned int n)
{
    struct fib6_bucket bucket = fib6_bucket_of(fib6_half_of(dst[0]));
    uint32_t sub_table = atomic_load_explicit(&table->root[bucket.index], memory_order_acquire);
    struct fib6_leaf *leaf;
    uint32_t ends[2];
    uint32_t segment;
    uint32_t entry;
    uint32_t value;

    fib6_cells_read(dst, bucket.length, burst->cells, ends, n);
    entry = fib6_sub_table_index(sub_table, ends[0]);
    if (entry != fib6_sub_table_index(sub_table, ends[1])) {
        return FIB6_ALL_LEFT;
    }
    *window = bucket.length;
    entry = atomic_load_explicit(fib6_table_at(&table->trees, entry), memory_order_acquire);
    while ((leaf = fib6_common_find(table, entry, ends, &segment)) != NULL && leaf->value[segment] == TRIE_DEEPER &&
           *window + 2 * FIB6_WINDOW <= TRIE_KEY_BITS) {
        entry = atomic_load_explicit(fib6_leaf_deeper(leaf, segment), memory_order_acquire);
        *window += FIB6_WINDOW;
        fib6_cells_read(dst, *window, burst->cells, ends, n);
    }
    if (leaf == NULL || leaf->value[segment] == TRIE_DEEPER) {
        for (unsigned int i = 0; i < n; i++) {
            burst->entries[i] = entry;
        }
        return FIB6_LEAVES_LEFT;
    }
    value = leaf->value[segment];
    if (value == FIB_NO_ROUTE) {
        value = atomic_load_explicit(&table->base.default_value, memory_order_relaxed);
    }
    for (unsigned int i = 0; i < n; i++) {
        out[i] = value;
    }
    return FIB6_NOTHING_LEFT;
}

#endif
