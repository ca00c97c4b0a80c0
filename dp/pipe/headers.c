/* SPDX-License-Identifier: BSD-3-Clause */
#include "headers.h"
#include "extension.h"
#include "tunnel.h"
#include "vlan.h"
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <string.h>

#define TAGS_MAX   2
#define GRE_HEADER 4
#define GUE_HEADER 4 /* behind UDP */

static uint16_t load_be16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* Behind the tunnel's header at `offset`, which says that this EtherType or IP protocol follows; 0: no IP packet. */
static unsigned int inner_at(unsigned int offset, unsigned int room, bool is_ip)
{
    return is_ip && offset < room ? offset : 0;
}

static unsigned int find_inner(const uint8_t *ip, unsigned int room, const struct upper *upper)
{
    unsigned int at = upper->offset;

    if (upper->later_fragment) {
        return 0;
    }
    switch (upper->protocol) {
    case IPPROTO_IPIP:
    case IPPROTO_IPV6:
        return inner_at(at, room, true);
    case IPPROTO_GRE:
        return at + GRE_HEADER > room
                   ? 0
                   : inner_at(at + GRE_HEADER, room,
                              load_be16(ip + at) == 0 && (load_be16(ip + at + 2) == RTE_ETHER_TYPE_IPV4 ||
                                                          load_be16(ip + at + 2) == RTE_ETHER_TYPE_IPV6));
    case IPPROTO_UDP:
        at += sizeof(struct rte_udp_hdr);
        return at + GUE_HEADER > room || load_be16(ip + at - 6) != TUNNEL_GUE_PORT
                   ? 0
                   : inner_at(at + GUE_HEADER, room,
                              ip[at] == 0 && (ip[at + 1] == IPPROTO_IPIP || ip[at + 1] == IPPROTO_IPV6));
    default:
        return 0;
    }
}

static void read_upper(const uint8_t *ip, unsigned int room, const struct upper *upper, struct headers *out)
{
    const uint8_t *at = ip + upper->offset;

    out->protocol = upper->protocol;
    out->fragment = upper->fragment;
    if (upper->later_fragment || upper->offset + 4u > room) {
        return;
    }
    switch (upper->protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
        out->has_ports = true;
        out->source_port = load_be16(at);
        out->destination_port = load_be16(at + 2);
        break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        out->has_icmp = true;
        out->icmp_type = at[0];
        out->icmp_code = at[1];
        break;
    default:
        break;
    }
}

/* False: not an IP header of that family. */
static bool read_ip(const uint8_t *ip, unsigned int room, enum family family, struct headers *out)
{
    uint32_t be[2];

    if (room < (family == FAMILY_V4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr)) ||
        ip[0] >> 4 != (family == FAMILY_V4 ? 4 : 6)) {
        return false;
    }
    if (family == FAMILY_V6) {
        out->source = ip_addr_v6(ip + offsetof(struct rte_ipv6_hdr, src_addr));
        out->destination = ip_addr_v6(ip + offsetof(struct rte_ipv6_hdr, dst_addr));
        out->protocol = ip[offsetof(struct rte_ipv6_hdr, proto)];
        out->ttl = ip[offsetof(struct rte_ipv6_hdr, hop_limits)];
        out->length = (uint16_t)RTE_MIN(
            sizeof(struct rte_ipv6_hdr) + load_be16(ip + offsetof(struct rte_ipv6_hdr, payload_len)), UINT16_MAX);
        return true;
    }
    memcpy(be, ip + offsetof(struct rte_ipv4_hdr, src_addr), sizeof(be));
    out->source = ip_addr_v4(rte_be_to_cpu_32(be[0]));
    out->destination = ip_addr_v4(rte_be_to_cpu_32(be[1]));
    out->protocol = ip[offsetof(struct rte_ipv4_hdr, next_proto_id)];
    out->ttl = ip[offsetof(struct rte_ipv4_hdr, time_to_live)];
    out->length = load_be16(ip + offsetof(struct rte_ipv4_hdr, total_length));
    return true;
}

void headers_read_ip(const uint8_t *ip, unsigned int room, struct headers *out)
{
    enum family family = room > 0 && ip[0] >> 4 == 6 ? FAMILY_V6 : FAMILY_V4;
    struct upper upper;

    out->inner = 0;
    out->fragment = false;
    out->has_ports = false;
    out->has_icmp = false;
    out->has_ip = read_ip(ip, room, family, out);
    if (out->has_ip && ip_find_upper(ip, room, family, &upper)) {
        read_upper(ip, room, &upper, out);
        out->inner = find_inner(ip, room, &upper);
    }
}

void headers_read(const uint8_t *frame, unsigned int room, struct headers *out)
{
    unsigned int at = 2 * RTE_ETHER_ADDR_LEN;
    unsigned int tags = 0;

    *out = (struct headers){0};
    if (room < at + 2) {
        return;
    }
    memcpy(out->destination_mac, frame, RTE_ETHER_ADDR_LEN);
    memcpy(out->source_mac, frame + RTE_ETHER_ADDR_LEN, RTE_ETHER_ADDR_LEN);
    while (tags < TAGS_MAX && at + 6 <= room && vlan_is_tag(rte_cpu_to_be_16(load_be16(frame + at)))) {
        if (tags++ == 0) {
            out->has_vlan = true;
            out->vlan = load_be16(frame + at + 2) & VLAN_VID_MASK;
        }
        at += sizeof(struct rte_vlan_hdr);
    }
    out->ether_type = load_be16(frame + at);
    at += 2;
    if (out->ether_type == RTE_ETHER_TYPE_IPV4 || out->ether_type == RTE_ETHER_TYPE_IPV6) {
        headers_read_ip(frame + at, room - at, out);
        out->inner = out->inner != 0 ? out->inner + at : 0;
    }
}
