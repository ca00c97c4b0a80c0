/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the rib share. */
#ifndef RIB_PRIVATE_H
#define RIB_PRIVATE_H

#include "pool.h"
#include "rib_walk.h"

TAILQ_HEAD(dirty_list, rib_entry);

struct rib {
    struct attrs_table *attrs;
    struct pool pool;           /* entries, and their candidates */
    struct prefix_set prefixes; /* each the one in its rib_entry */
    struct dirty_list dirty[RIB_LISTS];
    enum rib_list list; /* that changes are marked on */
    struct rib_walks walks;
    struct rib_counts counts;
};

static_assert(offsetof(struct rib_entry, prefix) == 0, "so that a prefix of the set leads to its entry");

static inline struct rib_entry *entry_of(struct prefix *member)
{
    return (struct rib_entry *)member;
}

/* What walks have not done to the entry yet is done before anybody sees it. For those who look nothing changes by that,
 * and the rib may be const. The entry; NULL is fine. */
struct rib_entry *rib_settle(const struct rib *rib, struct rib_entry *entry);
/* Candidate `at` of it goes; *old as rib_withdraw() has it. */
void rib_entry_withdraw(struct rib *rib, struct rib_entry *entry, uint32_t at, struct candidate *old);

#endif
