/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last stage: packets gather in a lane for each egress port and leave in bursts.
 *
 * A lane ends at a transmit queue that only this worker uses, or, where a device has fewer queues than there are
 * workers, at a ring that the queue's owner empties. A packet is counted when the device takes it.
 */
#ifndef TX_H
#define TX_H

#include "counters.h"
#include "punt.h"
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdbool.h>
#include <stdint.h>

#define TX_LANE_MAX  128
#define TX_LANE_ROOM 16 /* behind them, for whole vectors to be stored */

struct pipe;

enum lane_end {
    LANE_DEVICE, /* transmit queue of a port */
    LANE_TWIN,   /* transmit queue of a kernel twin: what leaves here is punted, not sent */
    LANE_RING,   /* to the worker that owns the queue, which counts */
};

struct lane {
    uint8_t end;     /* enum lane_end */
    uint8_t full;    /* enum drop_reason: what becomes of a packet that finds no room */
    uint16_t port;   /* index, for counters */
    uint16_t device; /* DPDK port id */
    uint16_t queue;
    uint16_t vlan_tci;     /* of the tag that frames get on the way out, 0: none; never where the lane ends in a ring */
    bool one_segment;      /* the device sends no packet of several segments */
    uint32_t count;        /* waiting in mbufs[]; as wide as CPUs forward from store to load at once */
    uint64_t bytes;        /* of their frames */
    struct rte_ring *ring; /* LANE_RING */
    struct punt_quota quota; /* LANE_TWIN */
    struct rte_mbuf *mbufs[TX_LANE_MAX + TX_LANE_ROOM];
};

static inline uint64_t frame_bytes(struct rte_mbuf *const *mbufs, unsigned int n)
{
    uint64_t bytes = 0;

#pragma GCC unroll 8
    for (unsigned int i = 0; i < n; i++) {
        bytes += mbufs[i]->pkt_len;
    }
    return bytes;
}

/* Sends what waits; what the twin's quota does not admit, the device does not take within a few tries, or the ring at
 * once, is dropped. */
void lane_flush(struct pipe *pipe, uint16_t lane);

#endif
