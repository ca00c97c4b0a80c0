/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"
#include "unit.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define THINGS     20000
#define OPERATIONS 200000

static uint64_t random_state = 88172645463325252ULL;

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % n;
}

struct thing {
    uint8_t *bytes; /* each is `mark` */
    size_t size;
    uint8_t mark;
};

static bool is_whole(const struct thing *thing)
{
    for (size_t i = 0; i < thing->size; i++) {
        if (thing->bytes[i] != thing->mark) {
            return false;
        }
    }
    return true;
}

/* Things of all sizes come and go: each keeps what is written into it, and is aligned. */
static void no_two_things_share_a_byte(void **state)
{
    static struct thing things[THINGS];
    struct pool pool = {.chunks = NULL};

    (void)state;
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        struct thing *thing = &things[random_below(THINGS)];

        if (thing->bytes != NULL) {
            assert_true(is_whole(thing));
            pool_free(&pool, thing->bytes, thing->size);
            thing->bytes = NULL;
            continue;
        }
        *thing =
            (struct thing){.size = 1 + random_below(random_below(50) == 0 ? POOL_MAX + 100 : 300), .mark = (uint8_t)i};
        thing->bytes = pool_alloc(&pool, thing->size);
        assert_non_null(thing->bytes);
        assert_int_equal((uintptr_t)thing->bytes % POOL_STEP, 0);
        memset(thing->bytes, thing->mark, thing->size);
    }
    for (uint32_t i = 0; i < THINGS; i++) {
        if (things[i].bytes != NULL) {
            assert_true(is_whole(&things[i]));
            pool_free(&pool, things[i].bytes, things[i].size);
        }
    }
    pool_fini(&pool);
    assert_null(pool.chunks);
}

static void what_is_given_back_is_used_again(void **state)
{
    struct pool pool = {.chunks = NULL};
    void *thing = pool_alloc(&pool, 100);
    size_t bytes = pool.bytes;

    (void)state;
    pool_free(&pool, thing, 100);
    for (int i = 0; i < 100000; i++) {
        thing = pool_alloc(&pool, i % 2 == 0 ? 97 : 112);
        assert_non_null(thing);
        pool_free(&pool, thing, i % 2 == 0 ? 97 : 112);
    }
    assert_int_equal(pool.bytes, bytes);
    pool_free(&pool, NULL, 100);
    pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_things_share_a_byte),
        cmocka_unit_test(what_is_given_back_is_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
