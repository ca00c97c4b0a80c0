/* SPDX-License-Identifier: BSD-3-Clause */
#include "byte_queue.h"
#include "unit.h"
#include <stdlib.h>

/* The bytes count up, so what comes out tells whether it is what went in. */
static void what_goes_in_comes_out_in_order(void **state)
{
    struct byte_queue queue = {0};
    unsigned char next_in = 0;
    unsigned char next_out = 0;
    size_t most = 0;

    (void)state;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)(rand() % 700);
        unsigned char bytes[700];

        for (size_t j = 0; j < n; j++) {
            bytes[j] = next_in++;
        }
        assert_int_equal(byte_queue_append(&queue, bytes, n), 0);
        most = byte_queue_length(&queue) > most ? byte_queue_length(&queue) : most;
        n = (size_t)(rand() % 720);
        n = n > byte_queue_length(&queue) ? byte_queue_length(&queue) : n;
        for (size_t j = 0; j < n; j++) {
            assert_int_equal((unsigned char)byte_queue_front(&queue)[j], next_out++);
        }
        byte_queue_consume(&queue, n);
        assert_true(queue.capacity <= 4 * most + 4096);
    }
    byte_queue_free(&queue);
}

static void a_large_buffer_is_given_back_once_it_is_empty(void **state)
{
    struct byte_queue queue = {0};

    (void)state;
    assert_int_equal(byte_queue_reserve(&queue, 1 << 20), 0);
    queue.end += 1 << 20;
    byte_queue_consume(&queue, 1 << 20);
    assert_int_equal(queue.capacity, 0);
    assert_int_equal(byte_queue_append(&queue, "abc", 3), 0);
    assert_memory_equal(byte_queue_front(&queue), "abc", 3);
    byte_queue_free(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order),
        cmocka_unit_test(a_large_buffer_is_given_back_once_it_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
