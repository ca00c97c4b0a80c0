/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables of the internet's size: loaded whole, then churned (a tenth of the routes deleted and set again, each time in
 * another order), and compared with sorted lists around routes and at random addresses. ANYFWD_TEST_LONG=1 compares
 * around every route and after every change.
 */
#include "full_lists.h"
#include "rcu.h"
#include "subject.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

#define CHURN   10 /* one route of so many */
#define SAMPLES 20000
#define BURST   256
#define AROUND  4

struct run {
    const struct subject *subject;
    void *fib;
    struct table table;
    struct full_lists *lists;
    uint64_t random;
    oracle_key keys[BURST]; /* to be looked up */
    unsigned int pending;
};

/* ---- The comparison, a burst at a time */

static void check_pending(struct run *run)
{
    uint32_t found[BURST];

    run->subject->lookup(run->fib, run->keys, found, run->pending);
    for (unsigned int i = 0; i < run->pending; i++) {
        if (found[i] != full_lists_match(run->lists, run->keys[i])) {
            fail_msg("%016llx%016llx gives %u, not %u", (unsigned long long)(run->keys[i] >> 64),
                     (unsigned long long)run->keys[i], found[i], full_lists_match(run->lists, run->keys[i]));
        }
    }
    run->pending = 0;
}

static void check_around(struct run *run, const struct table_route *route)
{
    oracle_key last = subject_last(run->subject, route->key, route->length);
    oracle_key one = subject_one(run->subject);
    oracle_key keys[AROUND] = {route->key, last, route->key - one, last + one};

    for (unsigned int i = 0; i < AROUND; i++) {
        run->keys[run->pending++] = keys[i] & oracle_mask(run->subject->bits);
    }
    if (run->pending == BURST) {
        check_pending(run);
    }
}

/* Around routes, which are in random order, and at as many random addresses. */
static void check_table(struct run *run)
{
    size_t count = getenv("ANYFWD_TEST_LONG") == NULL && run->table.count > SAMPLES ? SAMPLES : run->table.count;
    struct fib_stats stats;

    for (size_t i = 0; i < count; i++) {
        check_around(run, &run->table.routes[i]);
    }
    check_pending(run);
    for (size_t i = 0; i < count; i++) {
        oracle_key key = (oracle_key)table_random(&run->random) << 64 | table_random(&run->random);

        run->keys[run->pending++] = key & oracle_mask(run->subject->bits);
        if (run->pending == BURST) {
            check_pending(run);
        }
    }
    check_pending(run);
    run->subject->stats(run->fib, &stats);
    assert_int_equal(stats.routes, run->table.count);
}

/* ---- The changes */

static void load(struct run *run)
{
    struct oracle_route *routes = calloc(run->table.count, sizeof(*routes));

    assert_non_null(routes);
    for (size_t i = 0; i < run->table.count; i++) {
        const struct table_route *route = &run->table.routes[i];

        routes[i] = (struct oracle_route){route->key, route->length, route->value};
    }
    assert_int_equal(run->subject->load(run->fib, routes, run->table.count), 0);
    free(routes);
}

static void shuffle(struct run *run, struct table_route *routes, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = table_random(&run->random) % i;
        struct table_route route = routes[i - 1];

        routes[i - 1] = routes[other];
        routes[other] = route;
    }
}

/* The oracle takes longer than the change. */
static void check_change(struct run *run, size_t i, const struct table_route *route)
{
    if (i % 4 == 0 || getenv("ANYFWD_TEST_LONG") != NULL) {
        check_around(run, route);
    }
}

static void churn(struct run *run)
{
    size_t count = run->table.count / CHURN;
    struct table_route *routes = calloc(count, sizeof(*routes));

    assert_non_null(routes);
    memcpy(routes, run->table.routes, count * sizeof(*routes));
    shuffle(run, routes, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(run->subject->del(run->fib, routes[i].key, routes[i].length), 0);
        *full_lists_value(run->lists, routes[i].key, routes[i].length) = 0;
        check_change(run, i, &routes[i]);
    }
    check_pending(run);
    shuffle(run, routes, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(run->subject->set(run->fib, routes[i].key, routes[i].length, routes[i].value), 0);
        *full_lists_value(run->lists, routes[i].key, routes[i].length) = routes[i].value;
        check_change(run, i, &routes[i]);
    }
    check_pending(run);
    free(routes);
}

/* ---- The tests */

static void a_full_table_is_right(const struct subject *subject, enum fib_isa isa)
{
    struct run *run = calloc(1, sizeof(*run));
    struct rcu *rcu = rcu_create(1);

    assert_non_null(run);
    assert_non_null(rcu);
    run->subject = subject;
    run->fib = subject->create(&(struct fib_config){.rcu = rcu, .isa = isa});
    assert_non_null(run->fib);
    table_read(&run->table, subject->bits);
    print_message("%s, %s: %zu routes, %s\n", subject->name, fib_isa_name(isa), run->table.count, run->table.source);
    run->lists = full_lists_create(&run->table);
    load(run);
    check_table(run);
    churn(run);
    check_table(run);
    full_lists_destroy(run->lists);
    table_free(&run->table);
    subject->destroy(run->fib);
    rcu_destroy(rcu);
    free(run);
}

static void a_full_table_of_fib4_is_right_by_portable_code(void **state)
{
    (void)state;
    a_full_table_is_right(&subject_v4, FIB_ISA_PORTABLE);
}

static void a_full_table_of_fib4_is_right_by_the_best_code(void **state)
{
    (void)state;
    a_full_table_is_right(&subject_v4, FIB_ISA_BEST);
}

static void a_full_table_of_fib6_is_right_by_portable_code(void **state)
{
    (void)state;
    a_full_table_is_right(&subject_v6, FIB_ISA_PORTABLE);
}

static void a_full_table_of_fib6_is_right_by_the_best_code(void **state)
{
    (void)state;
    a_full_table_is_right(&subject_v6, FIB_ISA_BEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_table_of_fib4_is_right_by_portable_code),
        cmocka_unit_test(a_full_table_of_fib4_is_right_by_the_best_code),
        cmocka_unit_test(a_full_table_of_fib6_is_right_by_portable_code),
        cmocka_unit_test(a_full_table_of_fib6_is_right_by_the_best_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
