/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What fib4 and fib6 share: the handle, the routes in their trie, and how a change goes: the trie first, then what the
 * workers read is refreshed from it, and if that fails the trie is put back.
 *
 * The default route is not painted into what the workers read; a lookup that found nothing takes default_value. So it
 * costs nothing to change.
 *
 * Private to this folder.
 */
#ifndef FIB_TABLE_H
#define FIB_TABLE_H

#include "attributes.h"
#include "fib.h"
#include "trie.h"
#include <assert.h>

static_assert(FIB_VALUE_MAX < TRIE_DEEPER, "a value leaves the bit of TRIE_DEEPER free");

/* One content; a load makes another. The first member of a family's own table. */
struct fib_table {
    struct trie *trie;
    struct rcu *rcu;
    const char *start; /* of what the prefetches reach for */
    _Atomic uint32_t default_value;
};

struct fib;

/* The difference between the families. */
struct fib_family {
    unsigned int bits;
    unsigned int max_routes; /* if the configuration names none */
    /* An empty table, its fib_table filled in but for the default value; NULL: no memory. */
    struct fib_table *(*create)(const struct fib *fib, struct trie *trie);
    /* Everything but the trie. */
    void (*destroy)(struct fib_table *table);
    /* Brings what a prefix of length > 0 covers up to the trie. -ENOSPC: changed nothing. */
    int (*refresh)(struct fib_table *table, trie_key key, unsigned int length);
    /* Notes that what the prefix covers is to be brought up to the trie by publish(); false: it is to be refreshed at
     * once. NULL: nothing waits. */
    bool (*defer)(struct fib_table *table, trie_key key, unsigned int length);
    /* What waits. Never fails. */
    void (*publish)(struct fib_table *table);
    /* Adds up bytes and control_bytes, without the trie. */
    void (*stats)(const struct fib_table *table, struct fib_stats *stats);
};

/* The first member of struct fib4 and of struct fib6. */
struct fib {
    struct fib_root root; /* first: fib4_prefetch(), fib6_prefetch() */
    _Atomic(struct fib_table *) table;
    const struct fib_family *family;
    struct rcu *rcu;
    unsigned int max_routes;
    enum fib_isa isa; /* not FIB_ISA_BEST */
    bool held;        /* changes may wait */
};

/* -ENOMEM. The rest as in fib.h. */
int fib_init(struct fib *fib, const struct fib_family *family, const struct fib_config *config) MUST_USE;
void fib_fini(struct fib *fib);
int fib_set(struct fib *fib, trie_key key, unsigned int length, uint32_t value) MUST_USE;
int fib_del(struct fib *fib, trie_key key, unsigned int length) MUST_USE;
/* route_at(routes, i): the i-th of them. */
int fib_load(struct fib *fib, struct trie_item (*route_at)(const void *routes, size_t i), const void *routes,
             size_t count) MUST_USE;
void fib_hold(struct fib *fib, bool hold);
void fib_publish(struct fib *fib);
int fib_match(const struct fib *fib, trie_key key, unsigned int *length, uint32_t *value) MUST_USE;
void fib_stats_get(const struct fib *fib, struct fib_stats *out);

/* Readers. */
static inline const struct fib_table *fib_table_now(const struct fib *fib)
{
    return atomic_load_explicit(&fib->table, memory_order_acquire);
}

/* The value of the longest route of 1 to max_length that covers the key, or FIB_NO_ROUTE. */
static inline uint32_t fib_covering_value(const struct trie *trie, trie_key key, unsigned int max_length)
{
    unsigned int length;
    uint32_t value;

    return trie_match(trie, key, max_length, &length, &value) == 0 && length > 0 ? value : FIB_NO_ROUTE;
}

#endif
