/* SPDX-License-Identifier: BSD-3-Clause */
#include "id_pool.h"
#include <errno.h>
#include <stdlib.h>

int id_pool_init(struct id_pool *pool, uint32_t size)
{
    *pool = (struct id_pool){.size = size, .used = calloc(size / 64, sizeof(uint64_t))};
    if (pool->used == NULL) {
        return -ENOMEM;
    }
    pool->used[0] = 1; /* id 0 means none */
    return 0;
}

void id_pool_fini(struct id_pool *pool)
{
    free(pool->used);
    pool->used = NULL;
}

int id_pool_take(struct id_pool *pool)
{
    for (uint32_t word = pool->hint; word < pool->size / 64; word++) {
        uint64_t unused = ~pool->used[word];

        if (unused != 0) {
            unsigned int bit = (unsigned int)__builtin_ctzll(unused);

            pool->used[word] |= UINT64_C(1) << bit;
            pool->hint = word;
            pool->count++;
            return (int)(word * 64 + bit);
        }
    }
    pool->hint = pool->size / 64;
    return -ENOSPC;
}

void id_pool_give(struct id_pool *pool, uint32_t id)
{
    pool->used[id / 64] &= ~(UINT64_C(1) << (id % 64));
    pool->hint = id / 64 < pool->hint ? id / 64 : pool->hint;
    pool->count--;
}
