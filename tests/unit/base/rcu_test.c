/* SPDX-License-Identifier: BSD-3-Clause */
#include "rcu.h"
#include "unit.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static void count(void *owner, void *thing)
{
    (void)thing;
    (*(int *)owner)++;
}

static void nothing_is_reclaimed_before_every_online_reader_was_quiescent(void **state)
{
    struct rcu *rcu = rcu_create(2);
    int reclaimed = 0;

    (void)state;
    rcu_reader_online(rcu, 0);
    rcu_reader_online(rcu, 1);
    rcu_retire(rcu, count, &reclaimed, NULL);
    rcu_quiescent(rcu, 0);
    assert_int_equal(rcu_reclaim(rcu), 1);
    assert_int_equal(reclaimed, 0);
    rcu_quiescent(rcu, 1);
    assert_int_equal(rcu_reclaim(rcu), 0);
    assert_int_equal(reclaimed, 1);
    rcu_reader_offline(rcu, 0);
    rcu_reader_offline(rcu, 1);
    rcu_destroy(rcu);
}

static void offline_readers_hold_nothing_up(void **state)
{
    struct rcu *rcu = rcu_create(4);
    int reclaimed = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) { /* more than the queue holds */
        rcu_retire(rcu, count, &reclaimed, NULL);
    }
    rcu_destroy(rcu);
    assert_int_equal(reclaimed, 20000);
}

/* A reader that dereferences a published pointer while the writer replaces and frees it: TSan and ASan judge. */
struct shared {
    struct rcu *rcu;
    _Atomic(int *) value;
    atomic_bool stop;
    atomic_bool online;
};

static void *read_until_stopped(void *arg)
{
    struct shared *shared = arg;
    long sum = 0;

    rcu_reader_online(shared->rcu, 0);
    atomic_store(&shared->online, true);
    while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        sum += *atomic_load_explicit(&shared->value, memory_order_acquire);
        rcu_quiescent(shared->rcu, 0);
    }
    rcu_reader_offline(shared->rcu, 0);
    return (void *)(sum & 1);
}

static void free_thing(void *owner, void *thing)
{
    (void)owner;
    *(int *)thing = 0;
    free(thing);
}

static void a_reader_never_sees_reclaimed_memory(void **state)
{
    struct shared shared = {.rcu = rcu_create(1)};
    pthread_t reader;

    (void)state;
    atomic_store(&shared.value, calloc(1, sizeof(int)));
    assert_int_equal(pthread_create(&reader, NULL, read_until_stopped, &shared), 0);
    while (!atomic_load(&shared.online)) {
    }
    for (int i = 1; i < 50000; i++) {
        int *next = malloc(sizeof(*next));

        *next = i;
        rcu_retire(shared.rcu, free_thing, NULL, atomic_exchange(&shared.value, next));
    }
    atomic_store(&shared.stop, true);
    pthread_join(reader, NULL);
    free(atomic_load(&shared.value));
    rcu_destroy(shared.rcu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_reclaimed_before_every_online_reader_was_quiescent),
        cmocka_unit_test(offline_readers_hold_nothing_up),
        cmocka_unit_test(a_reader_never_sees_reclaimed_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
