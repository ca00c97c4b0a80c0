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

void fib6_lookup_avx512(const struct fib6_table *table, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
{
    struct fib6_burst burst;
    unsigned int window = 0;
    enum fib6_left left = FIB6_ALL_LEFT;

    if (n > 2 && fib6_one_site(dst, n)) {
        left = fib6_site_find(table, dst, &burst, &window, out, n);
    }
    if (left == FIB6_NOTHING_LEFT) {
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
