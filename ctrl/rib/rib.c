/* SPDX-License-Identifier: BSD-3-Clause */
#include "rib_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct candidate) <= 48, "there are millions of them");

bool target_equal(const struct target *a, const struct target *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case TARGET_INSTANCE:
        return a->instance_id == b->instance_id;
    case TARGET_NEXT_HOP:
        return a->on_port == b->on_port && ip_addr_equal(&a->next_hop, &b->next_hop);
    default:
        return true;
    }
}

struct rib *rib_create(struct attrs_table *attrs)
{
    struct rib *rib = calloc(1, sizeof(*rib));

    if (rib != NULL) {
        rib->attrs = attrs;
        rib_walks_init(&rib->walks);
        for (int list = 0; list < RIB_LISTS; list++) {
            TAILQ_INIT(&rib->dirty[list]);
        }
    }
    return rib;
}

static void entry_free(struct rib *rib, struct rib_entry *entry)
{
    pool_free(&rib->pool, entry->candidates, entry->room * sizeof(*entry->candidates));
    pool_free(&rib->pool, entry, sizeof(*entry));
}

static void entry_drop(void *owner, struct prefix *member)
{
    struct rib *rib = owner;
    struct rib_entry *entry = entry_of(member);

    for (uint32_t i = 0; i < entry->n_candidates; i++) {
        attrs_unref(rib->attrs, entry->candidates[i].attrs);
    }
    entry_free(rib, entry);
}

void rib_destroy(struct rib *rib)
{
    if (rib != NULL) {
        rib_walks_free(&rib->walks);
        prefix_set_clear(&rib->prefixes, entry_drop, rib);
        pool_fini(&rib->pool);
        free(rib);
    }
}

struct rib_entry *rib_find(const struct rib *rib, const struct prefix *prefix)
{
    return rib_settle(rib, entry_of(prefix_set_find(&rib->prefixes, prefix)));
}

const struct rib_outcome *rib_outcome_of(const struct rib *rib, const struct prefix *prefix)
{
    const struct rib_entry *entry = entry_of(prefix_set_find(&rib->prefixes, prefix));

    return entry != NULL ? &entry->outcome : NULL;
}

static struct rib_entry *within_family(const struct rib *rib, struct prefix *member, const struct prefix *prefix)
{
    return member != NULL && member->addr.family == prefix->addr.family ? rib_settle(rib, entry_of(member)) : NULL;
}

struct rib_entry *rib_seek(const struct rib *rib, const struct prefix *prefix)
{
    return within_family(rib, prefix_set_seek(&rib->prefixes, prefix), prefix);
}

struct rib_entry *rib_after(const struct rib *rib, const struct prefix *prefix)
{
    return within_family(rib, prefix_set_next(&rib->prefixes, prefix), prefix);
}

struct rib_entry *rib_next(const struct rib *rib, const struct rib_entry *entry)
{
    return rib_after(rib, &entry->prefix);
}

const struct rib_counts *rib_counts(const struct rib *rib)
{
    return &rib->counts;
}

size_t rib_bytes(const struct rib *rib)
{
    return rib->pool.bytes + prefix_set_bytes(&rib->prefixes);
}

enum rib_list rib_set_list(struct rib *rib, enum rib_list list)
{
    enum rib_list before = rib->list;

    rib->list = list;
    return before;
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
    struct rib_entry *entry = rib_settle(rib, TAILQ_FIRST(&rib->dirty[list]));

    if (entry != NULL) {
        TAILQ_REMOVE(&rib->dirty[entry->list], entry, dirty_link);
        entry->dirty = false;
    }
    return entry;
}

struct rib_entry *rib_next_dirty(struct rib *rib)
{
    return rib_next_of(rib, RIB_NOW);
}

bool rib_is_clean(const struct rib *rib, enum rib_list list)
{
    return TAILQ_EMPTY(&rib->dirty[list]);
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
    entry_free(rib, entry);
}

/* In the set, with room for one candidate. NULL: no memory. */
static struct rib_entry *entry_create(struct rib *rib, const struct prefix *prefix, struct prefix_place place)
{
    struct rib_entry *entry = pool_alloc(&rib->pool, sizeof(*entry));

    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct rib_entry){.prefix = *prefix, .walked = rib->walks.last, .room = 1};
    entry->candidates = pool_alloc(&rib->pool, sizeof(*entry->candidates));
    if (entry->candidates == NULL || prefix_set_insert_at(&rib->prefixes, place, &entry->prefix) != 0) {
        entry_free(rib, entry);
        return NULL;
    }
    return entry;
}

/* Room never shrinks while the entry lives: that is what makes undoing safe. */
static int entry_make_room(struct rib *rib, struct rib_entry *entry)
{
    struct candidate *candidates;
    size_t bytes = entry->room * sizeof(*candidates);

    if (entry->n_candidates < entry->room) {
        return 0;
    }
    candidates = pool_alloc(&rib->pool, 2 * bytes);
    if (candidates == NULL) {
        return -ENOMEM;
    }
    memcpy(candidates, entry->candidates, bytes);
    pool_free(&rib->pool, entry->candidates, bytes);
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

bool rib_entry_has(const struct rib_entry *entry, const struct candidate_key *key)
{
    return entry_has(entry, entry_position(entry, key), key);
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
    if (rib->counts.of_peer[key->peer_id] == 0) {
        rib->counts.session_of_peer[key->peer_id] = key->session_id;
        rib->counts.shared_peer[key->peer_id] = false;
    }
    rib->counts.shared_peer[key->peer_id] |= rib->counts.session_of_peer[key->peer_id] != key->session_id;
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
    struct prefix_place place = prefix_set_locate(&rib->prefixes, prefix);
    struct rib_entry *entry = rib_settle(rib, entry_of(place.member));
    uint32_t at;

    if (entry == NULL) {
        entry = entry_create(rib, prefix, place);
    }
    if (entry == NULL) {
        return -ENOMEM;
    }
    at = entry_position(entry, &candidate->key);
    if (entry_has(entry, at, &candidate->key)) {
        return entry_replace(rib, entry, at, candidate, old);
    }
    if (entry_make_room(rib, entry) != 0) {
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

void rib_entry_withdraw(struct rib *rib, struct rib_entry *entry, uint32_t at, struct candidate *old)
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
    rib_entry_withdraw(rib, entry, at, old);
    return true;
}
