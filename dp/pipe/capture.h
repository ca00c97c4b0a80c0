/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of the packets that somebody wants to see at some points of their way. One a worker. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "filter.h"
#include "record_ring.h"
#include "watch.h"

#define CAPTURE_SNAPLEN_MAX 65535

struct capture_settings {
    struct filter filter;
    unsigned int points;     /* bit p: enum watch_point p */
    enum drop_reason reason; /* only these of the dropped; DROP_REASONS: all */
    uint32_t snaplen;        /* bytes of a packet, at most CAPTURE_SNAPLEN_MAX */
    uint64_t limit;          /* packets of this worker */
};

struct capture {
    struct watch watch; /* first */
    struct capture_settings settings;
    struct record_ring *ring; /* of struct capture_record; larger than twice the snaplen */
    uint64_t taken;           /* the worker's */
};

struct capture_record {
    uint64_t now;    /* TSC cycles */
    uint32_t length; /* of the packet */
    uint32_t captured;
    uint8_t point;   /* enum watch_point */
    uint8_t reason;  /* enum drop_reason, DROP_REASONS unless dropped */
    uint16_t lane;   /* as in struct watch_event */
    uint16_t device; /* DPDK port that received it; of what was made here, any number */
    uint8_t bytes[];
};

/* Before it is published. */
void capture_set_up(struct capture *capture, const struct capture_settings *settings, struct record_ring *ring);

#endif
