/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiled for AVX-512: nothing here may run before the CPU was asked (fib_isa.c). */
#include "fib4_burst.h"
#include <immintrin.h>

#define KEYS 8 /* at a time */

static inline __m128i record_load(const struct fib4_table *table, uint32_t offset)
{
    return fib4_record_load_vector((const struct fib4_record *)((const char *)table->records + offset));
}

static inline __m256i pair_load(const struct fib4_table *table, uint32_t low, uint32_t high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(record_load(table, low)), record_load(table, high), 1);
}

/* The records of every other key. Each is loaded by itself: a wider load, or a gather, could see halves of two. */
static inline __m512i records_load(const struct fib4_table *table, const uint32_t *offsets)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(pair_load(table, offsets[0], offsets[2])),
                              pair_load(table, offsets[4], offsets[6]), 1);
}

/* As fib4_leaves_find(). */
static inline __m256i leaves_find(const struct fib4_table *table, __m256i dst)
{
    _Alignas(32) uint32_t offsets[KEYS];
    __m512i slots = _mm512_srli_epi64(_mm512_cvtepu32_epi64(dst), 32 - FIB4_SLOT_LENGTH);
    __m512i even;
    __m512i odd;
    __m512i changes;

    _mm256_store_si256((__m256i *)offsets, _mm256_slli_epi32(_mm256_srli_epi32(dst, 32 - FIB4_RECORD_LENGTH),
                                                             __builtin_ctz(FIB4_RECORD_BYTES)));
    __asm__("" : "+m"(offsets)); /* through memory: moving lanes to registers one by one takes longer */
    even = records_load(table, offsets);
    odd = records_load(table, offsets + 1);
    /* the lower halves, in the order of the keys, are bitmaps; 63 - slot of the shift is ~slot in its 6 bits */
    changes = _mm512_sllv_epi64(_mm512_unpacklo_epi64(even, odd),
                                _mm512_andnot_si512(slots, _mm512_set1_epi64(FIB4_SLOTS - 1)));
    return _mm512_cvtepi64_epi32(_mm512_add_epi64(_mm512_unpackhi_epi64(even, odd), _mm512_popcnt_epi64(changes)));
}

/* The n - i, but eight at most, from i on, zeros behind them: an address as good as any. */
static inline __m256i keys_load(const uint32_t *dst, unsigned int i, unsigned int n)
{
    return n - i >= KEYS ? _mm256_loadu_si256((const __m256i *)(dst + i))
                         : _mm256_maskz_loadu_epi32((__mmask8)_bzhi_u32(UINT8_MAX, n - i), dst + i);
}

/* As fib4_one_slot(). What was stored a moment ago is loaded as it was stored, so that nothing has to wait for it. */
static inline bool one_slot(const uint32_t *dst, unsigned int n)
{
    const __m256i first = _mm256_set1_epi32((int)dst[0]);
    __m256i differ = _mm256_setzero_si256();
    unsigned int i;

    for (i = 0; i + KEYS <= n; i += KEYS) {
        differ = _mm256_or_si256(differ, _mm256_xor_si256(keys_load(dst, i, n), first));
    }
    if (i < n) {
        __mmask8 have = (__mmask8)_bzhi_u32(UINT8_MAX, n - i);

        differ = _mm256_or_si256(differ, _mm256_maskz_xor_epi32(have, keys_load(dst, i, n), first));
    }
    return _mm256_testz_si256(differ, _mm256_set1_epi32((int)~(FIB4_GROUP_LEAVES - 1)));
}

void fib4_lookup_avx512(const struct fib4_table *table, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    _Alignas(32) uint32_t leaves[FIB_BURST];
    bool far = atomic_load_explicit(&table->far, memory_order_relaxed);

    if (one_slot(dst, n)) {
        fib4_leaves_find(table, dst, leaves, 1, FIB4_RECORD_WHOLE);
        fib4_leaf_spread(table, dst, leaves[0], out, n);
        return;
    }
    for (unsigned int i = 0; i < n; i += KEYS) {
        _mm256_store_si256((__m256i *)&leaves[i], leaves_find(table, keys_load(dst, i, n)));
        for (unsigned int j = 0; far && j < KEYS; j++) {
            __builtin_prefetch((const void *)fib4_leaf_at(table, leaves[i + j]));
        }
    }
    fib4_leaves_read(table, dst, leaves, out, n);
}
