/* SPDX-License-Identifier: BSD-3-Clause */
#include "bfd_io.h"
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <string.h>

#define DSCP_CS6    0xc0 /* network control (RFC 4594 3.2) */
#define UDP_PAYLOAD (sizeof(struct rte_udp_hdr) + BFD_PACKET_SIZE)

static struct ip_addr address(enum family family, const void *bytes)
{
    struct ip_addr addr = {.family = family};

    memcpy(addr.bytes, bytes, family_bytes(family));
    return addr;
}

/* The UDP header of a packet without options, extension headers and fragments, NULL if there is none. */
static const struct rte_udp_hdr *v4_read(const struct packet *packet, const struct rte_ipv4_hdr *ip,
                                         struct bfd_arrival *out)
{
    const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(ip + 1);

    if (ip->version_ihl != RTE_IPV4_VHL_DEF || ip->next_proto_id != IPPROTO_UDP ||
        packet->length < sizeof(*ip) + UDP_PAYLOAD ||
        (ip->fragment_offset & rte_cpu_to_be_16((uint16_t)~RTE_IPV4_HDR_DF_FLAG)) != 0) {
        return NULL;
    }
    out->path.local = address(FAMILY_V4, &ip->dst_addr);
    out->path.peer = address(FAMILY_V4, &ip->src_addr);
    out->ttl = ip->time_to_live;
    return udp;
}

static const struct rte_udp_hdr *v6_read(const struct packet *packet, const struct rte_ipv6_hdr *ip,
                                         struct bfd_arrival *out)
{
    if (ip->proto != IPPROTO_UDP || packet->length < sizeof(*ip) + UDP_PAYLOAD) {
        return NULL;
    }
    out->path.local = address(FAMILY_V6, ip->dst_addr);
    out->path.peer = address(FAMILY_V6, ip->src_addr);
    out->ttl = ip->hop_limits;
    return (const struct rte_udp_hdr *)(ip + 1);
}

static bool checksum_is_right(const void *ip, const struct rte_udp_hdr *udp, unsigned int length, enum family family)
{
    uint32_t sum = family == FAMILY_V4 ? rte_ipv4_phdr_cksum(ip, 0) : rte_ipv6_phdr_cksum(ip, 0);

    if (udp->dgram_cksum == 0) {
        return family == FAMILY_V4;
    }
    sum += rte_raw_cksum(udp, length);
    return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

static bool arrival_read(const struct packet *packet, enum family family, struct bfd_arrival *out)
{
    const void *ip = rte_pktmbuf_mtod_offset(packet->mbuf, const void *, RTE_ETHER_HDR_LEN);
    const struct rte_udp_hdr *udp = family == FAMILY_V4 ? v4_read(packet, ip, out) : v6_read(packet, ip, out);
    unsigned int length;

    if (udp == NULL ||
        (udp->dst_port != rte_cpu_to_be_16(BFD_PORT) && udp->dst_port != rte_cpu_to_be_16(BFD_PORT_MULTIHOP))) {
        return false;
    }
    length = rte_be_to_cpu_16(udp->dgram_len);
    out->path.multihop = udp->dst_port == rte_cpu_to_be_16(BFD_PORT_MULTIHOP);
    /* all of it in the first segment, as long as IP says */
    return packet->mbuf->data_len >= RTE_ETHER_HDR_LEN + packet->length &&
           (const uint8_t *)udp + length == (const uint8_t *)ip + packet->length &&
           checksum_is_right(ip, udp, length, family) &&
           bfd_packet_parse((const uint8_t *)(udp + 1), length - sizeof(*udp), &out->packet) == 0;
}

bool bfd_take(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family)
{
    struct bfd_arrival arrival = {.port = port};
    const struct bfd_member *member;

    if (pipe->bfd == NULL || !arrival_read(packet, family, &arrival)) {
        return false;
    }
    member = bfd_match(pipe->bfd, &arrival);
    if (member == NULL) {
        return false;
    }
    bfd_arrive(pipe->bfd, pipe->worker, member, &arrival.packet, pipe->now);
    counter_add(&pipe->counters->consumed, 1);
    rte_pktmbuf_free(packet->mbuf);
    return true;
}

static void v4_headers(uint8_t *to, const struct bfd_path *path, const struct rte_udp_hdr *udp)
{
    struct rte_ipv4_hdr ip = {
        .version_ihl = RTE_IPV4_VHL_DEF,
        .type_of_service = DSCP_CS6,
        .total_length = rte_cpu_to_be_16(sizeof(ip) + UDP_PAYLOAD),
        .fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
        .time_to_live = BFD_TTL,
        .next_proto_id = IPPROTO_UDP,
    };

    memcpy(&ip.src_addr, path->local.bytes, sizeof(ip.src_addr));
    memcpy(&ip.dst_addr, path->peer.bytes, sizeof(ip.dst_addr));
    ip.hdr_checksum = rte_ipv4_cksum(&ip);
    memcpy(to, &ip, sizeof(ip));
    memcpy(to + sizeof(ip), udp, sizeof(*udp));
    ((struct rte_udp_hdr *)(to + sizeof(ip)))->dgram_cksum =
        rte_ipv4_udptcp_cksum((const struct rte_ipv4_hdr *)to, to + sizeof(ip));
}

static void v6_headers(uint8_t *to, const struct bfd_path *path, const struct rte_udp_hdr *udp)
{
    struct rte_ipv6_hdr ip = {
        .vtc_flow = rte_cpu_to_be_32(6u << 28 | DSCP_CS6 << 20),
        .payload_len = rte_cpu_to_be_16(UDP_PAYLOAD),
        .proto = IPPROTO_UDP,
        .hop_limits = BFD_TTL,
    };

    memcpy(ip.src_addr, path->local.bytes, sizeof(ip.src_addr));
    memcpy(ip.dst_addr, path->peer.bytes, sizeof(ip.dst_addr));
    memcpy(to, &ip, sizeof(ip));
    memcpy(to + sizeof(ip), udp, sizeof(*udp));
    ((struct rte_udp_hdr *)(to + sizeof(ip)))->dgram_cksum =
        rte_ipv6_udptcp_cksum((const struct rte_ipv6_hdr *)to, to + sizeof(ip));
}

void bfd_transmit(void *owner, const struct bfd_spec *spec, uint16_t source_port, const uint8_t bytes[BFD_PACKET_SIZE])
{
    struct pipe *pipe = owner;
    const struct rewrite *rewrite = adjacency_rewrite(&pipe->adjacencies[spec->via]);
    const struct rte_udp_hdr udp = {
        .src_port = rte_cpu_to_be_16(source_port),
        .dst_port = rte_cpu_to_be_16(spec->path.multihop ? BFD_PORT_MULTIHOP : BFD_PORT),
        .dgram_len = rte_cpu_to_be_16(UDP_PAYLOAD),
    };
    bool v4 = spec->path.peer.family == FAMILY_V4;
    unsigned int ip_header = v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
    struct rte_mbuf *mbuf;
    uint8_t *frame;

    if (rewrite->kind != REWRITE_TX || rewrite->outer != 0) {
        return;
    }
    mbuf = rte_pktmbuf_alloc(pipe->pool);
    if (mbuf == NULL) {
        return;
    }
    frame = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(rewrite->header_length + ip_header + UDP_PAYLOAD));
    memcpy(frame, rewrite->header, rewrite->header_length);
    frame += rewrite->header_length;
    memcpy(frame + ip_header + sizeof(udp), bytes, BFD_PACKET_SIZE);
    if (v4) {
        v4_headers(frame, &spec->path, &udp);
    } else {
        v6_headers(frame, &spec->path, &udp);
    }
    counter_add(&pipe->counters->created, 1);
    pipe_send(pipe, rewrite->port, mbuf);
}
