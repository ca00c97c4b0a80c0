/* SPDX-License-Identifier: BSD-3-Clause */
#include "path_list.h"
#include "id_pool.h"
#include "rows.h"
#include <errno.h>
#include <stdlib.h>

struct path_list_table {
    struct rcu *rcu;
    struct id_pool ids;
    uint64_t bytes;
    const struct path_list **array;
};

struct path_list_table *path_list_table_create(struct rcu *rcu)
{
    struct path_list_table *table = calloc(1, sizeof(*table));

    if (table == NULL) {
        return NULL;
    }
    table->rcu = rcu;
    table->array = calloc(PATH_LIST_MAX, sizeof(*table->array));
    if (table->array == NULL || id_pool_init(&table->ids, PATH_LIST_MAX) != 0) {
        free(table->array);
        free(table);
        return NULL;
    }
    return table;
}

void path_list_table_destroy(struct path_list_table *table)
{
    if (table == NULL) {
        return;
    }
    rcu_synchronize(table->rcu); /* what is retired still points here */
    for (uint32_t id = 0; id < PATH_LIST_MAX; id++) {
        free((void *)(uintptr_t)table->array[id]);
    }
    id_pool_fini(&table->ids);
    free(table->array);
    free(table);
}

const struct path_list *const *path_list_array(const struct path_list_table *table)
{
    return table->array;
}

uint64_t path_list_bytes(const struct path_list_table *table)
{
    return table->bytes;
}

/* To cache lines: no other's data lies beside ours. */
static uint64_t round_up(uint64_t bytes)
{
    return (bytes + 63) & ~UINT64_C(63);
}

/* Where the rows begin. */
static uint64_t rows_offset(uint32_t rows)
{
    return round_up(sizeof(struct path_list) + rows * sizeof(uint16_t));
}

static uint64_t size_of(uint32_t rows, uint32_t members)
{
    return rows_offset(rows) + round_up(rows * sizeof(row_t) + members * sizeof(uint16_t));
}

static uint32_t member_count(const struct path_list_spec *spec)
{
    uint32_t n = 0;

    for (unsigned int t = 0; t < spec->tier_count; t++) {
        n += spec->tiers[t];
    }
    return n;
}

static struct path_list *build(const struct path_list_spec *spec)
{
    uint32_t members = member_count(spec);
    uint32_t rows = rows_count(spec);
    struct path_list *list = aligned_alloc(64, size_of(rows, members));
    uint16_t *ranked;
    row_t *all;

    if (list == NULL) {
        return NULL;
    }
    all = (row_t *)((char *)list + rows_offset(rows));
    ranked = (uint16_t *)&all[rows];
    *list = (struct path_list){.row_mask = rows - 1,
                               .ranked_count = (uint16_t)members,
                               .hash_mode = spec->hash_mode,
                               .tell_no_instance = spec->tell_no_instance,
                               .ranked = ranked,
                               .rows = all};
    for (uint32_t i = 0; i < members; i++) {
        ranked[i] = spec->paths[i].adjacency;
    }
    rows_build(spec, all, rows);
    for (uint32_t i = 0; i < rows; i++) {
        list->first[i] = (uint16_t)all[i];
    }
    return list;
}

int path_list_create(struct path_list_table *table, const struct path_list_spec *spec)
{
    struct path_list *list = build(spec);
    int id;

    if (list == NULL) {
        return -ENOMEM;
    }
    id = id_pool_take(&table->ids);
    if (id < 0) {
        free(list);
        return id;
    }
    table->bytes += size_of(list->row_mask + 1, list->ranked_count);
    __atomic_store_n(&table->array[id], list, __ATOMIC_RELEASE);
    return id;
}

static void reclaim_list(void *owner, void *thing)
{
    struct path_list_table *table = owner;
    uintptr_t id = (uintptr_t)thing;
    const struct path_list *list = table->array[id];

    table->bytes -= size_of(list->row_mask + 1, list->ranked_count);
    table->array[id] = NULL;
    free((void *)(uintptr_t)list);
    id_pool_give(&table->ids, (uint32_t)id);
}

void path_list_destroy(struct path_list_table *table, uint32_t id)
{
    rcu_retire(table->rcu, reclaim_list, table, (void *)(uintptr_t)id);
}
