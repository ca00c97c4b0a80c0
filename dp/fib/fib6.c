/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib.h"
#include "fib_isa.h"
#include <stdlib.h>

struct fib6 {
    struct fib fib; /* first: fib6_prefetch() */
    fib6_lookup_fn *lookup;
};

void fib6_lookup(const struct fib6 *fib, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
{
    const struct fib6_table *table = (const struct fib6_table *)fib_table_now(&fib->fib);

    for (unsigned int done = 0; done < n; done += FIB_BURST) {
        fib->lookup(table, dst + done, out + done, n - done < FIB_BURST ? n - done : FIB_BURST);
    }
}

struct fib6 *fib6_create(const struct fib_config *config)
{
    static fib6_lookup_fn *const lookups[] = {
        [FIB_ISA_PORTABLE] = fib6_lookup_portable,
        [FIB_ISA_AVX] = fib6_lookup_portable,
#if defined(__x86_64__)
        [FIB_ISA_AVX512] = fib6_lookup_avx512,
#endif
    };
    struct fib6 *fib = calloc(1, sizeof(*fib));

    if (fib == NULL || fib_init(&fib->fib, &fib6_family, config) != 0) {
        free(fib);
        return NULL;
    }
    fib->lookup = lookups[fib->fib.isa];
    return fib;
}

void fib6_destroy(struct fib6 *fib)
{
    if (fib != NULL) {
        fib_fini(&fib->fib);
        free(fib);
    }
}

int fib6_set(struct fib6 *fib, const uint8_t addr[16], unsigned int length, uint32_t value)
{
    return fib_set(&fib->fib, fib6_key_of(addr), length, value);
}

int fib6_del(struct fib6 *fib, const uint8_t addr[16], unsigned int length)
{
    return fib_del(&fib->fib, fib6_key_of(addr), length);
}

static struct trie_item route_at(const void *routes, size_t i)
{
    const struct fib6_route *route = (const struct fib6_route *)routes + i;

    return (struct trie_item){.key = fib6_key_of(route->addr), .length = route->length, .value = route->value};
}

int fib6_load(struct fib6 *fib, const struct fib6_route *routes, size_t count)
{
    return fib_load(&fib->fib, route_at, routes, count);
}

int fib6_match(const struct fib6 *fib, const uint8_t addr[16], unsigned int *length, uint32_t *value)
{
    return fib_match(&fib->fib, fib6_key_of(addr), length, value);
}

void fib6_stats(const struct fib6 *fib, struct fib_stats *out)
{
    fib_stats_get(&fib->fib, out);
}
