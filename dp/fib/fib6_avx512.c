/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiled for AVX-512: nothing here may run before the CPU was asked (fib_isa.c). */
#include "fib6_burst.h"
#include <immintrin.h>

#define KEYS 8 /* at a time */

/* Each word is read whole: a gather's lanes are loads of their own. What it names is read later, because it depends on
 * it. */
static inline __m512i words_load(const _Atomic uint32_t *words, __m512i indices)
{
#if THREAD_SANITIZER
    uint64_t index[KEYS];
    uint64_t word[KEYS];

    _mm512_storeu_si512(index, indices);
    for (unsigned int i = 0; i < KEYS; i++) {
        word[i] = atomic_load_explicit(&words[index[i]], memory_order_acquire);
    }
    return _mm512_loadu_si512(word);
#else
    return _mm512_cvtepu32_epi64(_mm512_i64gather_epi32(indices, (const void *)words, sizeof(*words)));
#endif
}

/* The first 64 bits of so many addresses, zeros behind them. */
static inline __m512i halves_load(const uint8_t (*dst)[16], unsigned int n)
{
    const __m512i first_halves = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    const __m512i swap = _mm512_broadcast_i32x4(_mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
    uint32_t have = _bzhi_u32(UINT16_MAX, 2 * n);
    __m512i low = _mm512_maskz_loadu_epi64((__mmask8)have, dst);
    __m512i high = _mm512_maskz_loadu_epi64((__mmask8)(have >> 8), dst + 4);

    return _mm512_shuffle_epi8(_mm512_permutex2var_epi64(low, first_halves, high), swap);
}

/* As fib6_buckets_read(). */
static inline void buckets_read(const struct fib6_table *table, __m512i halves, uint32_t *cells, uint32_t *entries)
{
    const __m512i other = _mm512_set1_epi64(FIB6_GLOBAL);
    __m512i buckets = _mm512_sub_epi64(_mm512_srli_epi64(halves, 64 - FIB6_GLOBAL_LENGTH), other);
    __mmask8 is_other = _mm512_cmpge_epu64_mask(buckets, other);
    __m512i behind = _mm512_slli_epi64(halves, FIB6_GLOBAL_LENGTH);
    __m512i cell;
    __m512i entry;
    __m512i index;

    buckets = _mm512_mask_add_epi64(buckets, is_other, _mm512_srli_epi64(halves, 64 - FIB6_OTHER_LENGTH), other);
    behind = _mm512_mask_slli_epi64(behind, is_other, halves, FIB6_OTHER_LENGTH);
    cell = _mm512_srli_epi64(behind, 64 - FIB6_WINDOW);
    entry = words_load(table->root, buckets);
    index = _mm512_srli_epi64(_mm512_sllv_epi64(cell, _mm512_srli_epi64(entry, FIB6_INDEX_BITS)), FIB6_WINDOW);
    index = _mm512_add_epi64(index, _mm512_and_si512(entry, _mm512_set1_epi64((1 << FIB6_INDEX_BITS) - 1)));
    _mm256_store_si256((__m256i *)cells, _mm512_cvtepi64_epi32(cell));
    _mm256_store_si256((__m256i *)entries, _mm512_cvtepi64_epi32(index));
}

/* ---- Sixteen cells of one tree, against each of a node's ends in turn */

#define LANES       16
#define LEAVES_MOST 8 /* more are read one by one */

static inline __m512i positions(const uint32_t *last, unsigned int n, __m512i cells)
{
    __m512i position = _mm512_setzero_si512();

#pragma GCC unroll 16
    for (unsigned int i = 0; i < n; i++) {
        __mmask16 behind = _mm512_cmpgt_epu32_mask(cells, _mm512_set1_epi32((int)last[i]));

        position = _mm512_mask_add_epi32(position, behind, position, _mm512_set1_epi32(1));
    }
    return position;
}

static inline __m512i leaf_values(const struct fib6_leaf *leaf, __m512i cells)
{
    __m512i values = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16((1 << FIB6_SEGMENTS) - 1, leaf->value));

    return _mm512_permutexvar_epi32(positions(leaf->last, FIB6_SEGMENTS - 1, cells), values);
}

/* Of a tree that has leaves alone, or so many below one node. */
static inline __m512i tree_values(const struct fib6_table *table, uint32_t entry, unsigned int leaves, __m512i cells)
{
    const struct fib6_inner *inner = &fib6_node_at(&table->trees, fib6_entry_index(entry))->inner;
    uint32_t first;
    __m512i values;
    __m512i child;

    if (fib6_entry_high(entry) == 0) {
        return leaf_values(&fib6_node_at(&table->trees, entry)->leaf, cells);
    }
    first = atomic_load_explicit(&inner->children, memory_order_acquire);
    child = positions(inner->last, FIB6_CHILDREN - 1, cells);
    values = leaf_values(&fib6_node_at(&table->trees, first)->leaf, cells);
    for (unsigned int i = 1; i < leaves; i++) {
        __mmask16 here = _mm512_cmpeq_epi32_mask(child, _mm512_set1_epi32((int)i));

        values = _mm512_mask_mov_epi32(values, here, leaf_values(&fib6_node_at(&table->trees, first + i)->leaf, cells));
    }
    return values;
}

/* What the tree answers the burst's cells; false: it does not do alone, or is too large for this. */
static inline bool tree_read(const struct fib6_table *table, uint32_t entry, const struct fib6_burst *burst,
                             uint32_t *out, unsigned int n)
{
    __m512i if_none = _mm512_set1_epi32((int)atomic_load_explicit(&table->base.default_value, memory_order_relaxed));
    unsigned int leaves = 1;

    if (fib6_entry_high(entry) > 0) {
        leaves = fib6_used(fib6_node_at(&table->trees, fib6_entry_index(entry))->inner.last, FIB6_CHILDREN - 1);
    }
    if (fib6_entry_high(entry) > 1 || leaves > LEAVES_MOST) {
        return false;
    }
    for (unsigned int i = 0; i < n; i += LANES) {
        __mmask16 lanes = (__mmask16)_bzhi_u32(UINT16_MAX, n - i);
        __m512i values = tree_values(table, entry, leaves, _mm512_load_si512(&burst->cells[i]));

        if (_mm512_mask_cmpeq_epi32_mask(lanes, values, _mm512_set1_epi32(TRIE_DEEPER)) != 0) {
            return false;
        }
        values =
            _mm512_mask_mov_epi32(values, _mm512_cmpeq_epi32_mask(values, _mm512_set1_epi32(FIB_NO_ROUTE)), if_none);
        if (lanes == UINT16_MAX) {
            _mm512_storeu_si512(out + i, values);
        } else {
            _mm512_mask_storeu_epi32(out + i, lanes, values);
        }
    }
    return true;
}

void fib6_lookup_avx512(const struct fib6_table *table, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
{
    struct fib6_burst burst;
    unsigned int window = 0;
    enum fib6_left left = FIB6_ALL_LEFT;

    if (n > 2 && fib6_one_site(dst, n)) {
        left = fib6_site_find(table, dst, &burst, &window, out, n);
    }
    if (left == FIB6_NOTHING_LEFT || (left == FIB6_LEAVES_LEFT && tree_read(table, burst.entries[0], &burst, out, n))) {
        return;
    }
    if (left == FIB6_ALL_LEFT) {
        for (unsigned int i = 0; i < n; i += KEYS) {
            buckets_read(table, halves_load(dst + i, n - i), &burst.cells[i], &burst.entries[i]);
        }
        fib6_entries_read(table, &burst, n);
    }
    fib6_leaves_find(table, &burst, n);
    fib6_leaves_read(table, dst, &burst, window, out, n);
}
