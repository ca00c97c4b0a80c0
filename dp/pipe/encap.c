/* SPDX-License-Identifier: BSD-3-Clause */
#include "encap.h"
#include "attributes.h"
#include "flow.h"
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <string.h>

#define GUE_SOURCE_PORTS 0xc000 /* the dynamic ports: the upper two bits are set, the others are the flow's */

/* What the outer header takes from the packet. */
struct inner {
    uint32_t flow_hash; /* over the ports where there are any: path diversity is for all, whatever `hash` says */
    uint16_t length;
    uint8_t traffic_class; /* DSCP and ECN */
    bool dont_fragment;
};

static struct inner inner_read(const struct pipe *pipe, const struct packet *packet)
{
    const struct rte_ipv4_hdr *ip =
        rte_pktmbuf_mtod_offset(packet->mbuf, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
    struct inner inner = {.length = packet->length};

    if (ip->version_ihl >> 4 == 4) {
        inner.traffic_class = ip->type_of_service;
        inner.dont_fragment = (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG)) != 0;
        inner.flow_hash = flow_hash_v4(packet, HASH_PORTS, pipe->hash_seed);
    } else {
        inner.traffic_class = (uint8_t)(rte_be_to_cpu_32(((const struct rte_ipv6_hdr *)ip)->vtc_flow) >> 20);
        inner.dont_fragment = true;
        inner.flow_hash = flow_hash_v6(packet, HASH_PORTS, pipe->hash_seed);
    }
    return inner;
}

/* The checksum follows by RFC 1624 equation 3; what changes was zero. */
static void complete_v4(struct rte_ipv4_hdr *ip, const struct inner *inner, uint16_t length, struct pipe *pipe)
{
    uint32_t sum = (uint16_t)~ip->hdr_checksum;

    ip->type_of_service = inner->traffic_class;
    ip->total_length = rte_cpu_to_be_16(length);
    ip->packet_id = inner->dont_fragment ? 0 : rte_cpu_to_be_16(pipe->tunnel_id);
    pipe->tunnel_id = (uint16_t)(pipe->tunnel_id + (inner->dont_fragment ? 0 : pipe->tunnel_id_step));
    ip->fragment_offset = inner->dont_fragment ? rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG) : 0;
    sum += rte_cpu_to_be_16(ip->type_of_service);
    sum += (uint32_t)ip->total_length + ip->packet_id + ip->fragment_offset;
    sum = (sum & 0xffff) + (sum >> 16);
    ip->hdr_checksum = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void complete_v6(struct rte_ipv6_hdr *ip, const struct inner *inner, uint16_t length)
{
    ip->vtc_flow |= rte_cpu_to_be_32((uint32_t)inner->traffic_class << 20 | inner->flow_hash >> 12);
    ip->payload_len = rte_cpu_to_be_16((uint16_t)(length - sizeof(*ip)));
}

/* Steering takes the low bits of the hash: the upper ones still differ among the flows of one instance. */
static void complete_udp(struct rte_udp_hdr *udp, const struct inner *inner, uint16_t length)
{
    udp->src_port = rte_cpu_to_be_16((uint16_t)(GUE_SOURCE_PORTS | inner->flow_hash >> 18));
    udp->dgram_len = rte_cpu_to_be_16(length);
}

/* outer: the tunnel's IP header, `length` bytes of headers and packet. */
static void complete(uint8_t *outer, const struct inner *inner, uint16_t length, struct pipe *pipe)
{
    struct rte_ipv4_hdr *v4 = (struct rte_ipv4_hdr *)outer;
    struct rte_ipv6_hdr *v6 = (struct rte_ipv6_hdr *)outer;
    bool is_v4 = v4->version_ihl >> 4 == 4;
    unsigned int header = is_v4 ? sizeof(*v4) : sizeof(*v6);

    if (is_v4) {
        complete_v4(v4, inner, length, pipe);
    } else {
        complete_v6(v6, inner, length);
    }
    if ((is_v4 ? v4->next_proto_id : v6->proto) == IPPROTO_UDP) {
        complete_udp((struct rte_udp_hdr *)(outer + header), inner, (uint16_t)(length - header));
    }
}

bool encap(struct pipe *pipe, const struct packet *packet, const struct rewrite *rewrite)
{
    uint16_t longer = (uint16_t)(rewrite->header_length - RTE_ETHER_HDR_LEN);
    struct inner inner = {0};
    uint8_t *frame;

    if (rewrite->outer != 0) {
        inner = inner_read(pipe, packet);
    }
    frame = (uint8_t *)rte_pktmbuf_prepend(packet->mbuf, longer);
    if (frame == NULL) {
        return false;
    }
    memcpy(frame, rewrite->header, rewrite->header_length);
    if (rewrite->outer != 0) {
        complete(frame + rewrite->outer, &inner, (uint16_t)(rewrite->header_length - rewrite->outer + inner.length),
                 pipe);
    }
    return true;
}
