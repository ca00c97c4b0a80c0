/* SPDX-License-Identifier: BSD-3-Clause */
#include "attrs.h"
#include "hash.h"
#include "pool.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 1024

/* The words before the lists: see put_scalars(). */
#define SCALAR_WORDS 9

/* Everything there is to know stands once more in `words`, as numbers end to end, so that hashing and comparing are
 * one call each and cannot forget a field. The lists of `attrs` point into it. */
struct interned {
    struct interned *next; /* in the bucket */
    uint64_t hash;
    uint32_t refs;
    uint32_t n_words;
    struct attrs attrs;
    uint32_t words[];
};

struct attrs_table {
    uint64_t seed;
    size_t count;
    size_t n_buckets; /* a power of two */
    struct interned **buckets;
    struct pool pool;
    struct interned *scratch; /* what is looked for is made in here: most sets are known already */
    size_t scratch_words;
};

static_assert(sizeof(struct as_segment) == 2 * sizeof(uint32_t), "stored as words");
static_assert(sizeof(struct large_community) == 3 * sizeof(uint32_t), "stored as words");

static size_t interned_bytes(const struct interned *interned)
{
    return sizeof(*interned) + interned->n_words * sizeof(uint32_t);
}

struct attrs_table *attrs_table_create(uint64_t seed)
{
    struct attrs_table *table = calloc(1, sizeof(*table));

    if (table == NULL) {
        return NULL;
    }
    table->seed = seed;
    table->n_buckets = BUCKETS_FIRST;
    table->buckets = calloc(table->n_buckets, sizeof(struct interned *));
    if (table->buckets == NULL) {
        free(table);
        return NULL;
    }
    return table;
}

void attrs_table_destroy(struct attrs_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->n_buckets; i++) {
        for (struct interned *next, *it = table->buckets[i]; it != NULL; it = next) {
            next = it->next;
            pool_free(&table->pool, it, interned_bytes(it));
        }
    }
    pool_fini(&table->pool);
    free(table->buckets);
    free(table->scratch);
    free(table);
}

size_t attrs_table_count(const struct attrs_table *table)
{
    return table->count;
}

size_t attrs_table_bytes(const struct attrs_table *table)
{
    return table->pool.bytes + table->n_buckets * sizeof(struct interned *);
}

static int compare_words(const void *a, const void *b, void *width)
{
    const uint32_t *left = a;
    const uint32_t *right = b;

    for (size_t i = 0; i < *(const size_t *)width; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Sorts n items of `width` words each, drops duplicates, and returns how many are left. */
static uint32_t sort_unique(uint32_t *items, uint32_t n, size_t width)
{
    uint32_t kept = n < 1 ? 0 : 1;

    qsort_r(items, n, width * sizeof(*items), compare_words, &width);
    for (uint32_t i = 1; i < n; i++) {
        uint32_t *item = items + i * width;

        if (compare_words(item, items + (kept - 1) * width, &width) != 0) {
            memmove(items + kept++ * width, item, width * sizeof(*items));
        }
    }
    return kept;
}

/* The put_ functions append to the words at `out` and return their new end. */

static uint32_t *put_list(uint32_t *out, const void *items, size_t n_words)
{
    if (n_words > 0) {
        memcpy(out, items, n_words * sizeof(*out));
    }
    return out + n_words;
}

/* Segments without empty ones, and neighbouring sequences of a kind made one. */
static uint32_t *put_segments(uint32_t *out, const struct as_path *in, struct as_path *path)
{
    struct as_segment *segments = (struct as_segment *)out;
    uint32_t n = 0;

    for (uint32_t i = 0; i < in->n_segments; i++) {
        const struct as_segment *segment = &in->segments[i];

        if (segment->n == 0) {
            continue;
        }
        if (n > 0 && !as_segment_is_set(segment) && segments[n - 1].kind == segment->kind) {
            segments[n - 1].n += segment->n;
        } else {
            segments[n++] = *segment;
        }
    }
    path->segments = n > 0 ? segments : NULL;
    path->n_segments = n;
    return out + 2 * (size_t)n;
}

static uint32_t *put_path(uint32_t *out, const struct as_path *in, struct as_path *path)
{
    struct as_segment *segments = (struct as_segment *)out;
    const uint32_t *asns = in->asns;

    out = put_segments(out, in, path);
    path->asns = path->n_segments > 0 ? out : NULL;
    for (uint32_t i = 0; i < path->n_segments; i++) {
        uint32_t *numbers = out;

        out = put_list(out, asns, segments[i].n);
        asns += segments[i].n;
        if (as_segment_is_set(&segments[i])) {
            segments[i].n = sort_unique(numbers, segments[i].n, 1);
            out = numbers + segments[i].n;
        }
    }
    return out;
}

/* A list that is a set; *n goes in as what there is and comes out as what is left. */
static uint32_t *put_set(uint32_t *out, const void *items, uint32_t *n, size_t width)
{
    put_list(out, items, *n * width);
    *n = sort_unique(out, *n, width);
    return out + *n * width;
}

static void put_scalars(uint32_t *words, const struct attrs *attrs)
{
    const uint32_t scalars[SCALAR_WORDS] = {
        attrs->origin | (uint32_t)attrs->has_local_pref << 8 | (uint32_t)attrs->has_med << 9 |
            (uint32_t)attrs->has_originator_id << 10,
        attrs->local_pref,
        attrs->med,
        attrs->weight,
        attrs->originator_id,
        attrs->as_path.n_segments,
        attrs->n_communities,
        attrs->n_large_communities,
        attrs->n_cluster_list,
    };

    memcpy(words, scalars, sizeof(scalars));
}

static size_t words_needed(const struct attrs *in)
{
    return SCALAR_WORDS + 2 * (size_t)in->as_path.n_segments + as_path_asns(&in->as_path) + in->n_communities +
           3 * (size_t)in->n_large_communities + in->n_cluster_list;
}

/* Room for the set in the scratch; false: no memory. */
static bool scratch_reserve(struct attrs_table *table, size_t words)
{
    struct interned *scratch;

    if (words <= table->scratch_words) {
        return true;
    }
    scratch = realloc(table->scratch, sizeof(*scratch) + 2 * words * sizeof(uint32_t));
    if (scratch == NULL) {
        return false;
    }
    table->scratch = scratch;
    table->scratch_words = 2 * words;
    return true;
}

/* The canonical form, in the scratch. NULL: no memory. */
static struct interned *canonical(struct attrs_table *table, const struct attrs *in)
{
    struct interned *made;
    struct attrs *attrs;
    uint32_t *out;

    if (!scratch_reserve(table, words_needed(in))) {
        return NULL;
    }
    made = table->scratch;
    attrs = &made->attrs;
    *attrs = *in;
    attrs->local_pref = in->has_local_pref ? in->local_pref : 0;
    attrs->med = in->has_med ? in->med : 0;
    attrs->originator_id = in->has_originator_id ? in->originator_id : 0;

    out = put_path(made->words + SCALAR_WORDS, &in->as_path, &attrs->as_path);
    attrs->communities = in->n_communities > 0 ? out : NULL;
    out = put_set(out, in->communities, &attrs->n_communities, 1);
    attrs->large_communities = in->n_large_communities > 0 ? (const struct large_community *)out : NULL;
    out = put_set(out, in->large_communities, &attrs->n_large_communities, 3);
    attrs->cluster_list = in->n_cluster_list > 0 ? out : NULL;
    out = put_list(out, in->cluster_list, in->n_cluster_list);
    put_scalars(made->words, attrs);

    made->refs = 1;
    made->n_words = (uint32_t)(out - made->words);
    made->hash = hash_table(made->words, made->n_words * sizeof(uint32_t), table->seed);
    return made;
}

/* What pointed into the words of `from` points to the same place in those of `to`. NULL stays NULL. */
static const void *moved(const void *list, const struct interned *from, const struct interned *to)
{
    return list != NULL ? to->words + ((const uint32_t *)list - from->words) : NULL;
}

/* In a block of its own, not yet in the table. NULL: no memory. */
static struct interned *interned_create(struct attrs_table *table, const struct interned *made)
{
    struct interned *new = pool_alloc(&table->pool, interned_bytes(made));

    if (new == NULL) {
        return NULL;
    }
    memcpy(new, made, interned_bytes(made));
    new->attrs.as_path.segments = moved(made->attrs.as_path.segments, made, new);
    new->attrs.as_path.asns = moved(made->attrs.as_path.asns, made, new);
    new->attrs.communities = moved(made->attrs.communities, made, new);
    new->attrs.large_communities = moved(made->attrs.large_communities, made, new);
    new->attrs.cluster_list = moved(made->attrs.cluster_list, made, new);
    return new;
}

static struct interned **bucket_of(const struct attrs_table *table, uint64_t hash)
{
    return &table->buckets[hash & (table->n_buckets - 1)];
}

static struct interned *find_equal(const struct attrs_table *table, const struct interned *key)
{
    struct interned *it = *bucket_of(table, key->hash);

    while (it != NULL && (it->hash != key->hash || it->n_words != key->n_words ||
                          memcmp(it->words, key->words, key->n_words * sizeof(uint32_t)) != 0)) {
        it = it->next;
    }
    return it;
}

/* Without memory for it the chains get longer, and nothing else happens. */
static void grow(struct attrs_table *table)
{
    struct interned **old = table->buckets;
    size_t n_old = table->n_buckets;
    struct interned **buckets = calloc(2 * n_old, sizeof(struct interned *));

    if (buckets == NULL) {
        return;
    }
    table->buckets = buckets;
    table->n_buckets = 2 * n_old;
    for (size_t i = 0; i < n_old; i++) {
        for (struct interned *next, *it = old[i]; it != NULL; it = next) {
            struct interned **bucket = bucket_of(table, it->hash);

            next = it->next;
            it->next = *bucket;
            *bucket = it;
        }
    }
    free(old);
}

const struct attrs *attrs_intern(struct attrs_table *table, const struct attrs *attrs)
{
    const struct interned *made = canonical(table, attrs);
    struct interned *known = made != NULL ? find_equal(table, made) : NULL;
    struct interned **bucket;
    struct interned *new;

    if (known != NULL) {
        known->refs++;
        return &known->attrs;
    }
    new = made != NULL ? interned_create(table, made) : NULL;
    if (new == NULL) {
        return NULL;
    }
    if (table->count >= table->n_buckets) {
        grow(table);
    }
    bucket = bucket_of(table, new->hash);
    new->next = *bucket;
    *bucket = new;
    table->count++;
    return &new->attrs;
}

/* Readers get a const view; the count beside it is ours to change. */
static struct interned *interned_of(const struct attrs *attrs)
{
    return (struct interned *)((uintptr_t)attrs - offsetof(struct interned, attrs));
}

const struct attrs *attrs_ref(const struct attrs *interned)
{
    interned_of(interned)->refs++;
    return interned;
}

void attrs_unref(struct attrs_table *table, const struct attrs *interned)
{
    struct interned *gone;
    struct interned **link;

    if (interned == NULL || --interned_of(interned)->refs > 0) {
        return;
    }
    gone = interned_of(interned);
    link = bucket_of(table, gone->hash);
    while (*link != gone) {
        link = &(*link)->next;
    }
    *link = gone->next;
    pool_free(&table->pool, gone, interned_bytes(gone));
    table->count--;
}

bool attrs_has_community(const struct attrs *attrs, uint32_t community)
{
    for (uint32_t i = 0; i < attrs->n_communities; i++) {
        if (attrs->communities[i] == community) {
            return true;
        }
    }
    return false;
}

uint32_t attrs_local_pref(const struct attrs *attrs)
{
    if (attrs_has_community(attrs, COMMUNITY_GRACEFUL_SHUTDOWN)) {
        return 0;
    }
    return attrs->has_local_pref ? attrs->local_pref : LOCAL_PREF_DEFAULT;
}
