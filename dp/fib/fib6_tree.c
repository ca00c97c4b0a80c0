/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory: what trees and sub-tables are made of, and how it comes back. */
#include "fib6_tree.h"
#include "pages.h"
#include <errno.h>
#include <string.h>

#define VALUES TRIE_DEEPER /* as many uniform trees, and sub-tables */

/* A route alone in its /24 needs at most four windows: four leaves, three nodes to lead deeper, and a sub-table of one
 * entry. Routes that share need less each. The rest lets a change build before what it replaces is retired. */
#define NODES_PER_ROUTE   8
#define NODES_MORE        4096
#define ENTRIES_PER_ROUTE 4
#define ENTRIES_MORE      (1u << 16)

/* Two boundaries a route; for each window of a build inside a build a first segment, and two boundaries of the cell
 * that goes deeper. */
#define SEGMENTS_PER_ROUTE 2
#define SEGMENTS_MORE      16

int fib6_trees_init(struct fib6_trees *trees, const struct trie *trie, struct rcu *rcu, unsigned int max_routes)
{
    uint32_t nodes = VALUES + NODES_MORE + max_routes * NODES_PER_ROUTE;
    uint32_t units = (VALUES + ENTRIES_MORE + max_routes * ENTRIES_PER_ROUTE) / FIB6_TABLE_UNIT;

    *trees = (struct fib6_trees){
        .trie = trie,
        .rcu = rcu,
        .made_max = (size_t)nodes + units,
        .segments_max = (size_t)max_routes * SEGMENTS_PER_ROUTE + SEGMENTS_MORE,
    };
    trees->made = pages_map(trees->made_max * sizeof(*trees->made));
    trees->segments = pages_map(trees->segments_max * sizeof(*trees->segments));
    if (trees->made == NULL || trees->segments == NULL ||
        arena_init(&trees->nodes, sizeof(union fib6_node), nodes) != 0 ||
        arena_init(&trees->tables, FIB6_TABLE_UNIT * sizeof(uint32_t), units) != 0 ||
        arena_alloc(&trees->nodes, VALUES) != 0 || arena_alloc(&trees->tables, VALUES / FIB6_TABLE_UNIT) != 0) {
        fib6_trees_fini(trees);
        return -ENOMEM;
    }
    fib6_uniform_prepare(trees, 0);
    return 0;
}

void fib6_trees_fini(struct fib6_trees *trees)
{
    arena_fini(&trees->tables);
    arena_fini(&trees->nodes);
    pages_unmap(trees->segments, trees->segments_max * sizeof(*trees->segments));
    pages_unmap(trees->made, trees->made_max * sizeof(*trees->made));
    *trees = (struct fib6_trees){0};
}

int fib6_make(struct fib6_trees *trees, struct arena *arena, uint32_t units, uint32_t *index)
{
    *index = arena_alloc(arena, units);
    if (*index == ARENA_FULL) {
        return -ENOSPC;
    }
    assert(trees->made_count < trees->made_max);
    trees->made[trees->made_count++] = (struct fib6_run){.arena = arena, .index = *index, .units = units};
    return 0;
}

void fib6_made_commit(struct fib6_trees *trees)
{
    trees->made_count = 0;
}

void fib6_made_abort(struct fib6_trees *trees)
{
    while (trees->made_count > 0) {
        struct fib6_run *run = &trees->made[--trees->made_count];

        arena_free(run->arena, run->index, run->units);
    }
}

/* Written at the first use, and never changed nor freed. */
void fib6_uniform_prepare(struct fib6_trees *trees, uint32_t value)
{
    struct fib6_leaf *leaf = &fib6_node_at(trees, value)->leaf;

    if (leaf->last[0] == 0) {
        memset(leaf->last, 0xff, sizeof(leaf->last));
        leaf->value[0] = (uint16_t)value;
        atomic_store_explicit(fib6_table_at(trees, value), value, memory_order_relaxed);
    }
}

/* ---- The way back */

static void tree_free(struct fib6_trees *trees, uint32_t entry);

static void leaf_free_deeper(struct fib6_trees *trees, struct fib6_leaf *leaf)
{
    for (uint32_t i = 0; i < FIB6_SEGMENTS; i++) {
        if (leaf->value[i] == TRIE_DEEPER) {
            tree_free(trees, atomic_load_explicit(fib6_leaf_deeper(leaf, i), memory_order_relaxed));
        }
    }
}

static void siblings_free(struct fib6_trees *trees, uint32_t index, unsigned int height, uint32_t count)
{
    uint32_t units = count;

    for (uint32_t i = 0; i < count; i++) {
        union fib6_node *node = fib6_node_at(trees, index + i);

        if (height > 0) {
            siblings_free(trees, atomic_load_explicit(&node->inner.children, memory_order_relaxed), height - 1,
                          fib6_used(node->inner.last, FIB6_CHILDREN - 1));
        } else if (node->leaf.deeper != 0) {
            leaf_free_deeper(trees, &node->leaf);
            units++;
        }
    }
    arena_free(&trees->nodes, index, units);
}

static void tree_free(struct fib6_trees *trees, uint32_t entry)
{
    if (!fib6_entry_uniform(entry)) {
        siblings_free(trees, fib6_entry_index(entry), fib6_entry_high(entry), 1);
    }
}

static void bucket_free(struct fib6_trees *trees, uint32_t entry)
{
    uint32_t count = 1u << fib6_entry_high(entry);

    for (uint32_t i = 0; i < count; i++) {
        tree_free(trees, atomic_load_explicit(fib6_table_at(trees, entry) + i, memory_order_relaxed));
    }
    arena_free(&trees->tables, fib6_entry_index(entry) / FIB6_TABLE_UNIT,
               (count + FIB6_TABLE_UNIT - 1) / FIB6_TABLE_UNIT);
}

static void reclaim_tree(void *owner, void *thing)
{
    tree_free(owner, (uint32_t)(uintptr_t)thing);
}

static void reclaim_bucket(void *owner, void *thing)
{
    bucket_free(owner, (uint32_t)(uintptr_t)thing);
}

static void reclaim_nodes(void *owner, void *thing)
{
    struct fib6_trees *trees = owner;

    arena_free(&trees->nodes, (uint32_t)((uintptr_t)thing >> 8), (uint32_t)((uintptr_t)thing & 0xff));
}

void fib6_tree_retire(struct fib6_trees *trees, uint32_t entry)
{
    if (!fib6_entry_uniform(entry)) {
        rcu_retire(trees->rcu, reclaim_tree, trees, (void *)(uintptr_t)entry);
    }
}

void fib6_bucket_retire(struct fib6_trees *trees, uint32_t entry)
{
    if (!fib6_entry_uniform(entry)) {
        rcu_retire(trees->rcu, reclaim_bucket, trees, (void *)(uintptr_t)entry);
    }
}

void fib6_nodes_retire(struct fib6_trees *trees, uint32_t index, uint32_t units)
{
    rcu_retire(trees->rcu, reclaim_nodes, trees, (void *)((uintptr_t)index << 8 | units));
}
