/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A look at packets on their way, for captures, traces and replays.
 *
 * A pipe has a list of watches, usually none, which costs a burst a branch at each point. The worker shows them packets
 * as they are at that moment; they must not keep, change or free them, and are as bound as any stage: they do not
 * block, allocate, lock, log or make a system call, unless their pipe is no worker's (replay).
 *
 * What a stage decided is shown by the stage itself, when it has decided, and not found out by asking again: between
 * the two an instance may die, or a first fragment arrive.
 *
 * The control thread publishes a watch with a release store into the list, and frees it through RCU.
 */
#ifndef WATCH_H
#define WATCH_H

#include "drop.h"
#include "path_list.h"
#include <rte_mbuf.h>
#include <stdint.h>

enum watch_point {
    WATCH_RECEIVED,       /* before parse */
    WATCH_STEERED,        /* looked up, and an adjacency chosen, or none found alive */
    WATCH_HELD_FRAGMENT,  /* waits for the first fragment of its datagram; it will be looked up again */
    WATCH_HELD_NEIGHBOUR, /* waits for its neighbour to be resolved; it will be looked up again */
    WATCH_MADE,           /* an ICMP error, or pieces of a packet, not steered yet or not again */
    WATCH_SENT,    /* with their new headers and tags, about to be given to the device; what it does not take is dropped
                      as well */
    WATCH_PUNTED,  /* about to be given to the kernel twin; the same */
    WATCH_PASSED,  /* with their new headers, about to be given to the worker that owns the queue; the same */
    WATCH_DROPPED, /* as far as they came: the TTL may be taken, a header may be new */
    WATCH_POINTS,
};

/* What lookup and steer found for a packet. */
struct watch_choice {
    uint32_t path_list;
    uint32_t hash;
    uint32_t row; /* index, of the path list's row_mask + 1 */
    uint32_t row_mask;
    uint16_t places[ROW_PLACES]; /* the row: adjacencies in the order in which they are tried */
    uint32_t states[ROW_PLACES]; /* their state words, an instant later */
    uint32_t state;              /* of the chosen one, likewise */
    uint16_t adjacency;          /* the chosen one; ADJACENCY_NONE: nothing is alive */
};

struct watch_event {
    enum watch_point point;
    enum drop_reason reason; /* DROPPED */
    uint16_t lane; /* index of the port; PUNTED: of the twin's lane; DROPPED: none, mbuf->port is the device */
    uint64_t now;  /* TSC cycles, of the loop */
    const struct watch_choice *choice; /* STEERED */
    const struct rte_mbuf *origin;     /* MADE: of which packet, that is none any more; it may be the same buffer */
};

struct watch {
    void (*saw)(struct watch *watch, const struct watch_event *event, struct rte_mbuf *const *mbufs, unsigned int n);
    struct watch *next; /* published by a release store; NULL: the last */
};

/* Tells them all, from the first. */
void watches_tell(struct watch *first, const struct watch_event *event, struct rte_mbuf *const *mbufs, unsigned int n);

/* Control thread: first in a worker's list, from its next packet on. */
void watch_publish(struct watch **first, struct watch *watch);
/* Control thread: out of the list it was published in; the worker holds it until its next quiescent state. */
void watch_withdraw(struct watch **first, struct watch *watch);

#endif
