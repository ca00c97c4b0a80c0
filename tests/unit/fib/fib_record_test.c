/* SPDX-License-Identifier: BSD-3-Clause */
/* Both ways to read and write a record of fib4, of which a build and a CPU use only one. */
#include "fib.h"
#include "fib4_record.h"
#include "unit.h"
#include <pthread.h>

/* As many writes as it takes for the reader to have come between so many of them. */
#define CHANGES 2000

static bool whole_works(void)
{
    return FIB4_RECORD_WHOLE && fib_isa_works(FIB_ISA_AVX);
}

struct shared {
    struct fib4_record record;
    bool whole;
    atomic_bool stop;
    atomic_uint changes; /* that the reader saw */
    bool torn;
};

/* The halves of a record that belong together. */
static struct fib4_run run_of(uint32_t i)
{
    return (struct fib4_run){.bitmap = (uint64_t)i << 32 | ~i, .base = i * 2654435761u};
}

static void *read_until_stopped(void *arg)
{
    struct shared *shared = arg;
    uint32_t before = 0;

    while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        struct fib4_run run = fib4_record_load(&shared->record, shared->whole);
        struct fib4_run expected = run_of((uint32_t)(run.bitmap >> 32));

        shared->torn |= run.bitmap != expected.bitmap || run.base != expected.base;
        atomic_fetch_add_explicit(&shared->changes, run.base != before, memory_order_relaxed);
        before = run.base;
    }
    return NULL;
}

static void readers_see_a_record_whole(bool whole)
{
    struct shared shared = {.whole = whole};
    pthread_t reader;
    uint32_t i;

    fib4_record_store(&shared.record, run_of(0), whole);
    assert_int_equal(pthread_create(&reader, NULL, read_until_stopped, &shared), 0);
    for (i = 1; atomic_load_explicit(&shared.changes, memory_order_relaxed) < CHANGES; i++) {
        fib4_record_store(&shared.record, run_of(i), whole);
    }
    atomic_store(&shared.stop, true);
    pthread_join(reader, NULL);
    assert_false(shared.torn);
    assert_int_equal(fib4_record_load(&shared.record, whole).base, run_of(i - 1).base);
}

static void readers_see_a_counted_record_whole(void **state)
{
    (void)state;
    readers_see_a_record_whole(false);
}

static void readers_see_a_record_that_is_stored_in_one_whole(void **state)
{
    (void)state;
    if (!whole_works()) {
        skip();
    }
    readers_see_a_record_whole(true);
}

static void a_record_holds_what_was_stored(void **state)
{
    static const struct fib4_run runs[] = {{0, 0}, {1ull << 63, 0xffffffff}, {~1ull, 1}, {0, 0x80000000}};
    struct fib4_record record = {0};

    (void)state;
    for (unsigned int whole = 0; whole <= (unsigned int)whole_works(); whole++) {
        for (unsigned int i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
            fib4_record_store(&record, runs[i], whole);
            assert_int_equal(fib4_record_load(&record, whole).bitmap, runs[i].bitmap);
            assert_int_equal(fib4_record_load(&record, whole).base, runs[i].base);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_holds_what_was_stored),
        cmocka_unit_test(readers_see_a_counted_record_whole),
        cmocka_unit_test(readers_see_a_record_that_is_stored_in_one_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
