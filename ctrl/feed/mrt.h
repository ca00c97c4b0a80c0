/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MRT records (RFC 6396, RFC 8050) into a sink: tables (TABLE_DUMP_V2, unicast, with path ids or without) and updates
 * (BGP4MP). Without a file: bytes in. Every peer of the collector that has a route is a peer of the feed.
 *
 * Who reads a table hears everything there is, so it is a resync: what was known before it and is not in it goes. Who
 * reads updates hears changes.
 */
#ifndef MRT_H
#define MRT_H

#include "feed_bgp.h"

#define MRT_RECORD_MAX (4 << 20) /* a prefix with the routes of 60,000 peers */

struct mrt;

struct mrt_settings {
    const struct feed_sink *sink; /* must outlive the reader */
    const char *name;             /* of the source: its peers are called ADDRESS@NAME */
    struct bgp_room *room;        /* may be shared within the thread */
    unsigned int remembered;      /* sets of attributes known by their bytes, a power of two; 0: 16384 */
};

/* NULL: no memory. */
struct mrt *mrt_create(const struct mrt_settings *settings);
/* Tells the sink nothing. NULL is fine. */
void mrt_destroy(struct mrt *mrt);

/* Handles the records at the front of the span, which are then behind, until `records` of them are done or no whole one
 * is left. How many; -EBADMSG: this is no MRT; -ENOMEM. A record that is malformed inside is counted and costs itself.
 */
int mrt_read(struct mrt *mrt, struct span *bytes, int records) MUST_USE;
/* The end of the file. */
void mrt_finish(struct mrt *mrt);

const struct feed_counts *mrt_counts(const struct mrt *mrt);

#endif
