/* SPDX-License-Identifier: BSD-3-Clause */
/* fib4 and fib6 behind one face with the oracle's keys, so that every test runs on both. */
#ifndef SUBJECT_H
#define SUBJECT_H

#include "fib.h"
#include "oracle.h"

struct subject {
    const char *name;
    unsigned int bits; /* 32 or 128 */
    void *(*create)(const struct fib_config *config);
    void (*destroy)(void *fib);
    int (*set)(void *fib, oracle_key key, unsigned int length, uint32_t value);
    int (*del)(void *fib, oracle_key key, unsigned int length);
    void (*hold)(void *fib, bool hold); /* NULL: it cannot */
    int (*load)(void *fib, const struct oracle_route *routes, size_t count);
    int (*match)(const void *fib, oracle_key key, unsigned int *length, uint32_t *value);
    void (*lookup)(const void *fib, const oracle_key *keys, uint32_t *out, unsigned int n); /* n <= SUBJECT_BULK */
    void (*stats)(const void *fib, struct fib_stats *out);
};

#define SUBJECT_BULK 512

extern const struct subject subject_v4;
extern const struct subject subject_v6;

/* The instruction sets that every table is tested with, where the CPU has them. */
static const enum fib_isa subject_isas[] = {FIB_ISA_PORTABLE, FIB_ISA_AVX, FIB_ISA_AVX512};

static inline uint32_t subject_lookup(const struct subject *subject, const void *fib, oracle_key key)
{
    uint32_t value;

    subject->lookup(fib, &key, &value, 1);
    return value;
}

/* The last address of a prefix, as a key. */
static inline oracle_key subject_last(const struct subject *subject, oracle_key key, unsigned int length)
{
    return key | (oracle_mask(subject->bits) & ~oracle_mask(length));
}

/* The distance of two addresses that follow each other. */
static inline oracle_key subject_one(const struct subject *subject)
{
    return (oracle_key)1 << (128 - subject->bits);
}

#endif
