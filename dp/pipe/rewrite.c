/* SPDX-License-Identifier: BSD-3-Clause */
/* The fourth stage: TTL, checksum, link-layer header, and into the lane of the egress port. */
#include "bfd_io.h"
#include "burst.h"
#include "encap.h"
#include "fragment.h"
#include "hold.h"
#include "icmp.h"
#include "rewrite_plain.h"
#include "wide.h"
#include <assert.h>
#include <errno.h>
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <string.h>

/* In a frame. */
static const uint8_t ttl_offsets[FAMILIES] = {
    [FAMILY_V4] = RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv4_hdr, time_to_live),
    [FAMILY_V6] = RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv6_hdr, hop_limits),
};

static inline uint8_t *packet_ttl(const struct packet *packet, enum family family)
{
    return rte_pktmbuf_mtod_offset(packet->mbuf, uint8_t *, ttl_offsets[family]);
}

/* TTL 1 is told to the sender; 0 should never have been sent. */
static __attribute__((noinline)) void packet_expired(struct pipe *pipe, uint16_t port, const struct packet *packet,
                                                     enum family family)
{
    if (*packet_ttl(packet, family) == 1) {
        packet_refuse(pipe, port, packet, family, DROP_TTL_EXPIRED, 0);
    } else {
        packet_drop(pipe, packet->mbuf, DROP_TTL_EXPIRED);
    }
}

/* What is not sent by the fast path, in the state in which it was received. */
static __attribute__((noinline)) void packet_special(struct pipe *pipe, uint16_t port, const struct packet *packet,
                                                     uint8_t kind, enum family family)
{
    switch (kind) {
    case REWRITE_LOCAL:
        if (!bfd_take(pipe, port, packet, family)) {
            packet_punt(pipe, port, packet->mbuf); /* whatever the TTL */
        }
        break;
    case REWRITE_UNRESOLVED:
    case REWRITE_GLEAN:
        if (*packet_ttl(packet, family) <= 1) {
            packet_expired(pipe, port, packet, family);
        } else {
            packet_hold(pipe, port, packet, family, false);
        }
        break;
    case REWRITE_REJECT:
        packet_refuse(pipe, port, packet, family, DROP_REJECT, 0);
        break;
    default:
        packet_drop(pipe, packet->mbuf, DROP_BLACKHOLE);
        break;
    }
}

/* One hop less; the TTL is above 1. The IPv4 checksum follows by RFC 1624 equation 3, in which 0xffff never comes out
 * of a right checksum: adding 0x0100 with end-around carry. */
static inline void take_hop(const struct packet *packet, enum family family)
{
    struct rte_ipv4_hdr *v4 = rte_pktmbuf_mtod_offset(packet->mbuf, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
    uint32_t sum;

    (*packet_ttl(packet, family))--;
    if (family == FAMILY_V4) {
        sum = (uint32_t)v4->hdr_checksum + rte_cpu_to_be_16(0x0100);
        v4->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
    }
}

/* Trims padding and puts the new header in the place of the old one. False: there is no room for it. */
static inline bool packet_set_header(struct pipe *pipe, const struct packet *packet, const struct rewrite *rewrite)
{
    packet_trim(packet->mbuf, (uint32_t)packet->length + RTE_ETHER_HDR_LEN);
    if (unlikely(rewrite->header_length != RTE_ETHER_HDR_LEN)) {
        return encap(pipe, packet, rewrite);
    }
    memcpy(rte_pktmbuf_mtod(packet->mbuf, void *), rewrite->header, RTE_ETHER_HDR_LEN);
    return true;
}

static inline void packet_send(struct pipe *pipe, const struct packet *packet, const struct rewrite *rewrite)
{
    if (unlikely(!packet_set_header(pipe, packet, rewrite))) {
        packet_drop(pipe, packet->mbuf, DROP_NO_HEADROOM);
        return;
    }
    traffic_add(&pipe->counters->adjacencies[packet->adjacency], 1, packet->length);
    pipe_send(pipe, rewrite->port, packet->mbuf);
}

static bool may_fragment(const struct packet *packet, enum family family)
{
    const struct rte_ipv4_hdr *ip =
        rte_pktmbuf_mtod_offset(packet->mbuf, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);

    return family == FAMILY_V4 && (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG)) == 0;
}

static void send_pieces(struct pipe *pipe, uint16_t port, const struct packet *packet, const struct rewrite *rewrite)
{
    struct packet pieces[FRAGMENTS_MAX];
    int n = fragment_v4(pipe, packet, rewrite->mtu, pieces);

    if (n < 0) {
        packet_drop(pipe, packet->mbuf, n == -ENOMEM ? DROP_NO_BUFFER : DROP_TOO_BIG);
        return;
    }
    counter_add(&pipe->counters->created, (uint64_t)n - 1);
    for (int i = 0; i < n; i++) {
        pipe_show_made(pipe, port, packet->mbuf, pieces[i].mbuf);
        packet_send(pipe, &pieces[i], rewrite);
    }
}

/* Larger than the egress takes: in pieces if the sender allows it, else the sender hears of it. */
static __attribute__((noinline)) void packet_too_big(struct pipe *pipe, uint16_t port, const struct packet *packet,
                                                     const struct rewrite *rewrite, enum family family)
{
    if (!may_fragment(packet, family)) {
        packet_refuse(pipe, port, packet, family, DROP_TOO_BIG, rewrite->mtu);
        return;
    }
    take_hop(packet, family);
    send_pieces(pipe, port, packet, rewrite);
}

/* The first bytes of a frame, which hold all that is rewritten. */
typedef uint16_t frame_words __attribute__((vector_size(32), may_alias, aligned(1)));

/* What one hop changes: sums of words, as they lie in memory. Only that of the IPv4 checksum has an end-around carry.
 */
struct hop {
    frame_words add;
    frame_words carry_from;
    frame_words carry;
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "TTL and hop limit are a word's low and high octet");
static const struct hop hops[FAMILIES] = {
    [FAMILY_V4] = {.add = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xffff, 1},
                   .carry_from = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfffe},
                   .carry = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    [FAMILY_V6] = {.add = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff00}},
};
static const frame_words header_mask = {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff};

/* take_hop() and a new Ethernet header in one store. The TTL is above 1; header: zero behind the Ethernet header. */
static inline __attribute__((always_inline)) void rewrite_frame(uint8_t *frame, const frame_words *header,
                                                                enum family family)
{
    const struct hop *hop = &hops[family];
    frame_words old = *(const frame_words *)frame;
    frame_words next = old + hop->add;

    if (family == FAMILY_V4) {
        next += (frame_words)(old >= hop->carry_from) & hop->carry;
    }
    *(frame_words *)frame = (next & ~header_mask) | *header;
}

/* What leaves the fast path, in whatever state it was received. */
static __attribute__((noinline)) void rewrite_rare(struct pipe *pipe, uint16_t port, const struct packet *packet,
                                                   const struct rewrite *rewrite, enum family family)
{
    if (rewrite->kind != REWRITE_TX) {
        packet_special(pipe, port, packet, rewrite->kind, family);
    } else if (*packet_ttl(packet, family) <= 1) {
        packet_expired(pipe, port, packet, family);
    } else if (packet->length > rewrite->mtu) {
        packet_too_big(pipe, port, packet, rewrite, family);
    } else {
        take_hop(packet, family);
        packet_send(pipe, packet, rewrite);
    }
}

/* It goes out of a port behind a mere Ethernet header. */
static inline bool is_plain(const struct rewrite *rewrite)
{
    return rewrite->kind == REWRITE_TX && rewrite->header_length == RTE_ETHER_HDR_LEN;
}

/* False: not in this way. Else it is ready to be sent. The packet's fields are given apart, so that they are not read
 * again after the store into the frame. */
static inline __attribute__((always_inline)) bool rewrite_packet(struct rte_mbuf *mbuf, uint16_t length, uint16_t mtu,
                                                                 const frame_words *header, enum family family)
{
    uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *);

    if (unlikely(length > mtu || frame[ttl_offsets[family]] <= 1)) {
        return false;
    }
    if (unlikely(mbuf->pkt_len != (uint32_t)length + RTE_ETHER_HDR_LEN)) {
        packet_trim(mbuf, (uint32_t)length + RTE_ETHER_HDR_LEN);
    }
    rewrite_frame(frame, header, family);
    return true;
}

/* Packets of a burst that are ready to be sent. */
struct ready {
    unsigned int count;
    uint64_t ports_used; /* a bit each */
    uint16_t ports[BURST_MAX];
    struct rte_mbuf *mbufs[BURST_MAX];
};
static_assert(PIPE_PORTS_MAX <= 64, "a bit each");

static inline void ready_clear(struct ready *ready)
{
    ready->count = 0;
    ready->ports_used = 0;
}

static inline void ready_add(struct ready *ready, struct rte_mbuf *mbuf, uint16_t port)
{
    ready->mbufs[ready->count] = mbuf;
    ready->ports[ready->count++] = port;
    ready->ports_used |= UINT64_C(1) << port;
}

/* Port by port, each time through all: a lane's end stays in a register, and nothing is to be predicted. */
static inline void send_ready(struct pipe *pipe, struct ready *ready)
{
    for (uint64_t left = ready->ports_used; left != 0; left &= left - 1) {
        uint16_t port = (uint16_t)__builtin_ctzll(left);
        struct rte_mbuf **end = lane_reserve(pipe, port, ready->count);
        struct rte_mbuf **begin = end;

        for (unsigned int i = 0; i < ready->count; i++) {
            *end = ready->mbufs[i];
            end += ready->ports[i] == port;
        }
        lane_extend(pipe, port, (uint32_t)(end - begin), frame_bytes(begin, (unsigned int)(end - begin)));
    }
    ready_clear(ready);
}

/* Rewrites and sends the packets from `from` on, up to one that leaves the fast path: its index. */
static inline __attribute__((always_inline)) unsigned int rewrite_run(struct pipe *pipe, const struct burst *burst,
                                                                      unsigned int from, const struct rewrite *rewrite,
                                                                      struct traffic *traffic, enum family family)
{
    const frame_words header = *(const frame_words *)rewrite->header & header_mask;
    unsigned int n = burst->count[family];
    struct rte_mbuf **end = lane_reserve(pipe, rewrite->port, n - from);
    uint16_t mtu = rewrite->mtu;
    unsigned int i = from;
    uint64_t bytes = 0;

    for (; i < n; i++) {
        struct rte_mbuf *mbuf = burst->mbufs[family][i];
        uint16_t length = (uint16_t)burst->lengths[family][i];

        if (unlikely(!rewrite_packet(mbuf, length, mtu, &header, family))) {
            break;
        }
        *end++ = mbuf;
        bytes += length;
    }
    lane_extend(pipe, rewrite->port, i - from, bytes + (uint64_t)(i - from) * RTE_ETHER_HDR_LEN);
    traffic_add(traffic, i - from, bytes);
    return i;
}

/* All go the same way. */
static inline __attribute__((always_inline)) void rewrite_same(struct pipe *pipe, uint16_t port, struct burst *burst,
                                                               uint16_t adjacency, enum family family)
{
    const struct rewrite *rewrite = adjacency_rewrite(&pipe->adjacencies[adjacency]);
    struct traffic *traffic = &pipe->counters->adjacencies[adjacency];
    unsigned int n = burst->count[family];
    bool plain = is_plain(rewrite);

    for (unsigned int i = 0; i < n; i++) {
        struct packet packet;

        if (likely(plain)) {
            i = rewrite_run(pipe, burst, i, rewrite, traffic, family);
        }
        if (unlikely(i < n)) {
            packet = burst_packet(burst, family, i);
            packet.adjacency = adjacency;
            rewrite_rare(pipe, port, &packet, rewrite, family);
        }
    }
}

static inline __attribute__((always_inline)) void rewrite_each(struct pipe *pipe, uint16_t port, struct burst *burst,
                                                               enum family family)
{
    struct ready ready;

    ready_clear(&ready);
    for (unsigned int i = 0; i < burst->count[family]; i++) {
        struct packet packet = burst_packet(burst, family, i);
        uint16_t adjacency = burst->adjacencies[family][i];
        const struct rewrite *rewrite = adjacency_rewrite(&pipe->adjacencies[adjacency]);
        const frame_words header = *(const frame_words *)rewrite->header & header_mask;
        uint16_t egress = rewrite->port;

        if (unlikely(!is_plain(rewrite) ||
                     !rewrite_packet(packet.mbuf, packet.length, rewrite->mtu, &header, family))) {
            send_ready(pipe, &ready); /* they stay before it */
            packet.adjacency = adjacency;
            rewrite_rare(pipe, port, &packet, rewrite, family);
            continue;
        }
        traffic_add(&pipe->counters->adjacencies[adjacency], 1, packet.length);
        ready_add(&ready, packet.mbuf, egress);
    }
    send_ready(pipe, &ready);
}

static inline __attribute__((always_inline)) void rewrite_family(struct pipe *pipe, uint16_t port, struct burst *burst,
                                                                 enum family family)
{
    if (burst->share_count[family] == 1) {
        rewrite_same(pipe, port, burst, burst->shares[family][0].adjacency, family);
    } else {
        rewrite_each(pipe, port, burst, family);
    }
}

AVX512 static void rewrite_wide(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family)
{
    if (family == FAMILY_V4) {
        rewrite_family(pipe, port, burst, FAMILY_V4);
    } else {
        rewrite_family(pipe, port, burst, FAMILY_V6);
    }
}

/* Plain packets, but for those whose adjacency asks for more. */
static void rewrite_plain(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family)
{
    if (burst->share_count[family] == 1) {
        if (unlikely(!rewrite_plain_same(pipe, burst, family))) {
            rewrite_wide(pipe, port, burst, family);
        }
        return;
    }
    if (burst->share_count[family] > 0 && rewrite_plain_shares(pipe, burst, family)) {
        return;
    }
    for (unsigned int i = 0; i < burst->count[family]; i++) {
        i = rewrite_plain_each(pipe, burst, i, family);
        if (unlikely(i < burst->count[family])) {
            struct packet packet = burst_packet(burst, family, i);

            packet.adjacency = burst->adjacencies[family][i];
            rewrite_rare(pipe, port, &packet, adjacency_rewrite(&pipe->adjacencies[packet.adjacency]), family);
        }
    }
}

void rewrite_burst(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family)
{
    if (burst->plain[family]) {
        rewrite_plain(pipe, port, burst, family);
    } else if (pipe->wide) {
        rewrite_wide(pipe, port, burst, family);
    } else if (family == FAMILY_V4) {
        rewrite_family(pipe, port, burst, FAMILY_V4);
    } else {
        rewrite_family(pipe, port, burst, FAMILY_V6);
    }
}

void rewrite_created(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family)
{
    const struct rewrite *rewrite = adjacency_rewrite(&pipe->adjacencies[packet->adjacency]);

    switch (rewrite->kind) {
    case REWRITE_TX:
        if (likely(packet->length <= rewrite->mtu)) {
            packet_send(pipe, packet, rewrite);
        } else if (may_fragment(packet, family)) {
            send_pieces(pipe, port, packet, rewrite);
        } else {
            packet_drop(pipe, packet->mbuf, DROP_TOO_BIG);
        }
        break;
    case REWRITE_LOCAL:
        packet_punt(pipe, port, packet->mbuf);
        break;
    case REWRITE_UNRESOLVED:
    case REWRITE_GLEAN:
        packet_hold(pipe, port, packet, family, true);
        break;
    default:
        packet_drop(pipe, packet->mbuf, rewrite->kind == REWRITE_REJECT ? DROP_REJECT : DROP_BLACKHOLE);
        break;
    }
}
