/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib6_tree.h"
#include "pages.h"
#include <errno.h>
#include <string.h>

#define VALUES       TRIE_DEEPER /* as many trees answer one value everywhere */
#define VALUES_ORDER 15
#define STRIDE_MAX   15

/* A sub-table's entries are allocated by two, enough for the arena's links. */
#define UNIT_ENTRIES 2
#define TABLE_ORDER  14

/* A route alone in its /24 needs at most four windows: four leaves and three deeper nodes between them. Routes that
 * share need less each. */
#define NODES_PER_ROUTE  8
#define TABLES_PER_ROUTE 2

/* Two boundaries a route, and for the windows inside each other of one build: a first segment, and two boundaries of
 * the cell that goes deeper. */
#define SEGMENTS_PER_ROUTE 2
#define SEGMENTS_MORE      16

static_assert(1u << VALUES_ORDER == VALUES && VALUES_ORDER < ARENA_ORDERS, "the uniform trees are one run");
static_assert(UNIT_ENTRIES << TABLE_ORDER == 1u << STRIDE_MAX && STRIDE_MAX == VALUES_ORDER,
              "the largest sub-table is one run, and so are the uniform ones");

/* ---- Memory */

int fib6_trees_init(struct fib6_trees *trees, const struct trie *trie, unsigned int max_routes)
{
    uint32_t nodes = VALUES + max_routes * NODES_PER_ROUTE;
    uint32_t tables = VALUES + max_routes * TABLES_PER_ROUTE;

    *trees = (struct fib6_trees){
        .trie = trie,
        .made_max = (size_t)nodes + tables,
        .segments_max = (size_t)max_routes * SEGMENTS_PER_ROUTE + SEGMENTS_MORE,
    };
    trees->made = pages_map(trees->made_max * sizeof(*trees->made));
    trees->segments = pages_map(trees->segments_max * sizeof(*trees->segments));
    if (trees->made == NULL || trees->segments == NULL ||
        arena_init(&trees->nodes, sizeof(union fib6_node), nodes, VALUES_ORDER) != 0 ||
        arena_init(&trees->tables, UNIT_ENTRIES * sizeof(uint32_t), tables / UNIT_ENTRIES, TABLE_ORDER) != 0 ||
        arena_alloc(&trees->nodes, VALUES) != 0 || arena_alloc(&trees->tables, VALUES / UNIT_ENTRIES) != 0) {
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

static union fib6_node *node_at(struct fib6_trees *trees, uint32_t index)
{
    return arena_at(&trees->nodes, index);
}

static int make(struct fib6_trees *trees, struct arena *arena, uint32_t units, uint32_t *index)
{
    *index = arena_alloc(arena, units);
    if (*index == ARENA_FULL) {
        return -ENOSPC;
    }
    trees->made[trees->made_count++] = (struct fib6_run){.index = *index, .units = units, .arena = arena};
    return 0;
}

void fib6_build_commit(struct fib6_trees *trees)
{
    trees->made_count = 0;
}

void fib6_build_abort(struct fib6_trees *trees)
{
    while (trees->made_count > 0) {
        struct fib6_run *run = &trees->made[--trees->made_count];

        arena_free(run->arena, run->index, run->units);
    }
}

/* Written at the first use and never changed, nor freed. */
void fib6_uniform_prepare(struct fib6_trees *trees, uint32_t value)
{
    struct fib6_leaf *leaf = &node_at(trees, value)->leaf;

    if (leaf->last[0] == 0) {
        memset(leaf->last, 0xff, sizeof(leaf->last));
        leaf->value[0] = (uint16_t)value;
        atomic_store_explicit(fib6_table_at(trees, value), value, memory_order_relaxed);
    }
}

/* ---- Segments of a window */

struct open_route {
    uint64_t end; /* the first cell behind it */
    uint32_t value;
};

static void segment_add(struct fib6_segment *segments, size_t *count, uint64_t first, uint32_t value)
{
    if (*count > 0 && segments[*count - 1].first == first) {
        (*count)--;
    }
    /* two cells that go deeper are never one segment */
    if (*count == 0 || segments[*count - 1].value != value || value == TRIE_DEEPER) {
        segments[(*count)++] = (struct fib6_segment){.first = (uint32_t)first, .value = value};
    }
}

uint32_t fib6_covering_value(const struct trie *trie, trie_key key, unsigned int max_length)
{
    unsigned int length;
    uint32_t value;

    return trie_match(trie, key, max_length, &length, &value) == 0 && length > 0 ? value : 0;
}

/* The segments of a prefix, in order: a route opens one at its first cell, and where it ends the route around it goes
 * on. The walk gives the routes as brackets nest. */
static size_t segments_collect(const struct fib6_trees *trees, trie_key key, unsigned int length, unsigned int window,
                               struct fib6_segment *segments)
{
    unsigned int max_length = window + FIB6_WINDOW < TRIE_KEY_BITS ? window + FIB6_WINDOW : TRIE_KEY_BITS;
    uint64_t first = fib6_window_key(key, window);
    uint64_t end = first + (1ull << (window + FIB6_WINDOW - length));
    struct open_route open[TRIE_KEY_BITS + 2] = {{end, fib6_covering_value(trees->trie, key, length)}};
    unsigned int depth = 1;
    size_t count = 0;
    struct trie_walk walk;
    struct trie_item item;

    segment_add(segments, &count, first, open[0].value);
    trie_walk_start(&walk, trees->trie, key, length, max_length);
    while (trie_walk_next(&walk, &item)) {
        first = fib6_window_key(item.key, window);
        for (; open[depth - 1].end <= first; depth--) {
            segment_add(segments, &count, open[depth - 1].end, open[depth - 2].value);
        }
        segment_add(segments, &count, first, item.value);
        open[depth++] = (struct open_route){
            .end = first + (item.value == TRIE_DEEPER ? 1 : 1ull << (window + FIB6_WINDOW - item.length)),
            .value = item.value,
        };
    }
    for (; open[depth - 1].end < end; depth--) {
        segment_add(segments, &count, open[depth - 1].end, open[depth - 2].value);
    }
    return count;
}

/* ---- Trees from segments */

struct build {
    struct fib6_trees *trees;
    trie_key key; /* what comes before the window */
    unsigned int window;
    const struct fib6_segment *segments;
};

/* Segments from `begin` to before `end`. */
struct span {
    size_t begin;
    size_t end;
};

static struct span part_of(struct span span, size_t part, size_t parts)
{
    size_t count = span.end - span.begin;

    return (struct span){span.begin + count * part / parts, span.begin + count * (part + 1) / parts};
}

static bool goes_deeper(const struct build *build, struct span span)
{
    for (size_t i = span.begin; i < span.end; i++) {
        if (build->segments[i].value == TRIE_DEEPER) {
            return true;
        }
    }
    return false;
}

static trie_key cell_key(const struct build *build, uint32_t cell)
{
    return build->key | (trie_key)cell << (TRIE_KEY_BITS - FIB6_WINDOW) >> build->window;
}

static int leaf_fill(const struct build *build, struct span span, struct fib6_leaf *leaf, uint32_t deeper)
{
    memset(leaf, 0, sizeof(*leaf));
    memset(leaf->last, 0xff, sizeof(leaf->last));
    leaf->deeper = (uint16_t)deeper;
    for (size_t i = 0; i < span.end - span.begin; i++) {
        const struct fib6_segment *segment = &build->segments[span.begin + i];
        uint32_t entry;
        int rc;

        if (i > 0) {
            leaf->last[i - 1] = segment->first - 1;
        }
        leaf->value[i] = (uint16_t)segment->value;
        if (segment->value == TRIE_DEEPER) {
            unsigned int next = build->window + FIB6_WINDOW;

            rc = fib6_tree_build(build->trees, cell_key(build, segment->first), next, next, &entry);
            if (rc != 0) {
                return rc;
            }
            atomic_store_explicit(fib6_leaf_deeper(leaf, (uint32_t)i), entry, memory_order_relaxed);
        }
    }
    return 0;
}

/* Leaves that are siblings, and behind them the deeper nodes of those that need one. */
static int leaves_build(const struct build *build, struct span span, size_t parts, uint32_t *index)
{
    uint32_t units = (uint32_t)parts;
    uint32_t deeper;
    int rc;

    for (size_t part = 0; part < parts; part++) {
        units += goes_deeper(build, part_of(span, part, parts));
    }
    rc = make(build->trees, &build->trees->nodes, units, index);
    deeper = (uint32_t)parts;
    for (size_t part = 0; rc == 0 && part < parts; part++) {
        struct span own = part_of(span, part, parts);
        uint32_t ahead = goes_deeper(build, own) ? deeper++ - (uint32_t)part : 0;

        rc = leaf_fill(build, own, &node_at(build->trees, *index + (uint32_t)part)->leaf, ahead);
    }
    return rc;
}

static size_t capacity(unsigned int height)
{
    return FIB6_SEGMENTS * ((size_t)1 << (4 * height)); /* FIB6_CHILDREN each level */
}

static int siblings_build(const struct build *build, struct span span, unsigned int height, size_t parts,
                          uint32_t *index)
{
    int rc;

    if (height == 0) {
        return leaves_build(build, span, parts, index);
    }
    rc = make(build->trees, &build->trees->nodes, (uint32_t)parts, index);
    for (size_t part = 0; rc == 0 && part < parts; part++) {
        struct span own = part_of(span, part, parts);
        size_t children = (own.end - own.begin + capacity(height - 1) - 1) / capacity(height - 1);
        struct fib6_inner *inner = &node_at(build->trees, *index + (uint32_t)part)->inner;

        memset(inner->last, 0xff, sizeof(inner->last));
        for (size_t child = 1; child < children; child++) {
            inner->last[child - 1] = build->segments[part_of(own, child, children).begin].first - 1;
        }
        rc = siblings_build(build, own, height - 1, children, &inner->children);
    }
    return rc;
}

static int span_build(const struct build *build, struct span span, uint32_t *entry)
{
    uint32_t value = build->segments[span.begin].value;
    unsigned int height = 0;
    uint32_t index;
    int rc;

    if (span.end - span.begin == 1 && value != TRIE_DEEPER) {
        fib6_uniform_prepare(build->trees, value);
        *entry = value;
        return 0;
    }
    while (capacity(height) < span.end - span.begin) {
        height++;
    }
    rc = siblings_build(build, span, height, 1, &index);
    *entry = fib6_entry(height, index);
    return rc;
}

int fib6_tree_build(struct fib6_trees *trees, trie_key key, unsigned int length, unsigned int window, uint32_t *entry)
{
    struct fib6_segment *segments = trees->segments + trees->segments_count;
    size_t count = segments_collect(trees, key, length, window, segments);
    struct build build = {.trees = trees, .key = key & trie_mask(window), .window = window, .segments = segments};
    int rc;

    trees->segments_count += count;
    rc = span_build(&build, (struct span){0, count}, entry);
    trees->segments_count -= count;
    return rc;
}

/* ---- Buckets */

/* About two segments an entry, once they are more than fit a leaf. */
static unsigned int stride_for(size_t segments)
{
    unsigned int stride = 0;

    while (segments > FIB6_SEGMENTS && stride < STRIDE_MAX && (size_t)4 << stride <= segments) {
        stride++;
    }
    return stride;
}

static int table_build(const struct build *build, size_t count, unsigned int stride, uint32_t table)
{
    struct span span = {0, 0};
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < 1u << stride; i++) {
        uint64_t first = (uint64_t)i << (FIB6_WINDOW - stride);
        uint64_t end = (uint64_t)(i + 1) << (FIB6_WINDOW - stride);
        uint32_t entry;

        while (span.begin + 1 < count && build->segments[span.begin + 1].first <= first) {
            span.begin++;
        }
        for (span.end = span.begin + 1; span.end < count && build->segments[span.end].first < end;) {
            span.end++;
        }
        rc = span_build(build, span, &entry);
        if (rc == 0) {
            atomic_store_explicit(fib6_table_at(build->trees, table + i), entry, memory_order_relaxed);
        }
    }
    return rc;
}

int fib6_bucket_build(struct fib6_trees *trees, trie_key key, unsigned int length, uint32_t *entry, size_t *segments)
{
    struct build build = {
        .trees = trees, .key = key, .window = length, .segments = trees->segments + trees->segments_count};
    size_t count = segments_collect(trees, key, length, length, trees->segments + trees->segments_count);
    unsigned int stride = stride_for(count);
    uint32_t unit;
    int rc;

    *segments = count;
    if (count == 1 && build.segments[0].value != TRIE_DEEPER) {
        return span_build(&build, (struct span){0, 1}, entry);
    }
    rc = make(trees, &trees->tables, ((1u << stride) + UNIT_ENTRIES - 1) / UNIT_ENTRIES, &unit);
    if (rc != 0) {
        return rc;
    }
    *entry = fib6_entry(stride, unit * UNIT_ENTRIES);
    trees->segments_count += count;
    rc = table_build(&build, count, stride, unit * UNIT_ENTRIES);
    trees->segments_count -= count;
    return rc;
}

/* ---- The way back */

static uint32_t used(const uint32_t *last, unsigned int n)
{
    uint32_t count = 1;

    for (unsigned int i = 0; i < n; i++) {
        count += last[i] != UINT32_MAX;
    }
    return count;
}

static void tree_free(struct fib6_trees *trees, uint32_t entry);

static void siblings_free(struct fib6_trees *trees, uint32_t index, unsigned int height, uint32_t parts)
{
    uint32_t units = parts;

    for (uint32_t part = 0; part < parts; part++) {
        const union fib6_node *node = fib6_node_at(trees, index + part);

        if (height > 0) {
            siblings_free(trees, node->inner.children, height - 1, used(node->inner.last, FIB6_CHILDREN - 1));
            continue;
        }
        units += node->leaf.deeper != 0;
        for (uint32_t i = 0; i < FIB6_SEGMENTS; i++) {
            if (node->leaf.value[i] == TRIE_DEEPER) {
                tree_free(trees, atomic_load_explicit(fib6_leaf_deeper(&node->leaf, i), memory_order_relaxed));
            }
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

void fib6_tree_reclaim(void *owner, void *thing)
{
    tree_free(owner, (uint32_t)(uintptr_t)thing);
}

void fib6_bucket_reclaim(void *owner, void *thing)
{
    struct fib6_trees *trees = owner;
    uint32_t entry = (uint32_t)(uintptr_t)thing;
    uint32_t count = 1u << fib6_entry_high(entry);

    if (fib6_entry_uniform(entry)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        tree_free(trees, atomic_load_explicit(fib6_table_at(trees, entry) + i, memory_order_relaxed));
    }
    arena_free(&trees->tables, fib6_entry_index(entry) / UNIT_ENTRIES, (count + UNIT_ENTRIES - 1) / UNIT_ENTRIES);
}
