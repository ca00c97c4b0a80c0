/* SPDX-License-Identifier: BSD-3-Clause */
#include "datagram.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

static const struct datagram_times times = {.wait = 100, .memory = 1000};
static struct datagram_table *table;

static int set_up(void **state)
{
    (void)state;
    table = calloc(1, sizeof(*table));
    return table == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    free(table);
    return 0;
}

static struct datagram_key key_of(uint32_t id)
{
    return (struct datagram_key){.id = id, .protocol = 17, .addresses = {192, 0, 2, 1}};
}

/* Packets are told apart by their address; nobody looks into one. */
static struct rte_mbuf *packet_of(unsigned int number)
{
    static char packets[DATAGRAM_WAITING + 2];

    return (struct rte_mbuf *)(void *)&packets[number];
}

static void learn(uint32_t id, uint32_t hash, uint64_t now)
{
    struct datagram_key key = key_of(id);

    datagram_learn(table, &key, hash, now);
}

/* The hash that is known, 0 for none. */
static uint32_t known(uint32_t id, uint64_t now)
{
    struct datagram_key key = key_of(id);
    uint32_t hash;

    return datagram_find(table, &key, &times, now, &hash) ? hash : 0;
}

/* Without its flow's hash, packet n would go by 1000 + n. */
static bool put(uint32_t id, unsigned int number, uint64_t now)
{
    struct datagram_key key = key_of(id);
    struct fragment_waiting packet = {.mbuf = packet_of(number), .hash = 1000 + number, .length = (uint16_t)number};

    return datagram_wait(table, &key, &packet, now);
}

static void check_next(unsigned int number, uint32_t hash, uint64_t now)
{
    struct fragment_waiting out;

    assert_true(datagram_take(table, &times, now, &out));
    assert_ptr_equal(out.mbuf, packet_of(number));
    assert_int_equal(out.length, number);
    assert_int_equal(out.hash, hash);
    assert_int_equal(out.matched, hash != 1000 + number);
}

static void check_none(uint64_t now)
{
    struct fragment_waiting out;

    assert_false(datagram_take(table, &times, now, &out));
}

static void later_fragments_go_where_the_first_one_said(void **state)
{
    (void)state;
    assert_int_equal(known(7, 0), 0);
    learn(7, 77, 10);
    assert_int_equal(known(7, 10), 77);
    assert_int_equal(known(7, 11), 77);
    check_none(1000000);
}

static void every_part_of_the_key_counts(void **state)
{
    struct datagram_key keys[] = {key_of(7), key_of(7), key_of(7), key_of(7), key_of(8)};

    (void)state;
    keys[1].protocol = 6;
    keys[2].family = 1;
    keys[3].addresses[31] = 1;
    for (uint32_t i = 0; i < 5; i++) {
        datagram_learn(table, &keys[i], i + 1, 0);
    }
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t hash;

        assert_true(datagram_find(table, &keys[i], &times, 0, &hash));
        assert_int_equal(hash, i + 1);
    }
}

static void a_datagram_is_forgotten_when_its_fragments_cease_to_come(void **state)
{
    (void)state;
    learn(7, 77, 0);
    assert_int_equal(known(7, 999), 77);
    assert_int_equal(known(7, 1998), 77);
    assert_int_equal(known(7, 2998), 0);
    assert_int_equal(known(7, 2998), 0);
}

static void an_id_that_comes_again_is_the_new_datagrams(void **state)
{
    (void)state;
    learn(7, 77, 0);
    learn(7, 78, 1);
    assert_int_equal(known(7, 2), 78);
    learn(7, 78, 3); /* a duplicate */
    assert_int_equal(known(7, 4), 78);
}

static void fragments_wait_for_the_first_and_go_in_order_when_it_comes(void **state)
{
    (void)state;
    assert_true(put(7, 1, 0));
    assert_true(put(7, 2, 1));
    assert_true(put(8, 3, 2));
    check_none(99);
    assert_int_equal(known(7, 50), 0); /* that some wait says nothing */
    learn(7, 77, 50);
    check_next(1, 77, 50);
    check_next(2, 77, 50);
    check_none(50);
    assert_int_equal(known(7, 51), 77);
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
    learn(7, 77, 101);
    check_none(101);
    assert_int_equal(known(7, 102), 77);
}

static void waits_end_in_order_of_arrival(void **state)
{
    (void)state;
    for (unsigned int i = 1; i <= 5; i++) {
        assert_true(put(i, i, i * 10));
    }
    learn(1, 71, 60); /* the oldest, one in the middle and the newest leave the list */
    learn(3, 73, 60);
    learn(5, 75, 60);
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
    learn(8, 78, 1000);
    assert_int_equal(known(8, 999), 78);
}

static void no_more_wait_than_there_is_room_for(void **state)
{
    (void)state;
    for (unsigned int round = 0; round < 3; round++) {
        uint64_t now = round * 1000;

        for (unsigned int i = 1; i <= DATAGRAM_WAITING; i++) {
            assert_true(put(i % 40, i, now));
        }
        assert_false(put(7, DATAGRAM_WAITING + 1, now));
        assert_false(put(99, DATAGRAM_WAITING + 1, now));
        for (unsigned int i = 1; i <= DATAGRAM_WAITING; i++) {
            struct fragment_waiting out;

            assert_true(datagram_take(table, &times, now + 100, &out));
            assert_int_equal(out.hash, 1000 + out.length);
        }
        check_none(now + 100);
    }
}

/* In a table that is full the datagrams that were quiet for longest make room. */
static void a_full_table_forgets_the_oldest(void **state)
{
    const uint32_t last = 10 * DATAGRAM_MAX;
    unsigned int remembered = 0;

    (void)state;
    for (uint32_t id = 1; id <= last; id++) {
        learn(id, id, id / 100);
        assert_int_equal(known(id, id / 100), id);
    }
    for (uint32_t id = 1; id <= last; id++) {
        bool is_known = known(id, last / 100) != 0;

        remembered += is_known;
        assert_false(is_known && id < last - 3 * DATAGRAM_MAX);
        assert_false(!is_known && id + 50 > last);
    }
    assert_in_range(remembered, DATAGRAM_MAX * 9 / 10, DATAGRAM_MAX);
}

static void what_waits_in_a_full_set_is_not_lost(void **state)
{
    struct fragment_waiting out;
    unsigned int taken = 0;

    (void)state;
    for (uint32_t id = 1; id <= DATAGRAM_WAITING; id++) {
        assert_true(put(id, id, id));
    }
    for (uint32_t id = 1; id <= 10 * DATAGRAM_MAX; id++) {
        learn(1000000 + id, id, 1000 + id);
    }
    while (datagram_take(table, &times, 0, &out)) { /* at a time at which nothing is overdue */
        assert_false(out.matched);
        taken++;
    }
    assert_int_equal(taken, DATAGRAM_WAITING);
    assert_int_equal(table->oldest, 0);
    assert_int_equal(table->newest, 0);
}

/* Against a model that has no bound: every packet comes out once, with the hash of its datagram if that came in time.
 */
static void random_orders_lose_and_invent_nothing(void **state)
{
    static uint32_t state_of[DATAGRAM_WAITING + 2]; /* by packet: id while it waits */
    uint64_t random = 42;
    unsigned int inside = 0;
    unsigned int unmatched = 0;

    (void)state;
    for (uint64_t now = 1; now < 200000; now++) {
        struct fragment_waiting out;
        uint32_t id;
        unsigned int number = 1 + (unsigned int)(now % (DATAGRAM_WAITING + 1));

        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        id = 1 + (uint32_t)(random >> 33) % 60;
        if ((random >> 60) == 0) {
            learn(id, id, now);
        } else if (known(id, now) == 0 && state_of[number] == 0 && put(id, number, now)) {
            state_of[number] = id;
            inside++;
        }
        while (datagram_take(table, &times, now, &out)) {
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

#define datagram_case(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        datagram_case(later_fragments_go_where_the_first_one_said),
        datagram_case(every_part_of_the_key_counts),
        datagram_case(a_datagram_is_forgotten_when_its_fragments_cease_to_come),
        datagram_case(an_id_that_comes_again_is_the_new_datagrams),
        datagram_case(fragments_wait_for_the_first_and_go_in_order_when_it_comes),
        datagram_case(a_first_fragment_that_is_late_finds_nobody_waiting),
        datagram_case(waits_end_in_order_of_arrival),
        datagram_case(a_time_that_goes_back_ends_no_wait),
        datagram_case(no_more_wait_than_there_is_room_for),
        datagram_case(a_full_table_forgets_the_oldest),
        datagram_case(what_waits_in_a_full_set_is_not_lost),
        datagram_case(random_orders_lose_and_invent_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
