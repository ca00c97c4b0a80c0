/* SPDX-License-Identifier: BSD-3-Clause */
#include "adjacency.h"
#include "id_pool.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct adjacency_table {
    struct rcu *rcu;
    struct id_pool ids;
    struct adjacency *array;
};

/* What id 0 names, so that who follows an empty row without testing the state finds a rewrite as well. */
static const struct rewrite nowhere = {.kind = REWRITE_BLACKHOLE};

struct adjacency_table *adjacency_table_create(struct rcu *rcu)
{
    struct adjacency_table *table = calloc(1, sizeof(*table));

    if (table == NULL) {
        return NULL;
    }
    table->rcu = rcu;
    table->array = aligned_alloc(64, ADJACENCY_MAX * sizeof(struct adjacency));
    if (table->array == NULL) {
        goto free_table;
    }
    memset(table->array, 0, ADJACENCY_MAX * sizeof(struct adjacency));
    if (id_pool_init(&table->ids, ADJACENCY_MAX) != 0) {
        goto free_array;
    }
    /* never alive, and no suspect either: a row's empty places end nowhere */
    adjacency_set_state(&table->array[ADJACENCY_NONE], ADJACENCY_ADMIN, ADJACENCY_DOWN);
    table->array[ADJACENCY_NONE].rewrite = &nowhere;
    return table;
free_array:
    free(table->array);
free_table:
    free(table);
    return NULL;
}

void adjacency_table_destroy(struct adjacency_table *table)
{
    if (table == NULL) {
        return;
    }
    rcu_synchronize(table->rcu); /* what is retired still points here */
    for (uint32_t id = ADJACENCY_NONE + 1; id < ADJACENCY_MAX; id++) {
        free((void *)(uintptr_t)table->array[id].rewrite);
    }
    id_pool_fini(&table->ids);
    free(table->array);
    free(table);
}

struct adjacency *adjacency_array(struct adjacency_table *table)
{
    return table->array;
}

static struct rewrite *rewrite_copy(const struct rewrite *rewrite)
{
    struct rewrite *copy = aligned_alloc(64, sizeof(*copy));

    if (copy != NULL) {
        *copy = *rewrite;
    }
    return copy;
}

static void reclaim_rewrite(void *owner, void *thing)
{
    (void)owner;
    free(thing);
}

int adjacency_set_rewrite(struct adjacency_table *table, uint16_t id, const struct rewrite *rewrite)
{
    struct rewrite *copy = rewrite_copy(rewrite);
    const struct rewrite *old;

    if (copy == NULL) {
        return -ENOMEM;
    }
    old = __atomic_exchange_n(&table->array[id].rewrite, copy, __ATOMIC_ACQ_REL);
    if (old != NULL) {
        rcu_retire(table->rcu, reclaim_rewrite, NULL, (void *)(uintptr_t)old);
    }
    return 0;
}

int adjacency_alloc(struct adjacency_table *table, const struct rewrite *rewrite)
{
    int id = id_pool_take(&table->ids);
    int error;

    if (id < 0) {
        return id;
    }
    error = adjacency_set_rewrite(table, (uint16_t)id, rewrite);
    if (error != 0) {
        id_pool_give(&table->ids, (uint32_t)id);
        return error;
    }
    __atomic_store_n(&table->array[id].state.word, 0, __ATOMIC_RELEASE);
    return id;
}

static void reclaim_id(void *owner, void *thing)
{
    struct adjacency_table *table = owner;
    uintptr_t id = (uintptr_t)thing;

    free((void *)(uintptr_t)table->array[id].rewrite);
    table->array[id].rewrite = NULL;
    id_pool_give(&table->ids, (uint32_t)id);
}

void adjacency_free(struct adjacency_table *table, uint16_t id)
{
    rcu_retire(table->rcu, reclaim_id, table, (void *)(uintptr_t)id);
}
