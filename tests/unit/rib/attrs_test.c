/* SPDX-License-Identifier: BSD-3-Clause */
#include "attrs.h"
#include "path_text.h"
#include "pool.h"
#include "refuse_memory.h"
#include "unit.h"

static int table_setup(void **state)
{
    *state = attrs_table_create(1);
    return *state == NULL;
}

static int table_teardown(void **state)
{
    attrs_table_destroy(*state);
    return 0;
}

static const struct attrs *intern(struct attrs_table *table, const struct attrs *attrs)
{
    const struct attrs *interned = attrs_intern(table, attrs);

    assert_non_null(interned);
    return interned;
}

static const struct attrs *intern_path(struct attrs_table *table, const char *path)
{
    struct path_text text;

    return intern(table, &(struct attrs){.as_path = *path_read(path, &text)});
}

/* Everything at once, so that each field can be seen to come back and to matter. */
static const struct as_segment segments[] = {{AS_SEQUENCE, 2}, {AS_SET, 1}};
static const uint32_t asns[] = {65001, 65010, 3};
static const uint32_t communities[] = {7, 8};
static const struct large_community large[] = {{1, {2, 3}}, {1, {2, 4}}};
static const uint32_t clusters[] = {9, 5};
static const struct attrs full = {
    .as_path = {segments, asns, 2},
    .communities = communities,
    .large_communities = large,
    .cluster_list = clusters,
    .n_communities = 2,
    .n_large_communities = 2,
    .n_cluster_list = 2,
    .local_pref = 200,
    .med = 10,
    .weight = 1,
    .originator_id = 6,
    .has_local_pref = true,
    .has_med = true,
    .has_originator_id = true,
    .origin = ORIGIN_EGP,
};

static void an_interned_set_says_what_went_in(void **state)
{
    const struct attrs *got = intern(*state, &full);

    assert_true(as_path_equal(&got->as_path, &full.as_path));
    assert_memory_equal(got->communities, communities, sizeof(communities));
    assert_memory_equal(got->large_communities, large, sizeof(large));
    assert_memory_equal(got->cluster_list, clusters, sizeof(clusters));
    assert_int_equal(got->n_communities, 2);
    assert_int_equal(got->n_large_communities, 2);
    assert_int_equal(got->n_cluster_list, 2);
    assert_int_equal(got->local_pref, 200);
    assert_int_equal(got->med, 10);
    assert_int_equal(got->weight, 1);
    assert_int_equal(got->originator_id, 6);
    assert_true(got->has_local_pref && got->has_med && got->has_originator_id);
    assert_int_equal(got->origin, ORIGIN_EGP);
    assert_ptr_not_equal(got->as_path.asns, asns);
}

static void every_field_tells_sets_apart(void **state)
{
    static const uint32_t other[] = {7, 9};
    static const uint32_t turned[] = {5, 9};
    static const struct large_community other_large[] = {{1, {2, 3}}, {1, {2, 5}}};
    static const struct as_segment other_segments[] = {{AS_SEQUENCE, 2}, {AS_CONFED_SET, 1}};
    struct attrs variants[16];
    const struct attrs *interned[16];
    size_t n = 0;

    for (size_t i = 0; i < 16; i++) {
        variants[i] = full;
    }
    variants[++n].as_path.n_segments = 1;
    variants[++n].as_path.segments = other_segments;
    variants[++n].as_path.asns = (const uint32_t[]){65001, 65011, 3};
    variants[++n].communities = other;
    variants[++n].n_communities = 1;
    variants[++n].large_communities = other_large;
    variants[++n].n_large_communities = 1;
    variants[++n].cluster_list = turned;
    variants[++n].n_cluster_list = 1;
    variants[++n].local_pref = 201;
    variants[++n].med = 11;
    variants[++n].weight = 2;
    variants[++n].originator_id = 7;
    variants[++n].origin = ORIGIN_IGP;
    variants[++n].has_med = false;
    assert_int_equal(n, 15);
    for (size_t i = 0; i <= n; i++) {
        interned[i] = intern(*state, &variants[i]);
        for (size_t k = 0; k < i; k++) {
            assert_ptr_not_equal(interned[i], interned[k]);
        }
        assert_ptr_equal(intern(*state, &variants[i]), interned[i]);
    }
    assert_int_equal(attrs_table_count(*state), n + 1);
}

static void absent_is_not_zero_but_an_ignored_value_is_nothing(void **state)
{
    const struct attrs *absent = intern(*state, &(struct attrs){.weight = 1});

    assert_ptr_not_equal(absent, intern(*state, &(struct attrs){.weight = 1, .has_med = true}));
    assert_ptr_not_equal(absent, intern(*state, &(struct attrs){.weight = 1, .has_local_pref = true}));
    assert_ptr_not_equal(absent, intern(*state, &(struct attrs){.weight = 1, .has_originator_id = true}));
    assert_ptr_equal(absent,
                     intern(*state, &(struct attrs){.weight = 1, .med = 5, .local_pref = 6, .originator_id = 7}));
    assert_int_equal(absent->med, 0);
    assert_int_equal(absent->local_pref, 0);
    assert_int_equal(absent->originator_id, 0);
}

static void one_path_has_one_form_however_it_was_cut(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } cases[] = {
        {"1 2 3", "1 | 2 3", true},
        {"1 2 3", "1 | 2 | 3", true},
        {"1 {3 2} 4", "1 {2 3} 4", true},
        {"{2 2 3}", "{3 2}", true},
        {"(1) | (2)", "(1 2)", true},
        {"[2 1 1]", "[1 2]", true},
        {"{1} {2}", "{1 2}", false}, /* two sets count 2, one counts 1 */
        {"1 2", "2 1", false},
        {"(1) 2", "1 2", false},
        {"1 1 2", "1 2", false}, /* prepending means something */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(intern_path(*state, cases[i].a) == intern_path(*state, cases[i].b), cases[i].same);
    }
}

static void empty_segments_vanish(void **state)
{
    static const struct as_segment with_empty[] = {{AS_SET, 0}, {AS_SEQUENCE, 1}, {AS_SET, 0}, {AS_SEQUENCE, 1}};
    const struct attrs *got = intern(*state, &(struct attrs){.as_path = {with_empty, asns, 4}});

    assert_ptr_equal(got, intern_path(*state, "65001 65010"));
    assert_int_equal(got->as_path.n_segments, 1);
}

static void communities_are_sets(void **state)
{
    static const uint32_t mixed[] = {9, 7, 9, 8, 7};
    static const uint32_t sorted[] = {7, 8, 9};
    static const struct large_community large_mixed[] = {{2, {0, 0}}, {1, {0, 1}}, {2, {0, 0}}, {1, {0, 0}}};
    static const struct large_community large_sorted[] = {{1, {0, 0}}, {1, {0, 1}}, {2, {0, 0}}};
    const struct attrs *a = intern(*state, &(struct attrs){.communities = mixed,
                                                           .n_communities = 5,
                                                           .large_communities = large_mixed,
                                                           .n_large_communities = 4});
    const struct attrs *b = intern(*state, &(struct attrs){.communities = sorted,
                                                           .n_communities = 3,
                                                           .large_communities = large_sorted,
                                                           .n_large_communities = 3});

    assert_ptr_equal(a, b);
    assert_int_equal(a->n_communities, 3);
    assert_memory_equal(a->communities, sorted, sizeof(sorted));
    assert_memory_equal(a->large_communities, large_sorted, sizeof(large_sorted));
    assert_true(attrs_has_community(a, 8));
    assert_false(attrs_has_community(a, 6));
}

static void the_last_reference_frees_a_set(void **state)
{
    struct attrs_table *table = *state;
    const struct attrs *a = intern(table, &full);
    const struct attrs *b = intern(table, &full);

    assert_ptr_equal(a, b);
    assert_ptr_equal(attrs_ref(a), a);
    attrs_unref(table, a);
    attrs_unref(table, a);
    assert_int_equal(attrs_table_count(table), 1);
    attrs_unref(table, a);
    assert_int_equal(attrs_table_count(table), 0);
    attrs_unref(table, NULL);
}

static void many_sets_keep_their_identity_while_the_table_grows(void **state)
{
    enum { SETS = 20000 };
    static const struct attrs *sets[SETS];

    for (uint32_t i = 0; i < SETS; i++) {
        sets[i] = intern(*state, &(struct attrs){.med = i, .has_med = true});
    }
    assert_int_equal(attrs_table_count(*state), SETS);
    for (uint32_t i = 0; i < SETS; i++) {
        const struct attrs *again = intern(*state, &(struct attrs){.med = i, .has_med = true});

        assert_ptr_equal(again, sets[i]);
        attrs_unref(*state, again);
        attrs_unref(*state, again);
    }
    assert_int_equal(attrs_table_count(*state), 0);
}

static void without_memory_nothing_is_interned_and_the_table_lives_on(void **state)
{
    memory_left = 0;
    assert_null(attrs_table_create(1));
    assert_null(attrs_intern(*state, &full));
    memory_left = 1;
    assert_null(attrs_table_create(1));
    memory_left = -1;
    assert_int_equal(attrs_table_count(*state), 0);

    for (uint32_t i = 0; i < 4096; i++) {
        /* at first where it is made, and then the set itself; but never a larger table */
        memory_left = i == 0 ? 2 : POOL_EACH_ALONE;
        intern(*state, &(struct attrs){.med = i, .has_med = true});
    }
    memory_left = -1;
    assert_int_equal(attrs_table_count(*state), 4096);
    intern(*state, &(struct attrs){.med = 17, .has_med = true});
    assert_int_equal(attrs_table_count(*state), 4096);
}

static void local_pref_is_100_by_default_and_0_under_graceful_shutdown(void **state)
{
    static const uint32_t shutdown[] = {COMMUNITY_GRACEFUL_SHUTDOWN};

    (void)state;
    assert_int_equal(attrs_local_pref(&(struct attrs){.has_local_pref = false}), 100);
    assert_int_equal(attrs_local_pref(&(struct attrs){.has_local_pref = true}), 0);
    assert_int_equal(attrs_local_pref(&(struct attrs){.has_local_pref = true, .local_pref = 300}), 300);
    assert_int_equal(attrs_local_pref(&(struct attrs){
                         .has_local_pref = true, .local_pref = 300, .communities = shutdown, .n_communities = 1}),
                     0);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, table_setup, table_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLE(an_interned_set_says_what_went_in),
        WITH_TABLE(every_field_tells_sets_apart),
        WITH_TABLE(absent_is_not_zero_but_an_ignored_value_is_nothing),
        WITH_TABLE(one_path_has_one_form_however_it_was_cut),
        WITH_TABLE(empty_segments_vanish),
        WITH_TABLE(communities_are_sets),
        WITH_TABLE(the_last_reference_frees_a_set),
        WITH_TABLE(many_sets_keep_their_identity_while_the_table_grows),
        WITH_TABLE(without_memory_nothing_is_interned_and_the_table_lives_on),
        cmocka_unit_test(local_pref_is_100_by_default_and_0_under_graceful_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
