/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 extension headers (RFC 8200 4), followed to what they carry. Private to dp/pipe. */
#ifndef EXTENSION_H
#define EXTENSION_H

#include "burst.h"
#include <netinet/in.h>
#include <rte_ip.h>

/* What comes after the extension headers. */
struct upper {
    uint8_t protocol;
    uint16_t offset;      /* from the IPv6 header */
    bool fragment;        /* a fragment header was among them, other than of a whole packet (RFC 6946) */
    bool later_fragment;  /* and not of the first one: the bytes at the offset are not a header */
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

/* False: a header is cut off by the packet's end, or lies beyond its first segment. An authentication header is
 * followed, encrypted payload is an upper protocol. Of very many headers the rest is not followed: then the protocol
 * found is still that of an extension. */
bool extension_find_upper(const struct packet *packet, const struct rte_ipv6_hdr *ip, struct upper *out);

#endif
