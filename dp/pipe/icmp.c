/* SPDX-License-Identifier: BSD-3-Clause */
#include "icmp.h"
#include "extension.h"
#include "originate.h"
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <rte_byteorder.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <string.h>

#define ICMP_HEADER  8
#define ICMP_TTL     64
#define V4_ERROR_MAX 576  /* RFC 1812 4.3.2.3: as much of the packet as fits */
#define V6_ERROR_MAX 1280 /* RFC 4443 2.4 c */

struct icmp_error {
    uint8_t type; /* 0: this reason has no error */
    uint8_t code;
};

static const struct icmp_error errors[DROP_REASONS][FAMILIES] = {
    [DROP_TTL_EXPIRED] = {{ICMP_TIMXCEED, ICMP_TIMXCEED_INTRANS}, {ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT}},
    [DROP_NO_ROUTE] = {{ICMP_UNREACH, ICMP_UNREACH_NET}, {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE}},
    [DROP_NO_INSTANCE] = {{ICMP_UNREACH, ICMP_UNREACH_HOST}, {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR}},
    [DROP_REJECT] = {{ICMP_UNREACH, ICMP_UNREACH_FILTER_PROHIB}, {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN}},
    [DROP_TOO_BIG] = {{ICMP_UNREACH, ICMP_UNREACH_NEEDFRAG}, {ICMP6_PACKET_TOO_BIG, 0}},
};

/* An error about an error, or about anything but a first fragment, is never sent (RFC 1122 3.2.2). Sources that are no
 * single host and group destinations do not come this far: parse has dropped or punted them. */
static bool v4_may_answer(const struct packet *packet, const struct rte_ipv4_hdr *ip)
{
    unsigned int header = (ip->version_ihl & 0xf) * 4u;
    uint8_t type;

    if ((ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0) {
        return false;
    }
    if (ip->next_proto_id != IPPROTO_ICMP) {
        return true;
    }
    if (header + 1 > packet->length || RTE_ETHER_HDR_LEN + header + 1 > packet->mbuf->data_len) {
        return false;
    }
    type = *((const uint8_t *)ip + header);
    return type == ICMP_ECHO || type == ICMP_ECHOREPLY || type == ICMP_TIMESTAMP || type == ICMP_TIMESTAMPREPLY;
}

/* RFC 4443 2.4 e: errors and redirects are not answered; what cannot be followed to its end might be one. */
static bool v6_may_answer(const struct packet *packet, const struct rte_ipv6_hdr *ip)
{
    struct upper upper;
    uint8_t type;

    if (!extension_find_upper(packet, ip, &upper) || upper.later_fragment || extension_is_next(upper.protocol)) {
        return false;
    }
    if (upper.protocol != IPPROTO_ICMPV6) {
        return true;
    }
    if (upper.offset + 1 > packet->length || RTE_ETHER_HDR_LEN + upper.offset + 1 > packet->mbuf->data_len) {
        return false;
    }
    type = *((const uint8_t *)ip + upper.offset);
    return type >= ICMP6_INFOMSG_MASK && type != 137 /* redirect */;
}

/* A token bucket as a theoretical arrival time (GCRA, ITU-T I.371): one word a port, no clock to tick. */
static bool take_token(struct pipe *pipe, uint16_t port)
{
    uint64_t *due = &pipe->icmp_due[port];

    if (*due > pipe->now + pipe->ports[port].icmp_burst) {
        return false;
    }
    *due = RTE_MAX(*due, pipe->now) + pipe->ports[port].icmp_interval;
    return true;
}

/* Turns the received packet into the quotation: only its first segment, at most `room` bytes of IP. */
static uint16_t quote(const struct packet *packet, uint16_t room)
{
    struct rte_mbuf *mbuf = packet->mbuf;
    uint16_t length = (uint16_t)RTE_MIN(packet->length, mbuf->data_len - RTE_ETHER_HDR_LEN);

    length = RTE_MIN(length, room);
    rte_pktmbuf_free(mbuf->next);
    mbuf->next = NULL;
    mbuf->nb_segs = 1;
    mbuf->data_len = (uint16_t)(RTE_ETHER_HDR_LEN + length);
    mbuf->pkt_len = mbuf->data_len;
    return length;
}

static void v4_headers(uint8_t *to, const struct rte_ipv4_hdr *about, const struct ip_addr *source, uint16_t length,
                       struct icmp_error error, uint16_t mtu)
{
    struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)to;
    struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(to + sizeof(*ip));

    *ip = (struct rte_ipv4_hdr){
        .version_ihl = RTE_IPV4_VHL_DEF,
        .type_of_service = (uint8_t)((about->type_of_service & 0x1e) | 0xc0), /* RFC 1812 4.3.2.5 */
        .total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + ICMP_HEADER + length)),
        .time_to_live = ICMP_TTL,
        .next_proto_id = IPPROTO_ICMP,
        .dst_addr = about->src_addr,
    };
    memcpy(&ip->src_addr, source->bytes, sizeof(ip->src_addr));
    ip->hdr_checksum = rte_ipv4_cksum(ip);
    *icmp = (struct rte_icmp_hdr){
        .icmp_type = error.type,
        .icmp_code = error.code,
        .icmp_seq_nb = rte_cpu_to_be_16(mtu), /* RFC 1191: the next hop's MTU lies there */
    };
    icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, (size_t)(ICMP_HEADER + length));
}

static void v6_headers(uint8_t *to, const struct rte_ipv6_hdr *about, const struct ip_addr *source, uint16_t length,
                       struct icmp_error error, uint16_t mtu)
{
    struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)to;
    struct icmp6_hdr icmp = {.icmp6_type = error.type, .icmp6_code = error.code}; /* lies unaligned in the frame */

    *ip = (struct rte_ipv6_hdr){
        .vtc_flow = rte_cpu_to_be_32(6u << 28),
        .payload_len = rte_cpu_to_be_16((uint16_t)(ICMP_HEADER + length)),
        .proto = IPPROTO_ICMPV6,
        .hop_limits = ICMP_TTL,
    };
    memcpy(ip->src_addr, source->bytes, sizeof(ip->src_addr));
    memcpy(ip->dst_addr, about->src_addr, sizeof(ip->dst_addr));
    icmp.icmp6_mtu = rte_cpu_to_be_32(mtu);
    memcpy(to + sizeof(*ip), &icmp, sizeof(icmp));
    icmp.icmp6_cksum = rte_ipv6_udptcp_cksum(ip, to + sizeof(*ip));
    memcpy(to + sizeof(*ip), &icmp, sizeof(icmp));
}

/* The packet becomes the error about itself. False: no room, or the port has no address to speak from. */
static bool icmp_build(const struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family,
                       struct icmp_error error, uint16_t mtu, struct packet *out)
{
    unsigned int ip_header = family == FAMILY_V4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
    uint16_t added = (uint16_t)(ip_header + ICMP_HEADER);
    uint16_t room = (uint16_t)((family == FAMILY_V4 ? V4_ERROR_MAX : V6_ERROR_MAX) - added);
    const struct ip_addr *source = pipe_port_address(pipe, port, family);
    struct rte_ether_hdr ethernet;
    uint8_t *frame;
    uint16_t length;

    if (source == NULL || rte_pktmbuf_headroom(packet->mbuf) < added) {
        return false;
    }
    length = quote(packet, room);
    ethernet = *rte_pktmbuf_mtod(packet->mbuf, const struct rte_ether_hdr *);
    frame = (uint8_t *)rte_pktmbuf_prepend(packet->mbuf, added);
    /* back to where it came from, unless a route says better */
    ((struct rte_ether_hdr *)frame)->dst_addr = ethernet.src_addr;
    ((struct rte_ether_hdr *)frame)->src_addr = ethernet.dst_addr;
    ((struct rte_ether_hdr *)frame)->ether_type = ethernet.ether_type;
    frame += RTE_ETHER_HDR_LEN;
    if (family == FAMILY_V4) {
        v4_headers(frame, (const struct rte_ipv4_hdr *)(frame + added), source, length, error, mtu);
    } else {
        v6_headers(frame, (const struct rte_ipv6_hdr *)(frame + added), source, length, error, mtu);
    }
    *out = (struct packet){.mbuf = packet->mbuf, .length = (uint16_t)(added + length)};
    return true;
}

static bool may_answer(const struct packet *packet, enum family family)
{
    const void *ip = rte_pktmbuf_mtod_offset(packet->mbuf, const void *, RTE_ETHER_HDR_LEN);

    return family == FAMILY_V4 ? v4_may_answer(packet, ip) : v6_may_answer(packet, ip);
}

void packet_refuse(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family,
                   enum drop_reason reason, uint16_t mtu)
{
    struct icmp_error error = errors[reason][family];
    struct packet answer;

    count_drops(pipe, &packet->mbuf, 1, reason);
    if (error.type == 0 || !may_answer(packet, family) || !take_token(pipe, port) ||
        !icmp_build(pipe, port, packet, family, error, mtu, &answer)) {
        rte_pktmbuf_free(packet->mbuf);
        return;
    }
    counter_add(&pipe->counters->created, 1);
    counter_add(&pipe->counters->icmp_sent, 1);
    pipe_show_made(pipe, port, packet->mbuf, answer.mbuf);
    packet_originate(pipe, port, &answer, family);
}
