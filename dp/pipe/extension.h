/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 extension headers (RFC 8200 4), followed to what they carry. Private to dp/pipe. */
#ifndef EXTENSION_H
#define EXTENSION_H

#include "burst.h"
#include <rte_ip.h>

/* What comes after the extension headers. */
struct upper {
    uint8_t protocol;
    uint16_t offset;      /* from the IPv6 header */
    bool fragment;        /* a fragment header was among them, other than of a whole packet (RFC 6946) */
    bool later_fragment;  /* and not of the first one: the bytes at the offset are not a header */
    uint32_t fragment_id; /* as on the wire */
};

/* False: a header is cut off by the packet's end or lies beyond its first segment, or there are too many. An
 * authentication header is followed, encrypted payload is an upper protocol. */
bool extension_find_upper(const struct packet *packet, const struct rte_ipv6_hdr *ip, struct upper *out);

#endif
