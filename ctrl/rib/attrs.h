/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BGP path attributes of a candidate, interned: a million routes share a few hundred thousand sets.
 *
 * One struct serves both ways. A feed fills a struct attrs with pointers to arrays of its own, in any order, and
 * attrs_intern() returns the one canonical, immutable copy in the table, so that equal sets are equal pointers. A
 * reference keeps it alive. Control thread only.
 */
#ifndef ATTRS_H
#define ATTRS_H

#include "as_path.h"
#include "attributes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 4271 5.1.1; lower is better. */
enum origin { ORIGIN_IGP, ORIGIN_EGP, ORIGIN_INCOMPLETE };

#define COMMUNITY_GRACEFUL_SHUTDOWN UINT32_C(0xffff0000) /* 65535:0, RFC 8326 */
#define COMMUNITY_LLGR_STALE        UINT32_C(0xffff0006) /* 65535:6, RFC 9494 */
#define LOCAL_PREF_DEFAULT          100

/* RFC 8092 */
struct large_community {
    uint32_t global;
    uint32_t local[2];
};

/* All zero = no attribute at all. A list of length 0 may be NULL, and is in the canonical form. A value that is not
 * there (has_x false) is ignored on the way in and 0 on the way out. Numbers are in host byte order. */
struct attrs {
    struct as_path as_path;
    const uint32_t *communities;                     /* RFC 1997; a set: canonical = ascending, no duplicates */
    const struct large_community *large_communities; /* likewise */
    const uint32_t *cluster_list;                    /* RFC 4456; its order means something and is kept */
    uint32_t n_communities;
    uint32_t n_large_communities;
    uint32_t n_cluster_list;
    uint32_t local_pref;
    uint32_t med;
    uint32_t weight; /* local to this forwarder, not of the wire; higher is better */
    uint32_t originator_id;
    bool has_local_pref;
    bool has_med;
    bool has_originator_id;
    uint8_t origin; /* enum origin */
};

struct attrs_table;

/* seed: secret where the attributes come from strangers, else they could choose them to collide. NULL: no memory. */
struct attrs_table *attrs_table_create(uint64_t seed);
/* Frees every set, referenced or not. */
void attrs_table_destroy(struct attrs_table *table);
/* How many distinct sets are alive. */
size_t attrs_table_count(const struct attrs_table *table);
/* Of memory. */
size_t attrs_table_bytes(const struct attrs_table *table);

/* The canonical copy, with a reference for the caller; keeps nothing of `attrs`. NULL: no memory. */
const struct attrs *attrs_intern(struct attrs_table *table, const struct attrs *attrs) MUST_USE;
/* Another reference to an interned set, which is returned. */
const struct attrs *attrs_ref(const struct attrs *interned);
/* Gives a reference back; the last one frees the set. NULL is nothing to do. */
void attrs_unref(struct attrs_table *table, const struct attrs *interned);

bool attrs_has_community(const struct attrs *attrs, uint32_t community);
/* What the decision compares: 0 under GRACEFUL_SHUTDOWN (RFC 8326 4.2), LOCAL_PREF_DEFAULT if there is none. */
uint32_t attrs_local_pref(const struct attrs *attrs);

#endif
