/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control thread and two workers share, under ThreadSanitizer: sessions come, fail, are held and go while a
 * runner times them and another worker hands packets over. */
#include "bfd.h"
#include "unit.h"
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define HZ       1000000
#define ROUNDS   60
#define SESSIONS 8

static struct rcu *rcu;
static struct bfd *bfd;
static bool stop;

static uint64_t now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static struct bfd_spec spec_of(unsigned int i)
{
    return (struct bfd_spec){
        .path = {.local = ip_addr_v4(0x0a000001), .peer = ip_addr_v4(0x0a000100 + i)},
        .timers = {1000, 1000, 3},
        .targets = {(uint16_t)(i + 1)},
        .target_count = 1,
    };
}

static void ignore(void *owner, const struct bfd_spec *to, uint16_t source_port, const uint8_t packet[BFD_PACKET_SIZE])
{
    (void)owner;
    (void)to;
    (void)source_port;
    (void)packet;
}

/* Worker 0 times, worker 1 receives for all neighbours, and both are readers. */
static void *worker(void *arg)
{
    unsigned int id = (unsigned int)(uintptr_t)arg;
    unsigned int turn = 0;

    rcu_reader_online(rcu, id);
    if (id == 0) {
        bfd_runner_online(bfd);
    }
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        struct bfd_spec from = spec_of(turn++ % SESSIONS);
        struct bfd_arrival arrival = {.path = from.path,
                                      .ttl = 255,
                                      .packet = {.state = turn / SESSIONS % 2 == 0 ? BFD_DOWN : BFD_INIT,
                                                 .multiplier = 3,
                                                 .my_discriminator = 5,
                                                 .min_tx_us = 1000,
                                                 .min_rx_us = 1000}};
        const struct bfd_member *member = bfd_match(bfd, &arrival);

        if (member != NULL && turn % 256 < 128) {
            bfd_arrive(bfd, id, member, &arrival.packet, now_us());
        }
        if (id == 0 && bfd_is_due(bfd, now_us()) && bfd_run(bfd, now_us())) {
            bfd_judge(bfd, now_us(), false);
        }
        rcu_quiescent(rcu, id);
        usleep(20);
    }
    if (id == 0) {
        bfd_runner_stop(bfd);
    }
    rcu_reader_offline(rcu, id);
    return NULL;
}

static void change_all(struct adjacency *adjacencies, unsigned int *events)
{
    struct bfd_event event;
    struct bfd_status status;
    int ids[SESSIONS];

    for (unsigned int i = 0; i < SESSIONS; i++) {
        struct bfd_spec of = spec_of(i);

        ids[i] = bfd_add(bfd, &of);
        assert_true(ids[i] >= 0);
    }
    usleep(8000);
    for (unsigned int i = 0; i < SESSIONS; i++) {
        bfd_hold(bfd, (uint32_t)ids[i], i % 2 == 0);
        bfd_status(bfd, (uint32_t)ids[i], &status);
    }
    while (bfd_event(bfd, &event)) {
        (*events)++;
    }
    usleep(1000);
    for (unsigned int i = 0; i < SESSIONS; i++) {
        bfd_del(bfd, (uint32_t)ids[i]);
        assert_int_equal(adjacency_state(&adjacencies[i + 1]), 0);
    }
    rcu_reclaim(rcu);
}

static void sessions_come_and_go_while_workers_run(void **state)
{
    struct adjacency_table *table;
    pthread_t threads[2];
    unsigned int events = 0;

    (void)state;
    rcu = rcu_create(2);
    table = adjacency_table_create(rcu);
    bfd = bfd_create(rcu, adjacency_array(table), 2, HZ);
    bfd_set_sender(bfd, ignore, NULL);
    for (uintptr_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, worker, (void *)i), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        change_all(adjacency_array(table), &events);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(events > 0);
    rcu_synchronize(rcu);
    bfd_destroy(bfd);
    adjacency_table_destroy(table);
    rcu_destroy(rcu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_come_and_go_while_workers_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
