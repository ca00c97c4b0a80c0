/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 fragmentation on the way out (RFC 791 3.2, RFC 1812 5.2.7). Private to dp/pipe. */
#ifndef FRAGMENT_H
#define FRAGMENT_H

#include "burst.h"

#define FRAGMENTS_MAX 64 /* a packet of 64 KiB on the smallest MTU that is worth having */

/* Cuts a packet without DF into pieces of at most `mtu` bytes of IP, or what a buffer holds, each a mbuf of its own
 * with room for the Ethernet header before it and a right checksum; the packet is freed. Returns how many, or -errno,
 * which leaves the packet. */
int fragment_v4(struct pipe *pipe, const struct packet *packet, uint16_t mtu, struct packet out[FRAGMENTS_MAX]);

#endif
