/* SPDX-License-Identifier: BSD-3-Clause */
/* Adjacencies, path lists, routes, and what workers wish for. */
#include "dp_private.h"
#include <errno.h>
#include <rte_cycles.h>

/* Workers count by id, and never reset: an id may be given out again. */
static struct traffic counted(const struct dp *dp, uint16_t id)
{
    struct traffic sum = {0};

    for (unsigned int i = 0; i < dp->worker_count; i++) {
        const struct traffic *traffic = &dp->workers[i]->pipe.counters->adjacencies[id];

        sum.packets += counter_read(&traffic->packets);
        sum.bytes += counter_read(&traffic->bytes);
    }
    return sum;
}

/* What was given back and waits for the workers is free. Waits with it, but not where nothing does: a full table is no
 * reason to stand still at each attempt. */
static void reclaim(struct dp *dp)
{
    if (rcu_reclaim(dp->rcu) > 0) {
        rcu_synchronize(dp->rcu);
    }
}

int dp_adjacency_create(struct dp *dp, const struct rewrite *rewrite)
{
    int id = adjacency_alloc(dp->adjacencies, rewrite);

    if (id == -ENOSPC) {
        reclaim(dp);
        id = adjacency_alloc(dp->adjacencies, rewrite);
    }
    if (id > 0) {
        dp->adjacency_base[id] = counted(dp, (uint16_t)id);
    }
    return id;
}

int dp_adjacency_set(struct dp *dp, uint16_t id, const struct rewrite *rewrite)
{
    return adjacency_set_rewrite(dp->adjacencies, id, rewrite);
}

void dp_adjacency_set_state(struct dp *dp, uint16_t id, enum adjacency_source source, enum adjacency_health health)
{
    adjacency_set_state(&adjacency_array(dp->adjacencies)[id], source, health);
}

uint32_t dp_adjacency_state(const struct dp *dp, uint16_t id)
{
    return adjacency_state(&adjacency_array(dp->adjacencies)[id]);
}

uint64_t dp_packets_to(const void *dp, uint16_t id)
{
    return counted(dp, id).packets - ((const struct dp *)dp)->adjacency_base[id].packets;
}

void dp_takeover_arm(struct dp *dp, uint16_t dead)
{
    takeover_arm(&dp->takeovers, dead);
}

bool dp_takeover(struct dp *dp, uint16_t dead, bool end, struct takeover *out)
{
    return takeover_take(&dp->takeovers, dead, end, out);
}

uint64_t dp_clock(const struct dp *dp)
{
    (void)dp;
    return rte_rdtsc();
}

uint64_t dp_clock_hz(const struct dp *dp)
{
    (void)dp;
    return rte_get_tsc_hz();
}

int dp_bfd_add(struct dp *dp, const struct bfd_spec *spec)
{
    return bfd_add(dp->bfd, spec);
}

void dp_bfd_del(struct dp *dp, uint32_t id)
{
    bfd_del(dp->bfd, id);
}

void dp_bfd_hold(struct dp *dp, uint32_t id, bool hold)
{
    bfd_hold(dp->bfd, id, hold);
}

void dp_bfd_status(const struct dp *dp, uint32_t id, struct bfd_status *out)
{
    bfd_status(dp->bfd, id, out);
}

uint32_t dp_bfd_discriminator(const struct dp *dp, uint32_t id)
{
    return bfd_discriminator(dp->bfd, id);
}

bool dp_bfd_event(struct dp *dp, struct bfd_event *out)
{
    return bfd_event(dp->bfd, out);
}

void dp_adjacency_destroy(struct dp *dp, uint16_t id)
{
    adjacency_free(dp->adjacencies, id);
}

struct traffic dp_adjacency_traffic(const struct dp *dp, uint16_t id)
{
    struct traffic sum = counted(dp, id);

    sum.packets -= dp->adjacency_base[id].packets;
    sum.bytes -= dp->adjacency_base[id].bytes;
    return sum;
}

int dp_path_list_create(struct dp *dp, const struct path_list_spec *spec)
{
    int id = path_list_create(dp->path_lists, spec);

    if (id == -ENOSPC) {
        reclaim(dp);
        id = path_list_create(dp->path_lists, spec);
    }
    dp->path_list_writes += id >= 0;
    return id;
}

void dp_path_list_destroy(struct dp *dp, uint32_t id)
{
    fib4_publish(dp->fib4); /* its prefixes have others now, which may be held back */
    path_list_destroy(dp->path_lists, id);
}

static int route_set(struct dp *dp, const struct prefix *prefix, uint32_t path_list)
{
    if (prefix->addr.family == FAMILY_V4) {
        return fib4_set(dp->fib4, ip_addr_to_u32(&prefix->addr), prefix->length, path_list);
    }
    return fib6_set(dp->fib6, prefix->addr.bytes, prefix->length, path_list);
}

int dp_route_set(struct dp *dp, const struct prefix *prefix, uint32_t path_list)
{
    int result = route_set(dp, prefix, path_list);

    if (result == -ENOSPC) {
        reclaim(dp);
        result = route_set(dp, prefix, path_list);
    }
    dp->route_writes += result == 0;
    return result;
}

void dp_routes_hold(struct dp *dp, bool hold)
{
    fib4_hold(dp->fib4, hold);
}

int dp_route_del(struct dp *dp, const struct prefix *prefix)
{
    int result = prefix->addr.family == FAMILY_V4 ? fib4_del(dp->fib4, ip_addr_to_u32(&prefix->addr), prefix->length)
                                                  : fib6_del(dp->fib6, prefix->addr.bytes, prefix->length);

    dp->route_writes += result == 0;
    return result;
}

int dp_route_lookup(const struct dp *dp, const struct ip_addr *addr, struct prefix *prefix, uint32_t *path_list)
{
    unsigned int length;
    int result;

    if (addr->family == FAMILY_V4) {
        result = fib4_match(dp->fib4, ip_addr_to_u32(addr), &length, path_list);
    } else {
        result = fib6_match(dp->fib6, addr->bytes, &length, path_list);
    }
    if (result == 0) {
        *prefix = prefix_of(addr, length);
    }
    return result;
}

bool dp_request(struct dp *dp, struct request *out)
{
    for (unsigned int i = 0; i < dp->worker_count; i++) {
        if (request_take(dp->workers[i]->pipe.requests, out)) {
            return true;
        }
    }
    return false;
}
