/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fib6's table: a root entry for each bucket (a /24 of 2000::/3, a /16 of the rest) names a sub-table of 2^stride trees
 * (fib6_tree.h). The stride follows the number of segments in the bucket, so most trees are one node.
 *
 * A change builds the smallest thing that it alters (a leaf, the tree below a sub-table or below a leaf, the bucket, or
 * all buckets that a short prefix covers) and publishes it by one store each, after all of it was built.
 *
 * Limits: memory for fib6_tree.c's NODES_PER_ROUTE. Routes of adversarial shape can exhaust it before max_routes are
 * in, and then even a del, which may split segments, can find no room.
 */
#ifndef FIB6_TABLE_H
#define FIB6_TABLE_H

#include "fib6_tree.h"
#include "fib_table.h"
#include <string.h>

#define FIB6_THIRD_LENGTH  3 /* buckets change their length only between /3s */
#define FIB6_GLOBAL_LENGTH 24
#define FIB6_GLOBAL        (1u << (FIB6_GLOBAL_LENGTH - FIB6_THIRD_LENGTH)) /* buckets in 2000::/3, the first ones */
#define FIB6_OTHER_LENGTH  16
#define FIB6_BUCKETS       (FIB6_GLOBAL + (1u << FIB6_OTHER_LENGTH))

struct fib6_table {
    struct fib_table base; /* first: fib_table.h */
    _Atomic uint32_t *root;
    struct fib6_trees trees;
    uint32_t *staged;       /* what root is about to become, where a change covers it */
    uint16_t *cells;        /* as many, scratch */
    uint16_t *changes_left; /* of each bucket, until it is built anew with the stride that then fits */
};

extern const struct fib_family fib6_family;

struct fib6_bucket {
    uint32_t index;
    unsigned int length;
};

static inline uint64_t fib6_half_of(const uint8_t *bytes)
{
    uint64_t be;

    memcpy(&be, bytes, sizeof(be));
    return __builtin_bswap64(be);
}

static inline trie_key fib6_key_of(const uint8_t addr[16])
{
    return (trie_key)fib6_half_of(addr) << 64 | fib6_half_of(addr + 8);
}

/* By the first 64 bits of an address. */
static inline struct fib6_bucket fib6_bucket_of(uint64_t high)
{
    uint64_t global = (high >> (64 - FIB6_GLOBAL_LENGTH)) - FIB6_GLOBAL;

    if (__builtin_expect(global < FIB6_GLOBAL, 1)) {
        return (struct fib6_bucket){(uint32_t)global, FIB6_GLOBAL_LENGTH};
    }
    return (struct fib6_bucket){FIB6_GLOBAL + (uint32_t)(high >> (64 - FIB6_OTHER_LENGTH)), FIB6_OTHER_LENGTH};
}

#endif
