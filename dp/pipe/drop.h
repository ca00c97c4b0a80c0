/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a packet ended here. The names are the keys of "drops" in stats.get. */
#ifndef DROP_H
#define DROP_H

enum drop_reason {
    /* parse: link layer */
    DROP_TRUNCATED,      /* shorter than the headers that it must have */
    DROP_NOT_FOR_US,     /* destination MAC not this port's */
    DROP_BAD_SOURCE_MAC, /* source MAC multicast, or the same as the destination's */
    DROP_UNKNOWN_VLAN,   /* tagged, and no sub-interface has the tag */
    /* parse: IP header, RFC 1812 5.2.2 */
    DROP_BAD_VERSION,       /* not the version that the EtherType says */
    DROP_BAD_HEADER_LENGTH, /* below 20 bytes, or beyond the total length */
    DROP_BAD_TOTAL_LENGTH,  /* below 20 bytes, or beyond the frame; IPv6: payload beyond the frame */
    DROP_BAD_CHECKSUM,
    DROP_MARTIAN_SOURCE, /* RFC 1812 5.3.7 */
    DROP_MARTIAN_DESTINATION,
    DROP_SOURCE_ROUTE, /* IPv4 options 131 and 137, IPv6 routing header type 0 (RFC 7126 4.3, RFC 5095) */
    /* lookup and steer */
    DROP_NO_ROUTE,
    DROP_NO_INSTANCE, /* the route's instances are all dead */
    DROP_BLACKHOLE,   /* a route says so */
    DROP_REJECT,      /* a route says so, and would tell the sender */
    /* rewrite */
    DROP_TTL_EXPIRED,  /* TTL or hop limit 0 or 1 on arrival */
    DROP_TOO_BIG,      /* larger than the egress MTU */
    DROP_NO_NEIGHBOUR, /* the next hop's MAC is not resolved */
    DROP_NO_TWIN,      /* for the kernel, but redirected by XDP, from which there is no way back: an address that came
                          up a moment ago, or what parse knows better (multicast in a unicast frame) */
    DROP_NO_BUFFER,   /* no packet buffer left for a fragment, or none large enough for a device that wants one a packet
                       */
    DROP_NO_HEADROOM, /* no room before the packet for the header that it needs */
    /* transmit */
    DROP_TX_FULL,
    DROP_PUNT_FULL, /* beyond the kernel twin's quota, or it does not take it */
    DROP_REASONS,
};

/* "truncated" and so on; reason < DROP_REASONS. */
const char *drop_reason_name(enum drop_reason reason);

#endif
