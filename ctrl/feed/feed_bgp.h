/* SPDX-License-Identifier: BSD-3-Clause */
/* What every source that carries BGP messages does with one. */
#ifndef FEED_BGP_H
#define FEED_BGP_H

#include "bgp_update.h"
#include "feed.h"

/* Counts since the source was made. */
struct feed_counts {
    uint64_t messages;
    uint64_t upserts;
    uint64_t withdrawals;
    uint64_t discarded;       /* messages of which an attribute was left out (RFC 7606 2) */
    uint64_t treated_as_lost; /* messages whose routes count as withdrawn because an attribute is broken */
    uint64_t unusable;        /* messages of which nothing could be used */
    uint64_t refused;         /* routes for which there was no room */
    uint64_t ignored;         /* messages or routes that are none of what was asked for */
};

/* Does to the routes of a peer what the message says; the fault of a broken one is counted, and its first of a kind
 * logged with `source` and `peer_name`. */
void feed_apply_update(const struct feed_sink *sink, int peer, const struct bgp_update *update,
                       struct feed_counts *counts, const char *source, const char *peer_name);

#endif
