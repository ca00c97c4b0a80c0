/* SPDX-License-Identifier: BSD-3-Clause */
/* BFD control packets in and out of the pipe: UDP of RFC 5881 and 5883. Private to dp, for the worker and dp/pipe. */
#ifndef BFD_IO_H
#define BFD_IO_H

#include "bfd.h"
#include "burst.h"

/* A packet for an address of this machine, which parse let through. True: it is a session's of ours, and taken over. */
bool bfd_take(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family);
/* A bfd_send_fn, whose owner is the runner's pipe. Without a buffer or a resolved neighbour it sends nothing. */
void bfd_transmit(void *pipe, const struct bfd_spec *spec, uint16_t source_port, const uint8_t bytes[BFD_PACKET_SIZE]);

#endif
