/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib.h"
#include "fib_isa.h"
#include <stdlib.h>

struct fib4 {
    struct fib fib; /* first: fib4_prefetch() */
    fib4_lookup_fn *lookup;
};

void fib4_lookup(const struct fib4 *fib, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    const struct fib4_table *table = (const struct fib4_table *)fib_table_now(&fib->fib);

    for (unsigned int done = 0; done < n; done += FIB_BURST) {
        fib->lookup(table, dst + done, out + done, n - done < FIB_BURST ? n - done : FIB_BURST);
    }
}

struct fib4 *fib4_create(const struct fib_config *config)
{
    static fib4_lookup_fn *const lookups[] = {
        [FIB_ISA_PORTABLE] = fib4_lookup_portable,
        [FIB_ISA_AVX] = fib4_lookup_avx,
#if defined(__x86_64__)
        [FIB_ISA_AVX512] = fib4_lookup_avx512,
#endif
    };
    struct fib4 *fib = calloc(1, sizeof(*fib));

    if (fib == NULL || fib_init(&fib->fib, &fib4_family, config) != 0) {
        free(fib);
        return NULL;
    }
    fib->lookup = lookups[fib->fib.isa];
    return fib;
}

void fib4_destroy(struct fib4 *fib)
{
    if (fib != NULL) {
        fib_fini(&fib->fib);
        free(fib);
    }
}

static trie_key key_of(uint32_t addr)
{
    return (trie_key)addr << (TRIE_KEY_BITS - 32);
}

int fib4_set(struct fib4 *fib, uint32_t addr, unsigned int length, uint32_t value)
{
    return fib_set(&fib->fib, key_of(addr), length, value);
}

int fib4_del(struct fib4 *fib, uint32_t addr, unsigned int length)
{
    return fib_del(&fib->fib, key_of(addr), length);
}

void fib4_hold(struct fib4 *fib, bool hold)
{
    fib_hold(&fib->fib, hold);
}

void fib4_publish(struct fib4 *fib)
{
    fib_publish(&fib->fib);
}

static struct trie_item route_at(const void *routes, size_t i)
{
    const struct fib4_route *route = (const struct fib4_route *)routes + i;

    return (struct trie_item){.key = key_of(route->addr), .length = route->length, .value = route->value};
}

int fib4_load(struct fib4 *fib, const struct fib4_route *routes, size_t count)
{
    return fib_load(&fib->fib, route_at, routes, count);
}

int fib4_match(const struct fib4 *fib, uint32_t addr, unsigned int *length, uint32_t *value)
{
    return fib_match(&fib->fib, key_of(addr), length, value);
}

void fib4_stats(const struct fib4 *fib, struct fib_stats *out)
{
    fib_stats_get(&fib->fib, out);
}
