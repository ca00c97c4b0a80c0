/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A look at packets on their way, for captures, traces and replays.
 *
 * A pipe has at most one watch, and usually none, which costs a burst a branch. The worker shows it packets as they are
 * at that moment; it must not keep, change or free them, and is as bound as any stage: it does not block, allocate,
 * lock, log or make a system call, unless its pipe is no worker's (replay).
 */
#ifndef WATCH_H
#define WATCH_H

#include "drop.h"
#include <rte_mbuf.h>
#include <stdint.h>

enum watch_point {
    WATCH_RECEIVED, /* before parse */
    WATCH_SENT,    /* with their new headers and tags, about to be given to the device; what it does not take is dropped
                      as well */
    WATCH_PUNTED,  /* about to be given to the kernel twin */
    WATCH_DROPPED, /* as far as they came: the TTL may be taken, a header may be new */
    WATCH_POINTS,
};

struct watch_event {
    enum watch_point point;
    enum drop_reason reason; /* DROPPED */
    uint16_t lane; /* index of the port; PUNTED: of the twin's lane; DROPPED: none, mbuf->port is the device */
    uint64_t now;  /* TSC cycles */
};

struct watch {
    void (*saw)(struct watch *watch, const struct watch_event *event, struct rte_mbuf *const *mbufs, unsigned int n);
};

#endif
