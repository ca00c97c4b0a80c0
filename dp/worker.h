/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one lcore that polls its receive queues and runs every packet to completion.
 *
 * dp.c wires it before it starts; from then on only `stop` is written from outside.
 */
#ifndef WORKER_H
#define WORKER_H

#include "pipe.h"
#include "port.h"
#include "rcu.h"
#include <stdbool.h>

/* One worker may poll every queue of every port, and every twin. */
#define WORKER_SOURCES_MAX (PIPE_PORTS_MAX / 2 * (PORT_QUEUES_MAX + 1))
/* Of the queues that one egress has for too many workers, at most one is this worker's. */
#define WORKER_INBOXES_MAX PIPE_PORTS_MAX

/* A receive queue. */
struct source {
    uint16_t device;
    uint16_t queue;
    uint16_t port; /* index; of the port that a twin belongs to */
    bool twin;
};

/* A ring in which other workers hand over what this one's queue is to send. */
struct inbox {
    struct rte_ring *ring;
    uint16_t lane;
};

struct worker {
    struct pipe pipe;
    struct rcu *rcu;
    struct bfd *bfd; /* NULL: another worker runs it */
    uint64_t stall;  /* TSC cycles: a loop that begins so late counts as a stall */
    unsigned int id; /* RCU reader */
    unsigned int lcore;
    unsigned int source_count;
    unsigned int inbox_count;
    unsigned int lane_count;
    bool busy;    /* the loop before this one received something */
    bool backoff; /* sleep when nothing comes */
    bool stop;    /* atomic: set by the control thread */
    struct source sources[WORKER_SOURCES_MAX];
    struct inbox inboxes[WORKER_INBOXES_MAX];
};

/* Runs until worker->stop; lcore function of rte_eal_remote_launch(). Returns 0. */
int worker_run(void *worker);

#endif
