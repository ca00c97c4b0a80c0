/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read-copy-update between one writer (the control thread) and the workers, over rte_rcu_qsbr.
 *
 * A reader holds no pointer into shared structures across rcu_quiescent(). The writer unpublishes a thing, retires it,
 * and goes on; it is reclaimed once every online reader has been quiescent. The queue of retired things is bounded:
 * when it is full, rcu_retire() waits for the readers, which a polling worker makes microseconds.
 *
 * Does not need the EAL, so unit tests run without it.
 */
#ifndef RCU_H
#define RCU_H

#include "attributes.h"
#include <stddef.h>
#include <stdint.h>

struct rcu;

/* NULL: no memory. readers: ids 0 to readers - 1. */
struct rcu *rcu_create(unsigned int readers);
/* Reclaims everything. No reader may be online. */
void rcu_destroy(struct rcu *rcu);

/* Readers: each id by one thread at a time. A reader starts offline. */
void rcu_reader_online(struct rcu *rcu, unsigned int reader);
void rcu_reader_offline(struct rcu *rcu, unsigned int reader);
void rcu_quiescent(struct rcu *rcu, unsigned int reader);

/* Writer: calls reclaim(owner, thing) when no reader can hold `thing` any more, from within a later rcu_retire(),
 * rcu_reclaim(), rcu_synchronize() or rcu_destroy(). Never fails; `reclaim` must not retire anything. */
void rcu_retire(struct rcu *rcu, void (*reclaim)(void *owner, void *thing), void *owner, void *thing);
/* Writer: reclaims what can be reclaimed without waiting; returns how many things still wait. */
size_t rcu_reclaim(struct rcu *rcu);
/* Writer: waits until every reader has been quiescent, then reclaims everything retired before. */
void rcu_synchronize(struct rcu *rcu);

#endif
