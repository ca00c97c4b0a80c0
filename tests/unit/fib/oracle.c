/* SPDX-License-Identifier: BSD-3-Clause */
#include "oracle.h"
#include <errno.h>

static struct oracle_route *find(struct oracle *oracle, oracle_key key, unsigned int length)
{
    for (size_t i = 0; i < oracle->count; i++) {
        if (oracle->routes[i].length == length && oracle->routes[i].key == key) {
            return &oracle->routes[i];
        }
    }
    return NULL;
}

int oracle_set(struct oracle *oracle, oracle_key key, unsigned int length, uint32_t value)
{
    struct oracle_route *route = find(oracle, key, length);

    if (route == NULL) {
        if (oracle->count == ORACLE_MAX) {
            return -ENOSPC;
        }
        route = &oracle->routes[oracle->count++];
    }
    *route = (struct oracle_route){key, length, value};
    return 0;
}

int oracle_del(struct oracle *oracle, oracle_key key, unsigned int length)
{
    struct oracle_route *route = find(oracle, key, length);

    if (route == NULL) {
        return -ENOENT;
    }
    *route = oracle->routes[--oracle->count];
    return 0;
}

const struct oracle_route *oracle_match(const struct oracle *oracle, oracle_key key)
{
    const struct oracle_route *best = NULL;

    for (size_t i = 0; i < oracle->count; i++) {
        const struct oracle_route *route = &oracle->routes[i];

        if (((route->key ^ key) & oracle_mask(route->length)) == 0 && (best == NULL || route->length > best->length)) {
            best = route;
        }
    }
    return best;
}
