/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lookups as they are compiled for one set of instructions each. What they share is in fib4_burst.h and
 * fib6_burst.h.
 *
 * Private to this folder.
 */
#ifndef FIB_ISA_H
#define FIB_ISA_H

#include "fib.h"
#include "fib4_table.h"
#include "fib6_table.h"

#define FIB_BURST 64 /* a lookup's n is at most this */

typedef void fib4_lookup_fn(const struct fib4_table *table, const uint32_t *dst, uint32_t *out, unsigned int n);
typedef void fib6_lookup_fn(const struct fib6_table *table, const uint8_t (*dst)[16], uint32_t *out, unsigned int n);

/* Never FIB_ISA_BEST. */
enum fib_isa fib_isa_choose(enum fib_isa wanted);

/* Records through the version, or in one: fib4_record.h. */
fib4_lookup_fn fib4_lookup_portable;
fib4_lookup_fn fib4_lookup_avx;
fib6_lookup_fn fib6_lookup_portable;

/* Where the CPU has it. */
fib4_lookup_fn fib4_lookup_avx512;
fib6_lookup_fn fib6_lookup_avx512;

#endif
