/* SPDX-License-Identifier: BSD-3-Clause */
#include "nl_objects.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A single one, or a group; groups have no groups in them (nexthop.h). */
struct nl_known {
    struct nl_known *next;
    uint32_t id;
    uint32_t member_count;
    struct nl_hop hop;
    uint8_t fate;
    bool has_hop;
    struct nl_member members[];
};

static struct nl_known **slot_of(struct nl_objects *objects, uint32_t id)
{
    struct nl_known **slot = &objects->buckets[id % NL_OBJECT_BUCKETS];

    while (*slot != NULL && (*slot)->id != id) {
        slot = &(*slot)->next;
    }
    return slot;
}

static const struct nl_known *find(const struct nl_objects *objects, uint32_t id)
{
    const struct nl_known *it = objects->buckets[id % NL_OBJECT_BUCKETS];

    while (it != NULL && it->id != id) {
        it = it->next;
    }
    return it;
}

void nl_objects_clear(struct nl_objects *objects)
{
    for (unsigned int i = 0; i < NL_OBJECT_BUCKETS; i++) {
        while (objects->buckets[i] != NULL) {
            nl_objects_del(objects, objects->buckets[i]->id);
        }
    }
}

void nl_objects_del(struct nl_objects *objects, uint32_t id)
{
    struct nl_known **slot = slot_of(objects, id);
    struct nl_known *gone = *slot;

    if (gone != NULL) {
        *slot = gone->next;
        free(gone);
    }
}

static bool same(const struct nl_known *known, const struct nl_object *object)
{
    const struct nl_hop *hop = &object->hops.items[0];

    return known->fate == object->hops.fate && known->has_hop == (object->hops.count > 0) &&
           known->member_count == object->member_count &&
           memcmp(known->members, object->members, object->member_count * sizeof(known->members[0])) == 0 &&
           (!known->has_hop || (known->hop.ifindex == hop->ifindex && known->hop.has_gateway == hop->has_gateway &&
                                ip_addr_equal(&known->hop.gateway, &hop->gateway)));
}

int nl_objects_set(struct nl_objects *objects, const struct nl_object *object)
{
    struct nl_known **slot = slot_of(objects, object->id);
    struct nl_known *known = *slot;
    struct nl_known *new;

    if (known != NULL && same(known, object)) {
        return NL_OBJECT_UNCHANGED;
    }
    new = malloc(sizeof(*new) + object->member_count * sizeof(new->members[0]));
    if (new == NULL) {
        return -ENOMEM;
    }
    *new = (struct nl_known){.next = known != NULL ? known->next : NULL,
                             .id = object->id,
                             .member_count = object->member_count,
                             .fate = object->hops.fate,
                             .has_hop = object->hops.count > 0};
    if (new->has_hop) {
        new->hop = object->hops.items[0];
    }
    memcpy(new->members, object->members, object->member_count * sizeof(new->members[0]));
    *slot = new;
    free(known);
    return known != NULL ? NL_OBJECT_CHANGED : NL_OBJECT_ADDED;
}

static void add_single(const struct nl_known *known, uint32_t weight, struct nl_hops *out)
{
    if (known == NULL || known->member_count > 0) {
        return;
    }
    if (known->has_hop && out->count < NL_HOPS_MAX) {
        out->items[out->count] = known->hop;
        out->items[out->count++].weight = (uint16_t)weight;
    }
    if (known->fate != NL_FORWARD) {
        out->fate = known->fate;
    }
}

void nl_objects_resolve(const struct nl_objects *objects, uint32_t id, struct nl_hops *out)
{
    const struct nl_known *known = find(objects, id);

    out->count = 0;
    add_single(known, 1, out);
    for (uint32_t i = 0; known != NULL && i < known->member_count; i++) {
        add_single(find(objects, known->members[i].id), known->members[i].weight, out);
    }
}

bool nl_objects_depends(const struct nl_objects *objects, uint32_t id, uint32_t part)
{
    const struct nl_known *known = id != part ? find(objects, id) : NULL;

    for (uint32_t i = 0; known != NULL && i < known->member_count; i++) {
        if (known->members[i].id == part) {
            return true;
        }
    }
    return id == part;
}
