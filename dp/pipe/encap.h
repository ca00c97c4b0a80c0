/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunnel headers, completed packet by packet (packets.md 14). What is the same for all packets of an adjacency is ready
 * in its rewrite (tunnel.h); here come
 *
 *   length          of the IP packet: padding never counts
 *   traffic class   DSCP and ECN are the packet's own: the uniform model of RFC 2983, the normal mode of RFC 6040 4.1
 *   TTL             set anew, to 64
 *   DF              follows the packet; IPv6 inside: set, as routers do not fragment it (RFC 4213 3.2)
 *   identification  0 with DF (RFC 6864), else the worker's next one
 *   flow            GUE: UDP source port 49152 to 65535 (as RFC 7510); IPv6 outside: flow label (RFC 6438)
 *   UDP checksum    0; over IPv6 by RFC 6935: the headers inside have their own. Linux's receiver takes it.
 *
 * Private to dp/pipe.
 */
#ifndef ENCAP_H
#define ENCAP_H

#include "burst.h"

/* Puts a header that is longer than the received one, with a tag or a tunnel, before a packet without padding whose hop
 * is taken already. False: the mbuf has no room before the packet, and nothing is changed. */
bool encap(struct pipe *pipe, const struct packet *packet, const struct rewrite *rewrite) MUST_USE;

#endif
