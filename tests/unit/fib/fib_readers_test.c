/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reader looks up the same destinations over and over while the writer changes what covers them. Every destination
 * has a set of values that it can have at some time; the reader must never see another one, nor, where the routes above
 * it never go away, none. ThreadSanitizer and AddressSanitizer judge the rest.
 */
#include "rcu.h"
#include "subject.h"
#include "unit.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define DESTINATIONS 64
#define ROUNDS       1200
#define RELOAD_EVERY 300

/* Values of the routes that come and go by their length, so that a result names the route it came from. */
static uint32_t value_of(unsigned int length, unsigned int version)
{
    return 1 + length * 2 + version;
}

struct shared {
    const struct subject *subject;
    struct rcu *rcu;
    void *fib;
    oracle_key keys[DESTINATIONS];
    const unsigned int *lengths; /* of the routes above each destination, ended by 0; the first is always in */
    atomic_bool stop;
    atomic_bool started;
    uint32_t wrong;
    unsigned int bursts;
};

static bool is_possible(const struct shared *shared, uint32_t value)
{
    for (const unsigned int *length = shared->lengths; *length != 0; length++) {
        if (value == value_of(*length, 0) || value == value_of(*length, 1)) {
            return true;
        }
    }
    return false;
}

static void *read_until_stopped(void *arg)
{
    struct shared *shared = arg;
    uint32_t values[DESTINATIONS];

    rcu_reader_online(shared->rcu, 0);
    atomic_store(&shared->started, true);
    while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        shared->subject->lookup(shared->fib, shared->keys, values, DESTINATIONS);
        for (unsigned int i = 0; i < DESTINATIONS; i++) {
            if (!is_possible(shared, values[i])) {
                shared->wrong = values[i];
            }
        }
        shared->bursts++;
        rcu_quiescent(shared->rcu, 0);
    }
    rcu_reader_offline(shared->rcu, 0);
    return NULL;
}

static oracle_key prefix_key(const struct shared *shared, unsigned int destination, unsigned int length)
{
    return shared->keys[destination] & oracle_mask(length);
}

static void change_something(struct shared *shared)
{
    unsigned int destination = (unsigned int)random() % DESTINATIONS;
    unsigned int count = 0;
    unsigned int length;

    while (shared->lengths[count] != 0) {
        count++;
    }
    length = shared->lengths[(unsigned int)random() % count];
    if (length != shared->lengths[0] && random() % 2 == 0) {
        /* -ENOENT is fine: it may not be there */
        int rc = shared->subject->del(shared->fib, prefix_key(shared, destination, length), length);

        (void)rc;
    } else {
        assert_int_equal(shared->subject->set(shared->fib, prefix_key(shared, destination, length), length,
                                              value_of(length, (unsigned int)random() % 2)),
                         0);
    }
}

static void reload(struct shared *shared)
{
    struct oracle_route routes[DESTINATIONS];

    for (unsigned int i = 0; i < DESTINATIONS; i++) {
        unsigned int length = shared->lengths[i % 2];

        routes[i] = (struct oracle_route){prefix_key(shared, i, length), length, value_of(length, i % 4 / 2)};
        if (i % 2 == 1) {
            routes[i - 1] = (struct oracle_route){prefix_key(shared, i, shared->lengths[0]), shared->lengths[0],
                                                  value_of(shared->lengths[0], 0)};
        }
    }
    assert_int_equal(shared->subject->load(shared->fib, routes, DESTINATIONS), 0);
}

static void readers_see_the_old_or_the_new(const struct subject *subject, enum fib_isa isa, oracle_key base,
                                           unsigned int spread, const unsigned int *lengths)
{
    struct shared shared = {.subject = subject, .rcu = rcu_create(1), .lengths = lengths};
    pthread_t reader;

    assert_non_null(shared.rcu);
    shared.fib = subject->create(&(struct fib_config){.rcu = shared.rcu, .max_routes = 4096, .isa = isa});
    assert_non_null(shared.fib);
    srandom(11);
    for (unsigned int i = 0; i < DESTINATIONS; i++) {
        shared.keys[i] = base + ((oracle_key)i << (128 - spread)) + (oracle_key)(i % 3) * subject_one(subject);
        assert_int_equal(
            subject->set(shared.fib, prefix_key(&shared, i, lengths[0]), lengths[0], value_of(lengths[0], 0)), 0);
    }
    assert_int_equal(pthread_create(&reader, NULL, read_until_stopped, &shared), 0);
    while (!atomic_load(&shared.started)) {
    }
    for (unsigned int i = 1; i <= ROUNDS; i++) {
        change_something(&shared);
        if (i % RELOAD_EVERY == 0) {
            reload(&shared);
        }
    }
    atomic_store(&shared.stop, true);
    pthread_join(reader, NULL);
    assert_int_equal(shared.wrong, 0);
    assert_in_range(shared.bursts, 1, UINT32_MAX);
    subject->destroy(shared.fib);
    rcu_destroy(shared.rcu);
}

static void fib4_readers_see_the_old_or_the_new(void **state)
{
    static const unsigned int lengths[] = {8, 15, 18, 20, 22, 24, 25, 30, 32, 0};

    enum fib_isa isa = *(const enum fib_isa *)*state;

    if (!fib_isa_works(isa)) {
        skip();
    }
    /* 64 destinations over a quarter of a /18, then over 64 of them */
    readers_see_the_old_or_the_new(&subject_v4, isa, (oracle_key)0x0a010000 << 96, 26, lengths);
    readers_see_the_old_or_the_new(&subject_v4, isa, (oracle_key)0x0a010000 << 96, 18, lengths);
}

static void fib6_readers_see_the_old_or_the_new(void **state)
{
    static const unsigned int lengths[] = {12, 24, 28, 32, 40, 44, 48, 56, 57, 64, 90, 128, 0};

    enum fib_isa isa = *(const enum fib_isa *)*state;

    if (!fib_isa_works(isa)) {
        skip();
    }
    readers_see_the_old_or_the_new(&subject_v6, isa, (oracle_key)0x20010db8 << 96, 44, lengths);
    readers_see_the_old_or_the_new(&subject_v6, isa, (oracle_key)0x20010db8 << 96, 60, lengths);
}

static void fib6_readers_outside_of_global_unicast_see_the_old_or_the_new(void **state)
{
    static const unsigned int lengths[] = {8, 16, 17, 32, 48, 49, 64, 128, 0};

    enum fib_isa isa = *(const enum fib_isa *)*state;

    if (!fib_isa_works(isa)) {
        skip();
    }
    readers_see_the_old_or_the_new(&subject_v6, isa, (oracle_key)0xfd001234 << 96, 48, lengths);
}

#define WITH_EACH_ISA(test) WITH_ISA(test, "portable", 0), WITH_ISA(test, "AVX", 1), WITH_ISA(test, "AVX-512", 2)
#define WITH_ISA(test, label, index)                                                                            \
    {                                                                                                           \
        .name = #test ", " label, .test_func = (test), .initial_state = (void *)(uintptr_t)&subject_isas[index] \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_EACH_ISA(fib4_readers_see_the_old_or_the_new),
        WITH_EACH_ISA(fib6_readers_see_the_old_or_the_new),
        WITH_EACH_ISA(fib6_readers_outside_of_global_unicast_see_the_old_or_the_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
