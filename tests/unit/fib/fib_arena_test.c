/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

#define UNITS 5000

static void runs_never_overlap_and_come_back(void **state)
{
    struct {
        uint32_t index;
        uint32_t units;
    } runs[200] = {{0, 0}};
    uint8_t *owner = calloc(UNITS, 1);
    struct arena arena;

    (void)state;
    assert_int_equal(arena_init(&arena, 8, UNITS), 0);
    srandom(7);
    for (unsigned int i = 0; i < 200000; i++) {
        unsigned int slot = (unsigned int)random() % 200;

        if (runs[slot].units > 0) {
            memset(owner + runs[slot].index, 0, runs[slot].units);
            arena_free(&arena, runs[slot].index, runs[slot].units);
            runs[slot].units = 0;
            continue;
        }
        runs[slot].units = 1 + (uint32_t)random() % (i % 5 == 0 ? 100 : 16);
        runs[slot].index = arena_alloc(&arena, runs[slot].units);
        if (runs[slot].index == ARENA_FULL) {
            runs[slot].units = 0;
            continue;
        }
        assert_true(runs[slot].index + runs[slot].units <= UNITS);
        for (uint32_t unit = runs[slot].index; unit < runs[slot].index + runs[slot].units; unit++) {
            assert_int_equal(owner[unit], 0);
            owner[unit] = 1;
            memset(arena_at(&arena, unit), 0xa5, 8);
        }
    }
    for (unsigned int slot = 0; slot < 200; slot++) {
        if (runs[slot].units > 0) {
            arena_free(&arena, runs[slot].index, runs[slot].units);
        }
    }
    /* all of it is one gap again */
    assert_int_equal(arena_alloc(&arena, arena.top), 0);
    arena_fini(&arena);
    free(owner);
}

static void a_full_arena_says_so_and_serves_again_after_a_free(void **state)
{
    struct arena arena;
    uint32_t last;

    (void)state;
    assert_int_equal(arena_init(&arena, 64, 100), 0);
    for (unsigned int i = 0; i < 33; i++) {
        last = arena_alloc(&arena, 3);
        assert_int_not_equal(last, ARENA_FULL);
    }
    assert_int_equal(arena_alloc(&arena, 2), ARENA_FULL);
    assert_int_not_equal(arena_alloc(&arena, 1), ARENA_FULL);
    assert_int_equal(arena_alloc(&arena, 1), ARENA_FULL);
    arena_free(&arena, last, 3);
    assert_int_equal(arena_alloc(&arena, 4), ARENA_FULL);
    assert_int_equal(arena_alloc(&arena, 3), last);
    arena_fini(&arena);
}

/* What fib4_table.c's LEAF_UNITS relies on. */
static void gaps_too_small_leave_room_for_the_promised_runs(void **state)
{
    enum { RUNS = 50, LONGEST = 16 };
    struct arena arena;
    uint32_t small[RUNS];
    uint32_t filler[RUNS];

    (void)state;
    assert_int_equal(arena_init(&arena, 8, RUNS * (2 * LONGEST - 1) + 2 * LONGEST), 0);
    for (unsigned int i = 0; i < RUNS; i++) {
        filler[i] = arena_alloc(&arena, LONGEST - 1);
        small[i] = arena_alloc(&arena, LONGEST);
        assert_int_not_equal(filler[i], ARENA_FULL);
        assert_int_not_equal(small[i], ARENA_FULL);
    }
    for (unsigned int i = 0; i < RUNS; i++) {
        arena_free(&arena, filler[i], LONGEST - 1);
    }
    assert_int_not_equal(arena_alloc(&arena, LONGEST), ARENA_FULL);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_never_overlap_and_come_back),
        cmocka_unit_test(a_full_arena_says_so_and_serves_again_after_a_free),
        cmocka_unit_test(gaps_too_small_leave_room_for_the_promised_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
