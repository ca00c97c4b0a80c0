/* SPDX-License-Identifier: BSD-3-Clause */
/* The next hop objects of a netlink speaker, by their ids. All zero is empty and valid. Inside ctrl/feed. */
#ifndef NL_OBJECTS_H
#define NL_OBJECTS_H

#include "nl_route.h"

#define NL_OBJECT_BUCKETS 1024

struct nl_objects {
    struct nl_known *buckets[NL_OBJECT_BUCKETS];
};

enum nl_object_change { NL_OBJECT_UNCHANGED, NL_OBJECT_ADDED, NL_OBJECT_CHANGED };

void nl_objects_clear(struct nl_objects *objects);
/* enum nl_object_change, or -ENOMEM. */
int nl_objects_set(struct nl_objects *objects, const struct nl_object *object) MUST_USE;
void nl_objects_del(struct nl_objects *objects, uint32_t id);
/* Adds the hops that the id stands for, its members' if it is a group; an id that is not known has none. */
void nl_objects_resolve(const struct nl_objects *objects, uint32_t id, struct nl_hops *out);
/* The id is `part`, or a group that has it. */
bool nl_objects_depends(const struct nl_objects *objects, uint32_t id, uint32_t part);

#endif
