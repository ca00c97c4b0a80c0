/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever walks over all prefixes: at once, or in parts. */
#include "rib_private.h"
#include <limits.h>

bool rib_selects(const struct rib_selector *selector, const struct candidate *candidate)
{
    return (selector->session_id == NULL || *selector->session_id == candidate->key.session_id) &&
           (selector->peer_id == NULL || *selector->peer_id == candidate->key.peer_id) &&
           (selector->target == NULL || target_equal(selector->target, &candidate->target)) &&
           (selector->stale == NULL || *selector->stale == candidate->stale) &&
           (selector->held == NULL || *selector->held == candidate->held);
}

bool rib_may_select(const struct rib *rib, const struct rib_selector *selector)
{
    const struct rib_counts *counts = &rib->counts;

    if (selector->peer_id != NULL && counts->of_peer[*selector->peer_id] == 0) {
        return false;
    }
    if (selector->session_id == NULL) {
        return true;
    }
    if (selector->stale != NULL && *selector->stale && !rib_walk_concerns(rib, *selector->session_id)) {
        return counts->stale_of_session[*selector->session_id] > 0;
    }
    return counts->of_session[*selector->session_id] > 0; /* and more than there are, while a walk is under way */
}

static void settle_now(void *owner, struct rib_entry *entry)
{
    struct rib *rib = owner;
    enum rib_list list = rib_set_list(rib, RIB_BULK);

    rib_walks_visit(&rib->walks, entry);
    rib_set_list(rib, list);
}

struct rib_entry *rib_settle(const struct rib *rib, struct rib_entry *entry)
{
    if (entry != NULL && entry->walked != rib->walks.last) {
        settle_now((struct rib *)(uintptr_t)rib, entry);
    }
    return entry;
}

void rib_walk(struct rib *rib, const struct rib_work *work)
{
    struct rib_work own = *work;
    const uint16_t *peer_id = work->selector.peer_id;

    if (own.selector.session_id == NULL && peer_id != NULL && !rib->counts.shared_peer[*peer_id]) {
        own.selector.session_id = &rib->counts.session_of_peer[*peer_id];
    }
    if (rib_walks_add(&rib->walks, &own) != 0) {
        enum rib_list list = rib_set_list(rib, RIB_BULK);

        rib_walk_now(rib, &own);
        rib_set_list(rib, list);
    }
}

void rib_walk_now(struct rib *rib, const struct rib_work *work)
{
    struct prefix_place place = {0};
    struct prefix *member;

    while ((member = prefix_set_walk(&rib->prefixes, &place)) != NULL) {
        work->visit(work->owner, rib_settle(rib, entry_of(member)), &work->selector);
    }
}

bool rib_walk_part(struct rib *rib, unsigned int most)
{
    return rib_walks_part(&rib->walks, &rib->prefixes, most, settle_now, rib);
}

bool rib_walk_is_pending(const struct rib *rib)
{
    return !TAILQ_EMPTY(&rib->walks.list);
}

void rib_walk_finish(struct rib *rib)
{
    while (rib_walk_part(rib, UINT_MAX) || rib_walk_is_pending(rib)) {
    }
}

bool rib_walk_concerns(const struct rib *rib, uint16_t session_id)
{
    return rib_walks_concern(&rib->walks, session_id);
}

/* What is to be done with candidate `at` of an entry: returns how many it counts. */
typedef size_t selected_fn(struct rib *rib, struct rib_entry *entry, uint32_t at);

/* Backwards over the candidates, so that `selected` may withdraw the one that it is given. */
static size_t each_of_entry(struct rib *rib, struct rib_entry *entry, const struct rib_selector *selector,
                            selected_fn *selected)
{
    size_t n = 0;

    for (uint32_t at = entry->n_candidates; at-- > 0;) {
        n += rib_selects(selector, &entry->candidates[at]) ? selected(rib, entry, at) : 0;
    }
    return n;
}

static size_t for_each_selected(struct rib *rib, const struct rib_selector *selector, selected_fn *selected)
{
    struct prefix_place place = {0};
    struct prefix *member;
    size_t n = 0;

    if (!rib_may_select(rib, selector)) {
        return 0;
    }
    while ((member = prefix_set_walk(&rib->prefixes, &place)) != NULL) {
        n += each_of_entry(rib, rib_settle(rib, entry_of(member)), selector, selected);
    }
    return n;
}

static size_t count_one(struct rib *rib, struct rib_entry *entry, uint32_t at)
{
    (void)rib;
    (void)entry;
    (void)at;
    return 1;
}

/* True: the counts know it. */
static bool count_known(const struct rib *rib, const struct rib_selector *selector, size_t *n)
{
    const struct rib_counts *counts = &rib->counts;

    if (selector->target != NULL || selector->session_id == NULL || rib_walk_concerns(rib, *selector->session_id)) {
        return false;
    }
    if (selector->peer_id != NULL) {
        *n = counts->of_peer[*selector->peer_id];
        return selector->stale == NULL && selector->held == NULL && !counts->shared_peer[*selector->peer_id] &&
               counts->session_of_peer[*selector->peer_id] == *selector->session_id;
    }
    *n = selector->stale != NULL  ? counts->stale_of_session[*selector->session_id]
         : selector->held != NULL ? counts->held_of_session[*selector->session_id]
                                  : counts->of_session[*selector->session_id];
    return (selector->stale == NULL || (*selector->stale && selector->held == NULL)) &&
           (selector->held == NULL || *selector->held);
}

size_t rib_count_selected(struct rib *rib, const struct rib_selector *selector)
{
    size_t n = 0;

    if (count_known(rib, selector, &n)) {
        return n;
    }
    return for_each_selected(rib, selector, count_one);
}

static size_t flush_selected(struct rib *rib, struct rib_entry *entry, uint32_t at)
{
    rib_entry_withdraw(rib, entry, at, NULL);
    return 1;
}

size_t rib_flush(struct rib *rib, const struct rib_selector *selector)
{
    return for_each_selected(rib, selector, flush_selected);
}

size_t rib_flush_entry(struct rib *rib, struct rib_entry *entry, const struct rib_selector *selector)
{
    return each_of_entry(rib, entry, selector, flush_selected);
}

static size_t stale_selected(struct rib *rib, struct rib_entry *entry, uint32_t at)
{
    bool before = entry->candidates[at].stale;

    entry->candidates[at].stale = true;
    rib->counts.stale_of_session[entry->candidates[at].key.session_id] += !before;
    return !before;
}

size_t rib_stale_entry(struct rib *rib, struct rib_entry *entry, const struct rib_selector *selector)
{
    return each_of_entry(rib, entry, selector, stale_selected);
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
    for (uint32_t at = 0; at < entry->n_candidates; at++) {
        if (candidate_key_equal(&entry->candidates[at].key, key)) {
            (void)hold_selected(rib, entry, at);
        }
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
