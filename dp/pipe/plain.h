/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parse for what nearly every packet is: whole in one segment, untagged, to this port's own address, with an IPv4
 * header without options or an IPv6 header without extensions, and nothing unusual about its addresses. Sixteen frames
 * are checked at once, each against all that parse.c checks, or they are all left to parse.c. Private to dp/pipe.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include "burst.h"

#define PLAIN_GROUP 16

/* Only where pipe_wide_works(). Parses the first n <= PLAIN_GROUP packets into the burst if they are all plain: the
 * bytes of their frames. 0: they are not, and nothing was done. frames: where each begins, which may be a place in
 * burst->frames[FAMILY_V4], not before its count. Both arrays have PLAIN_GROUP entries, the ones that do not count are
 * of any packet. */
uint32_t plain_parse(const struct pipe *pipe, uint64_t own_mac, uint8_t *const *frames, struct rte_mbuf *const *mbufs,
                     unsigned int n, struct burst *burst);

#endif
