/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <unistd.h>

#define IDLE_POLLS    1000 /* empty loops before the first sleep */
#define IDLE_SLEEP_US 50   /* longest sleep */
#define DRAIN_POLLS   64   /* rounds over all queues, at most, before a BFD deadline is judged */
#define TWIN_BURST    16   /* packets a loop from a twin: each is a system call that the other ports wait for */

static unsigned int poll_sources(struct worker *worker)
{
    struct rte_mbuf *mbufs[BURST_MAX];
    unsigned int total = 0;

    for (unsigned int i = 0; i < worker->source_count; i++) {
        const struct source *source = &worker->sources[i];
        uint16_t most = source->twin ? TWIN_BURST : BURST_MAX;
        uint16_t n = rte_eth_rx_burst(source->device, source->queue, mbufs, most);

        if (n == 0) {
            continue;
        }
        total += n;
        if (source->twin) {
            pipe_from_twin(&worker->pipe, source->port, mbufs, n);
        } else {
            pipe_burst(&worker->pipe, source->port, mbufs, n);
        }
    }
    return total;
}

static unsigned int poll_inboxes(struct worker *worker)
{
    void *mbufs[BURST_MAX];
    unsigned int total = 0;

    for (unsigned int i = 0; i < worker->inbox_count; i++) {
        const struct inbox *inbox = &worker->inboxes[i];
        unsigned int n = rte_ring_sc_dequeue_burst(inbox->ring, mbufs, BURST_MAX, NULL);

        for (unsigned int k = 0; k < n; k++) {
            pipe_send(&worker->pipe, inbox->lane, mbufs[k]);
        }
        total += n;
    }
    return total;
}

/* Between begin and end the counters do not add up. */
static void counters_begin(struct counters *counters)
{
    __atomic_store_n(&counters->sequence, counters->sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void counters_end(struct counters *counters)
{
    __atomic_store_n(&counters->sequence, counters->sequence + 1, __ATOMIC_RELEASE);
}

/* A detection time is judged when all that came before it has been looked at. */
static __attribute__((noinline)) void run_bfd(struct worker *worker, bool stalled)
{
    if (!bfd_run(worker->bfd, worker->pipe.now)) {
        return;
    }
    for (int i = 0; i < DRAIN_POLLS; i++) {
        worker->pipe.now = rte_rdtsc();
        if (poll_sources(worker) == 0) {
            break;
        }
        pipe_flush(&worker->pipe, worker->lane_count);
    }
    bfd_judge(worker->bfd, worker->pipe.now, stalled);
}

/* The first loop has none before it. */
static __attribute__((noinline)) void note_stall(struct counters *counters, uint64_t before, uint64_t gap)
{
    if (before == 0) {
        return;
    }
    counter_add(&counters->stalls, 1);
    if (gap > counter_read(&counters->stall_longest)) {
        counter_add(&counters->stall_longest, gap - counter_read(&counters->stall_longest));
    }
}

static unsigned int worker_loop(struct worker *worker)
{
    struct counters *counters = worker->pipe.counters;
    uint64_t before = worker->pipe.now;
    uint64_t begin = rte_rdtsc(); /* the only look at the clock in a loop: it costs as much as two packets */
    bool stalled = begin - before > worker->stall;
    unsigned int n;

    counters_begin(counters);
    if (worker->busy) {
        counter_add(&counters->busy_cycles, begin - before);
    }
    if (unlikely(stalled)) {
        note_stall(counters, before, begin - before);
    }
    pipe_tick(&worker->pipe, begin);
    n = poll_sources(worker) + poll_inboxes(worker);
    if (worker->bfd != NULL && bfd_is_due(worker->bfd, begin)) {
        run_bfd(worker, stalled);
    }
    pipe_flush(&worker->pipe, worker->lane_count);
    counter_add(&counters->loops, 1);
    worker->busy = n > 0;
    if (n > 0) {
        counter_add(&counters->busy_loops, 1);
    }
    counters_end(counters);
    return n;
}

/* Longer the longer nothing comes: a demo on two cores must not eat one. */
static void worker_idle(const struct worker *worker, unsigned int empty_loops)
{
    if (worker->backoff && empty_loops > IDLE_POLLS) {
        usleep(RTE_MIN(empty_loops - IDLE_POLLS, (unsigned int)IDLE_SLEEP_US));
    } else {
        rte_pause();
    }
}

int worker_run(void *arg)
{
    struct worker *worker = arg;
    unsigned int empty_loops = 0;

    rcu_reader_online(worker->rcu, worker->id);
    if (worker->bfd != NULL) {
        bfd_runner_online(worker->bfd);
    }
    while (!__atomic_load_n(&worker->stop, __ATOMIC_RELAXED)) {
        empty_loops = worker_loop(worker) > 0 ? 0 : empty_loops + 1;
        rcu_quiescent(worker->rcu, worker->id);
        if (empty_loops > 0) {
            worker_idle(worker, empty_loops);
        }
    }
    if (worker->bfd != NULL) {
        bfd_runner_stop(worker->bfd);
        pipe_flush(&worker->pipe, worker->lane_count);
    }
    rcu_reader_offline(worker->rcu, worker->id);
    return 0;
}
