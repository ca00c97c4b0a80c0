/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rewrite for bursts of plain packets (burst.h): what was checked by columns is not checked again packet by packet.
 * Only where pipe_wide_works(). Private to dp/pipe.
 */
#ifndef REWRITE_PLAIN_H
#define REWRITE_PLAIN_H

#include "burst.h"

/* All packets are one share. False, and nothing was done: they do not all go out of a port behind a mere Ethernet
 * header. */
bool rewrite_plain_same(struct pipe *pipe, struct burst *burst, enum family family);
/* The same for several shares. */
bool rewrite_plain_shares(struct pipe *pipe, struct burst *burst, enum family family);
/* Each goes by its own. Rewrites and sends from packet `from` on, up to the first one that does not go so, or the last:
 * the index behind. */
unsigned int rewrite_plain_each(struct pipe *pipe, struct burst *burst, unsigned int from, enum family family);

#endif
