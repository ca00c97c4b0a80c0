/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between a source of routes (BMP, FPM, MRT files, the kernel) and the table: the one interface that every source
 * speaks, and all that it knows of what is behind.
 *
 * A source has peers, from whom it has routes: `upsert` and `withdraw`. Several changes are decided as one by `commit`:
 * what was withdrawn and came back before it never was away. A source that has connected anew, and is about to tell
 * everything from the start, says `sync_begin`: nothing is lost by it, but what it has not told again by `sync_end` is
 * then swept.
 *
 * Control thread only. No call keeps a pointer that it is given.
 */
#ifndef FEED_H
#define FEED_H

#include "addr.h"
#include "attrs.h"
#include "best.h"
#include "rib.h"

#define FEED_NAME_MAX 64 /* bytes of a peer's name, with its NUL */

struct feed_peer {
    char name[FEED_NAME_MAX];
    struct best_peer facts;
    bool has_address;
    bool has_router_id;
};

struct feed_route {
    struct prefix prefix;
    uint32_t path_id;
    struct target target;
    uint32_t ifindex;          /* of a link-local next hop: the kernel's number of its interface */
    uint16_t share;            /* as a candidate's */
    const struct attrs *attrs; /* interned in the sink's table; the sink takes a reference of its own */
};

/* All peers of the source. */
#define FEED_ALL_PEERS (-1)

struct feed_sink {
    struct attrs_table *attrs;
    uint32_t own_as; /* the site's: a router of this AS speaks iBGP with us */
    void *owner;
    /* Adds the peer, or changes its facts. Its number, or -errno. */
    int (*peer_set)(void *owner, const struct feed_peer *peer);
    /* The peer and its routes go. */
    void (*peer_del)(void *owner, int peer);
    /* Withdraws all routes of the peer, which stays. */
    void (*flush)(void *owner, int peer);
    /* A route is named by its peer, prefix and path id; an upsert replaces. 0 or -errno, which changes nothing. */
    int (*upsert)(void *owner, int peer, const struct feed_route *route);
    /* What is not there is no mistake. What is too much to be true stays in use until somebody confirms it. */
    void (*withdraw)(void *owner, int peer, const struct prefix *prefix, uint32_t path_id);
    /* From now on routes of the peer (FEED_ALL_PEERS: of the source) that are not upserted again are stale. */
    void (*sync_begin)(void *owner, int peer);
    /* Withdraws what is stale. False: it is so much that it is held instead, as of one who has failed. */
    bool (*sync_end)(void *owner, int peer);
    /* What has gone is not all counted yet: what is told now is judged by that, so that it had better wait. */
    bool (*busy)(void *owner);
    /* Decides and installs what has changed. */
    void (*commit)(void *owner);
};

#endif
