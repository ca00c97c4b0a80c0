/* SPDX-License-Identifier: BSD-3-Clause */
#include "originate.h"
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <string.h>

uint32_t packet_lookup(const struct pipe *pipe, const struct packet *packet, enum family family)
{
    const void *ip = rte_pktmbuf_mtod_offset(packet->mbuf, const void *, RTE_ETHER_HDR_LEN);
    uint8_t v6[1][16];
    uint32_t v4;
    uint32_t id;

    if (family == FAMILY_V4) {
        v4 = rte_be_to_cpu_32(((const struct rte_ipv4_hdr *)ip)->dst_addr);
        fib4_lookup(pipe->fib4, &v4, &id, 1);
    } else {
        memcpy(v6[0], ((const struct rte_ipv6_hdr *)ip)->dst_addr, sizeof(v6[0]));
        fib6_lookup(pipe->fib6, (const uint8_t(*)[16])v6, &id, 1);
    }
    return id;
}

void packet_originate(struct pipe *pipe, uint16_t port, struct packet *packet, enum family family)
{
    uint32_t id = packet_lookup(pipe, packet, family);

    if (id == PATH_LIST_NONE) {
        pipe_send(pipe, port, packet->mbuf);
        return;
    }
    packet->adjacency = steer_one(pipe, packet, id, family);
    if (packet->adjacency == ADJACENCY_NONE) {
        packet_drop(pipe, packet->mbuf, DROP_NO_INSTANCE);
        return;
    }
    rewrite_created(pipe, port, packet, family);
}
