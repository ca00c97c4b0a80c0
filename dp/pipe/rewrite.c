/* SPDX-License-Identifier: BSD-3-Clause */
/* The fourth stage: TTL, checksum, link-layer header, and into the lane of the egress port. */
#include "bfd_io.h"
#include "burst.h"
#include "encap.h"
#include "fragment.h"
#include "hold.h"
#include "icmp.h"
#include <errno.h>
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <string.h>

static inline uint8_t *packet_ttl(const struct packet *packet, enum family family)
{
    return rte_pktmbuf_mtod_offset(packet->mbuf, uint8_t *, RTE_ETHER_HDR_LEN) +
           (family == FAMILY_V4 ? offsetof(struct rte_ipv4_hdr, time_to_live)
                                : offsetof(struct rte_ipv6_hdr, hop_limits));
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

/* Larger than the egress takes: in pieces if the sender allows it, else the sender hears of it. */
static __attribute__((noinline)) void packet_too_big(struct pipe *pipe, uint16_t port, const struct packet *packet,
                                                     const struct rewrite *rewrite, enum family family)
{
    struct packet pieces[FRAGMENTS_MAX];
    int n;

    if (!may_fragment(packet, family)) {
        packet_refuse(pipe, port, packet, family, DROP_TOO_BIG, rewrite->mtu);
        return;
    }
    take_hop(packet, family);
    n = fragment_v4(pipe, packet, rewrite->mtu, pieces);
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

static inline __attribute__((always_inline)) void rewrite_family(struct pipe *pipe, uint16_t port, struct burst *burst,
                                                                 enum family family)
{
    for (unsigned int i = 0; i < burst->count[family]; i++) {
        const struct packet *packet = &burst->packets[family][i];
        const struct rewrite *rewrite = adjacency_rewrite(&pipe->adjacencies[packet->adjacency]);

        if (unlikely(rewrite->kind != REWRITE_TX)) {
            packet_special(pipe, port, packet, rewrite->kind, family);
        } else if (unlikely(*packet_ttl(packet, family) <= 1)) {
            packet_expired(pipe, port, packet, family);
        } else if (unlikely(packet->length > rewrite->mtu)) {
            packet_too_big(pipe, port, packet, rewrite, family);
        } else {
            take_hop(packet, family);
            packet_send(pipe, packet, rewrite);
        }
    }
}

void rewrite_burst(struct pipe *pipe, uint16_t port, struct burst *burst, enum family family)
{
    if (family == FAMILY_V4) {
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
        packet_send(pipe, packet, rewrite);
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
