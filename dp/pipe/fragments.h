/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments follow their flow (RFC 791, RFC 8200 4.5): where datagram.h and wanted.h meet packets. Private to dp/pipe.
 *
 * The table of datagrams knows the flow's hash, not its instance: when an instance dies between two fragments of a
 * datagram, the rest goes to where the flow goes now.
 */
#ifndef FRAGMENTS_H
#define FRAGMENTS_H

#include "flow.h"

/* The hash to steer a fragment by, under HASH_PORTS. False: it waits, and is taken over. */
bool fragment_hash(struct pipe *pipe, uint16_t port, const struct packet *packet, enum family family,
                   const struct flow *flow, uint32_t *hash) MUST_USE;
/* True: the first fragment of this later one has come, and *hash is its flow's. */
bool fragment_known(const struct pipe *pipe, const struct packet *packet, enum family family, const struct flow *flow,
                    uint32_t *hash);
/* Sends on those whose wait is over. */
void fragments_release(struct pipe *pipe);

#endif
