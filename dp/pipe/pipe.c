/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipe.h"
#include "burst.h"
#include "fragments.h"
#include "hold.h"
#include "originate.h"
#include "vlan.h"

/* Keeps the first bytes of a packet of several segments. Padding may fill more than the last segment, which is where
 * rte_pktmbuf_trim() gives up. */
void packet_trim_segments(struct rte_mbuf *mbuf, uint32_t keep)
{
    struct rte_mbuf *last = mbuf;

    mbuf->pkt_len = keep;
    mbuf->nb_segs = 1;
    while (last->data_len < keep) {
        keep -= last->data_len;
        last = last->next;
        mbuf->nb_segs++;
    }
    last->data_len = (uint16_t)keep;
    rte_pktmbuf_free(last->next);
    last->next = NULL;
}

static inline void forward_burst(struct pipe *pipe, uint16_t port, struct burst *burst)
{
    if (burst->count[FAMILY_V4] > 0) {
        fib4_lookup(pipe->fib4, burst->v4_destinations, burst->path_lists[FAMILY_V4], burst->count[FAMILY_V4]);
        steer_burst(pipe, port, burst, FAMILY_V4);
        rewrite_burst(pipe, port, burst, FAMILY_V4);
    }
    if (burst->count[FAMILY_V6] > 0) {
        fib6_lookup(pipe->fib6, burst->v6_destinations, burst->path_lists[FAMILY_V6], burst->count[FAMILY_V6]);
        steer_burst(pipe, port, burst, FAMILY_V6);
        rewrite_burst(pipe, port, burst, FAMILY_V6);
    }
}

void packet_forward(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family)
{
    struct burst burst;

    burst_of_one(&burst, family, packet);
    burst.path_lists[family][0] = packet_lookup(pipe, packet, family);
    steer_burst(pipe, port, &burst, family);
    rewrite_burst(pipe, port, &burst, family);
}

/* Each run of frames of one port is a burst that this port received. A sub-interface counts its frames with their tag,
 * as its device does. */
static __attribute__((noinline)) void run_tagged(struct pipe *pipe, uint16_t device_port, const struct burst *outer)
{
    struct burst burst;
    unsigned int n;
    uint64_t bytes;

    for (unsigned int i = 0; i < outer->tagged_count; i += n) {
        struct rte_mbuf *const *mbufs = &outer->tagged[i];
        uint16_t port = outer->tagged_ports[i];

        for (n = 1; i + n < outer->tagged_count && outer->tagged_ports[i + n] == port; n++) {
        }
        bytes = parse_burst(pipe, port, mbufs, n, &burst);
        if (port != device_port) {
            traffic_add(&pipe->counters->rx[port], n, bytes + n * sizeof(struct rte_vlan_hdr));
        }
        forward_burst(pipe, port, &burst);
    }
}

void pipe_burst(struct pipe *pipe, uint16_t port, struct rte_mbuf **mbufs, uint16_t n)
{
    struct burst burst;

    counter_add(&pipe->counters->received, n);
    pipe_show(pipe, WATCH_RECEIVED, DROP_REASONS, port, mbufs, n);
    traffic_add(&pipe->counters->rx[port], n, parse_burst(pipe, port, mbufs, n, &burst));
    forward_burst(pipe, port, &burst);
    if (unlikely(burst.tagged_count > 0)) {
        run_tagged(pipe, port, &burst);
    }
}

void pipe_from_twin(struct pipe *pipe, uint16_t port, struct rte_mbuf **mbufs, uint16_t n)
{
    counter_add(&pipe->counters->created, n);
    for (uint16_t i = 0; i < n; i++) {
        pipe_send(pipe, port, mbufs[i]);
    }
}

void pipe_tick(struct pipe *pipe, uint64_t now)
{
    pipe->before = pipe->now;
    pipe->now = now;
    hold_tick(pipe);
    if (unlikely(pipe->wanted->waiting > 0)) {
        fragments_release(pipe);
    }
}

void pipe_flush(struct pipe *pipe, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        if (pipe->lanes[i].count > 0) {
            lane_flush(pipe, i);
        }
    }
}
