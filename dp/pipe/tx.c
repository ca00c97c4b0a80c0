/* SPDX-License-Identifier: BSD-3-Clause */
#include "burst.h"
#include "vlan.h"
#include <rte_ethdev.h>

/* A device that is merely behind (AF_XDP in copy mode sends 32 a call) catches up within these. */
#define TX_TRIES 16

static uint16_t device_send(struct pipe *pipe, struct lane *lane)
{
    struct counters *counters = pipe->counters;
    uint16_t sent = 0;
    uint16_t count = (uint16_t)lane->count;

    if (lane->end == LANE_TWIN) {
        count = punt_admit(&lane->quota, lane->mbufs, count, pipe->now);
    }
    pipe_show(pipe, lane->end == LANE_TWIN ? WATCH_PUNTED : WATCH_SENT, DROP_REASONS, lane->port, lane->mbufs, count);
    for (int try = 0; try < TX_TRIES && sent < count; try++) {
        sent += rte_eth_tx_burst(lane->device, lane->queue, lane->mbufs + sent, count - sent);
    }
    if (lane->end == LANE_TWIN) {
        counter_add(&counters->punted, sent);
    } else {
        counter_add(&counters->sent, sent);
        traffic_add(&counters->tx[lane->port], sent, lane->bytes - frame_bytes(lane->mbufs + sent, count - sent));
    }
    return sent;
}

/* What has no room for the tag is dropped. */
static void lane_tag(struct pipe *pipe, struct lane *lane)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < lane->count; i++) {
        if (vlan_push(lane->mbufs[i], lane->vlan_tci)) {
            lane->bytes += sizeof(struct rte_vlan_hdr);
            lane->mbufs[kept++] = lane->mbufs[i];
        } else {
            lane->bytes -= lane->mbufs[i]->pkt_len;
            packet_drop(pipe, lane->mbufs[i], DROP_NO_HEADROOM);
        }
    }
    lane->count = kept;
}

/* What was received in pieces becomes one; egress MTUs are such that it fits. */
static void lane_join(struct pipe *pipe, struct lane *lane)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < lane->count; i++) {
        if (likely(rte_pktmbuf_linearize(lane->mbufs[i]) == 0)) {
            lane->mbufs[kept++] = lane->mbufs[i];
        } else {
            lane->bytes -= lane->mbufs[i]->pkt_len;
            packet_drop(pipe, lane->mbufs[i], DROP_NO_BUFFER);
        }
    }
    lane->count = kept;
}

void lane_flush(struct pipe *pipe, uint16_t index)
{
    struct lane *lane = &pipe->lanes[index];
    uint16_t sent;

    if (lane->vlan_tci != 0) {
        lane_tag(pipe, lane);
    }
    if (lane->one_segment) {
        lane_join(pipe, lane);
    }
    if (lane->end == LANE_RING) {
        pipe_show(pipe, WATCH_PASSED, DROP_REASONS, lane->port, lane->mbufs, lane->count);
        sent = (uint16_t)rte_ring_mp_enqueue_burst(lane->ring, (void **)lane->mbufs, lane->count, NULL);
    } else {
        sent = device_send(pipe, lane);
    }
    if (sent < lane->count) {
        count_drops(pipe, lane->mbufs + sent, lane->count - sent, (enum drop_reason)lane->full);
        counter_add(&pipe->counters->tx_dropped[lane->port], lane->count - sent);
        rte_pktmbuf_free_bulk(lane->mbufs + sent, lane->count - sent);
    }
    lane->count = 0;
    lane->bytes = 0;
}
