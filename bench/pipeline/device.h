/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A NIC-like device out of DPDK's public interface: a ring device whose receive queue is always empty, with a callback
 * that makes the packets at the price of a vector driver's receive function, and one on the transmit side that holds
 * 1024 packets, as a descriptor ring would, and frees them in bulk of 64 as MBUF_FAST_FREE allows. The ring between,
 * through which the transmitted pointers pass, stands for the descriptors that a driver writes.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <stdbool.h>
#include <stdint.h>

#define DEVICE_LINE 64 /* bytes of a packet that are written; there may be more of it, which nobody looks at */

/* The packets that a device receives, one after the other, round and round. */
struct stream {
    const uint8_t (*frames)[DEVICE_LINE]; /* headers; IPv4 ones with a right checksum */
    uint32_t frame_mask;                  /* as many as that, and one */
    const uint32_t *v4_destinations;      /* host byte order, put into the frames on the way, or NULL; then the */
    const uint8_t (*v6_destinations)[16]; /* destination in frames is 0 */
    uint32_t destination_mask;
    uint16_t length; /* of the frame, without its FCS */
    uint16_t burst;  /* what the device has for a poll at most */
};

/* Receive side. One thread. */
struct feed {
    struct stream stream;
    struct rte_mempool *pool;
    uint64_t rearm; /* first bytes of a received mbuf, as drivers keep them */
    uint64_t position;
    uint64_t left; /* packets until *stop is set */
    bool *stop;
};

#define SINK_HOLDS 1024
#define SINK_RING  (2 * SINK_HOLDS)

/* Transmit side. One thread. */
struct sink {
    struct rte_mbuf *held[SINK_RING];
    uint32_t head;
    uint32_t count;
    uint64_t sent;
    struct rte_mbuf *last; /* sent, to be looked at before more is sent */
};

/* Make a set-up ring device `device` into one that receives what the feed has, or into one that sends into the sink.
 * 0 or -errno. They must outlive it. */
int device_set_feed(uint16_t device, struct feed *feed, struct rte_mempool *pool);
int device_set_sink(uint16_t device, struct sink *sink);
/* What is held goes back to the pool. */
void sink_empty(struct sink *sink);

#endif
