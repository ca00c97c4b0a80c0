/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"
#include <string.h>

/* The first bytes of a packet, out of all its segments. */
static void copy_bytes(const struct rte_mbuf *mbuf, uint8_t *to, uint32_t length)
{
    const void *bytes = rte_pktmbuf_read(mbuf, 0, length, to);

    if (bytes != NULL && bytes != to) {
        memcpy(to, bytes, length);
    }
}

static void take(struct capture *capture, const struct watch_event *event, const struct rte_mbuf *mbuf)
{
    uint32_t captured = RTE_MIN(mbuf->pkt_len, capture->settings.snaplen);
    struct capture_record *record =
        record_ring_reserve(capture->ring, (uint32_t)sizeof(struct capture_record) + captured);

    if (record == NULL) {
        return;
    }
    *record = (struct capture_record){
        .now = event->now,
        .length = mbuf->pkt_len,
        .captured = captured,
        .point = (uint8_t)event->point,
        .reason = (uint8_t)event->reason,
        .lane = event->lane,
        .device = mbuf->port,
    };
    copy_bytes(mbuf, record->bytes, captured);
    record_ring_commit(capture->ring);
    capture->taken++;
}

static void saw(struct watch *watch, const struct watch_event *event, struct rte_mbuf *const *mbufs, unsigned int n)
{
    struct capture *capture = (struct capture *)watch; /* its first member */
    const struct capture_settings *settings = &capture->settings;

    if ((settings->points & 1u << event->point) == 0 ||
        (event->point == WATCH_DROPPED && settings->reason != DROP_REASONS && settings->reason != event->reason)) {
        return;
    }
    for (unsigned int i = 0; i < n && capture->taken < settings->limit; i++) {
        if (filter_matches(&settings->filter, mbufs[i])) {
            take(capture, event, mbufs[i]);
        }
    }
}

void capture_set_up(struct capture *capture, const struct capture_settings *settings, struct record_ring *ring)
{
    *capture = (struct capture){.watch = {.saw = saw}, .settings = *settings, .ring = ring};
}
