/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_replay.h"
#include "dp_private.h"
#include <string.h>

int dp_replay_start(struct dp *dp, struct watch *watch, struct error *error)
{
    dp->workers[0]->pipe.watches = watch;
    return dp_start_ports(dp, error);
}

/* The rest of a packet that fills more than a buffer. */
static int append(const struct dp *dp, struct rte_mbuf *packet, const uint8_t *bytes, uint32_t length)
{
    while (length > 0) {
        struct rte_mbuf *segment = rte_pktmbuf_alloc(dp->pool);
        uint16_t part;

        if (segment == NULL) {
            return -ENOBUFS;
        }
        part = (uint16_t)RTE_MIN(length, (uint32_t)rte_pktmbuf_tailroom(segment));
        memcpy(rte_pktmbuf_append(segment, part), bytes, part);
        if (rte_pktmbuf_chain(packet, segment) != 0) {
            rte_pktmbuf_free(segment);
            return -EMSGSIZE;
        }
        bytes += part;
        length -= part;
    }
    return 0;
}

struct rte_mbuf *dp_replay_packet(const struct dp *dp, unsigned int port, const void *bytes, uint32_t length)
{
    struct rte_mbuf *packet = rte_pktmbuf_alloc(dp->pool);
    uint16_t first;

    if (packet == NULL) {
        return NULL;
    }
    first = (uint16_t)RTE_MIN(length, (uint32_t)rte_pktmbuf_tailroom(packet));
    memcpy(rte_pktmbuf_append(packet, first), bytes, first);
    packet->port = dp->ports[port].device;
    if (append(dp, packet, (const uint8_t *)bytes + first, length - first) != 0) {
        rte_pktmbuf_free(packet);
        return NULL;
    }
    return packet;
}

void dp_replay_step(struct dp *dp, uint64_t now, unsigned int port, struct rte_mbuf *packet)
{
    struct worker *worker = dp->workers[0];

    rcu_reader_online(dp->rcu, worker->id);
    pipe_tick(&worker->pipe, now);
    if (packet != NULL) {
        pipe_burst(&worker->pipe, (uint16_t)port, &packet, 1);
    }
    pipe_flush(&worker->pipe, worker->lane_count);
    rcu_reader_offline(dp->rcu, worker->id);
}
