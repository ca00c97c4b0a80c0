/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of members for the tests of rows and path lists. */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "hash.h"
#include "path_list.h"
#include <stdio.h>

#define MEMBERS_MAX 16

/* A spec and the arrays that it points into. */
struct members {
    struct path paths[MEMBERS_MAX];
    uint16_t tiers[MEMBERS_MAX];
    struct path_list_spec spec;
};

/* Member number i of any list: adjacency i + 1, and a name of its own. */
static inline struct path member(unsigned int i, uint16_t weight)
{
    char name[16];
    int n = snprintf(name, sizeof(name), "instance%u", i);

    return (struct path){.adjacency = (uint16_t)(i + 1), .weight = weight, .hash = hash_bytes(name, (size_t)n, 0)};
}

/* Tiers of these sizes, ended by a zero; members numbered through, all of weight 100. */
static inline const struct path_list_spec *members_of_tiers(struct members *members, const uint16_t *tiers)
{
    unsigned int n = 0;
    unsigned int t = 0;

    for (; tiers[t] != 0; t++) {
        members->tiers[t] = tiers[t];
        for (unsigned int i = 0; i < tiers[t]; i++, n++) {
            members->paths[n] = member(n, 100);
        }
    }
    members->spec = (struct path_list_spec){members->paths, members->tiers, t, HASH_PORTS, false};
    return &members->spec;
}

/* One tier with these weights, ended by a zero. */
static inline const struct path_list_spec *members_of_weights(struct members *members, const uint16_t *weights)
{
    unsigned int n = 0;

    for (; weights[n] != 0; n++) {
        members->paths[n] = member(n, weights[n]);
    }
    members->tiers[0] = (uint16_t)n;
    members->spec = (struct path_list_spec){members->paths, members->tiers, 1, HASH_PORTS, false};
    return &members->spec;
}

#endif
