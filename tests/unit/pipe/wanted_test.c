/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"
#include "unit.h"
#include "wanted.h"
#include <stdlib.h>
#include <string.h>

static const struct datagram_times times = {.wait = 100, .memory = 1000};
static struct wanted_table *table;
static struct datagram_table *known; /* what all workers have learned */

static int set_up(void **state)
{
    (void)state;
    table = calloc(1, sizeof(*table));
    known = calloc(1, sizeof(*known));
    return table == NULL || known == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    free(table);
    free(known);
    return 0;
}

static struct datagram_key key_of(uint32_t id)
{
    return (struct datagram_key){.id = id, .protocol = 17, .addresses = {192, 0, 2, 1}};
}

/* Packets are told apart by their address; nobody looks into one. */
static struct rte_mbuf *packet_of(unsigned int number)
{
    static char packets[WANTED_PACKETS + 2];

    return (struct rte_mbuf *)(void *)&packets[number];
}

/* By this worker. */
static void learn(uint32_t id, uint32_t hash)
{
    struct datagram_key key = key_of(id);

    wanted_found(table, &key, hash);
}

/* By another one. */
static void learn_elsewhere(uint32_t id, uint32_t hash, uint64_t now)
{
    struct datagram_key key = key_of(id);

    datagram_learn(known, &key, hash, now);
}

/* Without its flow's hash, packet n would go by 1000 + n. */
static bool put(uint32_t id, unsigned int number, uint64_t now)
{
    struct datagram_key key = key_of(id);
    struct wanted_packet packet = {.mbuf = packet_of(number), .hash = 1000 + number, .length = (uint16_t)number};

    return wanted_put(table, &key, &packet, now);
}

static void check_next(unsigned int number, uint32_t hash, uint64_t now)
{
    struct wanted_packet out;

    assert_true(wanted_take(table, &times, now, &out));
    assert_ptr_equal(out.mbuf, packet_of(number));
    assert_int_equal(out.length, number);
    assert_int_equal(out.hash, hash);
    assert_int_equal(out.matched, hash != 1000 + number);
}

static void check_none(uint64_t now)
{
    struct wanted_packet out;

    assert_false(wanted_take(table, &times, now, &out));
}

static void fragments_wait_for_the_first_and_go_in_order_when_it_comes(void **state)
{
    (void)state;
    assert_true(put(7, 1, 0));
    assert_true(put(7, 2, 1));
    assert_true(put(8, 3, 2));
    check_none(99);
    learn(7, 77);
    check_next(1, 77, 50);
    check_next(2, 77, 50);
    check_none(50);
    assert_int_equal(table->waiting, 1);
}

static void a_first_fragment_that_is_late_finds_nobody_waiting(void **state)
{
    (void)state;
    assert_true(put(7, 1, 0));
    assert_true(put(7, 2, 60)); /* waits no longer than its elder */
    check_none(99);
    check_next(1, 1001, 100);
    check_next(2, 1002, 100);
    check_none(100);
    learn(7, 77);
    check_none(101);
}

static void waits_end_in_order_of_arrival(void **state)
{
    (void)state;
    for (unsigned int i = 1; i <= 5; i++) {
        assert_true(put(i, i, i * 10));
    }
    learn(1, 71); /* the oldest, one in the middle and the newest leave the list */
    learn(3, 73);
    learn(5, 75);
    check_next(5, 75, 60);
    check_next(3, 73, 60);
    check_next(1, 71, 60);
    check_none(119);
    check_next(2, 1002, 120);
    check_none(139);
    assert_true(put(6, 6, 139));
    check_next(4, 1004, 140);
    check_none(238);
    check_next(6, 1006, 239);
    check_none(UINT64_MAX);
    assert_int_equal(table->waiting, 0);
}

static void a_time_that_goes_back_ends_no_wait(void **state)
{
    (void)state;
    assert_true(put(7, 1, 1000));
    check_none(999);
}

static void no_more_wait_than_there_is_room_for(void **state)
{
    (void)state;
    for (unsigned int round = 0; round < 3; round++) {
        uint64_t now = round * 1000;

        for (unsigned int i = 1; i <= WANTED_PACKETS; i++) {
            assert_true(put(i % 40, i, now));
        }
        assert_false(put(7, WANTED_PACKETS + 1, now));
        assert_false(put(99, WANTED_PACKETS + 1, now));
        for (unsigned int i = 1; i <= WANTED_PACKETS; i++) {
            struct wanted_packet out;

            assert_true(wanted_take(table, &times, now + 100, &out));
            assert_int_equal(out.hash, 1000 + out.length);
        }
        check_none(now + 100);
    }
}

static void what_waits_in_a_full_set_is_not_lost(void **state)
{
    struct datagram_key key = key_of(1);
    uint64_t set = hash_bytes(&key, sizeof(key), 0) % WANTED_SETS;
    unsigned int number = 0;

    (void)state;
    for (uint32_t id = 1; number < 2 * WANTED_WAYS; id++) {
        key = key_of(id);
        if (hash_bytes(&key, sizeof(key), 0) % WANTED_SETS == set) {
            number++;
            assert_true(put(id, number, number));
        }
    }
    for (number = WANTED_WAYS; number > 0; number--) { /* the older half, without their flow, and the last one first */
        check_next(number, 1000 + number, WANTED_WAYS);
    }
    check_none(WANTED_WAYS);
    assert_int_equal(table->waiting, WANTED_WAYS);
}

static void ask(uint64_t now)
{
    wanted_ask(table, known, &times, now);
}

static void a_first_fragment_that_reaches_another_worker_ends_the_wait(void **state)
{
    (void)state;
    ask(0);
    assert_true(put(7, 1, 0));
    assert_true(put(7, 2, 1));
    assert_true(put(8, 3, 2));
    ask(10);
    check_none(10);
    learn_elsewhere(7, 77, 20);
    check_none(20);
    ask(21);
    check_next(1, 77, 21);
    check_next(2, 77, 21);
    check_none(21);
    assert_int_equal(table->waiting, 1);
}

/* A loop asks for a few, and the loops for all, whichever leave the list meanwhile. */
static void everybody_is_asked_for_in_turn(void **state)
{
    const unsigned int count = 5 * WANTED_ASKS;

    (void)state;
    for (unsigned int i = 1; i <= count; i++) {
        assert_true(put(i, i, i));
        learn_elsewhere(i, 70000 + i, i);
    }
    ask(count);
    for (unsigned int i = WANTED_ASKS; i > 0; i--) {
        check_next(i, 70000 + i, count);
    }
    check_none(count);
    learn(WANTED_ASKS + 1, 60001); /* whose turn it is */
    check_next(WANTED_ASKS + 1, 60001, count);
    for (unsigned int loops = 1; loops <= 4; loops++) {
        ask(count);
    }
    for (unsigned int i = count; i > WANTED_ASKS + 1; i--) {
        check_next(i, 70000 + i, count);
    }
    assert_int_equal(table->waiting, 0);
    ask(count);
}

/* Against a model that has no bound: every packet comes out once, with the hash of its datagram if that came in time.
 */
static void random_orders_lose_and_invent_nothing(void **state)
{
    static uint32_t state_of[WANTED_PACKETS + 2]; /* by packet: id while it waits */
    uint64_t random = 42;
    unsigned int inside = 0;
    unsigned int unmatched = 0;

    (void)state;
    for (uint64_t now = 1; now < 200000; now++) {
        struct wanted_packet out;
        uint32_t id;
        unsigned int number = 1 + (unsigned int)(now % (WANTED_PACKETS + 1));

        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        id = 1 + (uint32_t)(random >> 33) % 60;
        if ((random >> 60) == 0) {
            learn(id, id);
        } else if ((random >> 60) == 1) {
            learn_elsewhere(id, id, now);
        } else if (state_of[number] == 0 && put(id, number, now)) {
            state_of[number] = id;
            inside++;
        }
        ask(now);
        while (wanted_take(table, &times, now, &out)) {
            assert_int_not_equal(state_of[out.length], 0);
            assert_int_equal(out.hash, out.matched ? state_of[out.length] : 1000u + out.length);
            state_of[out.length] = 0;
            inside--;
            unmatched += !out.matched;
        }
        assert_int_equal(table->waiting, inside);
    }
    assert_true(unmatched > 0);
}

#define wanted_case(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        wanted_case(fragments_wait_for_the_first_and_go_in_order_when_it_comes),
        wanted_case(a_first_fragment_that_is_late_finds_nobody_waiting),
        wanted_case(waits_end_in_order_of_arrival),
        wanted_case(a_time_that_goes_back_ends_no_wait),
        wanted_case(no_more_wait_than_there_is_room_for),
        wanted_case(what_waits_in_a_full_set_is_not_lost),
        wanted_case(a_first_fragment_that_reaches_another_worker_ends_the_wait),
        wanted_case(everybody_is_asked_for_in_turn),
        wanted_case(random_orders_lose_and_invent_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
