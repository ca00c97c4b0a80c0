/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib.h"
#include "fib6_table.h"
#include <stdlib.h>
#include <string.h>

#define BURST 64

struct fib6 {
    struct fib fib; /* first: fib6_prefetch() */
    void (*lookup)(const struct fib6_table *table, const uint8_t (*dst)[16], uint32_t *out, unsigned int n);
};

static uint64_t half_at(const uint8_t *bytes)
{
    uint64_t be;

    memcpy(&be, bytes, sizeof(be));
    return __builtin_bswap64(be);
}

static trie_key key_of(const uint8_t addr[16])
{
    return (trie_key)half_at(addr) << 64 | half_at(addr + 8);
}

/* By the windows behind the bucket's own, when that was not enough. */
static uint32_t lookup_deeper(const struct fib6_table *table, const uint8_t *dst, struct fib6_leaf *leaf,
                              uint32_t segment)
{
    unsigned int window = fib6_bucket_of(half_at(dst)).length;
    trie_key key = key_of(dst);

    while (leaf->value[segment] == TRIE_DEEPER) {
        uint32_t entry = atomic_load_explicit(fib6_leaf_deeper(leaf, segment), memory_order_acquire);

        window += FIB6_WINDOW;
        leaf = fib6_tree_find(&table->trees, entry, fib6_cell(key, window), &segment);
    }
    return leaf->value[segment];
}

static void lookup_portable(const struct fib6_table *table, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
{
    uint32_t if_none = atomic_load_explicit(&table->base.default_value, memory_order_relaxed);
    const _Atomic uint32_t *words[BURST];
    uint32_t entries[BURST];
    uint32_t cells[BURST];

    for (unsigned int i = 0; i < n; i++) {
        uint64_t high = half_at(dst[i]);
        struct fib6_bucket bucket = fib6_bucket_of(high);
        uint32_t entry = atomic_load_explicit(&table->root[bucket.index], memory_order_acquire);

        cells[i] = (uint32_t)(high >> (64 - FIB6_WINDOW - bucket.length));
        words[i] = fib6_table_at(&table->trees, entry) + ((uint64_t)cells[i] << fib6_entry_high(entry) >> FIB6_WINDOW);
        __builtin_prefetch((const void *)words[i]);
    }
    for (unsigned int i = 0; i < n; i++) {
        entries[i] = atomic_load_explicit(words[i], memory_order_acquire);
        __builtin_prefetch(fib6_node_at(&table->trees, fib6_entry_index(entries[i])));
    }
    for (unsigned int i = 0; i < n; i++) {
        uint32_t segment;
        struct fib6_leaf *leaf = fib6_tree_find(&table->trees, entries[i], cells[i], &segment);
        uint32_t value = leaf->value[segment];

        if (__builtin_expect(value == TRIE_DEEPER, 0)) {
            value = lookup_deeper(table, dst[i], leaf, segment);
        }
        out[i] = value != FIB_NO_ROUTE ? value : if_none;
    }
}

void fib6_lookup(const struct fib6 *fib, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
{
    const struct fib6_table *table = (const struct fib6_table *)fib_table_now(&fib->fib);

    for (unsigned int done = 0; done < n; done += BURST) {
        fib->lookup(table, dst + done, out + done, n - done < BURST ? n - done : BURST);
    }
}

struct fib6 *fib6_create(const struct fib_config *config)
{
    struct fib6 *fib = calloc(1, sizeof(*fib));

    if (fib == NULL || fib_init(&fib->fib, &fib6_family, config) != 0) {
        free(fib);
        return NULL;
    }
    fib->lookup = lookup_portable; /* where the fastest way that this CPU knows is to be chosen */
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
    return fib_set(&fib->fib, key_of(addr), length, value);
}

int fib6_del(struct fib6 *fib, const uint8_t addr[16], unsigned int length)
{
    return fib_del(&fib->fib, key_of(addr), length);
}

static struct trie_item route_at(const void *routes, size_t i)
{
    const struct fib6_route *route = (const struct fib6_route *)routes + i;

    return (struct trie_item){.key = key_of(route->addr), .length = route->length, .value = route->value};
}

int fib6_load(struct fib6 *fib, const struct fib6_route *routes, size_t count)
{
    return fib_load(&fib->fib, route_at, routes, count);
}

int fib6_match(const struct fib6 *fib, const uint8_t addr[16], unsigned int *length, uint32_t *value)
{
    return fib_match(&fib->fib, key_of(addr), length, value);
}

void fib6_stats(const struct fib6 *fib, struct fib_stats *out)
{
    fib_stats_get(&fib->fib, out);
}
