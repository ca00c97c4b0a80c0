/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fib6: a root entry for each /24 of 2000::/3 and for each /16 of the rest (a bucket), which names a sub-table of
 * 2^stride trees (fib6_tree.h). The stride follows the number of segments in the bucket, so most trees are one node.
 *
 * The default route is not painted into the table; a lookup that found nothing takes it. So it costs nothing to change.
 *
 * A change builds the smallest thing that it alters (a tree below a sub-table or below a leaf, a bucket, or all buckets
 * that a short prefix covers) and publishes it by one store each, after all of it was built.
 *
 * Limits: memory for fib6_tree.c's NODES_PER_ROUTE. Routes of adversarial shape can exhaust it before max_routes are
 * in, and then even a del, which may split segments, can find no room.
 */
#include "fib.h"
#include "fib6_tree.h"
#include "pages.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define THIRD_LENGTH  3 /* the root changes its grain only between /3s */
#define GLOBAL_LENGTH 24
#define GLOBAL        (1u << (GLOBAL_LENGTH - THIRD_LENGTH)) /* buckets in 2000::/3, the first ones */
#define OTHER_LENGTH  16
#define OTHER         (1u << OTHER_LENGTH)
#define BUCKETS       (GLOBAL + OTHER)
#define BURST         64

/* A bucket is built anew, with the stride that then fits, after half as many changes as it has segments. */
#define CHANGES_MIN 16

#define ROUTES_DEFAULT 500000

static_assert(FIB6_ENTRY_BYTES == sizeof(_Atomic uint32_t), "as fib6_prefetch() believes");
static_assert(FIB_VALUE_MAX < TRIE_DEEPER, "a value leaves the top bit free");

struct table {
    _Atomic uint32_t *root;
    struct fib6_trees trees;
    struct trie *trie;
    struct rcu *rcu;
    uint32_t *staged;       /* what root is about to become, where a change covers it */
    uint16_t *cells;        /* as many, scratch */
    uint16_t *changes_left; /* of each bucket until it is built anew */
    _Atomic uint32_t default_value;
};

struct fib6 {
    struct fib_root root; /* first: fib6_prefetch() */
    _Atomic(struct table *) table;
    void (*lookup)(const struct table *table, const uint8_t (*dst)[16], uint32_t *out, unsigned int n);
    struct rcu *rcu;
    unsigned int max_routes;
};

/* ---- Keys and buckets */

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

struct bucket {
    uint32_t index;
    unsigned int length;
};

/* By the first 64 bits of an address. */
static inline struct bucket bucket_of(uint64_t high)
{
    uint64_t global = (high >> (64 - GLOBAL_LENGTH)) - GLOBAL;

    if (__builtin_expect(global < GLOBAL, 1)) {
        return (struct bucket){(uint32_t)global, GLOBAL_LENGTH};
    }
    return (struct bucket){GLOBAL + (uint32_t)(high >> (64 - OTHER_LENGTH)), OTHER_LENGTH};
}

static struct bucket bucket_of_key(trie_key key)
{
    return bucket_of((uint64_t)(key >> 64));
}

/* ---- The table of one content */

static void table_destroy(struct table *table)
{
    if (table == NULL) {
        return;
    }
    fib6_trees_fini(&table->trees);
    trie_destroy(table->trie);
    pages_unmap(table->changes_left, BUCKETS * sizeof(*table->changes_left));
    pages_unmap(table->cells, BUCKETS * sizeof(*table->cells));
    pages_unmap(table->staged, BUCKETS * sizeof(*table->staged));
    pages_unmap(table->root, BUCKETS * sizeof(*table->root));
    free(table);
}

/* A root of zeros names what answers FIB_NO_ROUTE everywhere. */
static struct table *table_create(const struct fib6 *fib)
{
    struct table *table = calloc(1, sizeof(*table));

    if (table == NULL) {
        return NULL;
    }
    table->rcu = fib->rcu;
    table->root = pages_map(BUCKETS * sizeof(*table->root));
    table->staged = pages_map(BUCKETS * sizeof(*table->staged));
    table->cells = pages_map(BUCKETS * sizeof(*table->cells));
    table->changes_left = pages_map(BUCKETS * sizeof(*table->changes_left));
    table->trie = trie_create(fib->max_routes);
    if (table->root == NULL || table->staged == NULL || table->cells == NULL || table->changes_left == NULL ||
        table->trie == NULL || fib6_trees_init(&table->trees, table->trie, fib->max_routes) != 0) {
        table_destroy(table);
        return NULL;
    }
    return table;
}

/* ---- Changes: the buckets of a prefix */

static int bucket_stage(struct table *table, uint32_t index, trie_key key, unsigned int length)
{
    size_t segments;
    size_t changes;
    int rc = fib6_bucket_build(&table->trees, key, length, &table->staged[index], &segments);

    changes = segments / 2 > CHANGES_MIN ? segments / 2 : CHANGES_MIN;
    table->changes_left[index] = (uint16_t)(changes < UINT16_MAX ? changes : UINT16_MAX);
    return rc;
}

/* The buckets that a prefix covers, its length from THIRD_LENGTH to theirs. */
static int buckets_stage(struct table *table, trie_key key, unsigned int length)
{
    struct bucket first = bucket_of_key(key);
    uint32_t count = 1u << (first.length - length);

    trie_paint(table->trie, key, length, first.length, fib6_covering_value(table->trie, key, length), table->cells);
    for (uint32_t i = 0; i < count; i++) {
        if (table->cells[i] == TRIE_DEEPER) {
            trie_key own = key | (trie_key)i << (TRIE_KEY_BITS - first.length);
            int rc = bucket_stage(table, first.index + i, own, first.length);

            if (rc != 0) {
                return rc;
            }
        } else {
            fib6_uniform_prepare(&table->trees, table->cells[i]);
            table->staged[first.index + i] = table->cells[i];
        }
    }
    return 0;
}

static void buckets_publish(struct table *table, trie_key key, unsigned int length)
{
    struct bucket first = bucket_of_key(key);
    uint32_t count = 1u << (first.length - length);

    for (uint32_t i = first.index; i < first.index + count; i++) {
        uint32_t old = atomic_load_explicit(&table->root[i], memory_order_relaxed);

        atomic_store_explicit(&table->root[i], table->staged[i], memory_order_release);
        if (!fib6_entry_uniform(old)) {
            rcu_retire(table->rcu, fib6_bucket_reclaim, &table->trees, (void *)(uintptr_t)old);
        }
    }
}

/* A prefix no longer than its bucket. */
static int buckets_refresh(struct table *table, trie_key key, unsigned int length)
{
    unsigned int part_length = length > THIRD_LENGTH ? length : THIRD_LENGTH;
    uint32_t parts = 1u << (part_length - length);
    trie_key step = (trie_key)1 << (TRIE_KEY_BITS - part_length);
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < parts; i++) {
        rc = buckets_stage(table, key + i * step, part_length);
    }
    if (rc != 0) {
        return rc;
    }
    for (uint32_t i = 0; i < parts; i++) {
        buckets_publish(table, key + i * step, part_length);
    }
    return 0;
}

/* ---- Changes: the tree of a prefix */

/* Whether routes longer than the prefix lie inside it. */
static bool trie_goes_deeper(const struct table *table, trie_key key, unsigned int length)
{
    struct trie_walk walk;
    struct trie_item item;

    trie_walk_start(&walk, table->trie, key & trie_mask(length), length, length);
    while (trie_walk_next(&walk, &item)) {
        if (item.value == TRIE_DEEPER) {
            return true;
        }
    }
    return false;
}

/* Builds the tree anew that `word` names, or the smallest below it that holds the change. `reach` bits lead to it. */
static int tree_refresh(struct table *table, _Atomic uint32_t *word, unsigned int reach, unsigned int window,
                        trie_key key, unsigned int length)
{
    uint32_t old = atomic_load_explicit(word, memory_order_relaxed);
    uint32_t segment;
    uint32_t entry;
    int rc;

    while (length > window + FIB6_WINDOW && trie_goes_deeper(table, key, window + FIB6_WINDOW)) {
        const struct fib6_leaf *leaf = fib6_tree_find(&table->trees, old, fib6_window_key(key, window), &segment);

        if (leaf->value[segment] != TRIE_DEEPER) {
            break;
        }
        word = fib6_leaf_deeper(leaf, segment);
        old = atomic_load_explicit(word, memory_order_relaxed);
        window += FIB6_WINDOW;
        reach = window;
    }
    rc = fib6_tree_build(&table->trees, key & trie_mask(reach), reach, window, &entry);
    if (rc == 0) {
        atomic_store_explicit(word, entry, memory_order_release);
        if (!fib6_entry_uniform(old)) {
            rcu_retire(table->rcu, fib6_tree_reclaim, &table->trees, (void *)(uintptr_t)old);
        }
    }
    return rc;
}

/* A prefix longer than its bucket. */
static int bucket_refresh(struct table *table, trie_key key, unsigned int length)
{
    struct bucket bucket = bucket_of_key(key);
    uint32_t entry = atomic_load_explicit(&table->root[bucket.index], memory_order_relaxed);
    unsigned int stride = fib6_entry_high(entry);
    uint32_t slice = (uint32_t)((uint64_t)fib6_window_key(key, bucket.length) << stride >> FIB6_WINDOW);

    if (fib6_entry_uniform(entry) || length < bucket.length + stride || table->changes_left[bucket.index] == 0 ||
        !trie_goes_deeper(table, key, bucket.length)) {
        return buckets_refresh(table, key & trie_mask(bucket.length), bucket.length);
    }
    table->changes_left[bucket.index]--;
    return tree_refresh(table, fib6_table_at(&table->trees, entry) + slice, bucket.length + stride, bucket.length, key,
                        length);
}

static void default_refresh(struct table *table)
{
    unsigned int length;
    uint32_t value;

    if (trie_match(table->trie, 0, 0, &length, &value) != 0) {
        value = FIB_NO_ROUTE;
    }
    atomic_store_explicit(&table->default_value, value, memory_order_relaxed);
}

static int prefix_refresh(struct table *table, trie_key key, unsigned int length)
{
    int rc;

    if (length == 0) {
        default_refresh(table);
        return 0;
    }
    rc = length <= bucket_of_key(key).length ? buckets_refresh(table, key, length) : bucket_refresh(table, key, length);
    if (rc == 0) {
        fib6_build_commit(&table->trees);
    } else {
        fib6_build_abort(&table->trees);
    }
    return rc;
}

/* Brings what the prefix covers up to the trie, after its route was set or deleted. Full is only full once what is
 * retired has been given back. */
static int refresh(struct table *table, trie_key key, unsigned int length)
{
    int rc = prefix_refresh(table, key, length);

    if (rc == -ENOSPC) {
        rcu_synchronize(table->rcu);
        rc = prefix_refresh(table, key, length);
    }
    return rc;
}

/* ---- Lookup */

/* A destination whose first window was not enough. */
static uint32_t lookup_deeper(const struct table *table, const uint8_t dst[16], unsigned int window, uint32_t entry)
{
    trie_key key = key_of(dst);
    const struct fib6_leaf *leaf;
    uint32_t segment;

    for (;;) {
        window += FIB6_WINDOW;
        leaf = fib6_tree_find(&table->trees, entry, fib6_window_key(key, window), &segment);
        if (leaf->value[segment] != TRIE_DEEPER) {
            return leaf->value[segment];
        }
        entry = atomic_load_explicit(fib6_leaf_deeper(leaf, segment), memory_order_acquire);
    }
}

static void lookup_portable(const struct table *table, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
{
    uint32_t if_none = atomic_load_explicit(&table->default_value, memory_order_relaxed);
    const _Atomic uint32_t *slices[BURST];
    uint32_t entries[BURST];
    uint32_t keys[BURST];

    for (unsigned int i = 0; i < n; i++) {
        uint64_t high = half_at(dst[i]);
        struct bucket bucket = bucket_of(high);
        uint32_t entry = atomic_load_explicit(&table->root[bucket.index], memory_order_acquire);

        keys[i] = (uint32_t)(high >> (64 - FIB6_WINDOW - bucket.length));
        slices[i] = fib6_table_at(&table->trees, entry) + ((uint64_t)keys[i] << fib6_entry_high(entry) >> FIB6_WINDOW);
        __builtin_prefetch((const void *)slices[i]);
    }
    for (unsigned int i = 0; i < n; i++) {
        entries[i] = atomic_load_explicit(slices[i], memory_order_acquire);
        __builtin_prefetch(fib6_node_at(&table->trees, fib6_entry_index(entries[i])));
    }
    for (unsigned int i = 0; i < n; i++) {
        uint32_t segment;
        const struct fib6_leaf *leaf = fib6_tree_find(&table->trees, entries[i], keys[i], &segment);
        uint32_t value = leaf->value[segment];

        if (__builtin_expect(value == TRIE_DEEPER, 0)) {
            value = lookup_deeper(table, dst[i], bucket_of(half_at(dst[i])).length,
                                  atomic_load_explicit(fib6_leaf_deeper(leaf, segment), memory_order_acquire));
        }
        out[i] = value != FIB_NO_ROUTE ? value : if_none;
    }
}

void fib6_lookup(const struct fib6 *fib, const uint8_t (*dst)[16], uint32_t *out, unsigned int n)
{
    const struct table *table = atomic_load_explicit(&fib->table, memory_order_acquire);

    for (unsigned int done = 0; done < n; done += BURST) {
        fib->lookup(table, dst + done, out + done, n - done < BURST ? n - done : BURST);
    }
}

/* ---- The handle */

static struct table *writer_table(const struct fib6 *fib)
{
    return atomic_load_explicit(&fib->table, memory_order_relaxed);
}

static void publish(struct fib6 *fib, struct table *table)
{
    atomic_store_explicit(&fib->root.start, (const char *)table->root, memory_order_relaxed);
    atomic_store_explicit(&fib->table, table, memory_order_release);
}

struct fib6 *fib6_create(const struct fib_config *config)
{
    struct fib6 *fib = calloc(1, sizeof(*fib));
    struct table *table;

    if (fib == NULL) {
        return NULL;
    }
    fib->rcu = config->rcu;
    fib->max_routes = config->max_routes != 0 ? config->max_routes : ROUTES_DEFAULT;
    fib->lookup = lookup_portable; /* where a faster way for a CPU is to be chosen */
    table = table_create(fib);
    if (table == NULL) {
        free(fib);
        return NULL;
    }
    publish(fib, table);
    return fib;
}

void fib6_destroy(struct fib6 *fib)
{
    if (fib == NULL) {
        return;
    }
    rcu_synchronize(fib->rcu);
    table_destroy(writer_table(fib));
    free(fib);
}

static bool prefix_valid(trie_key key, unsigned int length)
{
    return length <= TRIE_KEY_BITS && (key & ~trie_mask(length)) == 0;
}

static bool value_valid(uint32_t value)
{
    return value != FIB_NO_ROUTE && value <= FIB_VALUE_MAX;
}

/* What the trie held before; it has room for that. */
static void trie_restore(struct trie *trie, trie_key key, unsigned int length, uint32_t value)
{
    uint32_t unused;
    int rc = value != FIB_NO_ROUTE ? trie_set(trie, key, length, value, &unused) : trie_del(trie, key, length, &unused);

    assert(rc == 0);
    (void)rc;
}

int fib6_set(struct fib6 *fib, const uint8_t addr[16], unsigned int length, uint32_t value)
{
    struct table *table = writer_table(fib);
    trie_key key = key_of(addr);
    uint32_t old;
    int rc;

    if (!prefix_valid(key, length) || !value_valid(value)) {
        return -EINVAL;
    }
    rc = trie_set(table->trie, key, length, value, &old);
    if (rc != 0 || old == value) {
        return rc;
    }
    rc = refresh(table, key, length);
    if (rc != 0) {
        trie_restore(table->trie, key, length, old);
    }
    return rc;
}

int fib6_del(struct fib6 *fib, const uint8_t addr[16], unsigned int length)
{
    struct table *table = writer_table(fib);
    trie_key key = key_of(addr);
    uint32_t old;
    int rc;

    if (!prefix_valid(key, length)) {
        return -EINVAL;
    }
    rc = trie_del(table->trie, key, length, &old);
    if (rc != 0) {
        return rc;
    }
    rc = refresh(table, key, length);
    if (rc != 0) {
        trie_restore(table->trie, key, length, old);
    }
    return rc;
}

static int table_fill(struct table *table, const struct fib6_route *routes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        trie_key key = key_of(routes[i].addr);
        uint32_t old;
        int rc;

        if (!prefix_valid(key, routes[i].length) || !value_valid(routes[i].value)) {
            return -EINVAL;
        }
        rc = trie_set(table->trie, key, routes[i].length, routes[i].value, &old);
        if (rc != 0) {
            return rc;
        }
    }
    default_refresh(table);
    return buckets_refresh(table, 0, 0);
}

static void reclaim_table(void *owner, void *thing)
{
    (void)owner;
    table_destroy(thing);
}

int fib6_load(struct fib6 *fib, const struct fib6_route *routes, size_t count)
{
    struct table *old = writer_table(fib);
    struct table *table = table_create(fib);
    int rc;

    if (table == NULL) {
        return -ENOMEM;
    }
    rc = table_fill(table, routes, count);
    if (rc != 0) {
        table_destroy(table);
        return rc;
    }
    fib6_build_commit(&table->trees);
    publish(fib, table);
    /* behind the old table's trees, which the queue gives back to it first */
    rcu_retire(fib->rcu, reclaim_table, NULL, old);
    return 0;
}

int fib6_match(const struct fib6 *fib, const uint8_t addr[16], unsigned int *length, uint32_t *value)
{
    return trie_match(writer_table(fib)->trie, key_of(addr), TRIE_KEY_BITS, length, value);
}

void fib6_stats(const struct fib6 *fib, struct fib_stats *out)
{
    const struct table *table = writer_table(fib);
    const struct fib6_trees *trees = &table->trees;

    *out = (struct fib_stats){
        .routes = trie_routes(table->trie),
        .bytes = BUCKETS * sizeof(*table->root) + arena_bytes(&trees->nodes) + arena_bytes(&trees->tables),
        .control_bytes = trie_bytes(table->trie) + arena_overhead(&trees->nodes) + arena_overhead(&trees->tables),
    };
}
