/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_breaker.h"
#include "log.h"
#include "site_private.h"
#include <errno.h>

#define TELL_MS 1000 /* what is withdrawn may be announced again at once */

bool site_session_is_busy(const struct site *site, uint16_t id)
{
    return rib_walk_concerns(site->rib, id);
}

static uint32_t prefixes_of(const struct site *site, uint16_t id)
{
    return rib_counts(site->rib)->prefixes_of_session[id];
}

static uint32_t held_of(const struct site *site, uint16_t id)
{
    return rib_counts(site->rib)->held_of_session[id];
}

static void rebase_if_due(struct site *site, uint16_t id)
{
    struct site_session *session = site->sessions[id];

    if (session->rebases && !site_session_is_busy(site, id)) {
        session->rebases = false;
        breaker_rebase(&session->breaker, prefixes_of(site, id), site->now_ms);
    }
}

void site_session_settle(struct site *site, uint16_t id)
{
    if (site_session_is_busy(site, id)) {
        rib_walk_finish(site->rib);
    }
    rebase_if_due(site, id);
}

bool site_session_lets(struct site *site, uint16_t id, uint32_t has, uint32_t lose)
{
    return breaker_lets(&site->sessions[id]->breaker, has, lose, site->now_ms);
}

struct loss {
    uint16_t id;
    uint32_t prefixes;
};

static void count_loss(void *owner, struct rib_entry *entry, const struct rib_selector *selector)
{
    struct loss *loss = owner;
    bool goes = false, stays = false;

    for (uint32_t i = 0; i < entry->n_candidates; i++) {
        if (entry->candidates[i].key.session_id == loss->id) {
            bool selected = rib_selects(selector, &entry->candidates[i]);

            goes |= selected;
            stays |= !selected;
        }
    }
    loss->prefixes += goes && !stays;
}

uint32_t site_session_loss(struct site *site, uint16_t id, const struct rib_selector *selector)
{
    struct loss loss = {.id = id};

    site_session_settle(site, id);
    if (rib_may_select(site->rib, selector)) {
        rib_walk_now(site->rib, &(struct rib_work){.visit = count_loss, .owner = &loss, .selector = *selector});
    }
    return loss.prefixes;
}

uint32_t site_session_prefixes(struct site *site, uint16_t id)
{
    site_session_settle(site, id);
    return prefixes_of(site, id);
}

static void tell(const struct site *site, uint16_t id)
{
    struct site_session *session = site->sessions[id];

    if (!session->breaker_told) {
        session->breaker_told = true;
        log_error(
            "session %s: withdrawals are stopped: more than %u %% of its prefixes within %u s; %u stay in use until "
            "\"anyctl session confirm %u\"",
            session->client, session->breaker.rules.max_percent, session->breaker.rules.window_s, prefixes_of(site, id),
            id);
    }
}

void site_session_refused(struct site *site, uint16_t id)
{
    site->sessions[id]->refused = held_of(site, id) == 0;
    tell(site, id);
}

/* The session has another one there that is not held. */
static bool has_other(const struct rib_entry *entry, const struct candidate_key *key)
{
    for (uint32_t i = 0; i < entry->n_candidates; i++) {
        const struct candidate *candidate = &entry->candidates[i];

        if (candidate->key.session_id == key->session_id && !candidate->held &&
            !candidate_key_equal(&candidate->key, key)) {
            return true;
        }
    }
    return false;
}

/* Where nothing is judged, nothing needs to be counted. */
static bool lets_all(const struct site *site, uint16_t id)
{
    const struct breaker *breaker = &site->sessions[id]->breaker;

    return breaker->rules.max_percent >= 100 && !breaker->tripped;
}

static bool lets_one(struct site *site, uint16_t id)
{
    return lets_all(site, id) || site_session_lets(site, id, site_session_prefixes(site, id), 1);
}

void site_route_withdraw(struct site *site, const struct prefix *prefix, const struct candidate_key *key)
{
    uint16_t id = key->session_id;
    struct rib_entry *entry = rib_find(site->rib, prefix);

    if (entry == NULL || !rib_entry_has(entry, key)) {
        return;
    }
    if (has_other(entry, key) || lets_one(site, id)) {
        site_route_del(site, prefix, key, NULL);
    } else {
        rib_hold_one(site->rib, entry, key);
    }
}

bool site_session_sweep_if_let(struct site *site, uint16_t id, const uint16_t *peer_id, size_t *swept)
{
    static const bool stale = true;
    struct site_session *session = site->sessions[id];
    struct rib_selector selector = {.session_id = &id, .peer_id = peer_id, .stale = &stale};
    uint32_t lose;

    if (peer_id == NULL && !session->refused) { /* a source that has told all it has is judged by that alone */
        session->breaker.tripped = false;
    }
    lose = lets_all(site, id) ? 0 : site_session_loss(site, id, &selector);
    if (lose > 0 && !site_session_lets(site, id, prefixes_of(site, id), lose)) {
        rib_hold(site->rib, &selector);
        *swept = 0;
        return false;
    }
    *swept = site_session_sweep(site, id, peer_id);
    return true;
}

void site_session_announced(struct site *site, uint16_t id, const struct prefix *prefix)
{
    const struct rib_entry *entry = held_of(site, id) > 0 ? rib_find(site->rib, prefix) : NULL;

    for (uint32_t i = entry != NULL ? entry->n_candidates : 0; i-- > 0;) {
        if (entry->candidates[i].key.session_id == id && entry->candidates[i].held) {
            const struct candidate_key key = entry->candidates[i].key;

            site_route_del(site, prefix, &key, NULL);
        }
    }
}

void site_session_rebase(struct site *site, uint16_t id)
{
    site->sessions[id]->rebases = true;
    rebase_if_due(site, id);
}

static void reset(struct site *site, uint16_t id, bool let)
{
    struct site_session *session = site->sessions[id];

    breaker_reset(&session->breaker, prefixes_of(site, id), site->now_ms, let);
    session->rebases = site_session_is_busy(site, id);
    session->refused = false;
    session->breaker_told = false;
}

size_t site_session_confirm(struct site *site, uint16_t id)
{
    size_t gone = site_session_flush_held(site, id);

    log_notice("session %s: its withdrawals are confirmed: %zu routes go", site->sessions[id]->client, gone);
    reset(site, id, true);
    return gone;
}

void site_session_breaker_tick(struct site *site, uint16_t id)
{
    struct site_session *session = site->sessions[id];

    rebase_if_due(site, id);
    if (!session->breaker.tripped || session->refused) {
        return;
    }
    if (held_of(site, id) == 0) {
        if (session->breaker_told) {
            log_notice("session %s: nothing is held any more: withdrawals count again", session->client);
        }
        reset(site, id, false);
    } else if (site->now_ms - session->breaker.tripped_ms >= TELL_MS) {
        tell(site, id);
    }
}

uint32_t site_breakers_tripped(const struct site *site)
{
    uint32_t n = 0;

    for (uint32_t id = 0; id < site->session_end; id++) {
        n += site->sessions[id] != NULL && site->sessions[id]->breaker.tripped;
    }
    return n;
}
