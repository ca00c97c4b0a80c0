/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the bytes of path attributes straight to their interned form, for those seen a short while ago: a table has a
 * million routes and some ten thousand sets of attributes, many of them near each other. What is remembered holds a
 * reference. Inside ctrl/feed.
 */
#ifndef RAW_ATTRS_H
#define RAW_ATTRS_H

#include "bgp_attributes.h"

struct raw_attrs;

struct raw_attrs_entry {
    const struct attrs *attrs; /* NULL: broken, or incomplete: the routes that have it count as withdrawn */
    struct ip_addr next_hop;
};

/* For attributes of a table dump (RFC 6396 4.3.4): numbers of four octets. `slots`, a power of two, are remembered at
 * most. NULL: no memory. */
struct raw_attrs *raw_attrs_create(struct attrs_table *table, struct bgp_room *room, unsigned int slots);
void raw_attrs_destroy(struct raw_attrs *cache);
/* Good until the next call. family: the prefix's. NULL: no memory. */
const struct raw_attrs_entry *raw_attrs_get(struct raw_attrs *cache, struct span bytes, unsigned int family);

#endif
