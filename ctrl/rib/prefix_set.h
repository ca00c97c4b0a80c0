/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ordered set of prefixes, both families in one, in the order of prefix_compare(): what a covering prefix covers
 * comes after it, at once.
 *
 * Blocks of up to 128 members, sorted, under one sorted index of the blocks: a B-tree of two levels. At a million
 * members the index is half a megabyte and stays in the cache, so a search misses it a few times, in one block; a
 * binary tree misses at each of its last ten levels (measured: three times slower in random order).
 *
 * A member is a struct prefix inside a thing of the owner's, who has to keep both in place. Some 30 to 60 bytes a
 * member, never given back before their block is empty.
 */
#ifndef PREFIX_SET_H
#define PREFIX_SET_H

#include "addr.h"
#include "attributes.h"
#include "pool.h"

struct prefix_slot;

/* All zero: empty. */
struct prefix_set {
    struct prefix_slot *slots; /* the index */
    uint32_t n_slots;
    uint32_t room;
    struct pool pool; /* of the blocks */
    uint32_t last;    /* where something was inserted last: tables mostly come in order */
};

/* Where a prefix is, or belongs. Good until the set changes. */
struct prefix_place {
    uint32_t slot;
    uint32_t at;
    struct prefix *member; /* NULL: it is not there */
};

/* Empties the set; calls drop(owner, member) once for each, which may free it. */
void prefix_set_clear(struct prefix_set *set, void (*drop)(void *owner, struct prefix *member), void *owner);
/* 0, -EEXIST or -ENOMEM, of which the last two change nothing. */
int prefix_set_insert(struct prefix_set *set, struct prefix *member) MUST_USE;
struct prefix_place prefix_set_locate(const struct prefix_set *set, const struct prefix *prefix);
/* At the place of a prefix that is not there. 0 or -ENOMEM, which changes nothing. */
int prefix_set_insert_at(struct prefix_set *set, struct prefix_place place, struct prefix *member) MUST_USE;
/* All members in order: the one at the place, which goes on to the next. A place of all zero is the first; NULL: that
 * was the last one. The set stays as it is meanwhile. */
struct prefix *prefix_set_walk(const struct prefix_set *set, struct prefix_place *place);
/* Where such a walk goes on behind the prefix, which may have been removed. */
struct prefix_place prefix_set_after(const struct prefix_set *set, const struct prefix *prefix);
/* Of memory. */
size_t prefix_set_bytes(const struct prefix_set *set);
/* The member that equals the prefix, which must be there. */
void prefix_set_remove(struct prefix_set *set, const struct prefix *prefix);
/* NULL: not there. */
struct prefix *prefix_set_find(const struct prefix_set *set, const struct prefix *prefix);
/* The first member at or after the prefix, which need not be a member; NULL: none. */
struct prefix *prefix_set_seek(const struct prefix_set *set, const struct prefix *prefix);
/* The first member after the prefix, which need not be a member any more; NULL: none. */
struct prefix *prefix_set_next(const struct prefix_set *set, const struct prefix *prefix);

#endif
