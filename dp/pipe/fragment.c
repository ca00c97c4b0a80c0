/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_ipv4_fragment_copy_nonseg_packet() is there since 21.08 and still marked so in 22.11 */
#define ALLOW_EXPERIMENTAL_API
#include "fragment.h"
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_ip_frag.h>

/* The library wants the packet to begin at its IP header and to end where that says. */
static void strip(const struct packet *packet)
{
    struct rte_mbuf *mbuf = packet->mbuf;

    rte_pktmbuf_adj(mbuf, RTE_ETHER_HDR_LEN);
    packet_trim(mbuf, packet->length);
}

int fragment_v4(struct pipe *pipe, const struct packet *packet, uint16_t mtu, struct packet out[FRAGMENTS_MAX])
{
    struct rte_mbuf *pieces[FRAGMENTS_MAX];
    uint16_t room = (uint16_t)(rte_pktmbuf_data_room_size(pipe->pool) - RTE_PKTMBUF_HEADROOM);
    int n;

    strip(packet);
    /* copies: drivers like AF_XDP's send no chains, and indirect mbufs would break FAST_FREE */
    n = rte_ipv4_fragment_copy_nonseg_packet(packet->mbuf, pieces, FRAGMENTS_MAX, RTE_MIN(mtu, room), pipe->pool);
    if (n < 0) {
        rte_pktmbuf_prepend(packet->mbuf, RTE_ETHER_HDR_LEN);
        return n;
    }
    for (int i = 0; i < n; i++) {
        struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(pieces[i], struct rte_ipv4_hdr *);

        ip->hdr_checksum = 0;
        ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip));
        pieces[i]->port = packet->mbuf->port;
        out[i] = *packet;
        out[i].mbuf = pieces[i];
        out[i].length = rte_be_to_cpu_16(ip->total_length);
        rte_pktmbuf_prepend(pieces[i], RTE_ETHER_HDR_LEN);
    }
    rte_pktmbuf_free(packet->mbuf);
    return n;
}
