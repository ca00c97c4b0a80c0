/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steer for bursts of plain packets (burst.h), of which everything is as it is nearly always: there is a route, the
 * first choice of the row is alive, and the packets are TCP or UDP where a hash is needed. The hash is computed for
 * eight packets at a time. Only where pipe_wide_works(). Private to dp/pipe.
 */
#ifndef STEER_PLAIN_H
#define STEER_PLAIN_H

#include "burst.h"

/* Flow hashes of a burst's packets. */
struct hashes {
    uint64_t known[HASH_MODES]; /* a bit for each packet of which value[] is the hash in that mode */
    uint32_t value[BURST_ROOM];
};

/* As steer_burst(), and true; else false: nothing was done, but for the hashes that are known now. They come in all
 * unknown. */
bool steer_plain(const struct pipe *pipe, struct burst *burst, enum family family, struct hashes *hashes);

#endif
