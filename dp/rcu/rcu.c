/* SPDX-License-Identifier: BSD-3-Clause */
#include "rcu.h"
#include <errno.h>
#include <rte_rcu_qsbr.h>
#include <stdlib.h>

/* A burst of updates fits without waiting; beyond it memory would grow with a stuck worker. */
#define RETIRED_MAX 8192

struct retired {
    uint64_t token;
    void (*reclaim)(void *owner, void *thing);
    void *owner;
    void *thing;
};

struct rcu {
    struct rte_rcu_qsbr *qsbr;
    size_t head; /* counts up for ever; index is modulo RETIRED_MAX */
    size_t tail;
    struct retired queue[RETIRED_MAX];
};

struct rcu *rcu_create(unsigned int readers)
{
    struct rcu *rcu = calloc(1, sizeof(*rcu));

    if (rcu == NULL) {
        return NULL;
    }
    rcu->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(rte_rcu_qsbr_get_memsize(readers)));
    if (rcu->qsbr == NULL || rte_rcu_qsbr_init(rcu->qsbr, readers) != 0) {
        goto free_rcu;
    }
    for (unsigned int i = 0; i < readers; i++) {
        if (rte_rcu_qsbr_thread_register(rcu->qsbr, i) != 0) {
            goto free_rcu;
        }
    }
    return rcu;
free_rcu:
    free(rcu->qsbr);
    free(rcu);
    return NULL;
}

void rcu_destroy(struct rcu *rcu)
{
    if (rcu == NULL) {
        return;
    }
    rcu_synchronize(rcu);
    free(rcu->qsbr);
    free(rcu);
}

void rcu_reader_online(struct rcu *rcu, unsigned int reader)
{
    rte_rcu_qsbr_thread_online(rcu->qsbr, reader);
}

void rcu_reader_offline(struct rcu *rcu, unsigned int reader)
{
    rte_rcu_qsbr_thread_offline(rcu->qsbr, reader);
}

void rcu_quiescent(struct rcu *rcu, unsigned int reader)
{
    rte_rcu_qsbr_quiescent(rcu->qsbr, reader);
}

static void reclaim_oldest(struct rcu *rcu)
{
    struct retired *retired = &rcu->queue[rcu->tail++ % RETIRED_MAX];

    retired->reclaim(retired->owner, retired->thing);
}

/* Tokens grow along the queue, so the oldest is the first to be free. */
size_t rcu_reclaim(struct rcu *rcu)
{
    while (rcu->tail != rcu->head &&
           rte_rcu_qsbr_check(rcu->qsbr, rcu->queue[rcu->tail % RETIRED_MAX].token, false) == 1) {
        reclaim_oldest(rcu);
    }
    return rcu->head - rcu->tail;
}

/* Not rte_rcu_qsbr_synchronize(): that is a call into a library which ThreadSanitizer does not see into. */
void rcu_synchronize(struct rcu *rcu)
{
    rte_rcu_qsbr_check(rcu->qsbr, rte_rcu_qsbr_start(rcu->qsbr), true);
    while (rcu->tail != rcu->head) {
        reclaim_oldest(rcu);
    }
}

void rcu_retire(struct rcu *rcu, void (*reclaim)(void *owner, void *thing), void *owner, void *thing)
{
    if (rcu->head - rcu->tail == RETIRED_MAX && rcu_reclaim(rcu) == RETIRED_MAX) {
        rcu_synchronize(rcu);
    }
    rcu->queue[rcu->head++ % RETIRED_MAX] = (struct retired){rte_rcu_qsbr_start(rcu->qsbr), reclaim, owner, thing};
}
