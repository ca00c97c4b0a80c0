/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_lpm6 and rte_fib6 (TRIE): both step by bytes behind the first three. */
#include "engine.h"
#include <rte_fib6.h>
#include <rte_lpm6.h>
#include <rte_memory.h>

#define GROUP_LEAVES 256

/* rte_lpm6: as many as there are. */
static uint32_t groups_used(const struct table_route *routes, size_t count)
{
    size_t sum = 0;

    for (unsigned int length = 24; length < 128; length += 8) {
        sum += engine_groups(routes, count, length);
    }
    return (uint32_t)sum;
}

/* rte_fib6 refuses a route unless there are enough for all routes if no two shared one. */
static uint32_t groups_demanded(const struct table_route *routes, size_t count)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += routes[i].length > 24 ? (routes[i].length - 24 + 7) / 8 : 0;
    }
    return sum;
}

static double table_bytes(size_t groups, unsigned int hop_bytes)
{
    return (double)((1u << 24) + groups * GROUP_LEAVES) * hop_bytes;
}

/* ---- rte_lpm6 */

static void *lpm6_create(const struct engine *engine, const struct table_route *routes, size_t count)
{
    struct rte_lpm6_config config = {.max_rules = (uint32_t)count, .number_tbl8s = groups_used(routes, count) + 1};

    return engine_fill(engine, rte_lpm6_create(engine_name(), SOCKET_ID_ANY, &config), routes, count);
}

static void lpm6_destroy(void *fib)
{
    rte_lpm6_free(fib);
}

static void lpm6_lookup(void *fib, const void *dst, void *hops, unsigned int n)
{
    (void)rte_lpm6_lookup_bulk_func(fib, (uint8_t(*)[16])(uintptr_t)dst, hops, n);
}

static int lpm6_set(void *fib, const struct table_route *route)
{
    uint8_t addr[16];

    engine_to_v6(route->key, addr);
    return rte_lpm6_add(fib, addr, (uint8_t)route->length, route->value);
}

static double lpm6_bytes(const struct engine *engine, const void *fib, const struct table_route *routes, size_t count)
{
    (void)engine;
    (void)fib;
    return table_bytes(groups_used(routes, count), 4);
}

const struct engine_functions rte_lpm6_functions = {
    .create = lpm6_create,
    .destroy = lpm6_destroy,
    .lookup = lpm6_lookup,
    .set = lpm6_set,
    .bytes = lpm6_bytes,
};

/* ---- rte_fib6 */

/* A 2-byte entry has 15 bits for the number of a group. */
static uint32_t fib6_groups_reserved(const struct engine *engine, const struct table_route *routes, size_t count)
{
    uint32_t wanted = groups_demanded(routes, count) + 1;

    return engine->size == RTE_FIB6_TRIE_2B && wanted > INT16_MAX ? INT16_MAX : wanted;
}

static void *fib6_create(const struct engine *engine, const struct table_route *routes, size_t count)
{
    struct rte_fib6_conf config = {
        .type = RTE_FIB6_TRIE,
        .max_routes = (int)count,
        .trie = {.nh_sz = engine->size, .num_tbl8 = fib6_groups_reserved(engine, routes, count)},
    };

    return engine_fill(engine, rte_fib6_create(engine_name(), SOCKET_ID_ANY, &config), routes, count);
}

static void fib6_destroy(void *fib)
{
    rte_fib6_free(fib);
}

static int fib6_select(const struct engine *engine, void *fib)
{
    return rte_fib6_select_lookup(fib, engine->type);
}

static void fib6_bulk(void *fib, const void *dst, void *hops, unsigned int n)
{
    (void)rte_fib6_lookup_bulk(fib, (uint8_t(*)[16])(uintptr_t)dst, hops, (int)n);
}

static int fib6_add(void *fib, const struct table_route *route)
{
    uint8_t addr[16];

    engine_to_v6(route->key, addr);
    return rte_fib6_add(fib, addr, (uint8_t)route->length, route->value);
}

static int fib6_delete(void *fib, const struct table_route *route)
{
    uint8_t addr[16];

    engine_to_v6(route->key, addr);
    return rte_fib6_delete(fib, addr, (uint8_t)route->length);
}

static double fib6_bytes(const struct engine *engine, const void *fib, const struct table_route *routes, size_t count)
{
    (void)fib;
    return table_bytes(fib6_groups_reserved(engine, routes, count), 1u << engine->size);
}

const struct engine_functions rte_fib6_functions = {
    .create = fib6_create,
    .destroy = fib6_destroy,
    .select = fib6_select,
    .lookup = fib6_bulk,
    .set = fib6_add,
    .del = fib6_delete,
    .bytes = fib6_bytes,
};
