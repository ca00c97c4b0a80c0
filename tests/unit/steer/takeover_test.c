/* SPDX-License-Identifier: BSD-3-Clause */
/* Who took over, and when: armed by anybody, noted by workers at the same time, taken once. */
#include "takeover.h"
#include "unit.h"
#include <pthread.h>

static row_t row(uint16_t a, uint16_t b, uint16_t c, uint16_t d)
{
    return (row_t)a | (row_t)b << 16 | (row_t)c << 32 | (row_t)d << 48;
}

static void the_first_packet_that_went_elsewhere_counts(void **state)
{
    struct takeovers takeovers = {0};
    struct takeover out;

    (void)state;
    assert_false(takeover_is_armed(NULL));
    assert_false(takeover_is_armed(&takeovers));
    takeover_note(&takeovers, row(5, 6, 7, 8), 6, 100, 90);
    assert_false(takeover_take(&takeovers, 5, true, &out));
    takeover_arm(&takeovers, 5);
    takeover_arm(&takeovers, 5);
    assert_true(takeover_is_armed(&takeovers));
    assert_true(takeover_take(&takeovers, 5, false, &out));
    assert_int_equal(out.first, 0);
    takeover_note(&takeovers, row(5, 6, 7, 8), 6, 110, 95);
    takeover_note(&takeovers, row(5, 6, 7, 8), 7, 120, 110);
    assert_true(takeover_take(&takeovers, 5, true, &out));
    assert_int_equal(out.first, 110);
    assert_int_equal(out.gap, 15);
    assert_int_equal(out.heir, 6);
    assert_false(takeover_is_armed(&takeovers));
    assert_false(takeover_take(&takeovers, 5, true, &out));
}

static void whoever_stands_before_the_heir_has_lost_the_packet(void **state)
{
    struct takeovers takeovers = {0};
    struct takeover out;

    (void)state;
    takeover_arm(&takeovers, 6);
    takeover_arm(&takeovers, 8);
    takeover_note(&takeovers, row(5, 6, 7, 8), 7, 110, 100); /* 5 died before, 8 is behind */
    assert_true(takeover_take(&takeovers, 6, true, &out));
    assert_int_equal(out.heir, 7);
    assert_true(takeover_take(&takeovers, 8, true, &out));
    assert_int_equal(out.first, 0);
}

static void more_than_there_is_room_for_go_without(void **state)
{
    struct takeovers takeovers = {0};
    struct takeover out;

    (void)state;
    for (uint16_t id = 1; id <= TAKEOVERS + 1; id++) {
        takeover_arm(&takeovers, id);
    }
    assert_true(takeover_take(&takeovers, TAKEOVERS, true, &out));
    assert_false(takeover_take(&takeovers, TAKEOVERS + 1, true, &out));
    takeover_arm(&takeovers, TAKEOVERS + 1);
    assert_true(takeover_take(&takeovers, TAKEOVERS + 1, true, &out));
}

static struct takeovers shared;
static bool stop;

static void *worker(void *arg)
{
    uint16_t heir = (uint16_t)(uintptr_t)arg;
    uint64_t now = 1;

    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        if (takeover_is_armed(&shared)) {
            takeover_note(&shared, row(1, 2, heir, 0), heir, now, now - 1);
            now++;
        }
    }
    return NULL;
}

static void workers_note_while_others_arm_and_take(void **state)
{
    pthread_t threads[2];
    unsigned int noted = 0;

    (void)state;
    for (uintptr_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, worker, (void *)(i + 10)), 0);
    }
    for (int round = 0; round < 2000 || noted == 0; round++) {
        struct takeover out;

        takeover_arm(&shared, 1);
        takeover_arm(&shared, 2);
        for (uint16_t dead = 1; dead <= 2; dead++) {
            assert_true(takeover_take(&shared, dead, true, &out));
            assert_true(out.heir == ADJACENCY_NONE || out.heir == 10 || out.heir == 11);
            noted += out.first != 0;
        }
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_packet_that_went_elsewhere_counts),
        cmocka_unit_test(whoever_stands_before_the_heir_has_lost_the_packet),
        cmocka_unit_test(more_than_there_is_room_for_go_without),
        cmocka_unit_test(workers_note_while_others_arm_and_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
