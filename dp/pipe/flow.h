/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow hash of a parsed packet. Private to dp/pipe. */
#ifndef FLOW_H
#define FLOW_H

#include "burst.h"
#include "flow_hash.h"
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <string.h>

/* Source port above destination port, where the protocol has ports and they lie within the packet; else 0. */
static inline uint32_t flow_ports(const struct packet *packet, uint8_t protocol, unsigned int offset)
{
    uint32_t ports;

    if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != IPPROTO_SCTP) {
        return 0;
    }
    if (offset + sizeof(ports) > packet->length ||
        RTE_ETHER_HDR_LEN + offset + sizeof(ports) > packet->mbuf->data_len) {
        return 0;
    }
    memcpy(&ports, rte_pktmbuf_mtod_offset(packet->mbuf, const uint8_t *, RTE_ETHER_HDR_LEN + offset), sizeof(ports));
    return rte_be_to_cpu_32(ports);
}

static inline uint32_t flow_hash_v4(const struct packet *packet, enum hash_mode mode, uint64_t seed)
{
    const struct rte_ipv4_hdr *ip =
        rte_pktmbuf_mtod_offset(packet->mbuf, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
    uint64_t addresses = (uint64_t)rte_be_to_cpu_32(ip->src_addr) << 32 | rte_be_to_cpu_32(ip->dst_addr);
    bool fragment = (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0;
    uint32_t ports = 0;

    if (mode == HASH_ADDRESSES) {
        return flow_hash(addresses, 0, 0, seed);
    }
    if (likely(!fragment)) {
        ports = flow_ports(packet, ip->next_proto_id, (ip->version_ihl & 0xf) * 4u);
    }
    return flow_hash(addresses, ports, ip->next_proto_id, seed);
}

static inline uint64_t flow_load_be64(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return rte_be_to_cpu_64(word);
}

static inline uint32_t flow_hash_v6(const struct packet *packet, enum hash_mode mode, uint64_t seed)
{
    const struct rte_ipv6_hdr *ip =
        rte_pktmbuf_mtod_offset(packet->mbuf, const struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
    uint64_t addresses = flow_hash_fold_v6(flow_load_be64(ip->src_addr), flow_load_be64(ip->src_addr + 8),
                                           flow_load_be64(ip->dst_addr), flow_load_be64(ip->dst_addr + 8));

    if (mode == HASH_ADDRESSES) {
        return flow_hash(addresses, 0, 0, seed);
    }
    return flow_hash(addresses, flow_ports(packet, ip->proto, sizeof(*ip)), ip->proto, seed);
}

#endif
