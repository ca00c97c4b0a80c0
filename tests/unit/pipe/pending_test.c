/* SPDX-License-Identifier: BSD-3-Clause */
#include "pending.h"
#include "unit.h"
#include <string.h>

static struct pending pending;

static int empty(void **state)
{
    (void)state;
    memset(&pending, 0, sizeof(pending));
    return 0;
}

/* No packet is looked at here: a number stands for it. */
static bool put(struct pending_key key, enum family family, uintptr_t number, uint64_t until)
{
    struct pending_packet packet = {.mbuf = (struct rte_mbuf *)number};

    return pending_put(&pending, &key, family, &packet, until);
}

static struct pending_key hop(uint16_t adjacency)
{
    return (struct pending_key){.adjacency = adjacency};
}

static struct pending_key on_subnet(uint16_t adjacency, uint32_t destination)
{
    return (struct pending_key){.adjacency = adjacency, .glean = true, .destination = ip_addr_v4(destination)};
}

static void packets_come_out_in_the_order_in_which_they_came(void **state)
{
    struct pending_packet packets[PENDING_DEPTH];

    (void)state;
    for (uintptr_t i = 1; i <= PENDING_DEPTH; i++) {
        assert_true(put(hop(7), FAMILY_V4, i, 100));
    }
    assert_int_equal(pending_take(&pending, pending_next(&pending), packets), PENDING_DEPTH);
    for (uintptr_t i = 1; i <= PENDING_DEPTH; i++) {
        assert_ptr_equal(packets[i - 1].mbuf, (void *)i);
    }
    assert_null(pending_next(&pending));
}

static void a_neighbour_has_so_many_packets_and_no_more(void **state)
{
    (void)state;
    for (uintptr_t i = 0; i < PENDING_DEPTH; i++) {
        assert_true(put(hop(7), FAMILY_V4, i, 100));
    }
    assert_false(put(hop(7), FAMILY_V4, 99, 100));
    assert_int_equal(pending_next(&pending)->count, PENDING_DEPTH);
    assert_true(put(hop(8), FAMILY_V4, 99, 100));
}

static void the_first_packet_sets_the_end_of_the_wait(void **state)
{
    (void)state;
    assert_true(put(hop(7), FAMILY_V4, 1, 100));
    assert_true(put(hop(7), FAMILY_V4, 2, 150));
    assert_int_equal(pending_next(&pending)->until, 100);
}

static void neighbours_are_told_apart(void **state)
{
    static const struct pending_key keys[] = {
        {.adjacency = 7},
        {.adjacency = 8},
        {.adjacency = 7, .glean = true},
        {.adjacency = 7, .glean = true, .destination = {.family = FAMILY_V4, .bytes = {192, 0, 2, 1}}},
        {.adjacency = 7, .glean = true, .destination = {.family = FAMILY_V4, .bytes = {192, 0, 2, 2}}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        assert_true(put(keys[i], FAMILY_V4, i, 100));
        assert_int_equal(pending.active_count, i + 1);
    }
    assert_true(put(keys[0], FAMILY_V6, 9, 100)); /* a next hop has one header for each family */
    assert_int_equal(pending.active_count, sizeof(keys) / sizeof(*keys) + 1);
}

static void every_queue_has_its_turn(void **state)
{
    bool seen[5] = {false};

    (void)state;
    for (uint16_t i = 0; i < 5; i++) {
        assert_true(put(hop(i), FAMILY_V4, 0, 100));
    }
    for (int i = 0; i < 5; i++) {
        seen[pending_next(&pending)->key.adjacency] = true;
    }
    for (int i = 0; i < 5; i++) {
        assert_true(seen[i]);
    }
}

static void a_spray_fills_what_there_is_and_is_gone_when_it_is_taken(void **state)
{
    struct pending_packet packets[PENDING_DEPTH];
    unsigned int taken = 0;
    unsigned int accepted = 0;
    struct pending_queue *queue;

    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        accepted += put(on_subnet(7, 0x0a000000 + i), FAMILY_V4, i, 100);
    }
    assert_int_equal(accepted, PENDING_MAX); /* one each, and every queue is used */
    while ((queue = pending_next(&pending)) != NULL) {
        taken += pending_take(&pending, queue, packets);
    }
    assert_int_equal(taken, accepted);
    assert_true(put(on_subnet(7, 0x0a000000), FAMILY_V4, 1, 100));
}

/* Against a plain count for each key, over a seeded sequence. */
static void counts_stay_right_over_a_long_random_sequence(void **state)
{
    struct pending_packet packets[PENDING_DEPTH];
    unsigned int counts[64] = {0};
    uint64_t random = 42;

    (void)state;
    for (int step = 0; step < 100000; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (random >> 62 != 0) {
            uint16_t key = (uint16_t)(random >> 32 & 63);

            assert_int_equal(put(hop(key), FAMILY_V4, 0, 0), counts[key] < PENDING_DEPTH);
            counts[key] += counts[key] < PENDING_DEPTH;
        } else {
            struct pending_queue *queue = pending_next(&pending);

            if (queue != NULL) {
                unsigned int key = queue->key.adjacency;

                assert_int_equal(pending_take(&pending, queue, packets), counts[key]);
                counts[key] = 0;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(packets_come_out_in_the_order_in_which_they_came, empty),
        cmocka_unit_test_setup(a_neighbour_has_so_many_packets_and_no_more, empty),
        cmocka_unit_test_setup(the_first_packet_sets_the_end_of_the_wait, empty),
        cmocka_unit_test_setup(neighbours_are_told_apart, empty),
        cmocka_unit_test_setup(every_queue_has_its_turn, empty),
        cmocka_unit_test_setup(a_spray_fills_what_there_is_and_is_gone_when_it_is_taken, empty),
        cmocka_unit_test_setup(counts_stay_right_over_a_long_random_sequence, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
