/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The routes themselves, as the writer remembers them: a path-compressed binary trie (Morrison, JACM 1968) over
 * 128-bit keys. An IPv4 address is the top 32 bits of a key, so one trie serves both families.
 *
 * The tables that workers read are painted from it: trie_walk() visits what lies inside a prefix, covering routes
 * before the ones they cover and in address order, and stops descending at a given length, because each level of a
 * table wants to know of longer routes only that there are some.
 */
#ifndef TRIE_H
#define TRIE_H

#include "attributes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 trie_key;

#define TRIE_KEY_BITS 128
/* In the place of a value: longer routes lie in here. Above every value. */
#define TRIE_DEEPER 0x8000u

struct trie;

/* NULL: no memory. */
struct trie *trie_create(unsigned int max_routes);
void trie_destroy(struct trie *trie);

/* The key has no bits beyond the length; value from 1 to TRIE_DEEPER - 1. *old = the value that was there, 0 = none.
 * -ENOSPC: max_routes are in (never for a route that is). */
int trie_set(struct trie *trie, trie_key key, unsigned int length, uint32_t value, uint32_t *old) MUST_USE;
/* *old = the value that was there; -ENOENT. */
int trie_del(struct trie *trie, trie_key key, unsigned int length, uint32_t *old) MUST_USE;
/* The value of exactly this route, 0 = none. */
uint32_t trie_get(const struct trie *trie, trie_key key, unsigned int length);
/* The longest route of at most max_length that covers the key. -ENOENT. */
int trie_match(const struct trie *trie, trie_key key, unsigned int max_length, unsigned int *length,
               uint32_t *value) MUST_USE;

struct trie_item {
    trie_key key;
    unsigned int length;
    uint32_t value; /* TRIE_DEEPER: one or more routes longer than the walk's max_length, all inside this prefix, which
                     * is itself longer */
};

struct trie_walk {
    const struct trie *trie;
    unsigned int max_length;
    unsigned int pending;
    uint32_t stack[TRIE_KEY_BITS + 2];
};

/* Begins at the routes of this prefix, itself included. The trie must not change during a walk. */
void trie_walk_start(struct trie_walk *walk, const struct trie *trie, trie_key key, unsigned int length,
                     unsigned int max_length);
bool trie_walk_next(struct trie_walk *walk, struct trie_item *item);

/* Cuts the prefix into 2^(max_length - length) equal cells and gives each the value of the longest route of at most
 * max_length that covers it (`outside`, if that does not lie inside the prefix), or TRIE_DEEPER. */
void trie_paint(const struct trie *trie, trie_key key, unsigned int length, unsigned int max_length, uint32_t outside,
                uint16_t *cells);

size_t trie_routes(const struct trie *trie);
size_t trie_bytes(const struct trie *trie);

/* The first `length` bits set. */
static inline trie_key trie_mask(unsigned int length)
{
    return length < TRIE_KEY_BITS ? ~(~(trie_key)0 >> length) : ~(trie_key)0;
}

#endif
