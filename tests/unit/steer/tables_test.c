/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables that workers read: ids, adjacencies, path lists, and when what they hold may be reused. */
#include "adjacency.h"
#include "id_pool.h"
#include "members.h"
#include "path_list.h"
#include "unit.h"
#include <errno.h>
#include <string.h>

struct tables {
    struct rcu *rcu;
    struct adjacency_table *adjacencies;
    struct path_list_table *path_lists;
};

/* One reader, online: nothing is reused before it says so. */
static int set_up(void **state)
{
    static struct tables tables;

    tables.rcu = rcu_create(1);
    tables.adjacencies = adjacency_table_create(tables.rcu);
    tables.path_lists = path_list_table_create(tables.rcu);
    rcu_reader_online(tables.rcu, 0);
    *state = &tables;
    return tables.adjacencies == NULL || tables.path_lists == NULL;
}

static int tear_down(void **state)
{
    struct tables *tables = *state;

    rcu_reader_offline(tables->rcu, 0);
    path_list_table_destroy(tables->path_lists);
    adjacency_table_destroy(tables->adjacencies);
    rcu_destroy(tables->rcu);
    return 0;
}

static void reader_is_quiescent(struct tables *tables)
{
    rcu_quiescent(tables->rcu, 0);
    assert_int_equal(rcu_reclaim(tables->rcu), 0);
}

static void ids_are_handed_out_lowest_first_and_zero_never(void **state)
{
    struct id_pool pool;

    (void)state;
    assert_int_equal(id_pool_init(&pool, 192), 0);
    for (int id = 1; id < 192; id++) {
        assert_int_equal(id_pool_take(&pool), id);
    }
    assert_int_equal(id_pool_take(&pool), -ENOSPC);
    assert_int_equal(pool.count, 191);
    id_pool_give(&pool, 150);
    id_pool_give(&pool, 3);
    id_pool_give(&pool, 64);
    assert_int_equal(id_pool_take(&pool), 3);
    assert_int_equal(id_pool_take(&pool), 64);
    assert_int_equal(id_pool_take(&pool), 150);
    assert_int_equal(id_pool_take(&pool), -ENOSPC);
    id_pool_fini(&pool);
}

static void a_new_adjacency_is_alive_and_has_a_copy_of_the_rewrite(void **state)
{
    struct tables *tables = *state;
    struct rewrite rewrite = {.kind = REWRITE_TX, .port = 7, .mtu = 1500};
    int id = adjacency_alloc(tables->adjacencies, &rewrite);
    const struct adjacency *adjacency = &adjacency_array(tables->adjacencies)[id];

    rewrite.port = 8;
    assert_int_equal(id, 1);
    assert_int_equal(adjacency_state(adjacency), 0);
    assert_int_equal(adjacency_rewrite(adjacency)->port, 7);
}

static void a_replaced_rewrite_stays_readable_until_the_reader_is_quiescent(void **state)
{
    struct tables *tables = *state;
    int id = adjacency_alloc(tables->adjacencies, &(struct rewrite){.mtu = 1000});
    const struct adjacency *adjacency = &adjacency_array(tables->adjacencies)[id];
    const struct rewrite *held = adjacency_rewrite(adjacency);

    for (uint16_t mtu = 1001; mtu < 1100; mtu++) {
        assert_int_equal(adjacency_set_rewrite(tables->adjacencies, (uint16_t)id, &(struct rewrite){.mtu = mtu}), 0);
        rcu_reclaim(tables->rcu);
        assert_int_equal(held->mtu, 1000); /* ASan: not freed */
    }
    assert_int_equal(adjacency_rewrite(adjacency)->mtu, 1099);
    reader_is_quiescent(tables);
}

static void each_source_owns_its_byte_of_the_state(void **state)
{
    struct tables *tables = *state;
    int id = adjacency_alloc(tables->adjacencies, &(struct rewrite){0});
    struct adjacency *adjacency = &adjacency_array(tables->adjacencies)[id];

    for (int source = 0; source < ADJACENCY_SOURCES; source++) {
        adjacency_set_state(adjacency, (enum adjacency_source)source, ADJACENCY_SUSPECT);
        assert_true(adjacency_is_suspect(adjacency_state(adjacency)));
        adjacency_set_state(adjacency, (enum adjacency_source)source, ADJACENCY_DOWN);
        assert_false(adjacency_is_suspect(adjacency_state(adjacency)));
        for (int other = 0; other < ADJACENCY_SOURCES; other++) {
            adjacency_set_state(adjacency, (enum adjacency_source)other,
                                other == source ? ADJACENCY_DOWN : ADJACENCY_ALIVE);
        }
        assert_int_not_equal(adjacency_state(adjacency), 0);
        adjacency_set_state(adjacency, (enum adjacency_source)source, ADJACENCY_ALIVE);
        assert_int_equal(adjacency_state(adjacency), 0);
    }
}

static void id_zero_is_never_alive_and_leads_into_a_black_hole(void **state)
{
    struct tables *tables = *state;
    const struct adjacency *none = &adjacency_array(tables->adjacencies)[ADJACENCY_NONE];

    assert_int_not_equal(adjacency_state(none), 0);
    assert_false(adjacency_is_suspect(adjacency_state(none)));
    assert_int_equal(adjacency_rewrite(none)->kind, REWRITE_BLACKHOLE);
}

static void a_freed_adjacency_is_reused_only_after_quiescence_and_then_alive(void **state)
{
    struct tables *tables = *state;
    struct adjacency *array = adjacency_array(tables->adjacencies);
    int id = adjacency_alloc(tables->adjacencies, &(struct rewrite){.mtu = 1});
    const struct rewrite *held = adjacency_rewrite(&array[id]);

    adjacency_set_state(&array[id], ADJACENCY_PROBE, ADJACENCY_SUSPECT);
    adjacency_set_state(&array[id], ADJACENCY_ADMIN, ADJACENCY_DOWN);
    adjacency_free(tables->adjacencies, (uint16_t)id);
    assert_int_equal(rcu_reclaim(tables->rcu), 1);
    assert_int_not_equal(adjacency_alloc(tables->adjacencies, &(struct rewrite){.mtu = 2}), id);
    assert_ptr_equal(adjacency_rewrite(&array[id]), held);
    assert_int_equal(held->mtu, 1);
    reader_is_quiescent(tables);
    assert_int_equal(adjacency_alloc(tables->adjacencies, &(struct rewrite){.mtu = 3}), id);
    assert_int_equal(adjacency_state(&array[id]), 0);
    assert_int_equal(adjacency_rewrite(&array[id])->mtu, 3);
}

static void a_full_adjacency_table_refuses_and_changes_nothing(void **state)
{
    struct tables *tables = *state;
    const struct adjacency *array = adjacency_array(tables->adjacencies);

    for (unsigned int id = 1; id < ADJACENCY_MAX; id++) {
        assert_int_equal(adjacency_alloc(tables->adjacencies, &(struct rewrite){.mtu = (uint16_t)id}), id);
    }
    assert_int_equal(adjacency_alloc(tables->adjacencies, &(struct rewrite){0}), -ENOSPC);
    for (unsigned int id = 1; id < ADJACENCY_MAX; id++) {
        assert_int_equal(adjacency_rewrite(&array[id])->mtu, id);
    }
    adjacency_free(tables->adjacencies, 1234);
    assert_int_equal(adjacency_alloc(tables->adjacencies, &(struct rewrite){0}), -ENOSPC);
    reader_is_quiescent(tables);
    assert_int_equal(adjacency_alloc(tables->adjacencies, &(struct rewrite){0}), 1234);
}

static void a_path_list_holds_its_rows_its_ranking_and_its_hash_mode(void **state)
{
    struct tables *tables = *state;
    const struct path_list *const *array = path_list_array(tables->path_lists);
    struct members members;
    const struct path_list *list;
    int id;

    members_of_tiers(&members, (const uint16_t[]){2, 1, 0});
    members.spec.hash_mode = HASH_ADDRESSES;
    id = path_list_create(tables->path_lists, &members.spec);
    assert_int_equal(id, 1);
    list = path_list_load(array, 1);
    assert_int_equal(list->row_mask, ROWS_SHARED - 1);
    assert_int_equal(list->hash_mode, HASH_ADDRESSES);
    assert_int_equal(list->ranked_count, 3);
    assert_memory_equal(list->ranked, ((const uint16_t[]){1, 2, 3}), 6);
    assert_int_equal(row_place(list->rows[ROWS_SHARED - 1], 2), 3);
    assert_true(path_list_bytes(tables->path_lists) >= ROWS_SHARED * sizeof(row_t));
}

static void a_path_list_without_members_leads_nowhere(void **state)
{
    struct tables *tables = *state;
    int id = path_list_create(tables->path_lists, &(struct path_list_spec){0});
    const struct path_list *list = path_list_load(path_list_array(tables->path_lists), (uint32_t)id);

    assert_int_equal(list->row_mask, 0);
    assert_int_equal(list->ranked_count, 0);
    assert_int_equal(list->rows[0], 0);
}

static void a_destroyed_path_list_is_reused_only_after_quiescence(void **state)
{
    struct tables *tables = *state;
    const struct path_list *const *array = path_list_array(tables->path_lists);
    struct members members;
    const struct path_list *held;
    uint64_t bytes;
    int id;

    assert_int_equal(path_list_bytes(tables->path_lists), 0);
    id = path_list_create(tables->path_lists, members_of_tiers(&members, (const uint16_t[]){1, 0}));
    bytes = path_list_bytes(tables->path_lists);
    held = path_list_load(array, (uint32_t)id);
    path_list_destroy(tables->path_lists, (uint32_t)id);
    assert_int_not_equal(path_list_create(tables->path_lists, &members.spec), id);
    assert_ptr_equal(path_list_load(array, (uint32_t)id), held);
    assert_int_equal(row_place(held->rows[0], 0), 1);
    assert_int_equal(path_list_bytes(tables->path_lists), 2 * bytes);
    reader_is_quiescent(tables);
    assert_int_equal(path_list_bytes(tables->path_lists), bytes);
    assert_int_equal(path_list_create(tables->path_lists, &members.spec), id);
}

static void a_full_path_list_table_refuses_and_changes_nothing(void **state)
{
    struct tables *tables = *state;
    const struct path_list *const *array = path_list_array(tables->path_lists);
    struct members members;
    uint64_t bytes;

    members_of_tiers(&members, (const uint16_t[]){1, 0});
    for (unsigned int id = 1; id < PATH_LIST_MAX; id++) {
        members.paths[0].adjacency = (uint16_t)id;
        assert_int_equal(path_list_create(tables->path_lists, &members.spec), id);
    }
    bytes = path_list_bytes(tables->path_lists);
    assert_int_equal(path_list_create(tables->path_lists, &members.spec), -ENOSPC);
    assert_int_equal(path_list_bytes(tables->path_lists), bytes);
    for (unsigned int id = 1; id < PATH_LIST_MAX; id++) {
        assert_int_equal(row_place(path_list_load(array, id)->rows[0], 0), id);
    }
    path_list_destroy(tables->path_lists, 77);
    reader_is_quiescent(tables);
    assert_int_equal(path_list_create(tables->path_lists, &members.spec), 77);
}

#define table_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_handed_out_lowest_first_and_zero_never),
        table_test(a_new_adjacency_is_alive_and_has_a_copy_of_the_rewrite),
        table_test(a_replaced_rewrite_stays_readable_until_the_reader_is_quiescent),
        table_test(each_source_owns_its_byte_of_the_state),
        table_test(id_zero_is_never_alive_and_leads_into_a_black_hole),
        table_test(a_freed_adjacency_is_reused_only_after_quiescence_and_then_alive),
        table_test(a_full_adjacency_table_refuses_and_changes_nothing),
        table_test(a_path_list_holds_its_rows_its_ranking_and_its_hash_mode),
        table_test(a_path_list_without_members_leads_nowhere),
        table_test(a_destroyed_path_list_is_reused_only_after_quiescence),
        table_test(a_full_path_list_table_refuses_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
