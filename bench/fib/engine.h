/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables that are compared, behind one face. Addresses are as the tables want them: uint32_t in host byte order or
 * 16 bytes in network byte order. A lookup gives next hops, hop_bytes each, 0 for none.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "full_table.h"
#include <stdbool.h>

struct engine;

/* A library's functions. */
struct engine_functions {
    /* Loads the routes. NULL: cannot; standard error says why. */
    void *(*create)(const struct engine *engine, const struct table_route *routes, size_t count);
    void (*destroy)(void *fib);
    /* Before lookups; -1: not by this CPU. NULL: there is nothing to select. */
    int (*select)(const struct engine *engine, void *fib);
    void (*lookup)(void *fib, const void *dst, void *hops, unsigned int n);
    /* 0, or it did not work. NULL: not measured. */
    int (*set)(void *fib, const struct table_route *route);
    int (*del)(void *fib, const struct table_route *route);
    /* What a table of these routes takes of memory, without what only the writer reads. */
    double (*bytes)(const struct engine *engine, const void *fib, const struct table_route *routes, size_t count);
};

struct engine {
    const char *name;
    const struct engine_functions *functions;
    unsigned int hop_bytes; /* 4 or 8 */
    int size;               /* of a stored next hop, as the library calls it */
    int type;               /* of the lookup, as the library calls it */
    bool shares;            /* the table of the engine before it, looked up in another way */
    bool prefetches;        /* fib4_prefetch() or fib6_prefetch(), as soon as a destination is known */
    size_t most;            /* routes, 0: any number; more take too long */
};

/* Of one family: ours first. */
struct engines {
    unsigned int bits;
    unsigned int address_bytes;
    unsigned int count;
    const struct engine *list;
};

#define ENGINES_MAX 16

extern const struct engines engines_v4;
extern const struct engines engines_v6;

extern const struct engine_functions fib4_functions;
extern const struct engine_functions fib6_functions;
extern const struct engine_functions rte_lpm_functions;
extern const struct engine_functions rte_fib_functions;
extern const struct engine_functions rte_lpm6_functions;
extern const struct engine_functions rte_fib6_functions;

/* Of all tables of ours; reader 0 is whoever is online. */
struct rcu *ours_rcu(void);

/* How many prefixes of this length hold longer routes: the groups of a table that goes deeper there. */
size_t engine_groups(const struct table_route *routes, size_t count, unsigned int length);

/* A name that no other table of the process has. */
const char *engine_name(void);
/* Sets the routes one by one. NULL: fib was, or a route was refused; then fib is destroyed. */
void *engine_fill(const struct engine *engine, void *fib, const struct table_route *routes, size_t count);

void engine_to_v6(table_key key, uint8_t out[16]);

#endif
