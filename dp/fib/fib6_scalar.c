/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib6_burst.h"

void fib6_lookup_portable(const struct fib6_table *table, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
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
        fib6_buckets_read(table, dst, &burst, n);
        fib6_entries_read(table, &burst, n);
    }
    fib6_leaves_find(table, &burst, n);
    fib6_leaves_read(table, dst, &burst, window, out, n);
}
