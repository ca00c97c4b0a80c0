/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine.h"
#include "attributes.h"
#include "fib.h"
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <stdio.h>
#include <stdlib.h>

/* rte_lpm searches its rules one by one for every route that comes in. */
#define LPM_MOST 200000

#define OURS(label, family_functions, isa)                                                                 \
    {                                                                                                      \
        .name = label, .functions = &(family_functions), .hop_bytes = 4, .type = (isa), .prefetches = true \
    }

/* rte_fib and rte_fib6 with next hops of so many bytes: scalar lookups, then vector ones on the same table. */
#define FIB_PAIR(label, family_functions, family_size, scalar, vector)                                          \
    {.name = label, .functions = &(family_functions), .hop_bytes = 8, .size = (family_size), .type = (scalar)}, \
    {                                                                                                           \
        .name = label " AVX-512", .functions = &(family_functions), .hop_bytes = 8, .size = (family_size),      \
        .type = (vector), .shares = true                                                                        \
    }
#define FIB4_PAIR(label, size) \
    FIB_PAIR(label, rte_fib_functions, size, RTE_FIB_LOOKUP_DIR24_8_SCALAR_MACRO, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512)
#define FIB6_PAIR(label, size) \
    FIB_PAIR(label, rte_fib6_functions, size, RTE_FIB6_LOOKUP_TRIE_SCALAR, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512)

static const struct engine list_v4[] = {
    OURS("anyfwd", fib4_functions, FIB_ISA_BEST),
    OURS("anyfwd portable", fib4_functions, FIB_ISA_PORTABLE),
    OURS("anyfwd AVX", fib4_functions, FIB_ISA_AVX),
    {.name = "rte_lpm", .functions = &rte_lpm_functions, .hop_bytes = 4, .most = LPM_MOST},
    FIB4_PAIR("rte_fib 2 B", RTE_FIB_DIR24_8_2B),
    FIB4_PAIR("rte_fib 4 B", RTE_FIB_DIR24_8_4B),
    FIB4_PAIR("rte_fib 8 B", RTE_FIB_DIR24_8_8B),
};

static const struct engine list_v6[] = {
    OURS("anyfwd", fib6_functions, FIB_ISA_BEST),
    OURS("anyfwd portable", fib6_functions, FIB_ISA_PORTABLE),
    {.name = "rte_lpm6", .functions = &rte_lpm6_functions, .hop_bytes = 4},
    FIB6_PAIR("rte_fib6 2 B", RTE_FIB6_TRIE_2B),
    FIB6_PAIR("rte_fib6 4 B", RTE_FIB6_TRIE_4B),
    FIB6_PAIR("rte_fib6 8 B", RTE_FIB6_TRIE_8B),
};

const struct engines engines_v4 = {32, 4, ARRAY_SIZE(list_v4), list_v4};
const struct engines engines_v6 = {128, 16, ARRAY_SIZE(list_v6), list_v6};

static int compare(const void *a, const void *b)
{
    const table_key *left = a;
    const table_key *right = b;

    return (*left > *right) - (*left < *right);
}

size_t engine_groups(const struct table_route *routes, size_t count, unsigned int length)
{
    table_key *keys = malloc((count + 1) * sizeof(*keys));
    size_t found = 0;
    size_t groups = 0;

    for (size_t i = 0; keys != NULL && i < count; i++) {
        if (routes[i].length > length) {
            keys[found++] = routes[i].key & table_mask(length);
        }
    }
    if (keys != NULL) {
        qsort(keys, found, sizeof(*keys), compare);
    }
    for (size_t i = 0; i < found; i++) {
        groups += i == 0 || keys[i] != keys[i - 1];
    }
    free(keys);
    return groups;
}

void engine_to_v6(table_key key, uint8_t out[16])
{
    for (unsigned int i = 0; i < 16; i++) {
        out[i] = (uint8_t)(key >> (120 - 8 * i));
    }
}

const char *engine_name(void)
{
    static char name[32];
    static unsigned int number;

    snprintf(name, sizeof(name), "bench-%u", number++);
    return name;
}

void *engine_fill(const struct engine *engine, void *fib, const struct table_route *routes, size_t count)
{
    if (fib == NULL) {
        fprintf(stderr, "%s: cannot be created: %s\n", engine->name, rte_strerror(rte_errno));
    }
    for (size_t i = 0; fib != NULL && i < count; i++) {
        int rc = engine->functions->set(fib, &routes[i]);

        if (rc != 0) {
            fprintf(stderr, "%s: refuses route %zu of %zu: %s\n", engine->name, i + 1, count, rte_strerror(-rc));
            engine->functions->destroy(fib);
            fib = NULL;
        }
    }
    return fib;
}
