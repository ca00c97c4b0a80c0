/* SPDX-License-Identifier: BSD-3-Clause */
#include "datagram.h"
#include "hash.h"
#include "unit.h"
#include <pthread.h>
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

static void later_fragments_go_where_the_first_one_said(void **state)
{
    (void)state;
    assert_int_equal(known(7, 0), 0);
    learn(7, 77, 10);
    assert_int_equal(known(7, 10), 77);
    assert_int_equal(known(7, 11), 77);
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

static void a_time_that_goes_back_forgets_nothing(void **state)
{
    (void)state;
    learn(8, 78, 1000);
    assert_int_equal(known(8, 999), 78);
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

/* Workers that learn and ask about the same few sets: what one is told is what some worker said of that datagram. */
#define WORKERS 4
#define STEPS   200000

static uint32_t hash_of(uint32_t id, uint32_t version)
{
    return ((uint32_t)hash_mix64(id) & ~7u) | version % 8;
}

static void *work(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    uintptr_t found = 0;

    for (uint32_t now = 1; now <= STEPS; now++) {
        uint32_t id;
        uint32_t hash;
        struct datagram_key key;

        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        id = (uint32_t)(random >> 33) % 64;
        key = key_of(id);
        for (unsigned int i = 8; i < sizeof(key.addresses); i++) { /* bytes of two datagrams mixed are nobody's */
            key.addresses[i] = (uint8_t)id;
        }
        if (random >> 62 == 0) {
            datagram_learn(table, &key, hash_of(id, now), now);
        } else if (datagram_find(table, &key, &(struct datagram_times){.memory = UINT64_MAX}, now, &hash)) {
            found++;
            if ((hash & ~7u) != hash_of(id, 0)) {
                return NULL;
            }
        }
    }
    return (void *)found;
}

static void workers_learn_from_each_other_and_never_half_of_it(void **state)
{
    pthread_t threads[WORKERS];

    (void)state;
    for (uintptr_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        void *found;

        assert_int_equal(pthread_join(threads[i], &found), 0);
        assert_non_null(found); /* some, and all of them right */
    }
}

#define datagram_case(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        datagram_case(later_fragments_go_where_the_first_one_said),
        datagram_case(every_part_of_the_key_counts),
        datagram_case(a_datagram_is_forgotten_when_its_fragments_cease_to_come),
        datagram_case(an_id_that_comes_again_is_the_new_datagrams),
        datagram_case(a_time_that_goes_back_forgets_nothing),
        datagram_case(a_full_table_forgets_the_oldest),
        datagram_case(workers_learn_from_each_other_and_never_half_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
