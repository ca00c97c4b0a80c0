/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"
#include "site_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int site_instance_id(const struct site *site, const char *name)
{
    return names_find(&site->instance_names, name);
}

const struct site_instance *site_instance(const struct site *site, uint32_t id)
{
    return id < site->instance_names.end ? site->instances[id] : NULL;
}

uint32_t site_instance_end(const struct site *site)
{
    return site->instance_names.end;
}

static void instance_put_hops(struct site *site, struct site_instance *instance)
{
    site_bfd_stop(site, instance);
    for (int family = 0; family < FAMILIES; family++) {
        if (instance->hops[family] != NULL) {
            hop_put(site->install, instance->hops[family]);
            instance->hops[family] = NULL;
        }
    }
}

/* A tunnel takes both families, and any next hop will do for its frames; the one of the outer family is preferred. */
const struct ip_addr *site_instance_way(const struct site_instance *instance, enum family family)
{
    if (instance->tunnel.type != TUNNEL_NONE) {
        family = instance->tunnel.destination.family;
        family = instance->has_next_hop[family] ? family : FAMILY_V4 + FAMILY_V6 - family;
    }
    return instance->has_next_hop[family] ? &instance->next_hop[family] : NULL;
}

/* A hop for each family that it takes; an old one is kept, with its counters and its state, and led elsewhere. */
static int instance_make_hops(struct site *site, struct site_instance *instance)
{
    for (int family = 0; family < FAMILIES; family++) {
        const struct ip_addr *way = site_instance_way(instance, (enum family)family);

        if (way == NULL || instance->hops[family] != NULL) {
            continue;
        }
        instance->hops[family] = hop_create(site->install, way, &instance->tunnel, (enum family)family);
        if (instance->hops[family] == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int instance_add(struct site *site, const struct site_instance *instance, struct error *error)
{
    struct site_instance *copy = malloc(sizeof(*copy));
    int id;

    if (copy == NULL) {
        return error_set(error, -ENOMEM, "no memory");
    }
    *copy = *instance;
    memset(copy->hops, 0, sizeof(copy->hops));
    memset(copy->bfds, 0, sizeof(copy->bfds));
    memset(copy->last_good, 0, sizeof(copy->last_good));
    copy->linked = false;
    copy->born = ++site->births;
    site_health_start(copy);
    copy->name_hash = hash_bytes(copy->name, strlen(copy->name), 0);
    id = instance_make_hops(site, copy);
    if (id == 0) {
        id = names_add(&site->instance_names, copy->name);
    }
    if (id < 0) {
        instance_put_hops(site, copy);
        free(copy);
        return error_set(error, id, "no room for instance %s", instance->name);
    }
    site->instances[id] = copy;
    site_bfd_start(site, copy);
    site_health_follow(site, copy);
    site_mark_instance(site, (uint32_t)id);
    return 0;
}

static int instance_change(struct site *site, uint32_t id, const struct site_instance *instance, struct error *error)
{
    struct site_instance *old = site->instances[id];
    struct site_instance next = *instance;
    bool same_bfd;

    next.born = old->born;
    next.health = old->health;
    next.heartbeat_ms = old->heartbeat_ms;
    next.drained_at = old->drained_at;
    next.linked = old->linked;
    memcpy(next.last_good, old->last_good, sizeof(next.last_good));
    next.name_hash = old->name_hash;
    for (int family = 0; family < FAMILIES; family++) {
        next.hops[family] = site_instance_way(&next, (enum family)family) != NULL ? old->hops[family] : NULL;
    }
    if (instance_make_hops(site, &next) != 0) {
        for (int family = 0; family < FAMILIES; family++) {
            if (next.hops[family] != NULL && next.hops[family] != old->hops[family]) {
                hop_put(site->install, next.hops[family]);
            }
        }
        return error_set(error, -ENOMEM, "no room for instance %s", instance->name);
    }
    site_mark_instance(site, id); /* what the old next hops attracted */
    same_bfd = site_bfd_same(old, &next);
    if (!same_bfd) {
        site_bfd_stop(site, old);
    }
    memcpy(next.bfds, old->bfds, sizeof(next.bfds));
    for (int family = 0; family < FAMILIES; family++) {
        if (old->hops[family] != NULL && next.hops[family] == NULL) {
            hop_put(site->install, old->hops[family]);
        }
    }
    *old = next;
    for (int family = 0; family < FAMILIES; family++) {
        if (next.hops[family] != NULL) {
            hop_set_address(site->install, next.hops[family], site_instance_way(&next, (enum family)family),
                            &next.tunnel);
        }
    }
    if (!same_bfd) {
        site_bfd_start(site, old);
    }
    site_health_follow(site, old);
    site_mark_instance(site, id);
    return 0;
}

int site_instance_set(struct site *site, const struct site_instance *instance, struct error *error)
{
    int id = site_instance_id(site, instance->name);

    return id < 0 ? instance_add(site, instance, error) : instance_change(site, (uint32_t)id, instance, error);
}

int site_instance_del(struct site *site, const char *name, struct error *error)
{
    int id = site_instance_id(site, name);
    struct site_instance *instance;

    if (id < 0) {
        return error_set(error, id, "unknown instance \"%s\"", name);
    }
    instance = site->instances[id];
    site_flush(
        site, &(struct rib_selector){.target = &(struct target){.kind = TARGET_INSTANCE, .instance_id = (uint32_t)id}});
    site_mark_instance(site, (uint32_t)id);
    site->instances[id] = NULL;
    names_remove(&site->instance_names, (uint32_t)id);
    site->health_changed = true;
    instance_put_hops(site, instance); /* outcomes hold theirs until the commit */
    free(instance);
    return 0;
}

const struct site_instance *site_instance_of_hop(const struct site *site, const struct hop *hop)
{
    for (uint32_t id = 0; id < site->instance_names.end; id++) {
        const struct site_instance *instance = site->instances[id];

        if (instance != NULL && (instance->hops[FAMILY_V4] == hop || instance->hops[FAMILY_V6] == hop)) {
            return instance;
        }
    }
    return NULL;
}

/* The addresses whose candidates belong to the instance. Returns how many. */
static unsigned int instance_attracting(const struct site_instance *instance,
                                        const struct ip_addr *out[SITE_NEXT_HOPS_MAX])
{
    unsigned int n = 0;

    for (; n < instance->bgp_next_hop_count; n++) {
        out[n] = &instance->bgp_next_hop[n];
    }
    if (n > 0) {
        return n;
    }
    for (int family = 0; family < FAMILIES; family++) {
        if (instance->has_next_hop[family]) {
            out[n++] = &instance->next_hop[family];
        }
    }
    if (instance->tunnel.type != TUNNEL_NONE) {
        out[n++] = &instance->tunnel.destination;
    }
    return n;
}

static bool attracts(const struct site_instance *instance, const struct ip_addr *next_hop)
{
    const struct ip_addr *addresses[SITE_NEXT_HOPS_MAX];
    unsigned int n = instance_attracting(instance, addresses);

    for (unsigned int i = 0; i < n; i++) {
        if (ip_addr_equal(addresses[i], next_hop)) {
            return true;
        }
    }
    return false;
}

static const struct site_instance *find_attracting(const struct site *site, const struct ip_addr *next_hop)
{
    for (uint32_t id = 0; id < site->instance_names.end; id++) {
        if (site->instances[id] != NULL && attracts(site->instances[id], next_hop)) {
            return site->instances[id];
        }
    }
    return NULL;
}

const struct site_instance *site_target_instance(const struct site *site, const struct target *target)
{
    struct attracted *found;

    if (target->kind == TARGET_INSTANCE) {
        return site_instance(site, target->instance_id);
    }
    if (target->kind != TARGET_NEXT_HOP || target->on_port > 0) {
        return NULL;
    }
    found = &site->attracted[hash_table(&target->next_hop, sizeof(target->next_hop), 0) % ATTRACTED_SLOTS];
    if (!found->known || !ip_addr_equal(&found->next_hop, &target->next_hop)) {
        *found = (struct attracted){find_attracting(site, &target->next_hop), target->next_hop, true};
    }
    return found->instance;
}

void site_mark_instance(struct site *site, uint32_t id)
{
    const struct ip_addr *addresses[SITE_NEXT_HOPS_MAX];
    unsigned int n = instance_attracting(site->instances[id], addresses);
    struct target target = {.kind = TARGET_INSTANCE, .instance_id = id};

    memset(site->attracted, 0, ATTRACTED_SLOTS * sizeof(*site->attracted));
    site_mark(site, &(struct rib_selector){.target = &target});
    for (unsigned int i = 0; i < n; i++) {
        target = (struct target){.kind = TARGET_NEXT_HOP, .next_hop = *addresses[i]};
        site_mark(site, &(struct rib_selector){.target = &target});
    }
}
