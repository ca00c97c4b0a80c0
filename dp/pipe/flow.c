/* SPDX-License-Identifier: BSD-3-Clause */
/* What is not plain. `ip` and `room`: an IP header, the packet's or a quoted one, and the bytes that may be read. */
#include "flow.h"
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#define ICMP_HEADER 8

/* The addresses of a packet that went the other way. */
static uint64_t reversed_addresses(const uint8_t *ip, enum family family)
{
    const uint8_t *src = ip + offsetof(struct rte_ipv6_hdr, src_addr);

    if (family == FAMILY_V4) {
        uint64_t addresses = flow_addresses(ip, family);

        return addresses << 32 | addresses >> 32;
    }
    return flow_hash_fold_v6(flow_load_be64(src + 16), flow_load_be64(src + 24), flow_load_be64(src),
                             flow_load_be64(src + 8));
}

static bool has_ports(uint8_t protocol)
{
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* Source port above destination port, 0 where the protocol has none. False: they are not there. */
static bool read_ports(const uint8_t *ip, unsigned int room, const struct upper *upper, uint32_t *ports)
{
    *ports = 0;
    if (!has_ports(upper->protocol)) {
        return true;
    }
    if (upper->offset + sizeof(*ports) > room) {
        return false;
    }
    memcpy(ports, ip + upper->offset, sizeof(*ports));
    *ports = rte_be_to_cpu_32(*ports);
    return true;
}

/* False: the headers of IP are cut off, or too many to follow. */
static bool find_upper(const uint8_t *ip, unsigned int room, enum family family, struct upper *upper)
{
    return ip_find_upper(ip, room, family, upper) &&
           (family == FAMILY_V4 || upper->later_fragment || !extension_is_next(upper->protocol));
}

/* The offset of the packet that an ICMP error is about, 0 if it is none (RFC 792; RFC 4443 2.1: all below 128). */
static unsigned int quoted_offset(const uint8_t *ip, unsigned int room, enum family family, const struct upper *upper)
{
    unsigned int quoted = upper->offset + ICMP_HEADER;
    uint8_t type;

    if (upper->protocol != (family == FAMILY_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) || upper->offset >= room) {
        return 0;
    }
    type = ip[upper->offset];
    if (family == FAMILY_V6) {
        return (type & ICMP6_INFOMSG_MASK) == 0 ? quoted : 0;
    }
    return type == ICMP_UNREACH || type == ICMP_SOURCEQUENCH || type == ICMP_REDIRECT || type == ICMP_TIMXCEED ||
                   type == ICMP_PARAMPROB
               ? quoted
               : 0;
}

/* The flow whose answer the quoted packet is. False: not even its addresses are there, or they are of no packet. */
static bool hash_quoted(const uint8_t *ip, unsigned int room, enum family family, enum hash_mode mode, uint64_t seed,
                        struct flow *out)
{
    uint64_t addresses;
    struct upper upper;
    uint32_t ports;

    if (room < (family == FAMILY_V4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr)) ||
        ip[0] >> 4 != (family == FAMILY_V4 ? 4 : 6)) {
        return false;
    }
    addresses = reversed_addresses(ip, family);
    if (mode == HASH_PORTS) {
        out->incomplete =
            !find_upper(ip, room, family, &upper) || upper.later_fragment || !read_ports(ip, room, &upper, &ports);
        if (!out->incomplete) {
            out->hash = flow_hash(addresses, ports << 16 | ports >> 16, upper.protocol, seed);
            return true;
        }
    }
    out->hash = flow_hash(addresses, 0, 0, seed);
    return true;
}

uint32_t flow_hash_fragment(const struct packet *packet, enum family family, uint32_t id, uint64_t seed)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(packet->mbuf, const uint8_t *, RTE_ETHER_HDR_LEN);

    return flow_hash(flow_addresses(ip, family), id, 0, seed);
}

void flow_read(const struct packet *packet, enum family family, enum hash_mode mode, uint64_t seed, struct flow *out)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(packet->mbuf, const uint8_t *, RTE_ETHER_HDR_LEN);
    unsigned int room = packet_room(packet);
    uint64_t addresses = flow_addresses(ip, family);
    unsigned int quoted;
    uint32_t ports;

    *out = (struct flow){.hash = flow_hash(addresses, 0, 0, seed)};
    out->known = find_upper(ip, room, family, &out->upper);
    if (!out->known) {
        out->incomplete = true;
        return;
    }
    if (mode == HASH_ADDRESSES && out->upper.fragment) {
        return; /* of an error as well: its later fragments quote nothing */
    }
    if (out->upper.later_fragment) {
        out->hash = flow_hash_fragment(packet, family, out->upper.fragment_id, seed);
        return;
    }
    quoted = quoted_offset(ip, room, family, &out->upper);
    if (quoted != 0) {
        out->incomplete =
            quoted > room || !hash_quoted(ip + quoted, room - quoted, family, mode, seed, out) || out->incomplete;
        return;
    }
    if (mode == HASH_PORTS) {
        out->incomplete = !read_ports(ip, room, &out->upper, &ports);
        if (!out->incomplete) {
            out->hash = flow_hash(addresses, ports, out->upper.protocol, seed);
        }
    }
}
