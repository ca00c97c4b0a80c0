/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet that waited is looked up anew: meanwhile its route, or the choice among instances, may be another one, and
 * an adjacency's id means something only until the worker's next quiescent state. What the queue keeps of it tells
 * neighbours apart, no more.
 */
#include "hold.h"
#include "originate.h"
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <string.h>

#define QUEUES_A_TICK 8 /* so that a spray costs the other packets of a loop next to nothing */

static struct ip_addr packet_destination(const struct packet *packet, enum family family)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(packet->mbuf, const uint8_t *, RTE_ETHER_HDR_LEN);
    uint32_t be;

    if (family == FAMILY_V6) {
        return ip_addr_v6(ip + offsetof(struct rte_ipv6_hdr, dst_addr));
    }
    memcpy(&be, ip + offsetof(struct rte_ipv4_hdr, dst_addr), sizeof(be));
    return ip_addr_v4(rte_be_to_cpu_32(be));
}

void packet_hold(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family, bool created)
{
    const struct rewrite *rewrite = adjacency_rewrite(&pipe->adjacencies[packet->adjacency]);
    struct pending_packet held = {packet->mbuf, packet->length, port, created};
    struct pending_key key = {.adjacency = packet->adjacency, .glean = rewrite->kind == REWRITE_GLEAN};
    struct request request = {.adjacency = packet->adjacency};
    uint64_t now = pipe->now;

    if (key.glean) {
        key.destination = packet_destination(packet, family);
        request.destination = key.destination;
    }
    request_put(pipe->requests, &request, now, pipe->request_interval);
    if (pipe->pending == NULL || !pending_put(pipe->pending, &key, family, &held, now + pipe->pending_time)) {
        packet_drop(pipe, packet->mbuf, DROP_NO_NEIGHBOUR);
        return;
    }
    counter_add(&pipe->counters->held, 1);
    pipe_show(pipe, WATCH_HELD_NEIGHBOUR, DROP_REASONS, port, &held.mbuf, 1);
}

/* Whether the first packet would wait again; the others have its neighbour. */
static bool still_waits(const struct pipe *pipe, const struct pending_queue *queue)
{
    const struct packet first = {.mbuf = queue->packets[0].mbuf, .length = queue->packets[0].length};
    uint32_t id = packet_lookup(pipe, &first, queue->family);
    uint8_t kind;

    if (id == PATH_LIST_NONE) {
        return false;
    }
    kind = adjacency_rewrite(&pipe->adjacencies[steer_peek(pipe, &first, id, queue->family)])->kind;
    return kind == REWRITE_UNRESOLVED || kind == REWRITE_GLEAN;
}

static void resume(struct pipe *pipe, const struct pending_packet *held, enum family family)
{
    struct packet packet = {.mbuf = held->mbuf, .length = held->length};

    if (held->created) {
        packet_originate(pipe, held->port, &packet, family);
    } else {
        packet_forward(pipe, held->port, &packet, family);
    }
}

static void release(struct pipe *pipe, struct pending_queue *queue, bool expired)
{
    enum family family = queue->family;
    struct pending_packet packets[PENDING_DEPTH];
    unsigned int count = pending_take(pipe->pending, queue, packets);

    counter_sub(&pipe->counters->held, count);
    for (unsigned int i = 0; i < count; i++) {
        if (expired) {
            packet_drop(pipe, packets[i].mbuf, DROP_NO_NEIGHBOUR);
        } else {
            resume(pipe, &packets[i], family);
        }
    }
}

void hold_tick(struct pipe *pipe)
{
    unsigned int todo = pipe->pending != NULL ? RTE_MIN(pipe->pending->active_count, (unsigned int)QUEUES_A_TICK) : 0;

    while (todo-- > 0) {
        struct pending_queue *queue = pending_next(pipe->pending);

        if (!still_waits(pipe, queue)) {
            release(pipe, queue, false);
        } else if (pipe->now > queue->until) {
            release(pipe, queue, true);
        }
    }
}
