/* SPDX-License-Identifier: BSD-3-Clause */
#include "subject.h"
#include <errno.h>
#include <stdlib.h>

static uint32_t to_v4(oracle_key key)
{
    return (uint32_t)(key >> 96);
}

static void to_v6(oracle_key key, uint8_t out[16])
{
    for (unsigned int i = 0; i < 16; i++) {
        out[i] = (uint8_t)(key >> (120 - 8 * i));
    }
}

static void *v4_create(const struct fib_config *config)
{
    return fib4_create(config);
}

static void v4_destroy(void *fib)
{
    fib4_destroy(fib);
}

static int v4_set(void *fib, oracle_key key, unsigned int length, uint32_t value)
{
    return fib4_set(fib, to_v4(key), length, value);
}

static int v4_del(void *fib, oracle_key key, unsigned int length)
{
    return fib4_del(fib, to_v4(key), length);
}

static void v4_hold(void *fib, bool hold)
{
    fib4_hold(fib, hold);
}

static int v4_load(void *fib, const struct oracle_route *routes, size_t count)
{
    struct fib4_route *own = calloc(count + 1, sizeof(*own));
    int rc = -ENOMEM;

    if (own != NULL) {
        for (size_t i = 0; i < count; i++) {
            own[i] = (struct fib4_route){to_v4(routes[i].key), routes[i].length, routes[i].value};
        }
        rc = fib4_load(fib, own, count);
    }
    free(own);
    return rc;
}

static int v4_match(const void *fib, oracle_key key, unsigned int *length, uint32_t *value)
{
    return fib4_match(fib, to_v4(key), length, value);
}

static void v4_lookup(const void *fib, const oracle_key *keys, uint32_t *out, unsigned int n)
{
    uint32_t dst[SUBJECT_BULK];

    for (unsigned int i = 0; i < n; i++) {
        dst[i] = to_v4(keys[i]);
        fib4_prefetch(fib, dst[i]);
    }
    fib4_lookup(fib, dst, out, n);
}

static void v4_stats(const void *fib, struct fib_stats *out)
{
    fib4_stats(fib, out);
}

static void *v6_create(const struct fib_config *config)
{
    return fib6_create(config);
}

static void v6_destroy(void *fib)
{
    fib6_destroy(fib);
}

static int v6_set(void *fib, oracle_key key, unsigned int length, uint32_t value)
{
    uint8_t addr[16];

    to_v6(key, addr);
    return fib6_set(fib, addr, length, value);
}

static int v6_del(void *fib, oracle_key key, unsigned int length)
{
    uint8_t addr[16];

    to_v6(key, addr);
    return fib6_del(fib, addr, length);
}

static int v6_load(void *fib, const struct oracle_route *routes, size_t count)
{
    struct fib6_route *own = calloc(count + 1, sizeof(*own));
    int rc = -ENOMEM;

    if (own != NULL) {
        for (size_t i = 0; i < count; i++) {
            own[i] = (struct fib6_route){.length = routes[i].length, .value = routes[i].value};
            to_v6(routes[i].key, own[i].addr);
        }
        rc = fib6_load(fib, own, count);
    }
    free(own);
    return rc;
}

static int v6_match(const void *fib, oracle_key key, unsigned int *length, uint32_t *value)
{
    uint8_t addr[16];

    to_v6(key, addr);
    return fib6_match(fib, addr, length, value);
}

static void v6_lookup(const void *fib, const oracle_key *keys, uint32_t *out, unsigned int n)
{
    uint8_t dst[SUBJECT_BULK][16];

    for (unsigned int i = 0; i < n; i++) {
        to_v6(keys[i], dst[i]);
        fib6_prefetch(fib, dst[i]);
    }
    fib6_lookup(fib, (const uint8_t(*)[16])dst, out, n);
}

static void v6_stats(const void *fib, struct fib_stats *out)
{
    fib6_stats(fib, out);
}

const struct subject subject_v4 = {
    .name = "fib4",
    .bits = 32,
    .create = v4_create,
    .destroy = v4_destroy,
    .set = v4_set,
    .del = v4_del,
    .hold = v4_hold,
    .load = v4_load,
    .match = v4_match,
    .lookup = v4_lookup,
    .stats = v4_stats,
};

const struct subject subject_v6 = {
    .name = "fib6",
    .bits = 128,
    .create = v6_create,
    .destroy = v6_destroy,
    .set = v6_set,
    .del = v6_del,
    .load = v6_load,
    .match = v6_match,
    .lookup = v6_lookup,
    .stats = v6_stats,
};
