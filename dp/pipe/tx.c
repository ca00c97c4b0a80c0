/* SPDX-License-Identifier: BSD-3-Clause */
#include "tx.h"
#include "vlan.h"
#include <rte_cycles.h>
#include <rte_ethdev.h>

/* A device that is merely behind (AF_XDP in copy mode sends 32 a call) catches up within these. */
#define TX_TRIES 16

static uint16_t device_send(struct lane *lane, struct counters *counters)
{
    uint16_t sent = 0;
    uint16_t count = lane->count;
    uint64_t bytes;

    if (lane->end == LANE_TWIN) {
        count = punt_admit(&lane->quota, lane->mbufs, count, rte_rdtsc());
    }
    bytes = frame_bytes(lane->mbufs, count);
    for (int try = 0; try < TX_TRIES && sent < count; try++) {
        sent += rte_eth_tx_burst(lane->device, lane->queue, lane->mbufs + sent, count - sent);
    }
    bytes -= frame_bytes(lane->mbufs + sent, count - sent);
    if (lane->end == LANE_TWIN) {
        counter_add(&counters->punted, sent);
    } else {
        counter_add(&counters->sent, sent);
        traffic_add(&counters->tx[lane->port], sent, bytes);
    }
    return sent;
}

/* What has no room for the tag is dropped. */
static void lane_tag(struct lane *lane, struct counters *counters)
{
    uint16_t kept = 0;

    for (uint16_t i = 0; i < lane->count; i++) {
        if (vlan_push(lane->mbufs[i], lane->vlan_tci)) {
            lane->mbufs[kept++] = lane->mbufs[i];
        } else {
            counter_add(&counters->drops[DROP_NO_HEADROOM], 1);
            rte_pktmbuf_free(lane->mbufs[i]);
        }
    }
    lane->count = kept;
}

void lane_flush(struct lane *lane, struct counters *counters)
{
    uint16_t sent;

    if (lane->vlan_tci != 0) {
        lane_tag(lane, counters);
    }
    if (lane->end == LANE_RING) {
        sent = (uint16_t)rte_ring_mp_enqueue_burst(lane->ring, (void **)lane->mbufs, lane->count, NULL);
    } else {
        sent = device_send(lane, counters);
    }
    if (sent < lane->count) {
        counter_add(&counters->drops[lane->full], lane->count - sent);
        counter_add(&counters->tx_dropped[lane->port], lane->count - sent);
        rte_pktmbuf_free_bulk(lane->mbufs + sent, lane->count - sent);
    }
    lane->count = 0;
}
