/* SPDX-License-Identifier: BSD-3-Clause */
/* The fourth stage: TTL, checksum, link-layer header, and into the lane of the egress port. */
#include "burst.h"
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ip.h>
#include <string.h>

static struct ip_addr packet_destination(const struct packet *packet, enum family family)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(packet->mbuf, const uint8_t *, RTE_ETHER_HDR_LEN);
    uint32_t be;

    if (family == FAMILY_V6) {
        return ip_addr_v6(ip + offsetof(struct rte_ipv6_hdr, dst_addr));
    }
    memcpy(&be, ip + offsetof(struct rte_ipv4_hdr, dst_addr), sizeof(be));
    return ip_addr_v4(rte_be_to_cpu_32(be));
}

static __attribute__((noinline)) void packet_unresolved(struct pipe *pipe, const struct packet *packet,
                                                        enum family family)
{
    struct request request = {packet->adjacency, packet_destination(packet, family)};

    request_put(pipe->requests, &request, rte_rdtsc(), pipe->request_interval);
    packet_drop(pipe, packet->mbuf, DROP_NO_NEIGHBOUR);
}

/* What is not sent by the fast path. */
static __attribute__((noinline)) void packet_special(struct pipe *pipe, uint16_t port, const struct packet *packet,
                                                     uint8_t kind, enum family family)
{
    switch (kind) {
    case REWRITE_LOCAL:
        packet_punt(pipe, port, packet->mbuf);
        break;
    case REWRITE_UNRESOLVED:
        packet_unresolved(pipe, packet, family);
        break;
    case REWRITE_REJECT:
        packet_drop(pipe, packet->mbuf, DROP_REJECT);
        break;
    default:
        packet_drop(pipe, packet->mbuf, DROP_BLACKHOLE);
        break;
    }
}

/* One hop less, false if there is none left. The IPv4 checksum follows by RFC 1624 equation 3, in which 0xffff never
 * comes out of a right checksum: adding 0x0100 with end-around carry. */
static inline bool take_hop(uint8_t *ip, enum family family)
{
    struct rte_ipv4_hdr *v4 = (struct rte_ipv4_hdr *)ip;
    uint8_t *ttl = family == FAMILY_V4 ? &v4->time_to_live : &((struct rte_ipv6_hdr *)ip)->hop_limits;
    uint32_t sum;

    if (unlikely(*ttl <= 1)) {
        return false;
    }
    (*ttl)--;
    if (family == FAMILY_V4) {
        sum = (uint32_t)v4->hdr_checksum + rte_cpu_to_be_16(0x0100);
        v4->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
    }
    return true;
}

/* Keeps the first bytes of a packet of several segments. Padding may fill more than the last segment, which is where
 * rte_pktmbuf_trim() gives up. */
static __attribute__((noinline)) void trim_segments(struct rte_mbuf *mbuf, uint32_t keep)
{
    struct rte_mbuf *last = mbuf;

    mbuf->pkt_len = keep;
    mbuf->nb_segs = 1;
    while (last->data_len < keep) {
        keep -= last->data_len;
        last = last->next;
        mbuf->nb_segs++;
    }
    last->data_len = (uint16_t)keep;
    rte_pktmbuf_free(last->next);
    last->next = NULL;
}

/* Trims padding and puts the new header in the place of the old one. */
static inline void packet_set_header(struct rte_mbuf *mbuf, uint16_t ip_length, const struct rewrite *rewrite)
{
    int grow = rewrite->header_length - RTE_ETHER_HDR_LEN;

    if (likely(mbuf->nb_segs == 1)) {
        mbuf->pkt_len = (uint32_t)ip_length + rewrite->header_length;
        mbuf->data_len = (uint16_t)mbuf->pkt_len;
    } else {
        trim_segments(mbuf, (uint32_t)ip_length + RTE_ETHER_HDR_LEN);
        mbuf->pkt_len = (uint32_t)ip_length + rewrite->header_length;
        mbuf->data_len = (uint16_t)(mbuf->data_len + grow);
    }
    mbuf->data_off = (uint16_t)(mbuf->data_off - grow);
    if (likely(grow == 0)) {
        memcpy(rte_pktmbuf_mtod(mbuf, void *), rewrite->header, RTE_ETHER_HDR_LEN);
    } else {
        memcpy(rte_pktmbuf_mtod(mbuf, void *), rewrite->header, rewrite->header_length);
    }
}

static inline __attribute__((always_inline)) void rewrite_family(struct pipe *pipe, uint16_t port, struct burst *burst,
                                                                 enum family family)
{
    for (unsigned int i = 0; i < burst->count[family]; i++) {
        const struct packet *packet = &burst->packets[family][i];
        const struct rewrite *rewrite = adjacency_rewrite(&pipe->adjacencies[packet->adjacency]);

        if (unlikely(rewrite->kind == REWRITE_LOCAL || rewrite->kind == REWRITE_BLACKHOLE)) {
            packet_special(pipe, port, packet, rewrite->kind, family); /* whatever the TTL */
            continue;
        }
        if (unlikely(!take_hop(rte_pktmbuf_mtod_offset(packet->mbuf, uint8_t *, RTE_ETHER_HDR_LEN), family))) {
            packet_drop(pipe, packet->mbuf, DROP_TTL_EXPIRED);
            continue;
        }
        if (unlikely(rewrite->kind != REWRITE_TX)) {
            packet_special(pipe, port, packet, rewrite->kind, family);
            continue;
        }
        if (unlikely(packet->length > rewrite->mtu)) {
            packet_drop(pipe, packet->mbuf, DROP_TOO_BIG);
            continue;
        }
        packet_set_header(packet->mbuf, packet->length, rewrite);
        traffic_add(&pipe->counters->adjacencies[packet->adjacency], 1, packet->length);
        lane_put(&pipe->lanes[rewrite->port], packet->mbuf, pipe->counters);
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
