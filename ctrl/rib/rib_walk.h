/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The works of rib_walk() that are under way, and which entries they have been at. Inside ctrl/rib.
 *
 * Works are numbered, and an entry has the number of the last one that was done to it; a new entry that of the last one
 * there is. One pass over the table does all works: those that began before it are over when it is.
 */
#ifndef RIB_WALK_H
#define RIB_WALK_H

#include "prefix_set.h"
#include "rib.h"

struct rib_walk;

TAILQ_HEAD(rib_walk_list, rib_walk);

struct rib_walks {
    struct rib_walk_list list; /* oldest first */
    uint32_t count;
    uint16_t last;    /* the number of the last work */
    uint16_t pass;    /* the last work that had come when the pass began */
    bool passing;     /* it is under way, */
    struct prefix at; /* and has been here */
    bool visiting;    /* a work is being done to an entry */
};

void rib_walks_init(struct rib_walks *walks);
void rib_walks_free(struct rib_walks *walks);
/* 0; -ENOMEM, or -ENOSPC: too many are under way. */
int rib_walks_add(struct rib_walks *walks, const struct rib_work *work) MUST_USE;
/* Does to the entry what has not been done to it. */
void rib_walks_visit(struct rib_walks *walks, struct rib_entry *entry);
/* The pass goes on with so many entries at most, to each of which settle() does the above. False: it is over,
 * though other works may have come since it began. */
bool rib_walks_part(struct rib_walks *walks, const struct prefix_set *prefixes, unsigned int most,
                    void (*settle)(void *owner, struct rib_entry *entry), void *owner);
/* Some work changes what is counted of the session. */
bool rib_walks_concern(const struct rib_walks *walks, uint16_t session_id);

#endif
