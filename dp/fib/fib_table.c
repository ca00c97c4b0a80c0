/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib_table.h"
#include "fib_isa.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static void table_destroy(const struct fib_family *family, struct fib_table *table)
{
    struct trie *trie = table->trie;

    family->destroy(table);
    trie_destroy(trie);
}

static struct fib_table *table_create(const struct fib *fib)
{
    struct trie *trie = trie_create(fib->max_routes);
    struct fib_table *table;

    if (trie == NULL) {
        return NULL;
    }
    table = fib->family->create(fib, trie);
    if (table == NULL) {
        trie_destroy(trie);
    }
    return table;
}

static struct fib_table *writer_table(const struct fib *fib)
{
    return atomic_load_explicit(&fib->table, memory_order_relaxed);
}

static void publish(struct fib *fib, struct fib_table *table)
{
    atomic_store_explicit(&fib->root.start, table->start, memory_order_relaxed);
    atomic_store_explicit(&fib->table, table, memory_order_release);
}

int fib_init(struct fib *fib, const struct fib_family *family, const struct fib_config *config)
{
    struct fib_table *table;

    fib->family = family;
    fib->rcu = config->rcu;
    fib->isa = fib_isa_choose(config->isa);
    fib->max_routes = config->max_routes != 0 ? config->max_routes : family->max_routes;
    table = table_create(fib);
    if (table == NULL) {
        return -ENOMEM;
    }
    publish(fib, table);
    return 0;
}

void fib_fini(struct fib *fib)
{
    /* what waits to be reclaimed belongs to the table */
    rcu_synchronize(fib->rcu);
    table_destroy(fib->family, writer_table(fib));
}

static bool prefix_valid(const struct fib *fib, trie_key key, unsigned int length)
{
    return length <= fib->family->bits && (key & ~trie_mask(length)) == 0;
}

static bool value_valid(uint32_t value)
{
    return value != FIB_NO_ROUTE && value <= FIB_VALUE_MAX;
}

static int refresh(const struct fib *fib, struct fib_table *table, trie_key key, unsigned int length)
{
    if (fib->held && fib->family->defer != NULL && fib->family->defer(table, key, length)) {
        return 0;
    }
    /* so that what is rebuilt often finds the memory it left */
    (void)rcu_reclaim(table->rcu);
    if (length > 0) {
        return fib->family->refresh(table, key, length);
    }
    atomic_store_explicit(&table->default_value, trie_get(table->trie, 0, 0), memory_order_relaxed);
    return 0;
}

/* The trie held this value before, so it has room for it. */
static void trie_restore(struct trie *trie, trie_key key, unsigned int length, uint32_t value)
{
    uint32_t unused;
    int rc = value != FIB_NO_ROUTE ? trie_set(trie, key, length, value, &unused) : trie_del(trie, key, length, &unused);

    assert(rc == 0);
    (void)rc;
}

int fib_set(struct fib *fib, trie_key key, unsigned int length, uint32_t value)
{
    struct fib_table *table = writer_table(fib);
    uint32_t old;
    int rc;

    if (!prefix_valid(fib, key, length) || !value_valid(value)) {
        return -EINVAL;
    }
    rc = trie_set(table->trie, key, length, value, &old);
    if (rc != 0 || old == value) {
        return rc;
    }
    rc = refresh(fib, table, key, length);
    if (rc != 0) {
        trie_restore(table->trie, key, length, old);
    }
    return rc;
}

int fib_del(struct fib *fib, trie_key key, unsigned int length)
{
    struct fib_table *table = writer_table(fib);
    uint32_t old;
    int rc;

    if (!prefix_valid(fib, key, length)) {
        return -EINVAL;
    }
    rc = trie_del(table->trie, key, length, &old);
    if (rc != 0) {
        return rc;
    }
    rc = refresh(fib, table, key, length);
    if (rc != 0) {
        trie_restore(table->trie, key, length, old);
    }
    return rc;
}

void fib_publish(struct fib *fib)
{
    if (fib->family->publish != NULL) {
        fib->family->publish(writer_table(fib));
    }
}

void fib_hold(struct fib *fib, bool hold)
{
    fib->held = hold;
    if (!hold) {
        fib_publish(fib);
    }
}

/* A route on its way into the trie. */
struct loaded {
    struct trie_item route;
    size_t position; /* among those given */
};

static int loaded_compare(const void *a, const void *b)
{
    const struct loaded *left = a;
    const struct loaded *right = b;

    if (left->route.key != right->route.key) {
        return left->route.key < right->route.key ? -1 : 1;
    }
    if (left->route.length != right->route.length) {
        return left->route.length < right->route.length ? -1 : 1;
    }
    return left->position < right->position ? -1 : 1;
}

/* In the order of their addresses: what one route walks through is in the cache for the next. */
static int trie_fill(const struct fib *fib, struct trie *trie, struct loaded *loaded, size_t count)
{
    qsort(loaded, count, sizeof(*loaded), loaded_compare);
    for (size_t i = 0; i < count; i++) {
        const struct trie_item *route = &loaded[i].route;
        uint32_t old;
        int rc;

        if (!prefix_valid(fib, route->key, route->length) || !value_valid(route->value)) {
            return -EINVAL;
        }
        rc = trie_set(trie, route->key, route->length, route->value, &old);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int table_fill(const struct fib *fib, struct fib_table *table,
                      struct trie_item (*route_at)(const void *routes, size_t i), const void *routes, size_t count)
{
    struct loaded *loaded = calloc(count + 1, sizeof(*loaded));
    int rc = -ENOMEM;

    if (loaded != NULL) {
        for (size_t i = 0; i < count; i++) {
            loaded[i] = (struct loaded){.route = route_at(routes, i), .position = i};
        }
        rc = trie_fill(fib, table->trie, loaded, count);
        free(loaded);
    }
    /* the default route, then both halves of everything */
    rc = rc != 0 ? rc : refresh(fib, table, 0, 0);
    for (unsigned int half = 0; rc == 0 && half < 2; half++) {
        rc = refresh(fib, table, (trie_key)half << (TRIE_KEY_BITS - 1), 1);
    }
    return rc;
}

static void reclaim_table(void *owner, void *thing)
{
    const struct fib_family *family = owner;

    table_destroy(family, thing);
}

int fib_load(struct fib *fib, struct trie_item (*route_at)(const void *routes, size_t i), const void *routes,
             size_t count)
{
    struct fib_table *old = writer_table(fib);
    struct fib_table *table = table_create(fib);
    int rc;

    if (table == NULL) {
        return -ENOMEM;
    }
    rc = table_fill(fib, table, route_at, routes, count);
    if (rc != 0) {
        table_destroy(fib->family, table);
        return rc;
    }
    publish(fib, table);
    /* behind what was retired of the old table, which the queue therefore gives back to it first */
    rcu_retire(fib->rcu, reclaim_table, (void *)(uintptr_t)fib->family, old);
    return 0;
}

int fib_match(const struct fib *fib, trie_key key, unsigned int *length, uint32_t *value)
{
    return trie_match(writer_table(fib)->trie, key, fib->family->bits, length, value);
}

void fib_stats_get(const struct fib *fib, struct fib_stats *out)
{
    const struct fib_table *table = writer_table(fib);

    *out = (struct fib_stats){.routes = trie_routes(table->trie), .control_bytes = trie_bytes(table->trie)};
    fib->family->stats(table, out);
}
