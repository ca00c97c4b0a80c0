/* SPDX-License-Identifier: BSD-3-Clause */
/* Against a table of every prefix that may occur, in order, and a mark for each that is in. */
#include "hash.h"
#include "prefix_set.h"
#include "refuse_memory.h"
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNIVERSE   2048
#define OPERATIONS 240000

static struct prefix members[UNIVERSE]; /* ascending */
static bool in[UNIVERSE];
static uint32_t n_members;
static uint64_t random_counter = 1;

static uint32_t random_below(uint32_t n)
{
    return (uint32_t)(hash_mix64(random_counter++ * 0x9e3779b97f4a7c15ULL) >> 33) % n;
}

static int compare(const void *a, const void *b)
{
    return prefix_compare(a, b);
}

/* Few distinct bits at every depth, so that prefixes nest, touch and share long beginnings. */
static struct prefix random_prefix(void)
{
    struct ip_addr addr = {.family = (uint8_t)random_below(FAMILIES)};

    for (unsigned int i = 0; i < family_bytes(addr.family); i++) {
        addr.bytes[i] = random_below(3) != 0 ? 0 : (uint8_t)(0xff << random_below(8));
    }
    return prefix_of(&addr, random_below(family_bits(addr.family) + 1));
}

static int universe_setup(void **state)
{
    uint32_t kept = 0;

    (void)state;
    for (uint32_t i = 0; i < UNIVERSE; i++) {
        members[i] = random_prefix();
    }
    for (unsigned int family = 0; family < FAMILIES; family++) {
        members[family] = (struct prefix){.addr.family = (uint8_t)family}; /* the default routes */
    }
    qsort(members, UNIVERSE, sizeof(members[0]), compare);
    for (uint32_t i = 0; i < UNIVERSE; i++) {
        if (kept == 0 || compare(&members[kept - 1], &members[i]) != 0) {
            members[kept++] = members[i];
        }
    }
    n_members = kept;
    return 0;
}

/* The first that is in, from index i on. */
static const struct prefix *first_in(uint32_t i)
{
    while (i < n_members && !in[i]) {
        i++;
    }
    return i < n_members ? &members[i] : NULL;
}

static void check_around(const struct prefix_set *set, uint32_t i)
{
    const struct prefix *prefix = &members[i];

    assert_ptr_equal(prefix_set_find(set, prefix), in[i] ? &members[i] : NULL);
    assert_ptr_equal(prefix_set_seek(set, prefix), first_in(i));
    assert_ptr_equal(prefix_set_next(set, prefix), first_in(i + 1));
}

static void insert(struct prefix_set *set, uint32_t i)
{
    assert_int_equal(prefix_set_insert(set, &members[i]), 0);
    in[i] = true;
}

/* An insertion that must fail, or that may: tells whether there was no memory for it. */
static bool insert_in_vain(struct prefix_set *set, uint32_t i)
{
    struct prefix twin = members[i];
    int result;

    if (in[i]) {
        assert_int_equal(prefix_set_insert(set, &twin), -EEXIST);
        return false;
    }
    memory_left = random_below(2);
    result = prefix_set_insert(set, &twin);
    memory_left = -1;
    if (result == 0) {
        prefix_set_remove(set, &twin);
    }
    return result == -ENOMEM;
}

static void drop(void *owner, struct prefix *member)
{
    (void)owner;
    assert_true(in[member - members]);
    in[member - members] = false;
}

/* Fills up and runs empty by turns, over few members and over many. */
static void the_set_finds_and_orders_like_a_sorted_table(void **state)
{
    struct prefix_set set = {.n_slots = 0};
    uint32_t refused = 0;

    (void)state;
    for (uint32_t phase = 0; phase < 12; phase++) {
        uint32_t range = phase < 4 ? 4 : n_members;

        for (uint32_t step = 0; step < OPERATIONS / 12; step++) {
            uint32_t i = random_below(range);
            bool filling = random_below(8) != 0 ? phase % 2 == 0 : phase % 2 != 0;

            if (random_below(3) == 0) {
                refused += insert_in_vain(&set, i);
            } else if (in[i] && !filling) {
                prefix_set_remove(&set, &members[i]);
                in[i] = false;
            } else if (!in[i] && filling) {
                insert(&set, i);
            }
            check_around(&set, random_below(n_members));
        }
    }
    assert_true(refused > 10 || !POOL_EACH_ALONE);
    prefix_set_clear(&set, drop, NULL);
    assert_null(first_in(0));
    check_around(&set, 0);
}

/* Step 1 loads ascending, n - 1 descending, and a prime mixes. */
static void a_walk_meets_all_in_order_however_they_were_inserted(void **state)
{
    const uint32_t strides[] = {1, n_members - 1, 1000003};

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(strides); k++) {
        struct prefix_set set = {.n_slots = 0};
        const struct prefix *member;
        uint32_t walked = 0;

        memset(in, 0, sizeof(in));
        for (uint32_t i = 0; i < n_members; i++) {
            insert(&set, (uint32_t)((uint64_t)i * strides[k] % n_members));
        }
        assert_true(strides[k] != 1 || set.n_slots == (n_members + 127) / 128); /* in order: full blocks */
        for (struct prefix_place place = {0}, at = place; (member = prefix_set_walk(&set, &place)) != NULL;
             at = place) {
            assert_ptr_equal(prefix_set_locate(&set, member).member, member);
            assert_true(at.slot <= place.slot && member == &members[walked++]);
        }
        assert_int_equal(walked, n_members);
        member = prefix_set_seek(&set, &(const struct prefix){.addr.family = FAMILY_V4});
        for (uint32_t i = 0; i < n_members; i++) {
            assert_ptr_equal(member, &members[i]);
            member = prefix_set_next(&set, member);
        }
        assert_null(member);
        prefix_set_clear(&set, drop, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_set_finds_and_orders_like_a_sorted_table),
        cmocka_unit_test(a_walk_meets_all_in_order_however_they_were_inserted),
    };
    return cmocka_run_group_tests(tests, universe_setup, NULL);
}
