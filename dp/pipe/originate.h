/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that are made here. Private to dp/pipe. */
#ifndef ORIGINATE_H
#define ORIGINATE_H

#include "burst.h"

/* The path list for the packet's destination, PATH_LIST_NONE if no route leads there. */
uint32_t packet_lookup(const struct pipe *pipe, const struct packet *packet, enum family family);
/* Sends a packet of our own where the tables say, without taking a hop from it. Where there is no route it leaves by
 * `port` with the Ethernet header that it has: back to the router that sent what it answers. Counted as created by the
 * caller; taken over. */
void packet_originate(struct pipe *pipe, uint16_t port, struct packet *packet, enum family family);

#endif
