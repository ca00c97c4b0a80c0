/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_lpm and rte_fib (DIR24-8). */
#include "engine.h"
#include <rte_fib.h>
#include <rte_lpm.h>

#define GROUP_LEAVES 256

static uint32_t to_v4(table_key key)
{
    return (uint32_t)(key >> 96);
}

/* Twice as many as needed, for what changes. */
static uint32_t groups_reserved(const struct table_route *routes, size_t count)
{
    return (uint32_t)engine_groups(routes, count, 24) * 2 + GROUP_LEAVES;
}

static double dir24_8_bytes(const struct table_route *routes, size_t count, unsigned int hop_bytes)
{
    return (double)((1u << 24) + engine_groups(routes, count, 24) * GROUP_LEAVES) * hop_bytes;
}

/* ---- rte_lpm */

static void *lpm_create(const struct engine *engine, const struct table_route *routes, size_t count)
{
    struct rte_lpm_config config = {.max_rules = (uint32_t)count, .number_tbl8s = groups_reserved(routes, count)};

    return engine_fill(engine, rte_lpm_create(engine_name(), SOCKET_ID_ANY, &config), routes, count);
}

static void lpm_destroy(void *fib)
{
    rte_lpm_free(fib);
}

/* As l3fwd does it: four at a time. */
static void lpm_lookup(void *fib, const void *dst, void *hops, unsigned int n)
{
    const uint32_t *addresses = dst;
    uint32_t *out = hops;

    for (unsigned int i = 0; i < n; i += 4) {
        rte_lpm_lookupx4(fib, _mm_loadu_si128((const __m128i *)(addresses + i)), out + i, 0);
    }
}

static int lpm_set(void *fib, const struct table_route *route)
{
    return rte_lpm_add(fib, to_v4(route->key), (uint8_t)route->length, route->value);
}

static double lpm_bytes(const struct engine *engine, const void *fib, const struct table_route *routes, size_t count)
{
    (void)engine;
    (void)fib;
    return dir24_8_bytes(routes, count, 4);
}

const struct engine_functions rte_lpm_functions = {
    .create = lpm_create,
    .destroy = lpm_destroy,
    .lookup = lpm_lookup,
    .set = lpm_set,
    .bytes = lpm_bytes,
};

/* ---- rte_fib */

static void *fib_create(const struct engine *engine, const struct table_route *routes, size_t count)
{
    struct rte_fib_conf config = {
        .type = RTE_FIB_DIR24_8,
        .max_routes = (int)count,
        .dir24_8 = {.nh_sz = engine->size, .num_tbl8 = groups_reserved(routes, count)},
    };

    return engine_fill(engine, rte_fib_create(engine_name(), SOCKET_ID_ANY, &config), routes, count);
}

static void fib_destroy(void *fib)
{
    rte_fib_free(fib);
}

static int fib_select(const struct engine *engine, void *fib)
{
    return rte_fib_select_lookup(fib, engine->type);
}

static void fib_lookup(void *fib, const void *dst, void *hops, unsigned int n)
{
    (void)rte_fib_lookup_bulk(fib, (uint32_t *)(uintptr_t)dst, hops, (int)n);
}

static int fib_set(void *fib, const struct table_route *route)
{
    return rte_fib_add(fib, to_v4(route->key), (uint8_t)route->length, route->value);
}

static int fib_del(void *fib, const struct table_route *route)
{
    return rte_fib_delete(fib, to_v4(route->key), (uint8_t)route->length);
}

static double fib_bytes(const struct engine *engine, const void *fib, const struct table_route *routes, size_t count)
{
    (void)fib;
    return dir24_8_bytes(routes, count, 1u << engine->size);
}

const struct engine_functions rte_fib_functions = {
    .create = fib_create,
    .destroy = fib_destroy,
    .select = fib_select,
    .lookup = fib_lookup,
    .set = fib_set,
    .del = fib_del,
    .bytes = fib_bytes,
};
