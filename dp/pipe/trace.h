/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each stage did with the packets that somebody wants to follow. One a worker.
 *
 * A packet that matches as it is received is followed by the buffer that it lies in. Each stage shows what it decided
 * (watch.h), and the trace keeps it with the packet, so that it tells what happened and not what would happen if one
 * asked again. At its end, or where the packet is kept waiting, all of it becomes one record. A record with an id that
 * was there before replaces the earlier one: the packet went on after its wait, or the device did not take it.
 * What is made of a followed packet, an ICMP error or pieces, is followed as well, with the id of its origin.
 */
#ifndef TRACE_H
#define TRACE_H

#include "filter.h"
#include "record_ring.h"
#include "watch.h"

#define TRACE_BYTES 192 /* of a packet: all its headers, in a tunnel as well */
#define TRACE_STEPS 8   /* a packet that waits several times takes five or six */
#define TRACE_WAYS  4
#define TRACE_OPEN  256 /* packets that are followed at a time; a multiple of TRACE_WAYS */

struct trace_settings {
    struct filter filter;
    enum drop_reason reason; /* only packets that are dropped for it; DROP_REASONS: all */
    uint64_t limit;          /* packets of this worker, without what is made of them */
};

struct trace_step {
    uint8_t point;              /* enum watch_point */
    uint8_t reason;             /* DROPPED: enum drop_reason */
    uint16_t lane;              /* as in struct watch_event */
    uint64_t now;               /* TSC cycles, of the loop */
    struct watch_choice choice; /* STEERED */
};

/* The first bytes of a packet. */
struct trace_bytes {
    uint32_t length; /* of the packet; 0: it was not seen */
    uint32_t captured;
    uint8_t bytes[TRACE_BYTES];
};

struct trace_record {
    uint32_t id;     /* from 1 */
    uint32_t origin; /* id of the packet that it was made of, 0: it was received */
    uint16_t device; /* DPDK port that received it, or its origin */
    uint8_t count;
    bool shortened; /* a step was left out, before the last one */
    struct trace_step steps[TRACE_STEPS];
    struct trace_bytes first; /* as received or made */
    struct trace_bytes last;  /* as it left, or was given up */
};

enum trace_state { TRACE_FREE, TRACE_FOLLOWED, TRACE_LEFT /* told; but the device may yet refuse it in this loop */ };

struct trace_packet {
    const struct rte_mbuf *mbuf;
    enum trace_state state;
    struct trace_record record;
};

/* A packet that ended, or became others. */
struct trace_origin {
    const struct rte_mbuf *mbuf;
    uint32_t id;
    uint64_t now;
};

struct trace {
    struct watch watch; /* first */
    struct trace_settings settings;
    struct record_ring *ring; /* of struct trace_record */
    /* the worker's: */
    uint64_t begun; /* packets that count */
    uint32_t ids;
    struct trace_origin origin; /* the last one that ended */
    struct trace_packet packets[TRACE_OPEN];
};

/* Before it is published; the trace is all zero. */
void trace_set_up(struct trace *trace, const struct trace_settings *settings, struct record_ring *ring);

#endif
