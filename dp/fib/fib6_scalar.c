/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib6_burst.h"

void fib6_lookup_portable(const struct fib6_table *table, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
{
    struct fib6_burst burst;

    if (n > 2 && fib6_one_site(dst, n) && fib6_one_tree(table, dst, &burst, out, n)) {
        return;
    }
    fib6_buckets_read(table, dst, &burst, n);
    fib6_entries_read(table, &burst, n);
    fib6_leaves_find(table, &burst, n);
    fib6_leaves_read(table, dst, &burst, 0, out, n);
}
