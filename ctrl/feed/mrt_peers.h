/* SPDX-License-Identifier: BSD-3-Clause */
/* The peers of an MRT file, as the sink knows them. Inside ctrl/feed. */
#ifndef MRT_PEERS_H
#define MRT_PEERS_H

#include "feed.h"
#include "span.h"

/* Who a route or message is from. */
struct mrt_neighbour {
    struct ip_addr address;
    uint32_t as;
    uint32_t local_as;
    uint32_t router_id; /* 0: not told */
};

/* All zero but for the first two: empty. */
struct mrt_peers {
    const struct feed_sink *sink;
    const char *name;
    struct mrt_known *known; /* those that have told a route */
    uint32_t count;
    uint32_t room;
    struct mrt_neighbour *index; /* of the table's PEER_INDEX_TABLE */
    int *numbers;                /* parallel: the sink's, or -1: not asked for yet */
    uint32_t index_count;
};

void mrt_peers_clear(struct mrt_peers *peers);
/* Reads a PEER_INDEX_TABLE (RFC 6396 4.3.1), in place of the one before. False: malformed, or no memory. */
bool mrt_peers_index(struct mrt_peers *peers, struct span body);
/* The sink's number of the peer at this place of the index, or -errno. */
int mrt_peers_by_index(struct mrt_peers *peers, uint16_t index) MUST_USE;
/* The sink's number of the neighbour, or -errno. */
int mrt_peers_get(struct mrt_peers *peers, const struct mrt_neighbour *neighbour) MUST_USE;
/* The front of a BGP4MP record: the two ends (4.4). False: malformed. */
bool mrt_neighbour_read(struct span *body, bool as4, struct mrt_neighbour *out);

#endif
