/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib.h"
#include "fib4_table.h"
#include <stdlib.h>

#define BURST 64

struct fib4 {
    struct fib fib; /* first: fib4_prefetch() */
    void (*lookup)(const struct fib4_table *table, const uint32_t *dst, uint32_t *out, unsigned int n);
};

static inline void burst_lookup(const struct fib4_table *table, const uint32_t *dst, uint32_t *out, unsigned int n,
                                bool whole)
{
    uint32_t if_none = atomic_load_explicit(&table->base.default_value, memory_order_relaxed);
    const fib4_leaf *leaves[BURST];

    for (unsigned int i = 0; i < n; i++) {
        struct fib4_run run = fib4_record_load(fib4_record_of(table, dst[i]), whole);
        /* the changes up to and with this slot's */
        uint64_t changes = run.bitmap << (FIB4_SLOTS - 1 - fib4_slot_of(dst[i]));

        leaves[i] = fib4_leaf_at(table, run.base + (uint32_t)__builtin_popcountll(changes));
        __builtin_prefetch((const void *)leaves[i]);
    }
    for (unsigned int i = 0; i < n; i++) {
        uint32_t value = atomic_load_explicit(leaves[i], memory_order_acquire);

        if (__builtin_expect((value & TRIE_DEEPER) != 0, 0)) {
            value =
                atomic_load_explicit(fib4_group_at(table, value) + dst[i] % FIB4_GROUP_LEAVES, memory_order_relaxed);
        }
        out[i] = value != FIB_NO_ROUTE ? value : if_none;
    }
}

static void lookup_counted(const struct fib4_table *table, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    burst_lookup(table, dst, out, n, false);
}

#if FIB4_RECORD_WHOLE
/* Every CPU with AVX has popcnt, which plain x86-64 lacks. */
__attribute__((target("popcnt"))) static void lookup_whole(const struct fib4_table *table, const uint32_t *dst,
                                                           uint32_t *out, unsigned int n)
{
    burst_lookup(table, dst, out, n, true);
}
#endif

/* Where the fastest way that this CPU knows is chosen. */
static void lookup_choose(struct fib4 *fib)
{
    fib->lookup = lookup_counted;
#if FIB4_RECORD_WHOLE
    if (fib4_record_whole_works()) {
        fib->lookup = lookup_whole;
    }
#endif
}

void fib4_lookup(const struct fib4 *fib, const uint32_t *dst, uint32_t *out, unsigned int n)
{
    const struct fib4_table *table = (const struct fib4_table *)fib_table_now(&fib->fib);

    for (unsigned int done = 0; done < n; done += BURST) {
        fib->lookup(table, dst + done, out + done, n - done < BURST ? n - done : BURST);
    }
}

struct fib4 *fib4_create(const struct fib_config *config)
{
    struct fib4 *fib = calloc(1, sizeof(*fib));

    if (fib == NULL || fib_init(&fib->fib, &fib4_family, config) != 0) {
        free(fib);
        return NULL;
    }
    lookup_choose(fib);
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
