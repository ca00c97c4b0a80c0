/* SPDX-License-Identifier: BSD-3-Clause */
/* What an IP header carries, behind IPv4 options or IPv6 extension headers (RFC 8200 4). Private to dp/pipe. */
#ifndef EXTENSION_H
#define EXTENSION_H

#include "burst.h"
#include <netinet/in.h>
#include <rte_ip.h>

/* What comes after the headers of IP. */
struct upper {
    uint8_t protocol;
    uint16_t offset;      /* from the IP header */
    bool fragment;        /* of a datagram; not a fragment header around a whole packet (RFC 6946) */
    bool later_fragment;  /* and not the first one: the bytes at the offset are not a header */
    bool source_route;    /* IPv6: a routing header of type 0 has segments left (RFC 5095) */
    uint32_t fragment_id; /* as on the wire */
};

/* Whether this next header is one that tells its length and names another. */
static inline bool extension_is_next(uint8_t protocol)
{
    const uint64_t extensions = UINT64_C(1) << IPPROTO_HOPOPTS | UINT64_C(1) << IPPROTO_ROUTING |
                                UINT64_C(1) << IPPROTO_FRAGMENT | UINT64_C(1) << IPPROTO_AH |
                                UINT64_C(1) << IPPROTO_DSTOPTS;

    return protocol < 64 && (extensions >> protocol & 1) != 0;
}

/* Of the IP header at `ip`, of which `room` bytes may be read: the packet's or, in an ICMP error, a quoted one. False:
 * a header is cut off or has a length that cannot be. An authentication header of IPv6 is followed, encrypted payload
 * is an upper protocol. Of very many headers the rest is not followed: then the protocol found is still that of an
 * extension. */
bool ip_find_upper(const uint8_t *ip, unsigned int room, enum family family, struct upper *out);
/* Of an IPv6 packet, within its first segment. */
bool extension_find_upper(const struct packet *packet, const struct rte_ipv6_hdr *ip, struct upper *out);

/* The bytes from the IP header on that belong to the packet and lie in its first segment. */
static inline unsigned int packet_room(const struct packet *packet)
{
    return RTE_MIN((unsigned int)packet->length, packet->mbuf->data_len - (unsigned int)RTE_ETHER_HDR_LEN);
}

#endif
