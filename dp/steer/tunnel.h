/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunnels to remote instances: the headers that go before a packet, made ready once for all packets of an adjacency.
 *
 *   IPIP  RFC 2003, 2473, 4213   the packet behind the outer IP header
 *   GRE   RFC 2784               four bytes between: no checksum, no key, no sequence number
 *   GUE   draft-ietf-intarea-gue UDP to port 6080, and variant 0 with its four bytes, a data message without options
 *
 * Either family outside carries either family inside. Pure; the control thread makes headers, dp/pipe/encap.c completes
 * them packet by packet.
 */
#ifndef TUNNEL_H
#define TUNNEL_H

#include "addr.h"
#include "adjacency.h"

enum tunnel_type { TUNNEL_NONE, TUNNEL_IPIP, TUNNEL_GRE, TUNNEL_GUE };

#define TUNNEL_GUE_PORT 6080
#define TUNNEL_TTL      64

/* All zero: none. Free of padding, so memcmp() compares. */
struct tunnel {
    uint8_t type; /* enum tunnel_type */
    struct ip_addr source;
    struct ip_addr destination; /* of the same family */
};
static_assert(sizeof(struct tunnel) == 35, "no padding: compared with memcmp");

/* "ipip" and so on; type is one of enum tunnel_type but TUNNEL_NONE. */
const char *tunnel_type_name(enum tunnel_type type);
/* TUNNEL_NONE: not the name of a type. */
enum tunnel_type tunnel_type_parse(const char *name);

/* Bytes that the tunnel adds to a packet. */
unsigned int tunnel_overhead(const struct tunnel *tunnel);
/* Leads packets of the family `inner` through the tunnel: appends its header to the link-layer header that the rewrite
 * has, whose EtherType becomes the outer family's, and takes the overhead off its MTU. Lengths, traffic class, DF, id,
 * flow label and UDP source port are zero, and an IPv4 checksum is right for that. */
void tunnel_add_header(const struct tunnel *tunnel, enum family inner, struct rewrite *rewrite);

#endif
