/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for millions of small things of few sizes, such as candidate routes: no header beside each, those made one
 * after the other next to each other, and huge pages below, so that a table costs few page faults and few TLB misses
 * (measured, a page fault under a hypervisor takes as long as deciding ten prefixes).
 *
 * What is given back is kept for things of the same size (rounded up to POOL_STEP), and returned to the system with the
 * pool. One thread. All zero: an empty pool.
 */
#ifndef POOL_H
#define POOL_H

#include "attributes.h"
#include <stddef.h>

#define POOL_STEP 16   /* also the alignment */
#define POOL_MAX  4096 /* larger things are malloc()'s */

/* 1: everything is malloc()'s, so that the address sanitizer sees where each thing ends. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_EACH_ALONE 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POOL_EACH_ALONE 1
#endif
#ifndef POOL_EACH_ALONE
#define POOL_EACH_ALONE 0
#endif

struct pool_chunk;
struct pool_free;

struct pool {
    struct pool_chunk *chunks;
    char *at; /* what was never used of the last chunk */
    char *end;
    size_t bytes;                                     /* of all chunks */
    struct pool_free *free[POOL_MAX / POOL_STEP + 1]; /* by size */
};

/* Undefined contents; NULL: no memory. */
void *pool_alloc(struct pool *pool, size_t size) MUST_USE;
/* size: as it was asked for. NULL is fine. */
void pool_free(struct pool *pool, void *thing, size_t size);
/* Gives everything back, but for things that are larger than POOL_MAX: those are to be freed before. */
void pool_fini(struct pool *pool);

#endif
