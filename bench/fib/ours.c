/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine.h"
#include "fib.h"
#include <stdio.h>
#include <stdlib.h>

/* Without a reader online, changes wait for nobody: lookups are in the same thread. */
struct rcu *ours_rcu(void)
{
    static struct rcu *rcu;

    if (rcu == NULL) {
        rcu = rcu_create(1);
    }
    return rcu;
}

static uint32_t to_v4(table_key key)
{
    return (uint32_t)(key >> 96);
}

static void *create_v4(const struct engine *engine, const struct table_route *routes, size_t count)
{
    struct fib4 *fib = fib4_create(&(struct fib_config){.rcu = ours_rcu(), .isa = engine->type});
    struct fib4_route *own = calloc(count, sizeof(*own));

    for (size_t i = 0; i < count; i++) {
        own[i] = (struct fib4_route){to_v4(routes[i].key), routes[i].length, routes[i].value};
    }
    if (fib == NULL || fib4_load(fib, own, count) != 0) {
        fprintf(stderr, "%s: cannot be loaded\n", engine->name);
        fib4_destroy(fib);
        fib = NULL;
    }
    free(own);
    return fib;
}

static void destroy_v4(void *fib)
{
    fib4_destroy(fib);
}

static void lookup_v4(void *fib, const void *dst, void *hops, unsigned int n)
{
    fib4_lookup(fib, dst, hops, n);
}

static int set_v4(void *fib, const struct table_route *route)
{
    return fib4_set(fib, to_v4(route->key), route->length, route->value);
}

static int del_v4(void *fib, const struct table_route *route)
{
    return fib4_del(fib, to_v4(route->key), route->length);
}

static double bytes_v4(const struct engine *engine, const void *fib, const struct table_route *routes, size_t count)
{
    struct fib_stats stats;

    (void)engine;
    (void)routes;
    (void)count;
    fib4_stats(fib, &stats);
    return (double)stats.bytes;
}

static void *create_v6(const struct engine *engine, const struct table_route *routes, size_t count)
{
    struct fib6 *fib = fib6_create(&(struct fib_config){.rcu = ours_rcu(), .isa = engine->type});
    struct fib6_route *own = calloc(count, sizeof(*own));

    for (size_t i = 0; i < count; i++) {
        own[i] = (struct fib6_route){.length = routes[i].length, .value = routes[i].value};
        engine_to_v6(routes[i].key, own[i].addr);
    }
    if (fib == NULL || fib6_load(fib, own, count) != 0) {
        fprintf(stderr, "%s: cannot be loaded\n", engine->name);
        fib6_destroy(fib);
        fib = NULL;
    }
    free(own);
    return fib;
}

static void destroy_v6(void *fib)
{
    fib6_destroy(fib);
}

static void lookup_v6(void *fib, const void *dst, void *hops, unsigned int n)
{
    fib6_lookup(fib, dst, hops, n);
}

static int set_v6(void *fib, const struct table_route *route)
{
    uint8_t addr[16];

    engine_to_v6(route->key, addr);
    return fib6_set(fib, addr, route->length, route->value);
}

static int del_v6(void *fib, const struct table_route *route)
{
    uint8_t addr[16];

    engine_to_v6(route->key, addr);
    return fib6_del(fib, addr, route->length);
}

static double bytes_v6(const struct engine *engine, const void *fib, const struct table_route *routes, size_t count)
{
    struct fib_stats stats;

    (void)engine;
    (void)routes;
    (void)count;
    fib6_stats(fib, &stats);
    return (double)stats.bytes;
}

const struct engine_functions fib4_functions = {
    .create = create_v4,
    .destroy = destroy_v4,
    .lookup = lookup_v4,
    .set = set_v4,
    .del = del_v4,
    .bytes = bytes_v4,
};

const struct engine_functions fib6_functions = {
    .create = create_v6,
    .destroy = destroy_v6,
    .lookup = lookup_v6,
    .set = set_v6,
    .del = del_v6,
    .bytes = bytes_v6,
};
