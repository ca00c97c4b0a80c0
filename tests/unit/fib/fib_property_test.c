/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Seeded sequences of set and del on fib4 and fib6, compared with the oracle after every operation: at the first, last
 * and neighbouring addresses of the prefix, at random ones near it, and from time to time at those of every route that
 * is in. ANYFWD_TEST_LONG=1 makes the sequences LONGER times as long; ANYFWD_TEST_SEED=N takes another path.
 */
#include "rcu.h"
#include "subject.h"
#include "unit.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LONGER 20 /* a million operations a family */

struct shape {
    const char *name;
    const struct subject *subject;
    uint64_t bases[4]; /* high halves that the routes crowd around */
    struct {
        unsigned int min;
        unsigned int max;
    } length;
    unsigned int spread; /* how many bits before the prefix's end vary; the others are a base's */
    size_t most;         /* routes at a time */
    unsigned int operations;
};

#define V4(addr) ((uint64_t)(addr) << 32)

static const struct shape shapes[] = {
    /* name, subject, bases, lengths, spread, most, operations */
    {"fib4: every length", &subject_v4, {V4(0x0a000000), V4(0xc0000200), 0, ~0ull}, {0, 32}, 32, 150, 10000},
    {"fib4: nested in two /18s", &subject_v4, {V4(0x0a010000), V4(0x0a014000)}, {14, 32}, 8, 200, 20000},
    {"fib4: around /24", &subject_v4, {V4(0xc6336400), V4(0xc6336500)}, {22, 28}, 5, 80, 20000},
    {"fib4: short", &subject_v4, {0, ~0ull}, {0, 12}, 12, 40, 1000},
    {"fib6: every length", &subject_v6, {0x20010db8ull << 32, 0xfdull << 56, 0, ~0ull}, {0, 128}, 128, 150, 10000},
    {"fib6: one bucket", &subject_v6, {0x20010db8ull << 32, 0x20010d0000010000}, {20, 64}, 12, 400, 20000},
    {"fib6: dense /48s", &subject_v6, {0x20010db8ull << 32}, {44, 48}, 12, 700, 10000},
    {"fib6: windows in windows", &subject_v6, {0x20010db800aa0000, 0x20010db800aa00bb}, {50, 128}, 6, 200, 20000},
    {"fib6: outside of 2000::/3", &subject_v6, {0xfd001234ull << 32, 0xfe80ull << 48}, {8, 128}, 10, 200, 10000},
    {"fib6: short", &subject_v6, {0x2000ull << 48, 0x3fffull << 48, 0, ~0ull}, {0, 30}, 12, 40, 300},
};

/* A test's own: one shape with one set of instructions. */
struct variant {
    const struct shape *shape;
    enum fib_isa isa;
    char name[64];
};

struct run {
    const struct shape *shape;
    enum fib_isa isa;
    const struct subject *subject;
    struct rcu *rcu;
    void *fib;
    struct oracle oracle;
    uint64_t random;
};

static uint64_t next_random(struct run *run)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return run->random * 0x2545f4914f6cdd1dull;
}

static oracle_key random_key(struct run *run)
{
    return (oracle_key)next_random(run) << 64 | next_random(run);
}

static uint32_t random_value(struct run *run)
{
    static const uint32_t values[] = {1, 2, 3, 4, 254, 255, 0x7ffe, FIB_VALUE_MAX};

    return values[next_random(run) % ARRAY_SIZE(values)];
}

static void random_prefix(struct run *run, oracle_key *key, unsigned int *length)
{
    const struct shape *shape = run->shape;
    uint64_t base = shape->bases[next_random(run) % ARRAY_SIZE(shape->bases)];
    unsigned int fixed;

    *length = shape->length.min + (unsigned int)(next_random(run) % (shape->length.max - shape->length.min + 1));
    fixed = *length > shape->spread ? *length - shape->spread : 0;
    *key = (oracle_key)base << 64 & oracle_mask(fixed);
    *key |= random_key(run) & ~oracle_mask(fixed) & oracle_mask(*length);
}

static void check(const struct run *run, oracle_key key, uint32_t found)
{
    const struct oracle_route *expected = oracle_match(&run->oracle, key);
    unsigned int length = 0;
    uint32_t value = 0;
    int rc = run->subject->match(run->fib, key, &length, &value);

    if (found != (expected != NULL ? expected->value : FIB_NO_ROUTE)) {
        fail_msg("%s: %016llx%016llx gives %u, not %u", run->shape->name, (unsigned long long)(key >> 64),
                 (unsigned long long)key, found, expected != NULL ? expected->value : FIB_NO_ROUTE);
    }
    assert_int_equal(rc, expected != NULL ? 0 : -ENOENT);
    if (expected != NULL) {
        assert_int_equal(length, expected->length);
        assert_int_equal(value, expected->value);
    }
}

/* Bursts of every length: lookups handle the end of one, and one whose addresses have much in common, in their own way.
 */
static void check_bulk(struct run *run, const oracle_key *keys, size_t count)
{
    uint32_t found[SUBJECT_BULK];

    while (count > 0) {
        unsigned int n = 1 + (unsigned int)(next_random(run) % (count < 150 ? count : 150));

        run->subject->lookup(run->fib, keys, found, n);
        for (unsigned int i = 0; i < n; i++) {
            check(run, keys[i], found[i]);
        }
        keys += n;
        count -= n;
    }
}

#define AROUND 5

/* First, last, the neighbours of both, and something between. */
static void keys_around(struct run *run, oracle_key key, unsigned int length, oracle_key out[AROUND])
{
    oracle_key last = subject_last(run->subject, key, length);
    oracle_key one = subject_one(run->subject);

    out[0] = key;
    out[1] = last;
    out[2] = key - one;
    out[3] = last + one;
    out[4] = key | (random_key(run) & ~oracle_mask(length));
    for (unsigned int i = 0; i < AROUND; i++) {
        out[i] &= oracle_mask(run->subject->bits);
    }
}

static void check_around(struct run *run, oracle_key key, unsigned int length)
{
    oracle_key keys[AROUND];

    keys_around(run, key, length, keys);
    check_bulk(run, keys, AROUND);
}

static void check_everything(struct run *run)
{
    oracle_key *keys = calloc(run->oracle.count + 1, AROUND * sizeof(*keys));
    struct fib_stats stats;

    assert_non_null(keys);
    for (size_t i = 0; i < run->oracle.count; i++) {
        keys_around(run, run->oracle.routes[i].key, run->oracle.routes[i].length, keys + i * AROUND);
    }
    check_bulk(run, keys, run->oracle.count * AROUND);
    free(keys);
    run->subject->stats(run->fib, &stats);
    assert_int_equal(stats.routes, run->oracle.count);
}

/* Three in four are sets until the table holds as many routes as the shape wants, then every other one. */
static struct oracle_route change(struct run *run)
{
    bool grow = run->oracle.count < run->shape->most && next_random(run) % 4 != 0;
    oracle_key key;
    unsigned int length;

    if (!grow && run->oracle.count > 0 && next_random(run) % 8 != 0) {
        const struct oracle_route *route = &run->oracle.routes[next_random(run) % run->oracle.count];

        key = route->key;
        length = route->length;
    } else {
        random_prefix(run, &key, &length);
    }
    if (grow || next_random(run) % 4 == 0) {
        uint32_t value = random_value(run);

        assert_int_equal(run->subject->set(run->fib, key, length, value), 0);
        assert_int_equal(oracle_set(&run->oracle, key, length, value), 0);
    } else {
        assert_int_equal(run->subject->del(run->fib, key, length), oracle_del(&run->oracle, key, length));
    }
    return (struct oracle_route){.key = key, .length = length};
}

#define HELD 40

/* One, or some that are published together: the writer sees each at once, the readers all of them in the end. */
static void operate(struct run *run)
{
    struct oracle_route changed[HELD];
    unsigned int n = run->subject->hold != NULL && next_random(run) % 64 == 0 ? HELD : 1;

    if (n > 1) {
        run->subject->hold(run->fib, true);
    }
    for (unsigned int i = 0; i < n; i++) {
        const struct oracle_route *expected;
        unsigned int length = 0;
        uint32_t value = 0;

        changed[i] = change(run);
        expected = oracle_match(&run->oracle, changed[i].key);
        assert_int_equal(run->subject->match(run->fib, changed[i].key, &length, &value), expected ? 0 : -ENOENT);
        assert_int_equal(value, expected != NULL ? expected->value : 0);
    }
    if (n > 1) {
        run->subject->hold(run->fib, false);
    }
    for (unsigned int i = 0; i < n; i++) {
        check_around(run, changed[i].key, changed[i].length);
    }
}

/* A bulk build must give what the changes one by one gave. */
static void check_reload(struct run *run)
{
    void *changed = run->fib;

    run->fib = run->subject->create(&(struct fib_config){.rcu = run->rcu, .max_routes = 1000, .isa = run->isa});
    assert_non_null(run->fib);
    assert_int_equal(run->subject->load(run->fib, run->oracle.routes, run->oracle.count), 0);
    check_everything(run);
    run->subject->destroy(run->fib);
    run->fib = changed;
}

static void empty(struct run *run)
{
    while (run->oracle.count > 0) {
        struct oracle_route route = run->oracle.routes[next_random(run) % run->oracle.count];

        assert_int_equal(run->subject->del(run->fib, route.key, route.length), 0);
        assert_int_equal(oracle_del(&run->oracle, route.key, route.length), 0);
        check_around(run, route.key, route.length);
    }
}

static void every_address_gets_the_longest_route(void **state)
{
    const char *seed = getenv("ANYFWD_TEST_SEED");
    const char *is_long = getenv("ANYFWD_TEST_LONG");
    const struct variant *variant = *state;
    struct run *run;
    unsigned int operations;

    if (!fib_isa_works(variant->isa)) {
        skip();
    }
    run = calloc(1, sizeof(*run));
    assert_non_null(run);
    run->shape = variant->shape;
    run->isa = variant->isa;
    operations = run->shape->operations * (is_long != NULL ? LONGER : 1);
    run->subject = run->shape->subject;
    run->random = 0x9e3779b97f4a7c15ull + (seed != NULL ? strtoull(seed, NULL, 0) : 0);
    run->rcu = rcu_create(1);
    run->fib = run->subject->create(&(struct fib_config){.rcu = run->rcu, .max_routes = 1000, .isa = run->isa});
    assert_non_null(run->fib);
    for (unsigned int i = 1; i <= operations; i++) {
        operate(run);
        if (i % 2000 == 0 || i == operations) {
            check_everything(run);
            check_reload(run);
        }
        if (i % 10000 == 0 || i == operations) {
            empty(run);
        }
    }
    run->subject->destroy(run->fib);
    rcu_destroy(run->rcu);
    free(run);
}

int main(void)
{
    static struct variant variants[ARRAY_SIZE(shapes) * ARRAY_SIZE(subject_isas)];
    struct CMUnitTest tests[ARRAY_SIZE(variants)];

    for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
        struct variant *variant = &variants[i];

        variant->shape = &shapes[i / ARRAY_SIZE(subject_isas)];
        variant->isa = subject_isas[i % ARRAY_SIZE(subject_isas)];
        snprintf(variant->name, sizeof(variant->name), "%s, %s", variant->shape->name, fib_isa_name(variant->isa));
        tests[i] = (struct CMUnitTest){
            .name = variant->name, .test_func = every_address_gets_the_longest_route, .initial_state = variant};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
