/* SPDX-License-Identifier: GPL-2.0 */
/*
 * On an AF_XDP port: which frames go to the socket that the workers poll, and which stay with the kernel.
 *
 * The kernel keeps whatever it alone can answer (steer_loader.h lists it). What is left is decided by the longest
 * prefix that holds the destination; of what that leaves to the kernel, the BFD packets of our own sessions are ours. A
 * VLAN with a sub-interface is ours as a whole: the kernel's part of it is behind the sub-interface's twin; a mere
 * priority tag (VID 0) is looked through. Nothing else of a packet is checked here: the worker does that, and counts.
 *
 * A tag that the NIC took off before XDP is invisible here, so a port needs VLAN stripping off (ethtool -K rxvlan off).
 */
#include "abi.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>

#define ND_ROUTER_SOLICITATION 133
#define ND_REDIRECT            137

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, STEER_MAX_QUEUES);
    __type(key, __u32);
    __type(value, __u32);
} xsks_map SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, STEER_MAX_PREFIXES);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct steer_key4);
    __type(value, struct steer_value);
} steer_v4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, STEER_MAX_PREFIXES);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct steer_key6);
    __type(value, struct steer_value);
} steer_v6 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct steer_port);
} steer_port SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, STEER_VIDS);
    __type(key, __u32);
    __type(value, struct steer_value);
} steer_vlans SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, STEER_MAX_BFD);
    __type(key, struct steer_bfd_key);
    __type(value, struct steer_bfd_value);
} steer_bfd SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, STEER_VERDICTS);
    __type(key, __u32);
    __type(value, __u64);
} steer_counters SEC(".maps");

/* By this libxdp (1.3) knows a program whose xsks_map it may use; it reads the type information. */
__uint(xsk_prog_version, 1) SEC("xdp_metadata");

/* Parsers: check the bounds, step over the header, and return it; NULL if the frame ends within it. */
struct cursor {
    void *pos;
    void *end;
};

static __always_inline void *parse_header(struct cursor *cursor, __u64 size)
{
    void *header = cursor->pos;

    if (header + size > cursor->end) {
        return NULL;
    }
    cursor->pos = header + size;
    return header;
}

static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) | (a[5] ^ b[5])) == 0;
}

static __always_inline enum steer_verdict verdict_of(const struct steer_value *value)
{
    return value != NULL && value->redirect ? STEER_REDIRECTED : STEER_BY_PREFIX;
}

/* RFC 5880 4.1 up to Your Discriminator, behind UDP. */
struct bfd_header {
    __u8 version_diag;
    __u8 state_flags;
    __u8 multiplier;
    __u8 length;
    __be32 mine;
    __be32 yours;
};

/* What the prefixes leave to the kernel is ours if a session of ours has these addresses, unless it knows another
 * discriminator (a local daemon's), or came from farther than the link (RFC 5881 5). */
static __always_inline enum steer_verdict steer_bfd_packet(struct cursor *cursor, struct steer_bfd_key *key, __u8 ttl)
{
    const struct udphdr *udp = parse_header(cursor, sizeof(*udp));
    const struct bfd_header *bfd = parse_header(cursor, sizeof(*bfd));
    const struct steer_bfd_value *session;

    if (udp == NULL || bfd == NULL ||
        (udp->dest != bpf_htons(STEER_BFD_PORT) && udp->dest != bpf_htons(STEER_BFD_MULTIHOP)) ||
        (udp->dest == bpf_htons(STEER_BFD_PORT) && ttl != 255)) {
        return STEER_BY_PREFIX;
    }
    key->port = udp->dest;
    session = bpf_map_lookup_elem(&steer_bfd, key);
    if (session == NULL || (bfd->yours != 0 && bfd->yours != session->discriminator)) {
        return STEER_BY_PREFIX;
    }
    return STEER_BFD;
}

static __always_inline enum steer_verdict steer_ipv4(struct cursor *cursor)
{
    const struct iphdr *ip = parse_header(cursor, sizeof(*ip)); /* options come after the destination */
    struct steer_key4 key = {.length = 32};
    struct steer_bfd_key bfd = {.family = 4};
    enum steer_verdict verdict;

    if (ip == NULL) {
        return STEER_SHORT;
    }
    __builtin_memcpy(key.bytes, &ip->daddr, sizeof(key.bytes));
    if ((key.bytes[0] & 0xf0) == 0xe0 || ip->daddr == bpf_htonl(INADDR_BROADCAST)) {
        return STEER_GROUP;
    }
    verdict = verdict_of(bpf_map_lookup_elem(&steer_v4, &key));
    if (verdict != STEER_BY_PREFIX || ip->protocol != IPPROTO_UDP || ip->ihl != 5 ||
        (ip->frag_off & bpf_htons(0x3fff)) != 0) { /* more fragments, offset */
        return verdict;
    }
    __builtin_memcpy(bfd.local, &ip->daddr, sizeof(ip->daddr));
    __builtin_memcpy(bfd.peer, &ip->saddr, sizeof(ip->saddr));
    return steer_bfd_packet(cursor, &bfd, ip->ttl);
}

static __always_inline bool is_link_local(const struct in6_addr *addr)
{
    return (addr->s6_addr32[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

static __always_inline bool is_neighbour_discovery(const struct ipv6hdr *ip, struct cursor *cursor)
{
    const __u8 *type;

    if (ip->nexthdr != IPPROTO_ICMPV6) {
        return false;
    }
    type = parse_header(cursor, sizeof(*type));
    return type != NULL && *type >= ND_ROUTER_SOLICITATION && *type <= ND_REDIRECT;
}

static __always_inline enum steer_verdict steer_ipv6(struct cursor *cursor)
{
    const struct ipv6hdr *ip = parse_header(cursor, sizeof(*ip));
    struct steer_key6 key = {.length = 128};
    struct steer_bfd_key bfd = {.family = 6};
    enum steer_verdict verdict;

    if (ip == NULL) {
        return STEER_SHORT;
    }
    if (ip->daddr.s6_addr[0] == 0xff) {
        return STEER_GROUP;
    }
    if (is_link_local(&ip->saddr) || is_link_local(&ip->daddr)) {
        return STEER_LINK_LOCAL;
    }
    if (is_neighbour_discovery(ip, cursor)) {
        return STEER_NEIGHBOUR_DISCOVERY;
    }
    __builtin_memcpy(key.bytes, &ip->daddr, sizeof(key.bytes));
    verdict = verdict_of(bpf_map_lookup_elem(&steer_v6, &key));
    if (verdict != STEER_BY_PREFIX || ip->nexthdr != IPPROTO_UDP) {
        return verdict;
    }
    __builtin_memcpy(bfd.local, &ip->daddr, sizeof(ip->daddr));
    __builtin_memcpy(bfd.peer, &ip->saddr, sizeof(ip->saddr));
    return steer_bfd_packet(cursor, &bfd, ip->hop_limit);
}

static __always_inline enum steer_verdict steer_untagged(struct cursor *cursor, const struct ethhdr *eth, __be16 proto,
                                                         const struct steer_port *port)
{
    if (proto != bpf_htons(ETH_P_IP) && proto != bpf_htons(ETH_P_IPV6)) {
        return STEER_NOT_IP;
    }
    if (eth->h_dest[0] & 1) {
        return STEER_GROUP;
    }
    if (!mac_equal(eth->h_dest, port->mac)) {
        return STEER_NOT_FOR_US; /* the kernel drops it as a foreign host's, or a macvlan of ours wants it */
    }
    return proto == bpf_htons(ETH_P_IP) ? steer_ipv4(cursor) : steer_ipv6(cursor);
}

/* 802.1Q 9.6 */
struct vlan_tag {
    __be16 tci;
    __be16 proto;
};

static __always_inline enum steer_verdict steer_frame(struct cursor *cursor, const struct steer_port *port)
{
    const struct ethhdr *eth = parse_header(cursor, sizeof(*eth));
    const struct steer_value *ours;
    const struct vlan_tag *tag;
    __u32 vid;

    if (eth == NULL) {
        return STEER_SHORT;
    }
    if (eth->h_proto != bpf_htons(ETH_P_8021Q)) {
        return steer_untagged(cursor, eth, eth->h_proto, port);
    }
    tag = parse_header(cursor, sizeof(*tag));
    if (tag == NULL) {
        return STEER_SHORT;
    }
    vid = bpf_ntohs(tag->tci) & (STEER_VIDS - 1);
    if (vid == 0) {
        return steer_untagged(cursor, eth, tag->proto, port);
    }
    ours = bpf_map_lookup_elem(&steer_vlans, &vid);
    return ours != NULL && ours->redirect ? STEER_REDIRECTED : STEER_NOT_IP;
}

static __always_inline void count(__u32 verdict)
{
    __u64 *packets = bpf_map_lookup_elem(&steer_counters, &verdict);

    if (packets != NULL) {
        (*packets)++;
    }
}

SEC("xdp")
int xsk_def_prog(struct xdp_md *ctx)
{
    struct cursor cursor = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
    const struct steer_port *port = bpf_map_lookup_elem(&steer_port, &(__u32){0});
    enum steer_verdict verdict;
    int action = XDP_PASS;

    if (port == NULL) { /* cannot be; for the verifier */
        return XDP_PASS;
    }
    verdict = steer_frame(&cursor, port);
    if (verdict == STEER_REDIRECTED || verdict == STEER_BFD) {
        action = bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
        verdict = action == XDP_REDIRECT ? verdict : STEER_NO_SOCKET;
    }
    count(verdict);
    return action;
}

char LICENSE[] SEC("license") = "GPL";
