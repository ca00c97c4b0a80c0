/* SPDX-License-Identifier: BSD-3-Clause */
#include "pattern.h"
#include <stdlib.h>
#include <string.h>

const char *const pattern_names[PATTERNS] = {
    [PATTERN_UNIFORM] = "uniform", [PATTERN_PREFIXES] = "prefixes", [PATTERN_ZIPF] = "Zipf",
    [PATTERN_FEW] = "4 prefixes",  [PATTERN_ONE] = "one prefix",
};

#define FEW 4

/* The nth route of /24 or /48. */
static const struct table_route *hot_route(const struct engines *engines, const struct table_route *routes,
                                           size_t count, uint64_t nth)
{
    unsigned int length = engines->bits == 32 ? 24 : 48;

    for (size_t i = 0; i < count; i++) {
        if (routes[i].length == length && nth-- == 0) {
            return &routes[i];
        }
    }
    return &routes[0];
}

static const struct table_route *any_route(enum pattern pattern, const struct engines *engines,
                                           const struct table_route *routes, size_t count, const double *zipf,
                                           uint64_t *state)
{
    static const struct table_route whole = {.length = 0};

    switch (pattern) {
    case PATTERN_PREFIXES:
        return &routes[table_random(state) % count];
    case PATTERN_ZIPF:
        return &routes[table_zipf(zipf, count, state)];
    case PATTERN_FEW:
        return hot_route(engines, routes, count, table_random(state) % FEW);
    case PATTERN_ONE:
        return hot_route(engines, routes, count, 0);
    default:
        return &whole;
    }
}

static void put(const struct engines *engines, void *addresses, size_t i, table_key key)
{
    if (engines->bits == 32) {
        ((uint32_t *)addresses)[i] = (uint32_t)(key >> 96);
    } else {
        engine_to_v6(key, (uint8_t *)addresses + i * 16);
    }
}

void *pattern_create(enum pattern pattern, const struct engines *engines, const struct table_route *routes,
                     size_t count, size_t n)
{
    void *addresses = malloc(n * engines->address_bytes);
    double *zipf = table_zipf_create(count);
    uint64_t state = pattern;

    if (addresses == NULL) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        const struct table_route *route = any_route(pattern, engines, routes, count, zipf, &state);
        table_key inside = (table_key)table_random(&state) << 64 | table_random(&state);

        put(engines, addresses, i, route->key | (inside & ~table_mask(route->length)));
    }
    free(zipf);
    return addresses;
}
