/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"
#include "pages.h"
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#define CHUNK_BYTES       ((size_t)2 << 20)
#define FIRST_CHUNK_BYTES ((size_t)32 << 10) /* most pools never need another one */

struct pool_chunk {
    struct pool_chunk *next;
    size_t bytes;
};

struct pool_free {
    struct pool_free *next;
};

static_assert(sizeof(struct pool_chunk) == POOL_STEP, "keeps what follows it aligned");

static size_t rounded(size_t size)
{
    return (size + POOL_STEP - 1) & ~(size_t)(POOL_STEP - 1);
}

static int chunk_add(struct pool *pool)
{
    size_t bytes = pool->chunks == NULL ? FIRST_CHUNK_BYTES : CHUNK_BYTES;
    struct pool_chunk *chunk = pool->chunks == NULL ? malloc(bytes) : pages_map(bytes);

    if (chunk == NULL) {
        return -1;
    }
    *chunk = (struct pool_chunk){pool->chunks, bytes};
    pool->chunks = chunk;
    pool->at = (char *)(chunk + 1);
    pool->end = (char *)chunk + bytes;
    pool->bytes += bytes;
    return 0;
}

void *pool_alloc(struct pool *pool, size_t size)
{
    size_t bytes = rounded(size);
    struct pool_free *thing;

    if (POOL_EACH_ALONE || bytes > POOL_MAX) {
        return malloc(size);
    }
    thing = pool->free[bytes / POOL_STEP];
    if (thing != NULL) {
        pool->free[bytes / POOL_STEP] = thing->next;
        return thing;
    }
    if ((size_t)(pool->end - pool->at) < bytes && chunk_add(pool) != 0) {
        return NULL;
    }
    thing = (struct pool_free *)pool->at;
    pool->at += bytes;
    return thing;
}

void pool_free(struct pool *pool, void *thing, size_t size)
{
    size_t bytes = rounded(size);
    struct pool_free *freed = thing;

    if (POOL_EACH_ALONE || bytes > POOL_MAX) {
        free(thing);
    } else if (freed != NULL) {
        freed->next = pool->free[bytes / POOL_STEP];
        pool->free[bytes / POOL_STEP] = freed;
    }
}

void pool_fini(struct pool *pool)
{
    struct pool_chunk *next;

    for (struct pool_chunk *chunk = pool->chunks; chunk != NULL; chunk = next) {
        next = chunk->next;
        if (chunk->bytes == FIRST_CHUNK_BYTES) {
            free(chunk);
        } else {
            pages_unmap(chunk, chunk->bytes);
        }
    }
    *pool = (struct pool){.chunks = NULL};
}
