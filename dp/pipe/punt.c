/* SPDX-License-Identifier: BSD-3-Clause */
#include "punt.h"
#include "tx.h"
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#define BURST_DIVISOR 10 /* a tenth of a second's packets may come at once */

static const uint64_t rates[PUNT_CLASSES] = {
    [PUNT_NEIGHBOURS] = 2000,
    [PUNT_SESSIONS] = 20000, /* 29 MB/s in segments of 1460 bytes */
    [PUNT_REST] = 2000,
};

/* IANA protocol numbers of what keeps sessions and routers alive. */
static const bool is_session[256] = {
    [IPPROTO_TCP] = true, [IPPROTO_IGMP] = true, [IPPROTO_PIM] = true, [89 /* OSPF */] = true, [112 /* VRRP */] = true,
};

void punt_quota_set_up(struct punt_quota *quota, uint64_t tsc_hz)
{
    for (int class = 0; class < PUNT_CLASSES; class ++) {
        quota->interval[class] = tsc_hz / rates[class];
        quota->due[class] = 0;
    }
}

static enum punt_class classify_v4(const struct rte_ipv4_hdr *ip)
{
    bool later_fragment = (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0;

    return is_session[ip->next_proto_id] && !later_fragment ? PUNT_SESSIONS : PUNT_REST;
}

static enum punt_class classify_v6(const struct rte_ipv6_hdr *ip, unsigned int room)
{
    const uint8_t *type = (const uint8_t *)(ip + 1);

    if (is_session[ip->proto]) {
        return PUNT_SESSIONS;
    }
    /* RFC 4861: from router solicitation to redirect, always with hop limit 255 and never behind another header */
    if (ip->proto == IPPROTO_ICMPV6 && ip->hop_limits == 255 && room > sizeof(*ip) && *type >= ND_ROUTER_SOLICIT &&
        *type <= ND_REDIRECT) {
        return PUNT_NEIGHBOURS;
    }
    return PUNT_REST;
}

enum punt_class punt_classify(const struct rte_mbuf *mbuf)
{
    const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);
    const void *ip = ethernet + 1;
    unsigned int room = mbuf->data_len - (unsigned int)sizeof(*ethernet);

    if (mbuf->data_len < sizeof(*ethernet)) {
        return PUNT_REST;
    }
    if (ethernet->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)) {
        return PUNT_NEIGHBOURS;
    }
    if (ethernet->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) && room >= sizeof(struct rte_ipv4_hdr)) {
        return classify_v4(ip);
    }
    if (ethernet->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6) && room >= sizeof(struct rte_ipv6_hdr)) {
        return classify_v6(ip, room);
    }
    return PUNT_REST;
}

/* A token bucket as a theoretical arrival time, as in icmp.c. */
static bool take_token(struct punt_quota *quota, enum punt_class class, uint64_t now)
{
    uint64_t interval = quota->interval[class];

    if (quota->due[class] > now + rates[class] / BURST_DIVISOR * interval) {
        return false;
    }
    quota->due[class] = RTE_MAX(quota->due[class], now) + interval;
    return true;
}

uint16_t punt_admit(struct punt_quota *quota, struct rte_mbuf **mbufs, uint16_t n, uint64_t now)
{
    struct rte_mbuf *refused[TX_LANE_MAX];
    uint16_t admitted = 0;
    uint16_t others = 0;

    for (uint16_t i = 0; i < n; i++) {
        if (take_token(quota, punt_classify(mbufs[i]), now)) {
            mbufs[admitted++] = mbufs[i];
        } else {
            refused[others++] = mbufs[i];
        }
    }
    for (uint16_t i = 0; i < others; i++) {
        mbufs[admitted + i] = refused[i];
    }
    return admitted;
}
