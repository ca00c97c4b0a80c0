/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about packets that may not go on (RFC 792, RFC 1122 3.2.2, RFC 1812 4.3.2, RFC 4443). Private to dp/pipe.
 */
#ifndef ICMP_H
#define ICMP_H

#include "burst.h"

/* Drops the packet for this reason and, where the reason has an ICMP error, the packet may be answered and the port's
 * rate allows, tells its sender. The packet must be as it was received. mtu: of the egress, for DROP_TOO_BIG. */
void packet_refuse(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family,
                   enum drop_reason reason, uint16_t mtu);

#endif
