/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The routes that a zebra or a kernel has chosen, from netlink messages to a feed's peer. Without a socket.
 *
 * Whoever sends them has decided already, so a prefix has one route, with one candidate for each of its next hops; or,
 * `by_metric`, one for each metric, of which the lowest counts: it is the candidates' MED, so that the others are
 * backups. Next hop objects are followed: a route that names one leads to what it is now.
 *
 * Left out, and counted: routes without a gateway (connected ones are the ports' own). A link-local gateway goes with
 * the kernel's number of its interface.
 */
#ifndef NL_TABLE_H
#define NL_TABLE_H

#include "feed_bgp.h"
#include "nl_route.h"

#define NL_FILTER_MAX 16

struct nl_table;

struct nl_table_settings {
    const struct feed_sink *sink; /* must outlive the table */
    int peer;                     /* of the sink */
    bool by_metric;
    uint32_t local_pref;      /* of all its candidates */
    unsigned int table_count; /* routing tables to take; 0: every one */
    uint32_t tables[NL_FILTER_MAX];
    unsigned int protocol_count; /* likewise; 0: every one but RTPROT_KERNEL, the connected routes */
    uint8_t protocols[NL_FILTER_MAX];
};

/* NULL: no memory. */
struct nl_table *nl_table_create(const struct nl_table_settings *settings);
/* Tells the sink nothing. NULL is fine. */
void nl_table_destroy(struct nl_table *table);

/* Everything will be told from the start: objects are forgotten, and routes that are not told again by the end go. */
void nl_table_sync_begin(struct nl_table *table);
void nl_table_sync_end(struct nl_table *table);

/* One message. 0; -EBADMSG: malformed; -ENOMEM. */
int nl_table_message(struct nl_table *table, const struct nlmsghdr *message) MUST_USE;

/* A change since the last call has left a prefix without any route: worth waiting a moment for its successor. */
bool nl_table_has_holes(struct nl_table *table);

struct nl_table_counts {
    struct feed_counts feed;
    uint64_t routes;    /* that it has now */
    uint64_t connected; /* routes left out, so far */
};
const struct nl_table_counts *nl_table_counts(const struct nl_table *table);

#endif
