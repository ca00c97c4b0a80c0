/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"
#include "site_private.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MANY_PREFIXES     4096 /* more are walked over in parts, and what that leaves to decide waits for others */
#define WALK_FACTOR       8    /* an entry that is walked over takes so much less than one that is decided */
#define RETRY_INTERVAL_MS 1000 /* for routes that found no room */
#define SCRATCH_BYTES     4096

static int create_tables(struct site *site)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        return -EIO;
    }
    site->attrs = attrs_table_create(seed);
    site->peers = calloc(NAMES_MAX, sizeof(*site->peers));
    site->instances = calloc(NAMES_MAX, sizeof(*site->instances));
    site->attracted = calloc(ATTRACTED_SLOTS, sizeof(*site->attracted));
    site->scratch_bytes = SCRATCH_BYTES; /* so that deciding on no candidate at all needs no memory */
    site->scratch = malloc(site->scratch_bytes);
    if (site->scratch == NULL || site->attrs == NULL || site->peers == NULL || site->instances == NULL ||
        site->attracted == NULL) {
        return -ENOMEM;
    }
    site->rib = rib_create(site->attrs);
    return site->rib != NULL ? site_sessions_create(site) : -ENOMEM;
}

int site_create(const struct site_settings *settings, struct site **out)
{
    struct site *site = calloc(1, sizeof(*site));
    int result;

    if (site == NULL) {
        return -ENOMEM;
    }
    site->install = settings->install;
    site->cause = "config";
    site->min_alive = 1;
    result = create_tables(site);
    if (result == 0) {
        result = site_set_rules(site, &settings->decision, settings->anycast, settings->anycast_count);
    }
    if (result != 0) {
        site_destroy(site);
        return result;
    }
    *out = site;
    return 0;
}

static void take_everything_down(struct site *site)
{
    struct error error;

    site_flush(site, &(struct rib_selector){0});
    rib_walk_finish(site->rib);
    while (site_commit_part(site, UINT_MAX)) {
    }
    if (site_commit(site) != 0) {
        log_error("not every route could be taken away");
    }
    for (uint32_t id = 0; id < site->instance_names.end; id++) {
        if (site->instances[id] != NULL && site_instance_del(site, site->instances[id]->name, &error) != 0) {
            log_error("%s", error.text);
        }
    }
    for (uint32_t id = 0; id < site->peer_names.end; id++) {
        free(site->peers[id]);
    }
}

void site_destroy(struct site *site)
{
    if (site == NULL) {
        return;
    }
    if (site->rib != NULL) {
        take_everything_down(site);
        rib_destroy(site->rib);
    }
    if (site->attrs != NULL) {
        attrs_table_destroy(site->attrs);
    }
    if (site->sessions != NULL) {
        site_sessions_free(site);
    }
    names_free(&site->peer_names);
    names_free(&site->instance_names);
    free(site->peers);
    free(site->instances);
    free(site->attracted);
    free(site->anycast);
    free(site->scratch);
    free(site);
}

int site_set_rules(struct site *site, const struct best_options *decision, const struct site_anycast *anycast,
                   unsigned int anycast_count)
{
    struct site_anycast *copy = calloc(anycast_count + 1, sizeof(*copy));

    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, anycast, anycast_count * sizeof(*copy));
    free(site->anycast);
    site->anycast = copy;
    site->anycast_count = anycast_count;
    site->decision = *decision;
    site_mark_all(site);
    return 0;
}

bool site_is_large(const struct site *site)
{
    const struct rib_counts *counts = rib_counts(site->rib);

    return counts->prefixes[FAMILY_V4] + counts->prefixes[FAMILY_V6] >= MANY_PREFIXES;
}

void site_walk(struct site *site, const struct rib_work *work)
{
    if (!rib_may_select(site->rib, &work->selector)) {
        return;
    }
    if (site_is_large(site)) {
        rib_walk(site->rib, work);
    } else {
        rib_walk_now(site->rib, work);
    }
}

bool site_walk_part(struct site *site, unsigned int most)
{
    return rib_walk_part(site->rib, most > UINT_MAX / WALK_FACTOR ? UINT_MAX : most * WALK_FACTOR);
}

static void mark_entry(void *owner, struct rib_entry *entry, const struct rib_selector *selector)
{
    for (uint32_t i = 0; i < entry->n_candidates; i++) {
        if (rib_selects(selector, &entry->candidates[i])) {
            rib_mark_entry(owner, entry);
            return;
        }
    }
}

void site_mark(struct site *site, const struct rib_selector *selector)
{
    site_walk(site, &(struct rib_work){.visit = mark_entry, .owner = site->rib, .selector = *selector});
}

void site_mark_all(struct site *site)
{
    site_mark(site, &(struct rib_selector){0});
}

/* Called from within the kernel mirror's events: noted here, decided in site_tick(). */
void site_hop_changed(void *owner, const struct hop *hop)
{
    struct site *site = owner;
    struct hop_info info;
    struct target target;

    if (site == NULL || site->changed_count > CHANGED_MAX) {
        return;
    }
    hop_info(site->install, hop, &info);
    target = (struct target){.kind = TARGET_NEXT_HOP, .on_port = info.on_port, .next_hop = info.address};
    for (unsigned int i = 0; i < site->changed_count; i++) {
        if (target_equal(&site->changed[i], &target)) {
            return;
        }
    }
    if (site->changed_count < CHANGED_MAX) {
        site->changed[site->changed_count] = target;
    }
    site->changed_count++;
}

/* Each mark walks all prefixes, so that beyond a few hops one walk for all is cheaper. */
static void mark_changed_hops(struct site *site)
{
    if (site->changed_count > CHANGED_MAX) {
        site_mark_all(site);
    }
    for (unsigned int i = 0; i < site->changed_count && site->changed_count <= CHANGED_MAX; i++) {
        site_mark(site, &(struct rib_selector){.target = &site->changed[i]});
        for (uint32_t id = 0; id < site->instance_names.end; id++) {
            const struct site_instance *instance = site->instances[id];
            const struct ip_addr *next_hop = &site->changed[i].next_hop;

            if (instance != NULL && instance->has_next_hop[next_hop->family] &&
                ip_addr_equal(&instance->next_hop[next_hop->family], next_hop)) {
                site_mark_instance(site, id);
            }
        }
    }
    site->changed_count = 0;
}

static void mark_if_pending(void *owner, struct rib_entry *entry, const struct rib_selector *selector)
{
    (void)selector;
    if (entry->outcome.pending) {
        rib_mark_entry(owner, entry);
    }
}

/* Room may have come since. */
static void mark_pending(struct site *site)
{
    site_walk(site, &(struct rib_work){.visit = mark_if_pending, .owner = site->rib});
    site->pending = false;
}

void site_tick(struct site *site, uint64_t now_ms)
{
    bool retry = site->pending && now_ms - site->retried_ms >= RETRY_INTERVAL_MS;
    bool swept;

    site->now_ms = now_ms;
    site_health_tick(site);
    swept = site_sessions_tick(site);
    if (site->changed_count == 0 && !retry && !swept) {
        return;
    }
    if (retry) {
        site->retried_ms = now_ms;
        mark_pending(site);
    }
    site_set_cause(site, retry ? "retry" : swept ? "stale_s" : "next_hop", SITE_SESSION_OPERATOR);
    mark_changed_hops(site);
    if (site_commit(site) != 0 && !retry) {
        log_error("not every route could be installed: the tables are full");
    }
}

bool site_route_pending(const struct site *site, const struct prefix *prefix)
{
    const struct rib_outcome *outcome = rib_outcome_of(site->rib, prefix);

    return outcome != NULL && outcome->pending;
}

uint64_t site_failures(const struct site *site)
{
    return site->failures;
}

uint32_t site_decided(void *owner, const struct prefix *prefix)
{
    const struct site *site = owner;
    const struct rib_outcome *outcome = site != NULL ? rib_outcome_of(site->rib, prefix) : NULL;

    return outcome != NULL ? outcome->path_list_id : PATH_LIST_NONE;
}

struct attrs_table *site_attrs(struct site *site)
{
    return site->attrs;
}

int site_port_of(const struct site *site, uint32_t ifindex)
{
    return install_port_of(site->install, ifindex);
}

const struct rib *site_rib(const struct site *site)
{
    return site->rib;
}

uint64_t site_births(const struct site *site)
{
    return site->births;
}

uint64_t site_generation(const struct site *site)
{
    return site->generation;
}

int site_hold_target(struct site *site, const struct target *target, enum family family)
{
    if (target->kind != TARGET_NEXT_HOP) {
        return 0;
    }
    return hop_get_on(site->install, &target->next_hop, target->on_port, family) != NULL ? 0 : -ENOMEM;
}

void site_release_target(struct site *site, const struct target *target, enum family family)
{
    struct hop *hop;

    if (target->kind != TARGET_NEXT_HOP) {
        return;
    }
    hop = hop_get_on(site->install, &target->next_hop, target->on_port, family); /* there, for the candidate holds it */
    hop_put(site->install, hop);
    hop_put(site->install, hop);
}

void site_candidate_release(struct site *site, enum family family, const struct candidate *candidate)
{
    site_release_target(site, &candidate->target, family);
    attrs_unref(site->attrs, candidate->attrs);
}

static void hand_back(struct site *site, enum family family, const struct candidate *before, struct candidate *old)
{
    if (old != NULL) {
        *old = *before;
    } else {
        site_candidate_release(site, family, before);
    }
}

int site_route_restore(struct site *site, const struct prefix *prefix, const struct candidate *candidate,
                       struct candidate *old)
{
    enum family family = prefix->addr.family;
    struct candidate before;
    int result = site_hold_target(site, &candidate->target, family);

    if (result != 0) {
        return result;
    }
    result = rib_upsert(site->rib, prefix, candidate, &before);
    if (result < 0) {
        site_release_target(site, &candidate->target, family);
        return result;
    }
    if (result != RIB_ADDED) {
        if (before.stale && site->sessions[candidate->key.session_id]->long_lived) {
            rib_mark_entry(site->rib, rib_find(site->rib, prefix)); /* fresh again, it ranks higher */
        }
        hand_back(site, family, &before, old);
    }
    return result;
}

int site_route_set(struct site *site, const struct prefix *prefix, const struct candidate *candidate,
                   struct candidate *old)
{
    int result = site_limits_check(site, candidate->key.session_id, prefix);

    return result != 0 ? result : site_route_restore(site, prefix, candidate, old);
}

bool site_route_del(struct site *site, const struct prefix *prefix, const struct candidate_key *key,
                    struct candidate *old)
{
    struct candidate before;

    if (!rib_withdraw(site->rib, prefix, key, &before)) {
        return false;
    }
    hand_back(site, prefix->addr.family, &before, old);
    return true;
}

static void flush_entry(void *owner, struct rib_entry *entry, const struct rib_selector *selector)
{
    struct site *site = owner;

    for (uint32_t i = 0; i < entry->n_candidates; i++) {
        if (rib_selects(selector, &entry->candidates[i])) {
            site_release_target(site, &entry->candidates[i].target, entry->prefix.addr.family);
        }
    }
    rib_flush_entry(site->rib, entry, selector);
}

void site_flush(struct site *site, const struct rib_selector *selector)
{
    site_walk(site, &(struct rib_work){.visit = flush_entry, .owner = site, .selector = *selector, .counted = true});
}
