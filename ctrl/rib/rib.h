/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store of candidate routes: for each prefix the candidates that sessions and peers offer, and what was made of
 * them. It decides nothing and knows no names: sessions, peers and instances are small integers of the caller's.
 *
 * A change marks its prefix dirty. The dirty pass pops each such prefix once, decides, installs, keeps the outcome in
 * the entry, and releases it:
 *
 *     while ((entry = rib_next_dirty(rib)) != NULL) {
 *         ... rank entry->candidates, install, set entry->outcome (undo the outcome if n_candidates is 0) ...
 *         rib_release(rib, entry);
 *     }
 *
 * Large changes are decided in parts, between which small ones are decided at once: see rib_set_list().
 *
 * An entry lives until rib_release() finds it without a candidate, so that the pass still sees what to take down.
 *
 * Several changes as one: check everything first (rib_upsert() fails for want of memory only), keep what each change
 * hands back, and undo in reverse order: RIB_ADDED by rib_withdraw(), everything else by rib_upsert() of the old value.
 * Undone like this before the dirty pass, rib_upsert() finds the room that there was and cannot fail. The prefixes stay
 * dirty, which costs a decision with the old result.
 *
 * Control thread only. A million prefixes with two candidates each take about 290 MB beside their attributes.
 */
#ifndef RIB_H
#define RIB_H

#include "addr.h"
#include "attributes.h"
#include "attrs.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* Sessions and peers are numbered from 0 to RIB_IDS - 1; the caller reuses numbers. */
#define RIB_IDS 65536

enum target_kind { TARGET_INSTANCE, TARGET_NEXT_HOP, TARGET_BLACKHOLE, TARGET_REJECT };

/* Where a candidate leads to. */
struct target {
    uint8_t kind;    /* enum target_kind */
    uint8_t on_port; /* of a link-local next hop: its port's number and 1; else 0 */
    union {
        uint32_t instance_id;    /* TARGET_INSTANCE */
        struct ip_addr next_hop; /* TARGET_NEXT_HOP */
    };
};

/* Who offers it: with the prefix, the key of a candidate. */
struct candidate_key {
    uint16_t session_id;
    uint16_t peer_id;
    uint32_t path_id;
};

struct candidate {
    const struct attrs *attrs; /* interned */
    struct candidate_key key;
    struct target target;
    uint16_t share;  /* of the flows, beside others that are as good; 0 is 1 */
    bool stale;      /* its session has gone; no part of what a candidate says, so it changes no outcome */
    bool configured; /* by the file; no part of what it says either */
    bool held;       /* withdrawn by its session, which is not believed: stale as well */
};

/* The caller's, for what it decided and installed; all zero in a new entry. */
struct rib_outcome {
    struct candidate_key best; /* of the winner */
    uint32_t path_list_id;
    uint32_t best_mark : 31; /* another one is another set of best candidates; 0: there is none */
    uint32_t pending : 1;    /* what was decided last could not be installed */
};

/* Read only but for `outcome`. A pointer to an entry is good until rib_release(), one to a candidate until the next
 * change of its prefix. */
struct rib_entry {
    struct prefix prefix;
    bool dirty;
    uint8_t list;    /* if dirty: enum rib_list */
    uint16_t walked; /* the number of the last walk that has been here */
    uint32_t n_candidates;
    uint32_t room;
    struct candidate *candidates; /* by session, peer, path id */
    TAILQ_ENTRY(rib_entry) dirty_link;
    struct rib_outcome outcome;
};

struct rib_counts {
    uint32_t prefixes[FAMILIES]; /* with at least one candidate */
    uint32_t candidates[FAMILIES];
    uint32_t of_session[RIB_IDS]; /* candidates */
    uint32_t prefixes_of_session[RIB_IDS];
    uint32_t stale_of_session[RIB_IDS];
    uint32_t held_of_session[RIB_IDS];
    uint32_t of_peer[RIB_IDS];         /* candidates, over all sessions */
    uint16_t session_of_peer[RIB_IDS]; /* whose they are, */
    bool shared_peer[RIB_IDS];         /* unless they may be of several */
};

enum rib_change { RIB_UNCHANGED, RIB_ADDED, RIB_REPLACED };

/* What is to be decided now; what is so much that it may wait for others; what is not to be decided yet. */
enum rib_list { RIB_NOW, RIB_BULK, RIB_HELD, RIB_LISTS };

struct rib;

/* attrs: the table that every candidate's attributes are of; must outlive the rib. NULL: no memory. */
struct rib *rib_create(struct attrs_table *attrs);
/* Gives back every reference to attributes. */
void rib_destroy(struct rib *rib);

/* Adds the candidate, or replaces the one of this key; takes a reference of its own to the attributes. Marks the prefix
 * dirty unless nothing but `stale` changed. Returns enum rib_change or -ENOMEM, which changes nothing. Where there was
 * a candidate of this key (the change is not RIB_ADDED), *old is it, and its reference to the attributes is now the
 * caller's; old may be NULL. */
int rib_upsert(struct rib *rib, const struct prefix *prefix, const struct candidate *candidate,
               struct candidate *old) MUST_USE;
/* False: there is none. Else marks the prefix dirty; old as above. */
bool rib_withdraw(struct rib *rib, const struct prefix *prefix, const struct candidate_key *key, struct candidate *old);

/* NULL: unknown. Between a last withdrawal and the dirty pass an entry has no candidates. */
struct rib_entry *rib_find(const struct rib *rib, const struct prefix *prefix);
/* What was decided for the prefix, whatever walks are under way; NULL: it is unknown. */
const struct rib_outcome *rib_outcome_of(const struct rib *rib, const struct prefix *prefix);
/* Whether the entry has a candidate of this key. */
bool rib_entry_has(const struct rib_entry *entry, const struct candidate_key *key);
/* The first entry at or after the prefix, within its family, in the order of prefix_compare(); NULL: none. The prefix
 * itself may be unknown, so the one to go on with is a cursor that survives any change. */
struct rib_entry *rib_seek(const struct rib *rib, const struct prefix *prefix);
/* The first entry after the prefix, within its family; NULL: none. */
struct rib_entry *rib_after(const struct rib *rib, const struct prefix *prefix);
/* The entry after this one, within its family; NULL: none. */
struct rib_entry *rib_next(const struct rib *rib, const struct rib_entry *entry);
const struct rib_counts *rib_counts(const struct rib *rib);
/* Of memory for prefixes and candidates, without their attributes. */
size_t rib_bytes(const struct rib *rib);

/* Candidates for which all that is not NULL holds. All NULL means every candidate. The pointers
 * must not point into the rib. */
struct rib_selector {
    const uint16_t *session_id;
    const uint16_t *peer_id;
    const struct target *target;
    const bool *stale;
    const bool *held;
};

bool rib_selects(const struct rib_selector *selector, const struct candidate *candidate);
/* False: there is certainly no such candidate. Costs nothing. */
bool rib_may_select(const struct rib *rib, const struct rib_selector *selector);

/* Withdraws those selected of the entry; returns how many. */
size_t rib_flush_entry(struct rib *rib, struct rib_entry *entry, const struct rib_selector *selector);
/* Sets the stale flag of those; marks nothing dirty. Returns how many were not stale before. */
size_t rib_stale_entry(struct rib *rib, struct rib_entry *entry, const struct rib_selector *selector);

/* How many candidates are selected. Walks all prefixes, at once, if the counts cannot tell. */
size_t rib_count_selected(struct rib *rib, const struct rib_selector *selector);

/*
 * Work on all entries of a large table, in parts. It is done to an entry when rib_walk_part() comes by, or when
 * somebody looks at the entry or changes it before that: so that whoever does finds the table as if all had been done
 * by rib_walk(), and what has changed since is left alone. Counts alone follow as it is done.
 */
struct rib_work {
    /* Once for each entry that there was. May change and withdraw candidates of it, which marks it on RIB_BULK, and add
     * none; must not look at other entries. */
    void (*visit)(void *owner, struct rib_entry *entry, const struct rib_selector *selector);
    void *owner; /* must outlive it */
    struct rib_selector selector;
    bool counted; /* it changes what is counted of sessions */
};

/* Works are done in the order in which they came. Never fails: without memory, it is done at once. */
void rib_walk(struct rib *rib, const struct rib_work *work);
/* All of it at once. Changes are marked on the list that is set. */
void rib_walk_now(struct rib *rib, const struct rib_work *work);
/* Goes on with so many entries at most. False: all is done that had come when the present pass over the table began,
 * which is nothing if there is no work. */
bool rib_walk_part(struct rib *rib, unsigned int most);
/* There is something left to do. */
bool rib_walk_is_pending(const struct rib *rib);
/* All that is left, so that the counts are what they should be. */
void rib_walk_finish(struct rib *rib);
/* Some of the session's counts are not yet what they should be. */
bool rib_walk_concerns(const struct rib *rib, uint16_t session_id);

/* Each walks all prefixes at once, unless the counts say that there is nothing to find: 30 to 60 ms for a million, a
 * flush 300. Never fails. */

/* Withdraws the selected candidates; returns how many. */
size_t rib_flush(struct rib *rib, const struct rib_selector *selector);
/* Sets their stale flag; returns how many were not stale before. Marks nothing dirty: stale routes rank as before. */
size_t rib_mark_stale(struct rib *rib, const struct rib_selector *selector);
/* The same, and holds them. */
size_t rib_hold(struct rib *rib, const struct rib_selector *selector);
/* Marks dirty the prefixes that have a selected candidate; returns how many were clean before. */
size_t rib_mark_dirty(struct rib *rib, const struct rib_selector *selector);

/* Holds the candidate of this key, if it is there. */
void rib_hold_one(struct rib *rib, struct rib_entry *entry, const struct candidate_key *key);
/* Marks one entry dirty, once: e.g. to try again what could not be installed. */
void rib_mark_entry(struct rib *rib, struct rib_entry *entry);
/* Takes the prefix that has been dirty longest off the list; NULL: none. The caller ends with rib_release(). */
struct rib_entry *rib_next_dirty(struct rib *rib);
/* Which list of dirty prefixes changes are marked on from now on. One that is changed by several is on the first of
 * theirs. Returns which it was. */
enum rib_list rib_set_list(struct rib *rib, enum rib_list list);
/* As rib_next_dirty(), of another list. */
struct rib_entry *rib_next_of(struct rib *rib, enum rib_list list);
/* Nothing is left on that list. */
bool rib_is_clean(const struct rib *rib, enum rib_list list);
/* What is held is so no more, but to be decided now. */
void rib_release_held(struct rib *rib);
/* Frees the entry if it has no candidate and is not dirty again; else does nothing. */
void rib_release(struct rib *rib, struct rib_entry *entry);

bool candidate_key_equal(const struct candidate_key *a, const struct candidate_key *b);
bool target_equal(const struct target *a, const struct target *b);

#endif
