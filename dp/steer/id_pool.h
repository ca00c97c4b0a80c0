/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small integers 1 to n - 1, handed out and taken back: the ids of adjacencies and of path lists. Lowest first, so that
 * what is used together lies together. Control thread only.
 */
#ifndef ID_POOL_H
#define ID_POOL_H

#include "attributes.h"
#include <stdint.h>

struct id_pool {
    uint64_t *used; /* a bit an id */
    uint32_t size;  /* a multiple of 64 */
    uint32_t count; /* handed out */
    uint32_t hint;  /* no free id lies in a word below this one */
};

/* size: a multiple of 64. 0 or -ENOMEM. */
int id_pool_init(struct id_pool *pool, uint32_t size) MUST_USE;
void id_pool_fini(struct id_pool *pool);
/* An id from 1 to size - 1, or -ENOSPC. */
int id_pool_take(struct id_pool *pool) MUST_USE;
void id_pool_give(struct id_pool *pool, uint32_t id);

#endif
