/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow hash of a packet. Private to dp/pipe.
 *
 * Plain packets, which are whole and carry TCP or UDP, are hashed inline. What is derived from a flow gets that flow's
 * hash (flow.c): packets with options or extension headers, and ICMP errors, which are hashed on the packet that they
 * quote, turned around, so that "packet too big" about an instance's answer reaches that instance (RFC 7690). A
 * fragment other than the first tells addresses and id only; fragments.h knows more.
 */
#ifndef FLOW_H
#define FLOW_H

#include "burst.h"
#include "extension.h"
#include "flow_hash.h"
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <string.h>

/* What a packet tells of its flow. */
struct flow {
    uint32_t hash;   /* of a later fragment under HASH_PORTS: of the addresses and the id */
    bool incomplete; /* hashed on the addresses at hand, as the rest is not there or cannot be found */
    bool known;      /* the headers of IP could be followed: */
    struct upper upper;
};

/* Any packet that parse let through. */
void flow_read(const struct packet *packet, enum family family, enum hash_mode mode, uint64_t seed, struct flow *out);
/* Of the addresses and the id: what all fragments of a datagram have. */
uint32_t flow_hash_fragment(const struct packet *packet, enum family family, uint32_t id, uint64_t seed);

static inline uint64_t flow_load_be64(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return rte_be_to_cpu_64(word);
}

/* The addresses of the header as flow_hash() takes them. */
static inline uint64_t flow_addresses(const uint8_t *ip, enum family family)
{
    const uint8_t *src =
        ip + (family == FAMILY_V4 ? offsetof(struct rte_ipv4_hdr, src_addr) : offsetof(struct rte_ipv6_hdr, src_addr));

    if (family == FAMILY_V4) {
        return flow_load_be64(src); /* source, destination */
    }
    return flow_hash_fold_v6(flow_load_be64(src), flow_load_be64(src + 8), flow_load_be64(src + 16),
                             flow_load_be64(src + 24));
}

/* False: not a plain packet. */
static inline bool flow_hash_plain(const struct packet *packet, enum family family, enum hash_mode mode, uint64_t seed,
                                   uint32_t *hash)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(packet->mbuf, const uint8_t *, RTE_ETHER_HDR_LEN);
    unsigned int offset = sizeof(struct rte_ipv6_hdr);
    uint8_t protocol = ip[offsetof(struct rte_ipv6_hdr, proto)];
    bool fragment = false;
    uint32_t ports = 0;

    if (family == FAMILY_V4) {
        const struct rte_ipv4_hdr *v4 = (const struct rte_ipv4_hdr *)ip;

        offset = (v4->version_ihl & 0xf) * 4u;
        protocol = v4->next_proto_id;
        fragment = (v4->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0;
    }
    if (unlikely((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || fragment ||
                 offset + sizeof(ports) > packet_room(packet))) {
        return false;
    }
    if (mode == HASH_ADDRESSES) {
        protocol = 0;
    } else {
        memcpy(&ports, ip + offset, sizeof(ports));
        ports = rte_be_to_cpu_32(ports);
    }
    *hash = flow_hash(flow_addresses(ip, family), ports, protocol, seed);
    return true;
}

/* As far as this packet alone tells. */
static inline uint32_t flow_hash_packet(const struct packet *packet, enum family family, enum hash_mode mode,
                                        uint64_t seed)
{
    struct flow flow;

    if (likely(flow_hash_plain(packet, family, mode, seed, &flow.hash))) {
        return flow.hash;
    }
    flow_read(packet, family, mode, seed, &flow);
    return flow.hash;
}

static inline uint32_t flow_hash_v4(const struct packet *packet, enum hash_mode mode, uint64_t seed)
{
    return flow_hash_packet(packet, FAMILY_V4, mode, seed);
}

static inline uint32_t flow_hash_v6(const struct packet *packet, enum hash_mode mode, uint64_t seed)
{
    return flow_hash_packet(packet, FAMILY_V6, mode, seed);
}

#endif
