/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker shows packets while the control thread publishes, reads and withdraws watches. Under the sanitizers too. */
#include "capture.h"
#include "rcu.h"
#include "unit.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS  400
#define WATCHES 3
#define RING    8192

struct worker {
    struct rcu *rcu;
    struct watch *watches; /* the list */
    atomic_bool online;
    atomic_bool stop;
};

/* A frame of which every byte is the same, so that a reader sees whether a copy is whole. */
static void show(struct worker *worker, uint8_t filling)
{
    uint8_t frame[64];
    struct rte_mbuf mbuf = {.buf_addr = frame, .data_len = sizeof(frame), .pkt_len = sizeof(frame), .nb_segs = 1};
    struct rte_mbuf *mbufs[] = {&mbuf};
    struct watch *watches = __atomic_load_n(&worker->watches, __ATOMIC_ACQUIRE);

    memset(frame, filling, sizeof(frame));
    if (watches != NULL) {
        watches_tell(watches, &(struct watch_event){.point = WATCH_RECEIVED}, mbufs, 1);
    }
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    uint8_t filling = 0;

    rcu_reader_online(worker->rcu, 0);
    atomic_store(&worker->online, true);
    while (!atomic_load_explicit(&worker->stop, memory_order_relaxed)) {
        for (int i = 0; i < 16; i++) {
            show(worker, filling++);
        }
        rcu_quiescent(worker->rcu, 0);
    }
    rcu_reader_offline(worker->rcu, 0);
    return NULL;
}

static struct capture *open_capture(struct worker *worker, uint32_t snaplen)
{
    const struct capture_settings settings = {
        .points = 1 << WATCH_RECEIVED, .reason = DROP_REASONS, .snaplen = snaplen, .limit = UINT64_MAX};
    struct capture *capture = malloc(sizeof(*capture));
    struct record_ring *ring = record_ring_create(RING);

    assert_non_null(capture);
    assert_non_null(ring);
    capture_set_up(capture, &settings, ring);
    watch_publish(&worker->watches, &capture->watch);
    return capture;
}

static unsigned int read_all(struct capture *capture)
{
    const struct capture_record *record;
    unsigned int n = 0;

    while ((record = record_ring_peek(capture->ring)) != NULL) {
        assert_int_equal(record->captured, capture->settings.snaplen);
        for (uint32_t i = 1; i < record->captured; i++) {
            assert_int_equal(record->bytes[i], record->bytes[0]);
        }
        record_ring_consume(capture->ring);
        n++;
    }
    return n;
}

static void reclaim(void *owner, void *thing)
{
    struct capture *capture = thing;

    (void)owner;
    record_ring_destroy(capture->ring);
    free(capture);
}

static void close_capture(struct worker *worker, struct capture *capture)
{
    watch_withdraw(&worker->watches, &capture->watch);
    rcu_retire(worker->rcu, reclaim, NULL, capture);
}

static void watches_come_and_go_while_packets_pass(void **state)
{
    struct worker worker = {.rcu = rcu_create(1)};
    struct capture *open[WATCHES];
    unsigned long seen = 0;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, work, &worker), 0);
    while (!atomic_load(&worker.online)) {
    }
    for (int i = 0; i < WATCHES; i++) {
        open[i] = open_capture(&worker, 64);
    }
    for (unsigned int round = 0; round < ROUNDS; round++) {
        struct capture **one = &open[round * 7 % WATCHES]; /* from any place of the list */

        for (int i = 0; i < WATCHES; i++) {
            seen += read_all(open[i]);
        }
        close_capture(&worker, *one);
        *one = open_capture(&worker, 1 + round % 64);
        rcu_reclaim(worker.rcu);
    }
    atomic_store(&worker.stop, true);
    pthread_join(thread, NULL);
    assert_true(seen > 0);
    for (int i = 0; i < WATCHES; i++) {
        close_capture(&worker, open[i]);
    }
    assert_null(worker.watches);
    rcu_destroy(worker.rcu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watches_come_and_go_while_packets_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
