/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib6_table.h"
#include "pages.h"
#include <errno.h>
#include <stdlib.h>

#define CHANGES_MIN    16
#define ROUTES_DEFAULT 500000

static_assert(FIB6_ENTRY_BYTES == sizeof(_Atomic uint32_t), "as fib6_prefetch() believes");

static struct fib6_bucket bucket_of(trie_key key)
{
    return fib6_bucket_of((uint64_t)(key >> 64));
}

static void destroy(struct fib_table *base)
{
    struct fib6_table *table = (struct fib6_table *)base;

    fib6_trees_fini(&table->trees);
    pages_unmap(table->changes_left, FIB6_BUCKETS * sizeof(*table->changes_left));
    pages_unmap(table->cells, FIB6_BUCKETS * sizeof(*table->cells));
    pages_unmap(table->staged, FIB6_BUCKETS * sizeof(*table->staged));
    pages_unmap(table->root, FIB6_BUCKETS * sizeof(*table->root));
    free(table);
}

/* A root of zeros names the uniform sub-table of FIB_NO_ROUTE. */
static struct fib_table *create(const struct fib *fib, struct trie *trie)
{
    struct fib6_table *table = calloc(1, sizeof(*table));

    if (table == NULL) {
        return NULL;
    }
    table->root = pages_map(FIB6_BUCKETS * sizeof(*table->root));
    table->staged = pages_map(FIB6_BUCKETS * sizeof(*table->staged));
    table->cells = pages_map(FIB6_BUCKETS * sizeof(*table->cells));
    table->changes_left = pages_map(FIB6_BUCKETS * sizeof(*table->changes_left));
    table->base = (struct fib_table){.trie = trie, .rcu = fib->rcu, .start = (const char *)table->root};
    if (table->root == NULL || table->staged == NULL || table->cells == NULL || table->changes_left == NULL ||
        fib6_trees_init(&table->trees, trie, fib->rcu, fib->max_routes) != 0) {
        destroy(&table->base);
        return NULL;
    }
    return &table->base;
}

static void stats(const struct fib_table *base, struct fib_stats *out)
{
    const struct fib6_table *table = (const struct fib6_table *)base;
    const struct arena *nodes = &table->trees.nodes;
    const struct arena *tables = &table->trees.tables;

    out->bytes += FIB6_BUCKETS * sizeof(*table->root) + arena_bytes(nodes) + arena_bytes(tables);
    out->control_bytes += arena_overhead(nodes) + arena_overhead(tables);
}

/* ---- The buckets of a prefix */

static int bucket_stage(struct fib6_table *table, uint32_t index, trie_key key, unsigned int length)
{
    size_t segments;
    size_t changes;
    int rc = fib6_bucket_build(&table->trees, key, length, &table->staged[index], &segments);

    changes = segments / 2 > CHANGES_MIN ? segments / 2 : CHANGES_MIN;
    table->changes_left[index] = (uint16_t)(changes < UINT16_MAX ? changes : UINT16_MAX);
    return rc;
}

/* The buckets that a prefix covers, its length from FIB6_THIRD_LENGTH to theirs. */
static int buckets_stage(struct fib6_table *table, trie_key key, unsigned int length)
{
    struct fib6_bucket first = bucket_of(key);
    uint32_t count = 1u << (first.length - length);
    int rc = 0;

    trie_paint(table->base.trie, key, length, first.length, fib_covering_value(table->base.trie, key, length),
               table->cells);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        if (table->cells[i] == TRIE_DEEPER) {
            trie_key own = key | (trie_key)i << (TRIE_KEY_BITS - first.length);

            rc = bucket_stage(table, first.index + i, own, first.length);
        } else {
            fib6_uniform_prepare(&table->trees, table->cells[i]);
            table->staged[first.index + i] = table->cells[i];
        }
    }
    return rc;
}

static void buckets_publish(struct fib6_table *table, trie_key key, unsigned int length)
{
    struct fib6_bucket first = bucket_of(key);
    uint32_t count = 1u << (first.length - length);

    for (uint32_t i = first.index; i < first.index + count; i++) {
        uint32_t old = atomic_load_explicit(&table->root[i], memory_order_relaxed);

        if (old != table->staged[i]) {
            atomic_store_explicit(&table->root[i], table->staged[i], memory_order_release);
            fib6_bucket_retire(&table->trees, old);
        }
    }
}

/* A prefix no longer than its buckets. Published only when all of them are built. */
static int buckets_refresh(struct fib6_table *table, trie_key key, unsigned int length)
{
    unsigned int part_length = length > FIB6_THIRD_LENGTH ? length : FIB6_THIRD_LENGTH;
    uint32_t parts = 1u << (part_length - length);
    trie_key step = (trie_key)1 << (TRIE_KEY_BITS - part_length);
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < parts; i++) {
        rc = buckets_stage(table, key + i * step, part_length);
    }
    for (uint32_t i = 0; rc == 0 && i < parts; i++) {
        buckets_publish(table, key + i * step, part_length);
    }
    return rc;
}

/* ---- The tree of a prefix */

/* Whether routes longer than this lie inside the prefix of this length that holds the key. */
static bool goes_deeper(const struct fib6_table *table, trie_key key, unsigned int length)
{
    uint16_t cell;

    trie_paint(table->base.trie, key & trie_mask(length), length, length, FIB_NO_ROUTE, &cell);
    return cell == TRIE_DEEPER;
}

/* A tree of a bucket, or the tree of a cell of that, and so on. */
struct tree {
    _Atomic uint32_t *word;
    unsigned int length; /* of the prefix that it answers for */
    unsigned int window;
};

/* The deepest tree that holds a prefix and stays. */
static struct tree tree_of(struct fib6_table *table, struct tree tree, trie_key key, unsigned int length)
{
    while (length > tree.window + FIB6_WINDOW && goes_deeper(table, key, tree.window + FIB6_WINDOW)) {
        uint32_t entry = atomic_load_explicit(tree.word, memory_order_relaxed);
        uint32_t segment;
        struct fib6_leaf *leaf = fib6_tree_find(&table->trees, entry, fib6_cell(key, tree.window), &segment);

        if (leaf->value[segment] != TRIE_DEEPER) {
            break;
        }
        tree.word = fib6_leaf_deeper(leaf, segment);
        tree.window += FIB6_WINDOW;
        tree.length = tree.window;
    }
    return tree;
}

static int tree_refresh(struct fib6_table *table, struct tree tree, trie_key key, unsigned int length)
{
    uint32_t old = atomic_load_explicit(tree.word, memory_order_relaxed);
    uint32_t entry;
    int rc;

    if (fib6_tree_patch(&table->trees, tree.word, tree.window, key, length) == 0) {
        return 0;
    }
    rc = fib6_tree_build(&table->trees, key & trie_mask(tree.length), tree.length, tree.window, &entry);
    if (rc == 0) {
        atomic_store_explicit(tree.word, entry, memory_order_release);
        fib6_tree_retire(&table->trees, old);
    }
    return rc;
}

/* A prefix longer than its bucket. */
static int bucket_refresh(struct fib6_table *table, struct fib6_bucket bucket, trie_key key, unsigned int length)
{
    uint32_t entry = atomic_load_explicit(&table->root[bucket.index], memory_order_relaxed);
    unsigned int stride = fib6_entry_high(entry);
    struct tree tree = {
        .word =
            fib6_table_at(&table->trees, entry) + ((uint64_t)fib6_cell(key, bucket.length) << stride >> FIB6_WINDOW),
        .length = bucket.length + stride,
        .window = bucket.length,
    };

    if (fib6_entry_uniform(entry) || length < tree.length || table->changes_left[bucket.index] == 0 ||
        !goes_deeper(table, key, bucket.length)) {
        return buckets_refresh(table, key & trie_mask(bucket.length), bucket.length);
    }
    table->changes_left[bucket.index]--;
    return tree_refresh(table, tree_of(table, tree, key, length), key, length);
}

static int refresh_once(struct fib6_table *table, trie_key key, unsigned int length)
{
    struct fib6_bucket bucket = bucket_of(key);
    int rc = length > bucket.length ? bucket_refresh(table, bucket, key, length) : buckets_refresh(table, key, length);

    if (rc == 0) {
        fib6_made_commit(&table->trees);
    } else {
        fib6_made_abort(&table->trees);
    }
    return rc;
}

static int refresh(struct fib_table *base, trie_key key, unsigned int length)
{
    struct fib6_table *table = (struct fib6_table *)base;
    int rc = refresh_once(table, key, length);

    if (rc == -ENOSPC) {
        /* full is only full once what is retired has come back */
        rcu_synchronize(base->rcu);
        rc = refresh_once(table, key, length);
    }
    return rc;
}

const struct fib_family fib6_family = {
    .bits = 128,
    .max_routes = ROUTES_DEFAULT,
    .create = create,
    .destroy = destroy,
    .refresh = refresh,
    .stats = stats,
};
