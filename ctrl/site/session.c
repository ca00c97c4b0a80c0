/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"
#include "log.h"
#include "site_private.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct site_session *site_session(const struct site *site, uint32_t id)
{
    return id < site->session_end ? site->sessions[id] : NULL;
}

uint32_t site_session_end(const struct site *site)
{
    return site->session_end;
}

uint32_t site_session_count(const struct site *site)
{
    uint32_t n = 0;

    for (uint32_t id = SITE_SESSION_OPERATOR + 1; id < site->session_end; id++) {
        n += site->sessions[id] != NULL;
    }
    return n;
}

int site_session_find(const struct site *site, const char *client, uid_t uid)
{
    for (uint32_t id = SITE_SESSION_OPERATOR + 1; id < site->session_end; id++) {
        const struct site_session *session = site->sessions[id];

        if (session != NULL && session->uid == uid && strcmp(session->client, client) == 0) {
            return (int)id;
        }
    }
    return -ENOENT;
}

static int session_add(struct site *site)
{
    uint32_t id = 0;

    /* nor one whose candidates are still being taken away: they would be counted as the new session's */
    while (id < site->session_end && (site->sessions[id] != NULL || rib_counts(site->rib)->of_session[id] > 0)) {
        id++;
    }
    if (id == SITE_SESSIONS_MAX) {
        return -ENOSPC;
    }
    site->sessions[id] = calloc(1, sizeof(*site->sessions[id]));
    if (site->sessions[id] == NULL) {
        return -ENOMEM;
    }
    site->sessions[id]->breaker.rules = BREAKER_OFF;
    site->sessions[id]->born = ++site->births;
    site->session_end = id == site->session_end ? id + 1 : site->session_end;
    return (int)id;
}

static void session_take(struct site *site, struct site_session *session, const struct site_session_spec *spec)
{
    snprintf(session->client, sizeof(session->client), "%s", spec->client);
    snprintf(session->source, sizeof(session->source), "%s", spec->source != NULL ? spec->source : "");
    session->uid = spec->uid;
    session->on_disconnect = spec->on_disconnect;
    session->has_stale_s = spec->has_stale_s || spec->on_disconnect == SITE_STALE;
    session->stale_s = spec->has_stale_s ? spec->stale_s : SITE_STALE_S_DEFAULT;
    session->long_lived_stale_s = spec->long_lived_stale_s;
    session->own = spec->own;
    session->connected = true;
    session->closed = false;
    session->since_ms = site->now_ms;
}

int site_session_open(struct site *site, const struct site_session_spec *spec, bool *resumed, struct error *error)
{
    int id = site_session_find(site, spec->client, spec->uid);
    bool known = id >= 0;

    if (known && site->sessions[id]->connected) {
        return error_set(error, -EBUSY, "session \"%s\" has a client already", spec->client);
    }
    if (!known) {
        id = session_add(site);
    }
    if (id < 0) {
        return error_set(error, id, "no room for another session");
    }
    session_take(site, site->sessions[id], spec);
    if (known) {
        site_session_mark_stale(site, (uint16_t)id, NULL);
    }
    if (resumed != NULL) {
        *resumed = known;
    }
    return id;
}

static void session_free(struct site *site, uint32_t id)
{
    if (site->sessions[id] != NULL) {
        free(site->sessions[id]->allowed);
        free(site->sessions[id]);
        site->sessions[id] = NULL;
    }
}

int site_sessions_create(struct site *site)
{
    const struct site_session_spec operator_spec = {.client = "operator", .on_disconnect = SITE_KEEP};
    int id;

    site->sessions = calloc(SITE_SESSIONS_MAX, sizeof(struct site_session *));
    if (site->sessions == NULL) {
        return -ENOMEM;
    }
    id = session_add(site);
    if (id >= 0) {
        session_take(site, site->sessions[id], &operator_spec);
    }
    return id == SITE_SESSION_OPERATOR ? 0 : -ENOMEM;
}

void site_sessions_free(struct site *site)
{
    for (uint32_t id = 0; id < site->session_end; id++) {
        session_free(site, id);
    }
    free(site->sessions);
}

static void session_remove_names(struct site *site, uint16_t id)
{
    struct error error;

    for (uint32_t peer = 0; peer < site->peer_names.end; peer++) {
        if (site->peers[peer] != NULL && site->peers[peer]->session_id == id &&
            site_peer_del(site, site->peers[peer]->name, &error) != 0) {
            log_error("%s", error.text);
        }
    }
    for (uint32_t instance = 0; instance < site->instance_names.end; instance++) {
        if (site->instances[instance] != NULL && site->instances[instance]->session_id == id &&
            site_instance_del(site, site->instances[instance]->name, &error) != 0) {
            log_error("%s", error.text);
        }
    }
}

/* With its peers and instances. Its candidates are gone already. */
static void session_remove(struct site *site, uint16_t id)
{
    session_remove_names(site, id);
    log_notice("session %s is over", site->sessions[id]->client);
    session_free(site, id);
}

/* Returns how many it takes away. */
static size_t flush(struct site *site, const struct rib_selector *selector)
{
    size_t n = rib_count_selected(site->rib, selector);

    if (n > 0) {
        site_flush(site, selector);
    }
    return n;
}

static bool is_empty(struct site *site, uint16_t id)
{
    if (rib_counts(site->rib)->of_session[id] > 0) {
        site_session_settle(site, id);
    }
    return rib_counts(site->rib)->of_session[id] == 0;
}

size_t site_session_close(struct site *site, uint16_t id, bool withdraw)
{
    size_t withdrawn = withdraw ? flush(site, &(struct rib_selector){.session_id = &id}) : 0;

    if (withdraw || is_empty(site, id)) {
        session_remove(site, id);
        return withdrawn;
    }
    site->sessions[id]->connected = false;
    site->sessions[id]->closed = true;
    site->sessions[id]->since_ms = site->now_ms;
    return 0;
}

void site_session_leave(struct site *site, uint16_t id)
{
    struct site_session *session = site->sessions[id];

    if (session->on_disconnect == SITE_WITHDRAW || (session->on_disconnect == SITE_KEEP && is_empty(site, id))) {
        site_session_close(site, id, true);
        return;
    }
    session->connected = false;
    session->since_ms = site->now_ms;
    site_session_mark_stale(site, id, NULL);
}

static void stale_entry(void *owner, struct rib_entry *entry, const struct rib_selector *selector)
{
    rib_stale_entry(owner, entry, selector);
}

void site_session_mark_stale(struct site *site, uint16_t id, const uint16_t *peer_id)
{
    site_walk(site, &(struct rib_work){.visit = stale_entry,
                                       .owner = site->rib,
                                       .selector = {.session_id = &id, .peer_id = peer_id},
                                       .counted = true});
}

size_t site_session_sweep(struct site *site, uint16_t id, const uint16_t *peer_id)
{
    static const bool stale = true;
    size_t swept = flush(site, &(struct rib_selector){.session_id = &id, .peer_id = peer_id, .stale = &stale});

    if (peer_id == NULL) {
        site->sessions[id]->long_lived = false;
    }
    return swept;
}

void site_session_flush(struct site *site, uint16_t id, const uint16_t *peer_id)
{
    site_flush(site, &(struct rib_selector){.session_id = &id, .peer_id = peer_id});
}

size_t site_session_flush_held(struct site *site, uint16_t id)
{
    static const bool held = true;

    return flush(site, &(struct rib_selector){.session_id = &id, .held = &held});
}

size_t site_session_routes(struct site *site, uint16_t id, const uint16_t *peer_id)
{
    return rib_count_selected(site->rib, &(struct rib_selector){.session_id = &id, .peer_id = peer_id});
}

size_t site_session_stale(const struct site *site, uint16_t id)
{
    return rib_counts(site->rib)->stale_of_session[id];
}

/* True: something is to be committed. */
static bool session_tick(struct site *site, uint16_t id)
{
    struct site_session *session = site->sessions[id];
    uint64_t stale_s = (site->now_ms - session->since_ms) / 1000;
    bool swept_late = session->long_lived_stale_s > 0 || session->on_disconnect == SITE_KEEP;
    uint64_t swept_s = (uint64_t)session->stale_s + session->long_lived_stale_s;

    if (session->on_disconnect == SITE_STALE && stale_s >= swept_s) {
        log_notice("session %s: %zu candidates were stale for %llu s and are swept", session->client,
                   site_session_sweep(site, id, NULL), (unsigned long long)stale_s);
        session_remove(site, id);
        return true;
    }
    if (swept_late && !session->long_lived && stale_s >= session->stale_s) {
        session->long_lived = true;
        site_mark(site, &(struct rib_selector){.session_id = &id});
        log_notice("session %s: its candidates are long-lived stale", session->client);
        return true;
    }
    return false;
}

bool site_sessions_tick(struct site *site)
{
    bool changed = false;

    for (uint32_t id = SITE_SESSION_OPERATOR + 1; id < site->session_end; id++) {
        const struct site_session *session = site->sessions[id];

        if (session != NULL) {
            site_session_breaker_tick(site, (uint16_t)id);
        }
        if (session != NULL && !session->connected && !session->closed && session->has_stale_s) {
            changed |= session_tick(site, (uint16_t)id);
        }
    }
    return changed;
}
