/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One router that tells what its BGP neighbours tell it (BMP, RFC 7854): each neighbour is a peer of the feed, and each
 * of its routes a candidate. Without a socket: bytes in, changes of the sink out.
 *
 * A router has every route twice or more, before and after its policy and in its Loc-RIB; one view is taken. Only the
 * global routing instance is: the others' addresses mean something else. Routes of a neighbour that the router has not
 * announced by a peer up are taken all the same: GoBGP sends its Loc-RIB so.
 */
#ifndef BMP_ROUTER_H
#define BMP_ROUTER_H

#include "bmp_message.h"
#include "feed_bgp.h"

#define BMP_TEXT_MAX 128

struct bmp_router;

struct bmp_router_settings {
    const struct feed_sink *sink; /* must outlive the router */
    const char *name;             /* the feed's: its peers are called ADDRESS@NAME */
    enum bmp_view view;
    struct bgp_room *room; /* may be shared with whoever runs in the same thread; must outlive the router */
};

struct bmp_router_state {
    struct feed_counts counts;
    uint32_t peers;                 /* that are up */
    uint64_t of_view[BMP_VIEWS];    /* route monitoring messages, taken or not */
    bool told_all;                  /* every peer that is up has sent its End-of-RIB for each of its families */
    bool tells_anew;                /* a peer came up that was up: what is stale of it waits for bmp_router_synced() */
    char description[BMP_TEXT_MAX]; /* the router's own words; "" before its initiation */
    char system_name[BMP_TEXT_MAX];
    const char *warning; /* what is known to be wrong with such a router; NULL: nothing */
};

/* NULL: no memory. */
struct bmp_router *bmp_router_create(const struct bmp_router_settings *settings);
/* Its peers stay in the sink. NULL is fine. */
void bmp_router_destroy(struct bmp_router *router);

/* A connection has begun: what the router told before is stale until bmp_router_synced(). */
void bmp_router_connected(struct bmp_router *router);
/* The router has told everything: what it has not told again goes, peers included. */
void bmp_router_synced(struct bmp_router *router);

/* Handles the messages at the front of the span, which are then behind, until `messages` of them are done, no whole
 * one is left, or the sink is busy. How many; or -EBADMSG: the connection is of no more use. */
int bmp_router_read(struct bmp_router *router, struct span *bytes, int messages) MUST_USE;

const struct bmp_router_state *bmp_router_state(const struct bmp_router *router);

#endif
