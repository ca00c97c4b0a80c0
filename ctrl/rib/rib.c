/* SPDX-License-Identifier: BSD-3-Clause */
#include "rib.h"
#include "prefix_set.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

TAILQ_HEAD(dirty_list, rib_entry);

struct rib {
    struct attrs_table *attrs;
    struct prefix_set prefixes; /* each the one in its rib_entry */
    struct dirty_list dirty[RIB_LISTS];
    enum rib_list list; /* that changes are marked on */
    struct rib_counts counts;
};

static_assert(sizeof(struct candidate) <= 48, "there are millions of them");
static_assert(offsetof(struct rib_entry, prefix) == 0, "so that a prefix of the set leads to its entry");

bool target_equal(const struct target *a, const struct target *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case TARGET_INSTANCE:
        return a->instance_id == b->instance_id;
    case TARGET_NEXT_HOP:
        return ip_addr_equal(&a->next_hop, &b->next_hop);
    default:
        return true;
    }
}

static struct rib_entry *entry_of(struct prefix *member)
{
    return (struct rib_entry *)member;
}

struct rib *rib_create(struct attrs_table *attrs)
{
    struct rib *rib = calloc(1, sizeof(*rib));

    if (rib != NULL) {
        rib->attrs = attrs;
        for (int list = 0; list < RIB_LISTS; list++) {
            TAILQ_INIT(&rib->dirty[list]);
        }
    }
    return rib;
}

static void entry_free(struct rib_entry *entry)
{
    free(entry->candidates);
    free(entry);
}

static void entry_drop(void *owner, struct prefix *member)
{
    struct rib *rib = owner;
    struct rib_entry *entry = entry_of(member);

    for (uint32_t i = 0; i < entry->n_candidates; i++) {
        attrs_unref(rib->attrs, entry->candidates[i].attrs);
    }
    entry_free(entry);
}

void rib_destroy(struct rib *rib)
{
    if (rib != NULL) {
        prefix_set_clear(&rib->prefixes, entry_drop, rib);
        free(rib);
    }
}

struct rib_entry *rib_find(const struct rib *rib, const struct prefix *prefix)
{
    return entry_of(prefix_set_find(&rib->prefixes, prefix));
}

static struct rib_entry *within_family(struct prefix *member, const struct prefix *prefix)
{
    return member != NULL && member->addr.family == prefix->addr.family ? entry_of(member) : NULL;
}

struct rib_entry *rib_seek(const struct rib *rib, const struct prefix *prefix)
{
    return within_family(prefix_set_seek(&rib->prefixes, prefix), prefix);
}

struct rib_entry *rib_after(const struct rib *rib, const struct prefix *prefix)
{
    return within_family(prefix_set_next(&rib->prefixes, prefix), prefix);
}

struct rib_entry *rib_next(const struct rib *rib, const struct rib_entry *entry)
{
    return rib_after(rib, &entry->prefix);
}

const struct rib_counts *rib_counts(const struct rib *rib)
{
    return &rib->counts;
}

void rib_set_list(struct rib *rib, enum rib_list list)
{
    rib->list = list;
}

static void entry_move(struct rib *rib, struct rib_entry *entry, enum rib_list list)
{
    if (entry->dirty) {
        TAILQ_REMOVE(&rib->dirty[entry->list], entry, dirty_link);
    }
    entry->dirty = true;
    entry->list = (uint8_t)list;
    TAILQ_INSERT_TAIL(&rib->dirty[list], entry, dirty_link);
}

void rib_mark_entry(struct rib *rib, struct rib_entry *entry)
{
    if (!entry->dirty || rib->list < entry->list) {
        entry_move(rib, entry, rib->list);
    }
}

struct rib_entry *rib_next_of(struct rib *rib, enum rib_list list)
{
    struct rib_entry *entry = TAILQ_FIRST(&rib->dirty[list]);

    if (entry != NULL) {
        TAILQ_REMOVE(&rib->dirty[list], entry, dirty_link);
        entry->dirty = false;
    }
    return entry;
}

struct rib_entry *rib_next_dirty(struct rib *rib)
{
    return rib_next_of(rib, RIB_NOW);
}

void rib_release_held(struct rib *rib)
{
    struct rib_entry *entry;

    while ((entry = TAILQ_FIRST(&rib->dirty[RIB_HELD])) != NULL) {
        entry_move(rib, entry, RIB_NOW);
    }
}

void rib_release(struct rib *rib, struct rib_entry *entry)
{
    if (entry->n_candidates > 0 || entry->dirty) {
        return;
    }
    prefix_set_remove(&rib->prefixes, &entry->prefix);
    entry_free(entry);
}

/* In the tree, with room for one candidate. NULL: no memory. */
static struct rib_entry *entry_create(struct rib *rib, const struct prefix *prefix)
{
    struct rib_entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL) {
        return NULL;
    }
    entry->prefix = *prefix;
    entry->room = 1;
    entry->candidates = malloc(sizeof(*entry->candidates));
    if (entry->candidates == NULL || prefix_set_insert(&rib->prefixes, &entry->prefix) != 0) {
        entry_free(entry);
        return NULL;
    }
    return entry;
}

/* Room never shrinks while the entry lives: that is what makes undoing safe. */
static int entry_make_room(struct rib_entry *entry)
{
    struct candidate *candidates;

    if (entry->n_candidates < entry->room) {
        return 0;
    }
    candidates = realloc(entry->candidates, 2 * entry->room * sizeof(*candidates));
    if (candidates == NULL) {
        return -ENOMEM;
    }
    entry->candidates = candidates;
    entry->room *= 2;
    return 0;
}

static uint64_t key_rank(const struct candidate_key *key)
{
    return (uint64_t)key->session_id << 48 | (uint64_t)key->peer_id << 32 | key->path_id;
}

/* Where a candidate of this key is or belongs. */
static uint32_t entry_position(const struct rib_entry *entry, const struct candidate_key *key)
{
    uint32_t at = 0;

    while (at < entry->n_candidates && key_rank(&entry->candidates[at].key) < key_rank(key)) {
        at++;
    }
    return at;
}

bool candidate_key_equal(const struct candidate_key *a, const struct candidate_key *b)
{
    return key_rank(a) == key_rank(b);
}

static bool entry_has(const struct rib_entry *entry, uint32_t at, const struct candidate_key *key)
{
    return at < entry->n_candidates && candidate_key_equal(&entry->candidates[at].key, key);
}

/* Its session has another one: which would be beside it. */
static bool has_sibling(const struct rib_entry *entry, uint32_t at)
{
    const struct candidate *candidate = &entry->candidates[at];
    uint16_t session_id = candidate->key.session_id;

    return (at > 0 && candidate[-1].key.session_id == session_id) ||
           (at + 1 < entry->n_candidates && candidate[1].key.session_id == session_id);
}

/* change: 1, of a candidate that has come, or -1, of one that is to go. */
static void count(struct rib *rib, const struct rib_entry *entry, uint32_t at, int change)
{
    const struct candidate *candidate = &entry->candidates[at];
    const struct candidate_key *key = &candidate->key;
    unsigned int family = entry->prefix.addr.family;

    rib->counts.candidates[family] += (uint32_t)change;
    rib->counts.of_session[key->session_id] += (uint32_t)change;
    rib->counts.of_peer[key->peer_id] += (uint32_t)change;
    rib->counts.stale_of_session[key->session_id] += candidate->stale ? (uint32_t)change : 0;
    rib->counts.held_of_session[key->session_id] += candidate->held ? (uint32_t)change : 0;
    rib->counts.prefixes_of_session[key->session_id] += has_sibling(entry, at) ? 0 : (uint32_t)change;
    if (entry->n_candidates == 1) {
        rib->counts.prefixes[family] += (uint32_t)change;
    }
}

/* Hands the candidate and its reference to the caller, or lets go of it. */
static void hand_back(struct rib *rib, const struct candidate *candidate, struct candidate *old)
{
    if (old != NULL) {
        *old = *candidate;
    } else {
        attrs_unref(rib->attrs, candidate->attrs);
    }
}

static enum rib_change entry_replace(struct rib *rib, struct rib_entry *entry, uint32_t at,
                                     const struct candidate *candidate, struct candidate *old)
{
    struct candidate before = entry->candidates[at];

    rib->counts.stale_of_session[candidate->key.session_id] += (uint32_t)candidate->stale - (uint32_t)before.stale;
    rib->counts.held_of_session[candidate->key.session_id] += (uint32_t)candidate->held - (uint32_t)before.held;
    entry->candidates[at] = *candidate;
    attrs_ref(candidate->attrs);
    hand_back(rib, &before, old);
    if (before.attrs == candidate->attrs && before.share == candidate->share &&
        target_equal(&before.target, &candidate->target)) {
        return RIB_UNCHANGED;
    }
    rib_mark_entry(rib, entry);
    return RIB_REPLACED;
}

int rib_upsert(struct rib *rib, const struct prefix *prefix, const struct candidate *candidate, struct candidate *old)
{
    struct rib_entry *entry = rib_find(rib, prefix);
    uint32_t at;

    if (entry == NULL) {
        entry = entry_create(rib, prefix);
    }
    if (entry == NULL) {
        return -ENOMEM;
    }
    at = entry_position(entry, &candidate->key);
    if (entry_has(entry, at, &candidate->key)) {
        return entry_replace(rib, entry, at, candidate, old);
    }
    if (entry_make_room(entry) != 0) {
        return -ENOMEM; /* not a new entry: that has room */
    }
    memmove(&entry->candidates[at + 1], &entry->candidates[at],
            (entry->n_candidates - at) * sizeof(*entry->candidates));
    entry->candidates[at] = *candidate;
    attrs_ref(candidate->attrs);
    entry->n_candidates++;
    count(rib, entry, at, 1);
    rib_mark_entry(rib, entry);
    return RIB_ADDED;
}

static void entry_withdraw(struct rib *rib, struct rib_entry *entry, uint32_t at, struct candidate *old)
{
    struct candidate gone = entry->candidates[at];

    count(rib, entry, at, -1);
    entry->n_candidates--;
    memmove(&entry->candidates[at], &entry->candidates[at + 1],
            (entry->n_candidates - at) * sizeof(*entry->candidates));
    hand_back(rib, &gone, old);
    rib_mark_entry(rib, entry);
}

bool rib_withdraw(struct rib *rib, const struct prefix *prefix, const struct candidate_key *key, struct candidate *old)
{
    struct rib_entry *entry = rib_find(rib, prefix);
    uint32_t at = entry != NULL ? entry_position(entry, key) : 0;

    if (entry == NULL || !entry_has(entry, at, key)) {
        return false;
    }
    entry_withdraw(rib, entry, at, old);
    return true;
}

bool rib_selects(const struct rib_selector *selector, const struct candidate *candidate)
{
    return (selector->session_id == NULL || *selector->session_id == candidate->key.session_id) &&
           (selector->peer_id == NULL || *selector->peer_id == candidate->key.peer_id) &&
           (selector->target == NULL || target_equal(selector->target, &candidate->target)) &&
           (selector->stale == NULL || *selector->stale == candidate->stale) &&
           (selector->held == NULL || *selector->held == candidate->held);
}

/* What is to be done with candidate `at` of an entry: returns how many it counts. */
typedef size_t selected_fn(struct rib *rib, struct rib_entry *entry, uint32_t at);

/* Backwards over the candidates, so that `selected` may withdraw the one that it is given. */
static size_t for_each_selected(struct rib *rib, const struct rib_selector *selector, selected_fn *selected)
{
    size_t n = 0;

    for (unsigned int family = 0; family < FAMILIES; family++) {
        const struct prefix first = {.addr.family = (uint8_t)family};

        for (struct rib_entry *entry = rib_seek(rib, &first); entry != NULL; entry = rib_next(rib, entry)) {
            for (uint32_t at = entry->n_candidates; at-- > 0;) {
                n += rib_selects(selector, &entry->candidates[at]) ? selected(rib, entry, at) : 0;
            }
        }
    }
    return n;
}

static size_t flush_selected(struct rib *rib, struct rib_entry *entry, uint32_t at)
{
    entry_withdraw(rib, entry, at, NULL);
    return 1;
}

size_t rib_flush(struct rib *rib, const struct rib_selector *selector)
{
    return for_each_selected(rib, selector, flush_selected);
}

static size_t stale_selected(struct rib *rib, struct rib_entry *entry, uint32_t at)
{
    bool before = entry->candidates[at].stale;

    entry->candidates[at].stale = true;
    rib->counts.stale_of_session[entry->candidates[at].key.session_id] += !before;
    return !before;
}

size_t rib_mark_stale(struct rib *rib, const struct rib_selector *selector)
{
    return for_each_selected(rib, selector, stale_selected);
}

static size_t hold_selected(struct rib *rib, struct rib_entry *entry, uint32_t at)
{
    struct candidate *candidate = &entry->candidates[at];
    bool before = candidate->held;

    (void)stale_selected(rib, entry, at);
    candidate->held = true;
    rib->counts.held_of_session[candidate->key.session_id] += !before;
    return !before;
}

size_t rib_hold(struct rib *rib, const struct rib_selector *selector)
{
    return for_each_selected(rib, selector, hold_selected);
}

void rib_hold_one(struct rib *rib, struct rib_entry *entry, const struct candidate_key *key)
{
    uint32_t at = entry_position(entry, key);

    if (entry_has(entry, at, key)) {
        (void)hold_selected(rib, entry, at);
    }
}

static size_t dirty_selected(struct rib *rib, struct rib_entry *entry, uint32_t at)
{
    bool before = entry->dirty;

    (void)at;
    rib_mark_entry(rib, entry);
    return !before;
}

size_t rib_mark_dirty(struct rib *rib, const struct rib_selector *selector)
{
    return for_each_selected(rib, selector, dirty_selected);
}
