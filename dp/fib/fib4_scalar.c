/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib4_burst.h"

static inline __attribute__((always_inline)) void lookup(const struct fib4_table *table, const uint32_t *dst,
                                                         uint32_t *out, unsigned int n, bool whole)
{
    uint32_t leaves[FIB_BURST];

    if (fib4_one_slot(dst, n)) {
        fib4_leaves_find(table, dst, leaves, 1, whole);
        fib4_leaf_spread(table, dst, leaves[0], out, n);
        return;
    }
    fib4_leaves_find(table, dst, leaves, n, whole);
    fib4_leaves_read(table, dst, leaves, out, n);
}

void fib4_lookup_portable(const struct fib4_table *table, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    lookup(table, dst, out, n, false);
}

#if defined(__x86_64__)
__attribute__((target("popcnt")))
#endif
void fib4_lookup_avx(const struct fib4_table *table, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    lookup(table, dst, out, n, FIB4_RECORD_WHOLE);
}
