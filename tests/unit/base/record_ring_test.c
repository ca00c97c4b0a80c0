/* SPDX-License-Identifier: BSD-3-Clause */
#include "record_ring.h"
#include "unit.h"
#include <pthread.h>
#include <string.h>

#define SIZE    4096
#define RECORDS 200000

static bool put(struct record_ring *ring, uint32_t length, uint8_t filling)
{
    uint8_t *bytes = record_ring_reserve(ring, length);

    if (bytes == NULL) {
        return false;
    }
    assert_int_equal((uintptr_t)bytes % 8, 0);
    memset(bytes, filling, length);
    record_ring_commit(ring);
    return true;
}

static bool take(struct record_ring *ring, uint32_t length, uint8_t filling)
{
    const uint8_t *bytes = record_ring_peek(ring);

    if (bytes == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < length; i++) {
        assert_int_equal(bytes[i], filling);
    }
    record_ring_consume(ring);
    return true;
}

static void records_of_any_length_come_out_as_they_went_in(void **state)
{
    struct record_ring *ring = record_ring_create(SIZE);

    (void)state;
    assert_null(record_ring_peek(ring));
    for (uint32_t i = 0; i < 5000; i++) { /* the end of the ring is met at every offset */
        uint32_t length = i * 37 % (SIZE / 2 - 8);

        assert_true(put(ring, length, (uint8_t)i));
        assert_true(take(ring, length, (uint8_t)i));
        assert_null(record_ring_peek(ring));
    }
    assert_int_equal(record_ring_lost(ring), 0);
    record_ring_destroy(ring);
}

static void a_full_ring_keeps_what_it_has_and_counts_what_it_loses(void **state)
{
    struct record_ring *ring = record_ring_create(SIZE);
    unsigned int kept = 0;

    (void)state;
    while (put(ring, 100, (uint8_t)kept)) {
        kept++;
    }
    assert_int_equal(kept, SIZE / 112);
    assert_false(put(ring, 1000, 0));
    assert_int_equal(record_ring_lost(ring), 2);
    for (unsigned int i = 0; i < kept; i++) {
        assert_true(take(ring, 100, (uint8_t)i));
    }
    assert_null(record_ring_peek(ring));
    assert_true(put(ring, SIZE / 2 - 8, 1));
    record_ring_destroy(ring);
}

static uint32_t length_of(uint32_t i)
{
    return 4 + i * 29 % 700;
}

static void *write_records(void *arg)
{
    struct record_ring *ring = arg;

    for (uint32_t i = 0; i < RECORDS;) {
        uint8_t *bytes = record_ring_reserve(ring, length_of(i));

        if (bytes != NULL) {
            memset(bytes, (uint8_t)i, length_of(i));
            memcpy(bytes, &i, sizeof(i));
            record_ring_commit(ring);
            i++;
        }
    }
    return NULL;
}

static void writer_and_reader_may_be_two_threads(void **state)
{
    struct record_ring *ring = record_ring_create(SIZE);
    pthread_t writer;

    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, write_records, ring), 0);
    for (uint32_t i = 0; i < RECORDS;) {
        const uint8_t *bytes = record_ring_peek(ring);
        uint32_t number;

        if (bytes == NULL) {
            continue;
        }
        memcpy(&number, bytes, sizeof(number));
        assert_int_equal(number, i);
        assert_true(length_of(i) == 4 || bytes[length_of(i) - 1] == (uint8_t)i);
        record_ring_consume(ring);
        i++;
    }
    pthread_join(writer, NULL);
    assert_null(record_ring_peek(ring));
    record_ring_destroy(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_any_length_come_out_as_they_went_in),
        cmocka_unit_test(a_full_ring_keeps_what_it_has_and_counts_what_it_loses),
        cmocka_unit_test(writer_and_reader_may_be_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
