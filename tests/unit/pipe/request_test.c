/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"
#include "unit.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define INTERVAL 1000

static struct request request_for(uint16_t adjacency, uint32_t destination)
{
    return (struct request){adjacency, ip_addr_v4(destination)};
}

static void put(struct request_ring *ring, uint16_t adjacency, uint32_t destination, uint64_t now)
{
    struct request request = request_for(adjacency, destination);

    request_put(ring, &request, now, INTERVAL);
}

static unsigned int take_all(struct request_ring *ring)
{
    struct request request;
    unsigned int n = 0;

    while (request_take(ring, &request)) {
        n++;
    }
    return n;
}

static void wishes_come_out_as_they_went_in(void **state)
{
    static struct request_ring ring;
    struct request out;

    (void)state;
    assert_false(request_take(&ring, &out));
    put(&ring, 1, 0xc0000201, 0);
    put(&ring, 2, 0xc0000202, 0);
    assert_true(request_take(&ring, &out));
    assert_int_equal(out.adjacency, 1);
    assert_int_equal(ip_addr_to_u32(&out.destination), 0xc0000201);
    assert_true(request_take(&ring, &out));
    assert_int_equal(out.adjacency, 2);
    assert_int_equal(ip_addr_to_u32(&out.destination), 0xc0000202);
    assert_false(request_take(&ring, &out));
}

static void a_wish_is_told_once_an_interval(void **state)
{
    static struct request_ring ring;

    (void)state;
    for (uint64_t now = 5; now < 5 + INTERVAL; now++) {
        put(&ring, 1, 0xc0000201, now);
    }
    assert_int_equal(take_all(&ring), 1);
    put(&ring, 1, 0xc0000201, 5 + INTERVAL);
    assert_int_equal(take_all(&ring), 1);
}

static void wishes_differ_by_destination_and_by_adjacency(void **state)
{
    static struct request_ring ring;

    (void)state;
    put(&ring, 1, 0xc0000201, 0);
    put(&ring, 1, 0xc0000202, 0);
    put(&ring, 2, 0xc0000201, 0);
    put(&ring, 1, 0xc0000201, 1);
    assert_int_equal(take_all(&ring), 3);
}

/* A spray over many addresses may forget a wish and tell it again, but tells every one. */
static void more_wishes_than_the_memory_holds_are_all_told(void **state)
{
    static struct request_ring ring;

    (void)state;
    for (uint32_t i = 0; i < 10 * REQUEST_RECENT; i++) {
        put(&ring, 1, 0x0a000000 + i, 0);
        assert_int_equal(take_all(&ring), 1);
    }
}

static void a_full_ring_loses_the_wish_and_not_the_chance_to_wish_again(void **state)
{
    static struct request_ring ring;
    struct request out;

    (void)state;
    for (uint32_t i = 0; i < REQUEST_RING + 1; i++) {
        put(&ring, 1, 0x0a000000 + i, 0);
    }
    assert_true(request_take(&ring, &out));
    assert_int_equal(ip_addr_to_u32(&out.destination), 0x0a000000); /* not overwritten */
    put(&ring, 1, 0x0a000000 + REQUEST_RING, 0); /* the one that found no room, within its interval */
    assert_int_equal(take_all(&ring), REQUEST_RING);
}

/* The control thread beside a worker: order kept, nothing torn, nothing twice. */
#define TOLD 200000u

static void *tell(void *arg)
{
    struct request_ring *ring = arg;

    for (uint32_t i = 1; i <= TOLD; i++) {
        put(ring, (uint16_t)i, i, (uint64_t)i * INTERVAL);
    }
    return NULL;
}

static void the_control_thread_takes_while_a_worker_puts(void **state)
{
    static struct request_ring ring;
    uint32_t last = 0;
    unsigned int taken = 0;
    pthread_t worker;
    bool running = true;

    (void)state;
    assert_int_equal(pthread_create(&worker, NULL, tell, &ring), 0);
    while (running) {
        struct request out;

        running = pthread_tryjoin_np(worker, NULL) != 0; /* first: what was put before the end is still taken */
        while (request_take(&ring, &out)) {
            uint32_t now = ip_addr_to_u32(&out.destination);

            assert_true(now > last);
            assert_int_equal(out.adjacency, (uint16_t)now);
            last = now;
            taken++;
        }
    }
    assert_true(taken >= REQUEST_RING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_come_out_as_they_went_in),
        cmocka_unit_test(a_wish_is_told_once_an_interval),
        cmocka_unit_test(wishes_differ_by_destination_and_by_adjacency),
        cmocka_unit_test(more_wishes_than_the_memory_holds_are_all_told),
        cmocka_unit_test(a_full_ring_loses_the_wish_and_not_the_chance_to_wish_again),
        cmocka_unit_test(the_control_thread_takes_while_a_worker_puts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
