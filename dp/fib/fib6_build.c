/* SPDX-License-Identifier: BSD-3-Clause */
/* Trees and sub-tables, built whole from the trie. */
#include "fib6_tree.h"
#include <errno.h>
#include <string.h>

#define STRIDE_MAX 15

/* A new leaf is filled this far, which leaves room for patches, unless more make it the whole tree. */
#define SEGMENTS_AT_FIRST 8

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

static size_t span_count(struct span span)
{
    return span.end - span.begin;
}

static struct span part_of(struct span span, size_t part, size_t parts)
{
    return (struct span){span.begin + span_count(span) * part / parts,
                         span.begin + span_count(span) * (part + 1) / parts};
}

/* Segments below a node of this height. */
static size_t capacity(unsigned int height)
{
    size_t count = SEGMENTS_AT_FIRST;

    for (; height > 0; height--) {
        count *= FIB6_CHILDREN;
    }
    return count;
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

static int deeper_build(const struct build *build, uint32_t cell, _Atomic uint32_t *word)
{
    trie_key key = build->key | (trie_key)cell << (TRIE_KEY_BITS - FIB6_WINDOW) >> build->window;
    unsigned int next = build->window + FIB6_WINDOW;
    uint32_t entry;
    int rc = fib6_tree_build(build->trees, key, next, next, &entry);

    if (rc == 0) {
        atomic_store_explicit(word, entry, memory_order_relaxed);
    }
    return rc;
}

static int leaf_fill(const struct build *build, struct span span, struct fib6_leaf *leaf, uint32_t deeper)
{
    int rc = 0;

    *leaf = (struct fib6_leaf){.deeper = (uint16_t)deeper};
    memset(leaf->last, 0xff, sizeof(leaf->last));
    for (uint32_t i = 0; rc == 0 && i < span_count(span); i++) {
        const struct fib6_segment *segment = &build->segments[span.begin + i];

        if (i > 0) {
            leaf->last[i - 1] = segment->first - 1;
        }
        leaf->value[i] = (uint16_t)segment->value;
        if (segment->value == TRIE_DEEPER) {
            rc = deeper_build(build, segment->first, fib6_leaf_deeper(leaf, i));
        }
    }
    return rc;
}

static int leaves_build(const struct build *build, struct span span, uint32_t count, uint32_t *index)
{
    uint32_t units = count;
    int rc;

    for (uint32_t i = 0; i < count; i++) {
        units += goes_deeper(build, part_of(span, i, count));
    }
    rc = fib6_make(build->trees, &build->trees->nodes, units, index);
    for (uint32_t i = 0, used = count; rc == 0 && i < count; i++) {
        struct span own = part_of(span, i, count);
        uint32_t deeper = goes_deeper(build, own) ? used++ - i : 0;

        rc = leaf_fill(build, own, &fib6_node_at(build->trees, *index + i)->leaf, deeper);
    }
    return rc;
}

static int siblings_build(const struct build *build, struct span span, unsigned int height, uint32_t count,
                          uint32_t *index)
{
    int rc;

    if (height == 0) {
        return leaves_build(build, span, count, index);
    }
    rc = fib6_make(build->trees, &build->trees->nodes, count, index);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        struct fib6_inner *inner = &fib6_node_at(build->trees, *index + i)->inner;
        struct span own = part_of(span, i, count);
        uint32_t children = (uint32_t)((span_count(own) + capacity(height - 1) - 1) / capacity(height - 1));
        uint32_t first;

        memset(inner->last, 0xff, sizeof(inner->last));
        for (uint32_t child = 1; child < children; child++) {
            inner->last[child - 1] = build->segments[part_of(own, child, children).begin].first - 1;
        }
        rc = siblings_build(build, own, height - 1, children, &first);
        if (rc == 0) {
            atomic_store_explicit(&inner->children, first, memory_order_relaxed);
        }
    }
    return rc;
}

static int span_build(const struct build *build, struct span span, uint32_t *entry)
{
    uint32_t value = build->segments[span.begin].value;
    unsigned int height = 0;
    uint32_t index;
    int rc;

    if (span_count(span) == 1 && value != TRIE_DEEPER) {
        fib6_uniform_prepare(build->trees, value);
        *entry = value;
        return 0;
    }
    while (span_count(span) > FIB6_SEGMENTS && capacity(height) < span_count(span)) {
        height++;
    }
    rc = siblings_build(build, span, height, 1, &index);
    if (rc == 0) {
        *entry = fib6_entry(height, index);
    }
    return rc;
}

int fib6_tree_build(struct fib6_trees *trees, trie_key key, unsigned int length, unsigned int window, uint32_t *entry)
{
    struct fib6_segment *segments = trees->segments + trees->segments_count;
    struct build build = {.trees = trees, .key = key & trie_mask(window), .window = window, .segments = segments};
    size_t count = fib6_segments_collect(trees->trie, key, length, window, segments);
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
            atomic_store_explicit(fib6_table_at(build->trees, table) + i, entry, memory_order_relaxed);
        }
    }
    return rc;
}

int fib6_bucket_build(struct fib6_trees *trees, trie_key key, unsigned int length, uint32_t *entry, size_t *segments)
{
    struct fib6_segment *own = trees->segments + trees->segments_count;
    struct build build = {.trees = trees, .key = key, .window = length, .segments = own};
    size_t count = fib6_segments_collect(trees->trie, key, length, length, own);
    unsigned int stride = stride_for(count);
    uint32_t unit;
    int rc;

    *segments = count;
    if (count == 1 && own[0].value != TRIE_DEEPER) {
        return span_build(&build, (struct span){0, 1}, entry);
    }
    rc = fib6_make(trees, &trees->tables, ((1u << stride) + FIB6_TABLE_UNIT - 1) / FIB6_TABLE_UNIT, &unit);
    if (rc != 0) {
        return rc;
    }
    *entry = fib6_entry(stride, unit * FIB6_TABLE_UNIT);
    trees->segments_count += count;
    rc = table_build(&build, count, stride, *entry);
    trees->segments_count -= count;
    return rc;
}
