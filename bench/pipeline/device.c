/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include <rte_byteorder.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <string.h>

#define SINK_BATCH 64 /* freed at once, as tx_rs_thresh says of drivers */

/* Offsets of what is put in; RFC 791, RFC 8200. */
#define V4_CHECKSUM    (RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv4_hdr, hdr_checksum))
#define V4_DESTINATION (RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv4_hdr, dst_addr))
#define V6_DESTINATION (RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv6_hdr, dst_addr))

static inline void put_v4(uint8_t *frame, uint32_t dst)
{
    uint16_t checksum;
    uint32_t sum;

    memcpy(&checksum, frame + V4_CHECKSUM, sizeof(checksum));
    sum = (uint16_t)~rte_be_to_cpu_16(checksum) + (dst >> 16) + (dst & 0xffff);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    checksum = rte_cpu_to_be_16((uint16_t)~sum);
    dst = rte_cpu_to_be_32(dst);
    memcpy(frame + V4_CHECKSUM, &checksum, sizeof(checksum));
    memcpy(frame + V4_DESTINATION, &dst, sizeof(dst));
}

/* Stored whole where the CPU has registers so wide. */
typedef uint8_t line __attribute__((vector_size(DEVICE_LINE), may_alias, aligned(1)));
typedef uint32_t descriptor __attribute__((vector_size(16), may_alias, aligned(1)));

/* What a driver writes into the mbuf, and the first line of the packet, which a NIC would write by DMA. */
static inline void fill(const struct feed *feed, struct rte_mbuf *mbuf, uint64_t position)
{
    const struct stream *stream = &feed->stream;
    uint8_t *frame = (uint8_t *)mbuf->buf_addr + RTE_PKTMBUF_HEADROOM;

    memcpy(&mbuf->rearm_data, &feed->rearm, sizeof(feed->rearm));
    mbuf->ol_flags = 0;
    /* packet type, lengths, no VLAN, hash */
    *(descriptor *)mbuf->rx_descriptor_fields1 =
        (descriptor){0, stream->length, stream->length, (uint32_t)position * 2654435761u};
    *(line *)frame = *(const line *)stream->frames[position & stream->frame_mask];
    if (stream->v4_destinations != NULL) {
        put_v4(frame, stream->v4_destinations[position & stream->destination_mask]);
    } else if (stream->v6_destinations != NULL) {
        memcpy(frame + V6_DESTINATION, stream->v6_destinations[position & stream->destination_mask], 16);
    }
}

/* What is in `mbufs` came through the ring, is freed elsewhere, and is written over. */
static inline __attribute__((always_inline)) uint16_t make_packets(struct feed *feed, struct rte_mbuf *mbufs[],
                                                                   uint16_t most)
{
    uint16_t n = RTE_MIN(most, feed->stream.burst);

    if (unlikely(feed->left < n)) {
        *feed->stop = true;
        return 0;
    }
    if (unlikely(rte_mempool_get_bulk(feed->pool, (void **)mbufs, n) != 0)) {
        return 0;
    }
    for (uint16_t i = 0; i < n; i++) {
        fill(feed, mbufs[i], feed->position + i);
    }
    feed->position += n;
    feed->left -= n;
    return n;
}

/* rte_rx_callback_fn */
static uint16_t receive(uint16_t device, uint16_t queue, struct rte_mbuf *mbufs[], uint16_t n, uint16_t most, void *arg)
{
    (void)device;
    (void)queue;
    (void)n;
    return make_packets(arg, mbufs, most);
}

__attribute__((target("avx512f,avx512bw,avx512vl"))) static uint16_t
receive_avx512(uint16_t device, uint16_t queue, struct rte_mbuf *mbufs[], uint16_t n, uint16_t most, void *arg)
{
    (void)device;
    (void)queue;
    (void)n;
    return make_packets(arg, mbufs, most);
}

/* rte_tx_callback_fn */
static uint16_t hold(uint16_t device, uint16_t queue, struct rte_mbuf *mbufs[], uint16_t n, void *arg)
{
    struct sink *sink = arg;
    uint32_t tail = (sink->head + sink->count) % SINK_RING;

    (void)device;
    (void)queue;
    memcpy(&sink->held[tail], mbufs, RTE_MIN(n, SINK_RING - tail) * sizeof(mbufs[0]));
    if (unlikely(tail + n > SINK_RING)) {
        memcpy(sink->held, mbufs + SINK_RING - tail, (tail + n - SINK_RING) * sizeof(mbufs[0]));
    }
    sink->count += n;
    sink->sent += n;
    sink->last = mbufs[n - 1];
    while (sink->count >= SINK_HOLDS + SINK_BATCH) { /* SINK_RING is a multiple of it */
        rte_mempool_put_bulk(sink->held[sink->head]->pool, (void **)&sink->held[sink->head], SINK_BATCH);
        sink->head = (sink->head + SINK_BATCH) % SINK_RING;
        sink->count -= SINK_BATCH;
    }
    return n;
}

/* rte_rx_callback_fn of a sink: what was sent comes out of the ring again. */
static uint16_t ignore(uint16_t device, uint16_t queue, struct rte_mbuf *mbufs[], uint16_t n, uint16_t most, void *arg)
{
    (void)device;
    (void)queue;
    (void)mbufs;
    (void)n;
    (void)most;
    (void)arg;
    return 0;
}

int device_set_feed(uint16_t device, struct feed *feed, struct rte_mempool *pool)
{
    struct rte_mbuf fresh = {.data_off = RTE_PKTMBUF_HEADROOM, .refcnt = 1, .nb_segs = 1, .port = device};

    memcpy(&feed->rearm, &fresh.rearm_data, sizeof(feed->rearm));
    feed->pool = pool;
    return rte_eth_add_rx_callback(device, 0, __builtin_cpu_supports("avx512vl") ? receive_avx512 : receive, feed) !=
                   NULL
               ? 0
               : -rte_errno;
}

int device_set_sink(uint16_t device, struct sink *sink)
{
    if (rte_eth_add_tx_callback(device, 0, hold, sink) == NULL ||
        rte_eth_add_rx_callback(device, 0, ignore, NULL) == NULL) {
        return -rte_errno;
    }
    return 0;
}

void sink_empty(struct sink *sink)
{
    for (; sink->count > 0; sink->count--) {
        rte_pktmbuf_free(sink->held[sink->head]);
        sink->head = (sink->head + 1) % SINK_RING;
    }
}
