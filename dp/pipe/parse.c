/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first stage. A packet leaves it parsed, punted or dropped; no check touches a byte before the check that it is
 * there. What only rare packets need (martians, which the kernel may still want) is out of line.
 */
#include "attributes.h"
#include "burst.h"
#include "extension.h"
#include "plain.h"
#include "vlan.h"
#include <netinet/ip.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_prefetch.h>
#include <string.h>

#define MAC_MASK      UINT64_C(0xffffffffffff)
#define MAC_MULTICAST UINT64_C(1) /* the first bit on the wire */

/* What parse says of a packet: a drop_reason, or one of these. */
enum verdict { FORWARD = -1, PUNT = -2 };

/* The first octet of an address: ordinary, or worth a closer look. */
enum octet_class { ORDINARY, CLOSER_LOOK };

static const uint8_t v4_class[256] = {
    [0] = CLOSER_LOOK, [127] = CLOSER_LOOK, [224 ... 255] = CLOSER_LOOK, /* multicast, class E, broadcast */
};
static const uint8_t v6_class[256] = {
    [0] = CLOSER_LOOK, [0xfe] = CLOSER_LOOK, [0xff] = CLOSER_LOOK, /* ::, ::1, link-local, multicast */
};

static bool list_is_local(const struct pipe *pipe, uint32_t id)
{
    uint16_t adjacency;

    if (id == PATH_LIST_NONE) {
        return false;
    }
    adjacency = path_list_first(path_list_load(pipe->path_lists, id), 0);
    return adjacency_rewrite(&pipe->adjacencies[adjacency])->kind == REWRITE_LOCAL;
}

/* RFC 1812 5.3.7 and 4.2.2.11: what must not be forwarded. What is ours is the kernel's to judge, whatever its source.
 */
static __attribute__((noinline)) int v4_closer_look(const struct pipe *pipe, uint32_t src, uint32_t dst)
{
    uint32_t id;

    if (dst >= 0xe0000000 && (dst < 0xf0000000 || dst == 0xffffffff)) {
        return PUNT; /* multicast, limited broadcast */
    }
    fib4_lookup(pipe->fib4, &dst, &id, 1);
    if (list_is_local(pipe, id)) {
        return PUNT;
    }
    if (dst >> 24 == 0 || dst >> 24 == 127 || (dst >= 0xf0000000 && pipe->drop_class_e)) {
        return DROP_MARTIAN_DESTINATION;
    }
    if (src >> 24 == 0 || src >> 24 == 127 || (src >= 0xe0000000 && src < 0xf0000000) || src == 0xffffffff ||
        (src >= 0xf0000000 && pipe->drop_class_e)) {
        return DROP_MARTIAN_SOURCE;
    }
    return FORWARD;
}

/* ::, ::1, fe80::/10 */
static bool v6_is_unroutable(const uint8_t *addr)
{
    static const uint8_t zero[15];

    return (memcmp(addr, zero, 15) == 0 && addr[15] <= 1) || (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80);
}

/* RFC 4291 2.5.2, 2.5.3, 2.5.6, 2.7 */
static __attribute__((noinline)) int v6_closer_look(const struct pipe *pipe, const uint8_t *src, const uint8_t *dst)
{
    uint8_t key[1][16];
    uint32_t id;

    if (dst[0] == 0xff) {
        return PUNT;
    }
    memcpy(key[0], dst, 16);
    fib6_lookup(pipe->fib6, key, &id, 1);
    if (list_is_local(pipe, id)) {
        return PUNT;
    }
    if (v6_is_unroutable(dst)) {
        return DROP_MARTIAN_DESTINATION;
    }
    return src[0] == 0xff || v6_is_unroutable(src) ? DROP_MARTIAN_SOURCE : FORWARD;
}

/* Ones' complement sum of a header of 20 to 60 bytes, folded; 0xffff if the checksum in it is right (RFC 1071). */
static inline uint16_t v4_header_sum(const struct rte_ipv4_hdr *ip, unsigned int length)
{
    const uint8_t *bytes = (const uint8_t *)ip;
    uint64_t sum = 0;

    for (unsigned int i = 0; i < length; i += 4) {
        uint32_t word;

        memcpy(&word, bytes + i, sizeof(word));
        sum += word;
    }
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* Options are forwarded as they are, known or not (RFC 1812 4.2.2.1), but for source routes, with which a sender
 * chooses its way around what the operator chose (RFC 7126 4.3, 4.4). What is ours is the kernel's to judge. */
static __attribute__((noinline)) int v4_check_options(const struct pipe *pipe, const struct rte_ipv4_hdr *ip,
                                                      uint32_t dst)
{
    const uint8_t *option = (const uint8_t *)(ip + 1);
    const uint8_t *end = (const uint8_t *)ip + (ip->version_ihl & 0xf) * 4;
    uint32_t id;

    fib4_lookup(pipe->fib4, &dst, &id, 1);
    if (list_is_local(pipe, id) || pipe->pass_source_route) {
        return FORWARD;
    }
    while (option < end && *option != IPOPT_EOL) {
        if (*option == IPOPT_NOP) {
            option++;
            continue;
        }
        if (end - option < 2 || option[1] < 2 || option[1] > end - option) {
            return FORWARD; /* no host reads beyond what cannot be */
        }
        if (*option == IPOPT_LSRR || *option == IPOPT_SSRR) {
            return DROP_SOURCE_ROUTE;
        }
        option += option[1];
    }
    return FORWARD;
}

/* The checks of RFC 1812 5.2.2, lengths before the checksum that depends on them. */
static inline int v4_check(const struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip)
{
    unsigned int room = mbuf->pkt_len - RTE_ETHER_HDR_LEN;
    unsigned int header = (ip->version_ihl & 0xf) * 4u;
    unsigned int total = rte_be_to_cpu_16(ip->total_length);

    if (unlikely(ip->version_ihl >> 4 != 4)) {
        return DROP_BAD_VERSION;
    }
    if (unlikely(header < sizeof(*ip))) {
        return DROP_BAD_HEADER_LENGTH;
    }
    if (unlikely(total < sizeof(*ip) || total > room)) {
        return DROP_BAD_TOTAL_LENGTH;
    }
    if (unlikely(header > total)) {
        return DROP_BAD_HEADER_LENGTH;
    }
    if (unlikely(header > mbuf->data_len - (unsigned int)RTE_ETHER_HDR_LEN)) {
        return DROP_TRUNCATED; /* a header spread over segments */
    }
    /* two calls: the compiler unrolls the common length */
    if (likely(header == sizeof(*ip))) {
        return v4_header_sum(ip, sizeof(*ip)) == 0xffff ? FORWARD : DROP_BAD_CHECKSUM;
    }
    return v4_header_sum(ip, header) == 0xffff ? FORWARD : DROP_BAD_CHECKSUM;
}

static inline int parse_v4(const struct pipe *pipe, struct rte_mbuf *mbuf, struct burst *burst)
{
    const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(mbuf, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
    unsigned int n = burst->count[FAMILY_V4];
    uint32_t src;
    uint32_t dst;
    int verdict;

    if (unlikely(mbuf->data_len < RTE_ETHER_HDR_LEN + sizeof(*ip))) {
        return DROP_TRUNCATED;
    }
    verdict = v4_check(mbuf, ip);
    if (unlikely(verdict != FORWARD)) {
        return verdict;
    }
    src = rte_be_to_cpu_32(ip->src_addr);
    dst = rte_be_to_cpu_32(ip->dst_addr);
    if (unlikely((v4_class[src >> 24] | v4_class[dst >> 24]) != ORDINARY)) {
        verdict = v4_closer_look(pipe, src, dst);
        if (verdict != FORWARD) {
            return verdict;
        }
    }
    if (unlikely(ip->version_ihl != RTE_IPV4_VHL_DEF)) {
        verdict = v4_check_options(pipe, ip, dst);
        if (verdict != FORWARD) {
            return verdict;
        }
    }
    fib4_prefetch(pipe->fib4, dst);
    burst->v4_destinations[n] = dst;
    burst->mbufs[FAMILY_V4][n] = mbuf;
    burst->lengths[FAMILY_V4][n] = rte_be_to_cpu_16(ip->total_length);
    burst->count[FAMILY_V4] = n + 1;
    return FORWARD;
}

/* What is in extension headers is forwarded as it is, but for source routes; what is ours is the kernel's to judge. */
static __attribute__((noinline)) int v6_check_extensions(const struct pipe *pipe, const struct packet *packet,
                                                         const struct rte_ipv6_hdr *ip)
{
    struct upper upper;
    uint8_t key[1][16];
    uint32_t id;

    if (!extension_find_upper(packet, ip, &upper)) {
        return DROP_TRUNCATED;
    }
    if (!upper.source_route || pipe->pass_source_route) {
        return FORWARD;
    }
    memcpy(key[0], ip->dst_addr, 16);
    fib6_lookup(pipe->fib6, key, &id, 1);
    return list_is_local(pipe, id) ? FORWARD : DROP_SOURCE_ROUTE;
}

static inline int parse_v6(const struct pipe *pipe, struct rte_mbuf *mbuf, struct burst *burst)
{
    const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(mbuf, const struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
    unsigned int n = burst->count[FAMILY_V6];
    struct packet packet = {.mbuf = mbuf};
    unsigned int length;
    int verdict;

    if (unlikely(mbuf->data_len < RTE_ETHER_HDR_LEN + sizeof(*ip))) {
        return DROP_TRUNCATED;
    }
    if (unlikely((*(const uint8_t *)ip >> 4) != 6)) {
        return DROP_BAD_VERSION;
    }
    length = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
    if (unlikely(length > mbuf->pkt_len - RTE_ETHER_HDR_LEN || length > UINT16_MAX)) {
        return DROP_BAD_TOTAL_LENGTH;
    }
    packet.length = (uint16_t)length;
    if (unlikely(extension_is_next(ip->proto))) {
        verdict = v6_check_extensions(pipe, &packet, ip);
        if (verdict != FORWARD) {
            return verdict;
        }
    }
    if (unlikely((v6_class[ip->src_addr[0]] | v6_class[ip->dst_addr[0]]) != ORDINARY)) {
        verdict = v6_closer_look(pipe, ip->src_addr, ip->dst_addr);
        if (verdict != FORWARD) {
            return verdict;
        }
    }
    fib6_prefetch(pipe->fib6, ip->dst_addr);
    memcpy(burst->v6_destinations[n], ip->dst_addr, 16);
    burst->mbufs[FAMILY_V6][n] = mbuf;
    burst->lengths[FAMILY_V6][n] = length;
    burst->count[FAMILY_V6] = n + 1;
    return FORWARD;
}

/* Whom a tagged frame belongs to: VID 0 is a mere priority (802.1Q 6.9). */
static uint16_t tagged_port(const struct pipe *pipe, uint16_t port, uint16_t vid)
{
    const uint16_t *vlans = pipe->ports[port].vlans;

    if (vid == 0) {
        return port;
    }
    return vlans != NULL ? vlans[vid] : PIPE_NO_PORT;
}

/* Neither IPv4 nor IPv6. A tag comes off, and the frame waits in the burst; what has two is nobody's. */
static __attribute__((noinline)) int parse_other(const struct pipe *pipe, uint16_t port, struct rte_mbuf *mbuf,
                                                 uint16_t ether_type, struct burst *burst)
{
    struct rte_vlan_hdr tag;
    uint16_t owner;

    if (!vlan_is_tag(ether_type)) {
        return PUNT;
    }
    if (mbuf->data_len < RTE_ETHER_HDR_LEN + sizeof(tag)) {
        return DROP_TRUNCATED;
    }
    memcpy(&tag, rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, RTE_ETHER_HDR_LEN), sizeof(tag));
    owner = tagged_port(pipe, port, rte_be_to_cpu_16(tag.vlan_tci) & VLAN_VID_MASK);
    if (ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN) || vlan_is_tag(tag.eth_proto) || owner == PIPE_NO_PORT) {
        return DROP_UNKNOWN_VLAN;
    }
    vlan_pop(mbuf);
    burst->tagged_ports[burst->tagged_count] = owner;
    burst->tagged[burst->tagged_count++] = mbuf;
    return FORWARD;
}

/* A multicast or broadcast frame: the kernel's, but for unicast IP, which must not be forwarded (RFC 1812 5.3.4) and
 * which the kernel would drop as well. */
static __attribute__((noinline)) int parse_group_frame(const struct pipe *pipe, uint16_t port, struct rte_mbuf *mbuf,
                                                       uint16_t ether_type, struct burst *burst)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, RTE_ETHER_HDR_LEN);

    if (ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)) {
        if (mbuf->data_len < RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr)) {
            return DROP_TRUNCATED;
        }
        return ip[16] >= 224 ? PUNT : DROP_NOT_FOR_US;
    }
    if (ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
        if (mbuf->data_len < RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv6_hdr)) {
            return DROP_TRUNCATED;
        }
        return ip[24] == 0xff ? PUNT : DROP_NOT_FOR_US;
    }
    return parse_other(pipe, port, mbuf, ether_type, burst);
}

/* The first eight bytes at p, or the eight that end with a source MAC at p + 4. */
static inline uint64_t load64(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

static inline int parse_frame(const struct pipe *pipe, uint16_t port, uint64_t own_mac, struct rte_mbuf *mbuf,
                              struct burst *burst)
{
    const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
    uint64_t dst_mac;
    uint64_t src_mac;
    uint16_t ether_type;

    if (unlikely(mbuf->data_len < RTE_ETHER_HDR_LEN)) {
        return DROP_TRUNCATED;
    }
    dst_mac = load64(frame) & MAC_MASK;
    src_mac = load64(frame + 4) >> 16;
    memcpy(&ether_type, frame + 12, sizeof(ether_type));
    if (unlikely((src_mac & MAC_MULTICAST) != 0 || src_mac == dst_mac)) {
        return DROP_BAD_SOURCE_MAC;
    }
    if (unlikely(dst_mac != own_mac)) {
        return (dst_mac & MAC_MULTICAST) != 0 ? parse_group_frame(pipe, port, mbuf, ether_type, burst)
                                              : DROP_NOT_FOR_US;
    }
    if (likely(ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))) {
        return parse_v4(pipe, mbuf, burst);
    }
    if (likely(ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6))) {
        return parse_v6(pipe, mbuf, burst);
    }
    return parse_other(pipe, port, mbuf, ether_type, burst);
}

/* Returns the bytes of the frames. */
static uint64_t parse_each(struct pipe *pipe, uint16_t port, uint64_t own_mac, struct rte_mbuf *const *mbufs,
                           unsigned int n, struct burst *burst)
{
    uint64_t bytes = 0;

    burst->plain[FAMILY_V4] = false;
    burst->plain[FAMILY_V6] = false;
    for (unsigned int i = 0; i < n; i++) {
        int verdict;

        bytes += mbufs[i]->pkt_len;
        verdict = parse_frame(pipe, port, own_mac, mbufs[i], burst);
        if (likely(verdict == FORWARD)) {
            continue;
        }
        if (verdict == PUNT) {
            packet_punt(pipe, port, mbufs[i]);
        } else {
            packet_drop(pipe, mbufs[i], (enum drop_reason)verdict);
        }
    }
    return bytes;
}

/* A last group that is not whole is made up with its first packet. */
static uint32_t parse_rest(const struct pipe *pipe, uint64_t own_mac, uint8_t **frames, struct rte_mbuf *const *mbufs,
                           unsigned int n, struct burst *burst)
{
    struct rte_mbuf *group[PLAIN_GROUP];

    for (unsigned int i = 0; i < PLAIN_GROUP; i++) {
        group[i] = mbufs[i < n ? i : 0];
    }
    for (unsigned int i = n; i < PLAIN_GROUP; i++) {
        frames[i] = frames[0];
    }
    return plain_parse(pipe, own_mac, frames, group, n, burst);
}

static inline uint32_t parse_plain(const struct pipe *pipe, uint64_t own_mac, uint8_t **frames,
                                   struct rte_mbuf *const *mbufs, unsigned int n, struct burst *burst)
{
    if (likely(n == PLAIN_GROUP)) {
        return plain_parse(pipe, own_mac, frames, mbufs, PLAIN_GROUP, burst);
    }
    return parse_rest(pipe, own_mac, frames, mbufs, n, burst);
}

static inline void burst_clear(struct burst *burst, bool wide)
{
    for (int family = 0; family < FAMILIES; family++) {
        burst->count[family] = 0;
        burst->plain[family] = wide;
        burst->padded[family] = 0;
    }
    burst->tagged_count = 0;
}

uint64_t parse_burst(struct pipe *pipe, uint16_t port, struct rte_mbuf *const *mbufs, unsigned int n,
                     struct burst *burst)
{
    uint64_t own_mac = __atomic_load_n(&pipe->ports[port].mac, __ATOMIC_RELAXED);
    uint8_t **frames = burst->frames[FAMILY_V4]; /* of both families, until plain_parse() takes those of IPv6 out */
    unsigned int count;
    uint64_t bytes = 0;

    burst_clear(burst, pipe->wide);
#pragma GCC unroll 8
    for (unsigned int i = 0; i < n; i++) { /* all of them are under way before the first is read */
        frames[i] = rte_pktmbuf_mtod(mbufs[i], uint8_t *);
        rte_prefetch0(frames[i]);
    }
    for (unsigned int i = 0; i < n; i += count) {
        uint32_t plain = 0;

        count = RTE_MIN(n - i, (unsigned int)PLAIN_GROUP);
        if (likely(pipe->wide)) {
            plain = parse_plain(pipe, own_mac, frames + i, mbufs + i, count, burst);
        }
        bytes += likely(plain != 0) ? plain : parse_each(pipe, port, own_mac, mbufs + i, count, burst);
    }
    return bytes;
}
