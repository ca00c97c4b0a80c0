/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the workers read of fib4 for one /18, and the one way to read and to write it while they run.
 *
 * A record must be seen whole. Where the CPU has AVX, an aligned 16-byte load or store is atomic (Intel SDM volume 3,
 * 9.1.1; AMD64 APM volume 2, 7.3.2) and the record goes through an SSE register in one. Elsewhere, and under TSan,
 * which cannot see that, the version counts: odd while the bitmap is being replaced. Which of the two holds is fixed
 * when a table is created.
 */
#ifndef FIB4_RECORD_H
#define FIB4_RECORD_H

#include "attributes.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Bit i of the bitmap, for i > 0: the i-th /24 has another result than the one before it. Bit 0 is never set. The
 * results that differ lie one after the other from leaf `base` on. */
struct fib4_record {
    _Alignas(16) _Atomic uint64_t bitmap;
    _Atomic uint64_t base; /* low half: the leaf; high half: the version */
};

static_assert(sizeof(struct fib4_record) == 16, "read and written in one");

struct fib4_run {
    uint64_t bitmap;
    uint32_t base;
};

#if defined(__x86_64__) && !THREAD_SANITIZER
#define FIB4_RECORD_WHOLE 1
#else
#define FIB4_RECORD_WHOLE 0
#endif

#if FIB4_RECORD_WHOLE
#if defined(__AVX__)
#define FIB4_RECORD_MOVE "vmovdqa"
#else
#define FIB4_RECORD_MOVE "movdqa"
#endif

/* In assembly because a compiler may split what it may load. */
static inline __m128i fib4_record_load_both(const struct fib4_record *record)
{
    __m128i both;

    __asm__ volatile(FIB4_RECORD_MOVE " %1, %0" : "=x"(both) : "m"(*record));
    return both;
}

static inline struct fib4_run fib4_record_load_whole(const struct fib4_record *record)
{
    __m128i both = fib4_record_load_both(record);

    return (struct fib4_run){.bitmap = (uint64_t)_mm_cvtsi128_si64(both),
                             .base = (uint32_t)_mm_cvtsi128_si32(_mm_unpackhi_epi64(both, both))};
}

static inline void fib4_record_store_whole(struct fib4_record *record, struct fib4_run run)
{
    __m128i both = _mm_set_epi64x(run.base, (long long)run.bitmap);

    /* x86 keeps stores in order; the clobber makes the compiler do so: leaves first */
    __asm__ volatile(FIB4_RECORD_MOVE " %1, %0" : "=m"(*record) : "x"(both) : "memory");
}
#endif

static inline struct fib4_run fib4_record_load_counted(const struct fib4_record *record)
{
    struct fib4_run run;
    uint64_t before;
    uint64_t after;

    do {
        before = atomic_load_explicit(&record->base, memory_order_acquire);
        run.bitmap = atomic_load_explicit(&record->bitmap, memory_order_acquire);
        after = atomic_load_explicit(&record->base, memory_order_relaxed);
    } while (before != after || (before >> 32 & 1) != 0);
    run.base = (uint32_t)before;
    return run;
}

static inline void fib4_record_store_counted(struct fib4_record *record, struct fib4_run run)
{
    uint64_t version = atomic_load_explicit(&record->base, memory_order_relaxed) >> 32;

    atomic_store_explicit(&record->base, (version + 1) << 32, memory_order_relaxed);
    /* release: who sees this bitmap sees the odd version too */
    atomic_store_explicit(&record->bitmap, run.bitmap, memory_order_release);
    atomic_store_explicit(&record->base, (version + 2) << 32 | run.base, memory_order_release);
}

/* Readers and the writer. `whole` is constant in every caller's loop. */
static inline struct fib4_run fib4_record_load(const struct fib4_record *record, bool whole)
{
#if FIB4_RECORD_WHOLE
    if (whole) {
        return fib4_record_load_whole(record);
    }
#endif
    (void)whole;
    return fib4_record_load_counted(record);
}

#if defined(__x86_64__)
/* The bitmap below the base; above that is the version, if it counts. */
static inline __m128i fib4_record_load_vector(const struct fib4_record *record)
{
#if FIB4_RECORD_WHOLE
    return fib4_record_load_both(record);
#else
    struct fib4_run run = fib4_record_load_counted(record);

    return _mm_set_epi64x(run.base, (long long)run.bitmap);
#endif
}
#endif

/* The writer alone. What the run points at is written before. */
static inline void fib4_record_store(struct fib4_record *record, struct fib4_run run, bool whole)
{
#if FIB4_RECORD_WHOLE
    if (whole) {
        fib4_record_store_whole(record, run);
        return;
    }
#endif
    (void)whole;
    fib4_record_store_counted(record, run);
}

#endif
