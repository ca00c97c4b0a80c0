/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets whose neighbour the kernel has yet to resolve. Private to dp/pipe. */
#ifndef HOLD_H
#define HOLD_H

#include "burst.h"

/* Asks the control thread for the neighbour and keeps the packet, unmodified, until pipe_tick() finds it resolved or
 * the wait over. Takes it over. created: made here. */
void packet_hold(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family, bool created);
/* Every loop: packets whose neighbour is resolved go on, those that waited too long are dropped. */
void hold_tick(struct pipe *pipe);

#endif
