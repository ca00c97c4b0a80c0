/* SPDX-License-Identifier: BSD-3-Clause */
/* The contract of fib.h at its edges, on both families; fib_property_test.c has the bulk of the lookups. */
#include "rcu.h"
#include "subject.h"
#include "unit.h"
#include <errno.h>
#include <stdlib.h>

struct fixture {
    const struct subject *subject;
    struct rcu *rcu;
    void *fib;
};

#define MAX_ROUTES 40000

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->subject = *state;
    fixture->rcu = rcu_create(1);
    fixture->fib = fixture->subject->create(&(struct fib_config){.rcu = fixture->rcu, .max_routes = MAX_ROUTES});
    assert_non_null(fixture->rcu);
    assert_non_null(fixture->fib);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    fixture->subject->destroy(fixture->fib);
    rcu_destroy(fixture->rcu);
    free(fixture);
    return 0;
}

/* Prefix `i` of this length, in order of addresses. */
static oracle_key nth(uint64_t i, unsigned int length)
{
    return (oracle_key)i << (128 - length);
}

static void assert_found(struct fixture *fixture, oracle_key key, uint32_t value)
{
    assert_int_equal(subject_lookup(fixture->subject, fixture->fib, key), value);
}

static uint64_t routes_in(struct fixture *fixture)
{
    struct fib_stats stats;

    fixture->subject->stats(fixture->fib, &stats);
    return stats.routes;
}

static void an_empty_table_has_no_route(void **state)
{
    struct fixture *fixture = *state;
    unsigned int length;
    uint32_t value;

    assert_found(fixture, 0, FIB_NO_ROUTE);
    assert_found(fixture, ~(oracle_key)0, FIB_NO_ROUTE);
    assert_int_equal(fixture->subject->match(fixture->fib, 0, &length, &value), -ENOENT);
    assert_int_equal(fixture->subject->del(fixture->fib, 0, 0), -ENOENT);
    assert_int_equal(routes_in(fixture), 0);
}

static void a_bad_route_is_refused(void **state)
{
    struct fixture *fixture = *state;
    unsigned int bits = fixture->subject->bits;
    const struct {
        oracle_key key;
        unsigned int length;
        uint32_t value;
    } bad[] = {
        {0, bits + 1, 1},
        {0, 1000, 1},
        {0, 0, FIB_NO_ROUTE},
        {nth(1, 8), 8, FIB_NO_ROUTE},
        {nth(1, 8), 8, FIB_VALUE_MAX + 1},
        {nth(1, 8), 8, UINT32_MAX},
        {nth(1, 8), 7, 1},
        {nth(1, bits), bits - 1, 1},
        {nth(1, bits), 0, 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct oracle_route route = {bad[i].key, bad[i].length, bad[i].value};

        assert_int_equal(fixture->subject->set(fixture->fib, route.key, route.length, route.value), -EINVAL);
        assert_int_equal(fixture->subject->load(fixture->fib, &route, 1), -EINVAL);
    }
    assert_int_equal(fixture->subject->del(fixture->fib, 0, bits + 1), -EINVAL);
    assert_int_equal(fixture->subject->del(fixture->fib, nth(1, 8), 7), -EINVAL);
    assert_int_equal(routes_in(fixture), 0);
    assert_found(fixture, nth(1, 8), FIB_NO_ROUTE);
}

static void the_smallest_and_the_largest_value_come_back(void **state)
{
    struct fixture *fixture = *state;
    unsigned int bits = fixture->subject->bits;

    assert_int_equal(fixture->subject->set(fixture->fib, nth(1, 8), 8, FIB_VALUE_MAX), 0);
    assert_int_equal(fixture->subject->set(fixture->fib, nth(0x100, 16), 16, 1), 0);
    assert_int_equal(fixture->subject->set(fixture->fib, nth(0x101, 16), bits, FIB_VALUE_MAX - 1), 0);
    assert_found(fixture, nth(0x1ff, 16), FIB_VALUE_MAX);
    assert_found(fixture, nth(0x100, 16), 1);
    assert_found(fixture, nth(0x101, 16), FIB_VALUE_MAX - 1);
    assert_found(fixture, nth(0x101, 16) + subject_one(fixture->subject), FIB_VALUE_MAX);
}

static void a_lookup_takes_any_number_of_destinations(void **state)
{
    struct fixture *fixture = *state;
    oracle_key keys[SUBJECT_BULK];
    uint32_t values[SUBJECT_BULK];

    for (unsigned int i = 0; i < SUBJECT_BULK; i++) {
        keys[i] = nth(0x2000 + i, 16);
        assert_int_equal(fixture->subject->set(fixture->fib, keys[i], 16, i + 1), 0);
    }
    for (unsigned int n = 0; n <= SUBJECT_BULK; n += n < 130 ? 1 : 127) {
        for (unsigned int i = 0; i < SUBJECT_BULK; i++) {
            values[i] = 0xdeadbeef;
        }
        fixture->subject->lookup(fixture->fib, keys, values, n);
        for (unsigned int i = 0; i < SUBJECT_BULK; i++) {
            assert_int_equal(values[i], i < n ? i + 1 : 0xdeadbeef);
        }
    }
}

static void a_full_table_takes_no_more_routes_but_changes_those_it_has(void **state)
{
    struct fixture *fixture = *state;
    const struct subject *subject = fixture->subject;

    for (uint32_t i = 0; i < MAX_ROUTES; i++) {
        assert_int_equal(subject->set(fixture->fib, nth(0x200000 + i, 24), 24, 1 + i % 7), 0);
    }
    assert_int_equal(subject->set(fixture->fib, nth(0x300000, 24), 24, 9), -ENOSPC);
    assert_int_equal(subject->set(fixture->fib, 0, 0, 9), -ENOSPC);
    assert_found(fixture, nth(0x300000, 24), FIB_NO_ROUTE);
    assert_int_equal(routes_in(fixture), MAX_ROUTES);
    assert_int_equal(subject->set(fixture->fib, nth(0x200005, 24), 24, 9), 0);
    assert_found(fixture, nth(0x200005, 24), 9);
    assert_int_equal(subject->del(fixture->fib, nth(0x200006, 24), 24), 0);
    assert_int_equal(subject->set(fixture->fib, 0, 0, 8), 0);
    assert_found(fixture, nth(0x200006, 24), 8);
    assert_found(fixture, nth(0x200007, 24), 1 + 7 % 7);
}

static void a_load_replaces_everything_and_the_later_of_two_counts(void **state)
{
    struct fixture *fixture = *state;
    const struct subject *subject = fixture->subject;
    const struct oracle_route routes[] = {
        {nth(0x20, 8), 8, 1}, {nth(0x2001, 16), 16, 2}, {0, 0, 3}, {nth(0x20, 8), 8, 4}, {nth(0x2001, 16), 30, 5},
    };

    assert_int_equal(subject->set(fixture->fib, nth(0x21, 8), 8, 7), 0);
    assert_int_equal(subject->load(fixture->fib, routes, ARRAY_SIZE(routes)), 0);
    assert_int_equal(routes_in(fixture), 4);
    assert_found(fixture, nth(0x21, 8), 3);
    assert_found(fixture, nth(0x20, 8), 4);
    assert_found(fixture, nth(0x20018, 20), 2);
    assert_found(fixture, nth(0x2001, 16), 5);
    assert_int_equal(subject->set(fixture->fib, nth(0x21, 8), 8, 7), 0);
    assert_found(fixture, nth(0x21, 8), 7);
    assert_int_equal(subject->load(fixture->fib, NULL, 0), 0);
    assert_found(fixture, nth(0x20, 8), FIB_NO_ROUTE);
    assert_int_equal(routes_in(fixture), 0);
}

static void a_load_that_fails_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct subject *subject = fixture->subject;
    struct oracle_route *routes = calloc(MAX_ROUTES + 1, sizeof(*routes));

    assert_non_null(routes);
    for (uint32_t i = 0; i <= MAX_ROUTES; i++) {
        routes[i] = (struct oracle_route){nth(0x200000 + i, 24), 24, 1};
    }
    assert_int_equal(subject->set(fixture->fib, nth(0x21, 8), 8, 7), 0);
    assert_int_equal(subject->load(fixture->fib, routes, MAX_ROUTES + 1), -ENOSPC);
    routes[1].value = 0;
    assert_int_equal(subject->load(fixture->fib, routes, 2), -EINVAL);
    assert_found(fixture, nth(0x21, 8), 7);
    assert_found(fixture, nth(0x200000, 24), FIB_NO_ROUTE);
    assert_int_equal(routes_in(fixture), 1);
    free(routes);
}

/* 2^15 groups of fib4: as many /24s can hold longer prefixes. */
static void fib4_set_without_a_group_left_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct subject *subject = fixture->subject;
    const uint32_t groups = 32768;

    assert_int_equal(subject->set(fixture->fib, nth(0x4, 4), 4, 3), 0);
    for (uint32_t i = 0; i < groups; i++) {
        assert_int_equal(subject->set(fixture->fib, nth(0x400000 + i, 24), 32, 1), 0);
    }
    assert_int_equal(subject->set(fixture->fib, nth(0x400000 + groups, 24), 32, 2), -ENOSPC);
    assert_found(fixture, nth(0x400000 + groups, 24), 3);
    assert_int_equal(subject->del(fixture->fib, nth(0x400000 + groups, 24), 32), -ENOENT);
    assert_int_equal(routes_in(fixture), groups + 1);
    assert_int_equal(subject->set(fixture->fib, nth(0x400000, 24), 31, 4), 0);
    assert_int_equal(subject->del(fixture->fib, nth(0x400001, 24), 32), 0);
    assert_int_equal(subject->set(fixture->fib, nth(0x400000 + groups, 24), 32, 2), 0);
    assert_found(fixture, nth(0x400000 + groups, 24), 2);
    assert_found(fixture, nth(0x400000, 24) + subject_one(subject), 4);
    assert_found(fixture, nth(0x400001, 24), 3);
}

/* A host alone in its /24 needs seven nodes of the eight that there are for a route. A short prefix above them all
 * would need them twice, until what it replaces is retired. */
static void fib6_set_without_memory_left_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct subject *subject = fixture->subject;

    for (uint32_t i = 0; i < MAX_ROUTES - 1; i++) {
        assert_int_equal(subject->set(fixture->fib, nth(0x200000 + i, 24) + 1, 128, 1 + i % 5), 0);
    }
    assert_int_equal(subject->set(fixture->fib, nth(1, 3), 3, 9), -ENOSPC);
    assert_int_equal(subject->set(fixture->fib, nth(0, 1), 1, 9), -ENOSPC);
    assert_int_equal(routes_in(fixture), MAX_ROUTES - 1);
    assert_int_equal(subject->set(fixture->fib, nth(0x300000, 24) + 1, 128, 8), 0);
    assert_int_equal(subject->del(fixture->fib, nth(0x300000, 24) + 1, 128), 0);
    for (uint32_t i = 0; i < MAX_ROUTES - 1; i++) {
        assert_found(fixture, nth(0x200000 + i, 24), FIB_NO_ROUTE);
        assert_found(fixture, nth(0x200000 + i, 24) + 1, 1 + i % 5);
    }
    for (uint32_t i = 0; i < MAX_ROUTES / 2; i++) {
        assert_int_equal(subject->del(fixture->fib, nth(0x200000 + i, 24) + 1, 128), 0);
    }
    assert_int_equal(subject->set(fixture->fib, nth(1, 3), 3, 9), 0);
    assert_found(fixture, nth(0x200000, 24), 9);
    assert_found(fixture, nth(0x200000 + MAX_ROUTES - 2, 24) + 1, 1 + (MAX_ROUTES - 2) % 5);
}

/* Values and boundaries that alternate: what is retired must come back, or the table grows without bound. */
static void changes_without_end_need_no_more_memory(void **state)
{
    struct fixture *fixture = *state;
    const struct subject *subject = fixture->subject;
    struct fib_stats before = {0};
    struct fib_stats after;

    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < 2000; i++) {
            assert_int_equal(subject->set(fixture->fib, nth(0x20010d + i % 3, 24) + nth(i, 32), 32, 1 + i % 5), 0);
        }
        for (uint32_t i = 0; i < 2000; i += 2) {
            assert_int_equal(subject->del(fixture->fib, nth(0x20010d + i % 3, 24) + nth(i, 32), 32), 0);
        }
        if (round == 1) {
            subject->stats(fixture->fib, &before);
        }
    }
    subject->stats(fixture->fib, &after);
    assert_in_range(after.bytes, 1, before.bytes + before.bytes / 50);
    assert_in_range(after.control_bytes, 1, before.control_bytes + before.control_bytes / 50);
}

/* A reader that is not quiescent while each kind of thing is replaced. What one store changes leaves nothing to retire.
 */
static void what_a_change_replaces_waits_for_the_readers(void **state)
{
    struct fixture *fixture = *state;
    const struct subject *subject = fixture->subject;
    const struct oracle_route load = {nth(0x20, 8), 8, 1};
    const struct {
        const char *what; /* in fib4; in fib6 */
        oracle_key key;
        unsigned int length;
        uint32_t value; /* 0: del */
        bool retires[2];
    } changes[] = {
        {"a uniform record; uniform buckets", nth(0x200100, 24), 23, 1, {false, false}},
        {"a run; a uniform bucket", nth(0x200100, 24), 24, 2, {true, false}},
        {"a leaf for a new group; a uniform bucket", nth(0x200100, 24), 28, 3, {false, false}},
        {"a group; a bucket", nth(0x200100, 24), 28, 0, {true, true}},
        {"a leaf for a new group; a uniform bucket", nth(0x200100, 24), 30, 4, {false, false}},
        {"a group in place; a leaf", nth(0x200100, 24), 29, 5, {false, true}},
        {"a group in place; a leaf for a deeper tree", nth(0x200100, 24), subject->bits, 6, {false, true}},
        {"a leaf in place; buckets", nth(0x2001, 16), 16, 7, {false, true}},
    };
    size_t waiting;

    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        rcu_reader_online(fixture->rcu, 0);
        if (changes[i].value != 0) {
            assert_int_equal(subject->set(fixture->fib, changes[i].key, changes[i].length, changes[i].value), 0);
        } else {
            assert_int_equal(subject->del(fixture->fib, changes[i].key, changes[i].length), 0);
        }
        waiting = rcu_reclaim(fixture->rcu);
        rcu_reader_offline(fixture->rcu, 0);
        if ((waiting > 0) != changes[i].retires[subject->bits == 128]) {
            fail_msg("%s: %zu things wait", changes[i].what, waiting);
        }
        assert_int_equal(rcu_reclaim(fixture->rcu), 0);
    }
    rcu_reader_online(fixture->rcu, 0);
    assert_int_equal(subject->load(fixture->fib, &load, 1), 0);
    waiting = rcu_reclaim(fixture->rcu);
    rcu_reader_offline(fixture->rcu, 0);
    assert_int_equal(waiting, 1);
}

#define BOTH(test)                                                            \
    {"fib4: " #test, test, setup, teardown, (void *)(uintptr_t)&subject_v4},  \
    {                                                                         \
        "fib6: " #test, test, setup, teardown, (void *)(uintptr_t)&subject_v6 \
    }
#define ONLY(test, subject)                                        \
    {                                                              \
#test, test, setup, teardown, (void *)(uintptr_t)(subject) \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(an_empty_table_has_no_route),
        BOTH(a_bad_route_is_refused),
        BOTH(the_smallest_and_the_largest_value_come_back),
        BOTH(a_lookup_takes_any_number_of_destinations),
        BOTH(a_full_table_takes_no_more_routes_but_changes_those_it_has),
        BOTH(a_load_replaces_everything_and_the_later_of_two_counts),
        BOTH(a_load_that_fails_changes_nothing),
        BOTH(what_a_change_replaces_waits_for_the_readers),
        BOTH(changes_without_end_need_no_more_memory),
        ONLY(fib4_set_without_a_group_left_changes_nothing, &subject_v4),
        ONLY(fib6_set_without_memory_left_changes_nothing, &subject_v6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
