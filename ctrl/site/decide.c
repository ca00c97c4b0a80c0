/* SPDX-License-Identifier: BSD-3-Clause */
/* From the candidates of a prefix to what is installed for it. */
#include "hash.h"
#include "log.h"
#include "site_private.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define IGP_COST_CONNECTED 0
#define IGP_COST_REMOTE    1 /* by way of another route: its own metric is not known here */

struct place site_place(struct site *site, const struct target *target, enum family family)
{
    const struct site_instance *instance = site_target_instance(site, target);
    struct place place = {.weight = 1};

    if (target->kind == TARGET_BLACKHOLE || target->kind == TARGET_REJECT) {
        place.hop = hop_get_fate(site->install, target->kind == TARGET_BLACKHOLE ? HOP_BLACKHOLE : HOP_REJECT);
        hop_put(site->install, place.hop); /* it lives as long as the data plane */
        return place;
    }
    if (instance != NULL) {
        place.weight = instance->weight;
        place.draining = instance->health.admin == HEALTH_ADMIN_DRAIN;
        place.hash = instance->name_hash;
        place.hop = instance->hops[family];
    } else if (target->kind == TARGET_NEXT_HOP) {
        place.hash = hash_bytes(&target->next_hop, sizeof(target->next_hop), target->on_port);
        place.hop = hop_get_on(site->install, &target->next_hop, target->on_port, family);
        if (place.hop != NULL) {
            hop_put(site->install, place.hop); /* the candidate holds it */
        }
    }
    if (place.hop == NULL) {
        place.why_not = "no_next_hop_of_this_family";
        return place;
    }
    place.why_not = hop_is_reachable(place.hop) ? NULL : "next_hop_unreachable";
    place.igp_cost = hop_is_direct(place.hop) ? IGP_COST_CONNECTED : IGP_COST_REMOTE;
    return place;
}

static uint64_t contender_key(const struct candidate *candidate)
{
    return (uint64_t)candidate->key.session_id << 16 | candidate->key.peer_id;
}

static struct contender make_contender(const struct site *site, const struct candidate *candidate,
                                       const struct place *place)
{
    struct contender contender = {
        .attrs = candidate->attrs,
        .peer = &site->peers[candidate->key.peer_id]->facts,
        .why_not = place->why_not,
        .key = contender_key(candidate),
        .path_id = candidate->key.path_id,
        .igp_cost = place->igp_cost,
        .draining = place->draining,
        .long_lived_stale = candidate->stale && site->sessions[candidate->key.session_id]->long_lived,
    };

    if (contender.why_not == NULL && as_path_contains(&candidate->attrs->as_path, site->decision.own_as)) {
        contender.why_not = "as_loop";
    }
    return contender;
}

void site_ranking_free(struct site_ranking *ranking)
{
    free(ranking->memory);
    ranking->memory = NULL;
}

/* Of the arrays of a ranking of n; a multiple of 8. */
static size_t ranking_bytes(uint32_t n)
{
    size_t bytes = n * (sizeof(struct contender) + sizeof(struct place) + sizeof(struct verdict) + sizeof(uint32_t));

    return (bytes + 7) & ~(size_t)7;
}

/* memory: ranking_bytes() of them. */
static void rank_entry(struct site *site, const struct rib_entry *entry, char *memory, struct site_ranking *out)
{
    uint32_t n = entry->n_candidates;
    enum family family = entry->prefix.addr.family;

    *out = (struct site_ranking){
        .count = n,
        .candidates = entry->candidates,
        .contenders = (struct contender *)memory,
        .places = (struct place *)(memory + n * sizeof(struct contender)),
        .verdicts = (struct verdict *)(memory + n * (sizeof(struct contender) + sizeof(struct place))),
        .ranking =
            (uint32_t *)(memory + n * (sizeof(struct contender) + sizeof(struct place) + sizeof(struct verdict))),
        .options = site->decision,
    };
    for (uint32_t i = 0; i < n; i++) {
        out->places[i] = site_place(site, &entry->candidates[i].target, family);
        out->contenders[i] = make_contender(site, &entry->candidates[i], &out->places[i]);
    }
    out->eligible = best_rank(out->contenders, n, &site->decision, out->ranking, out->verdicts);
}

int site_rank(struct site *site, const struct prefix *prefix, struct site_ranking *out)
{
    const struct rib_entry *entry = rib_find(site->rib, prefix);
    char *memory;

    if (entry == NULL || entry->n_candidates == 0) {
        return -ENOENT;
    }
    memory = malloc(ranking_bytes(entry->n_candidates));
    if (memory == NULL) {
        return -ENOMEM;
    }
    rank_entry(site, entry, memory, out);
    out->memory = memory;
    return 0;
}

/* The anycast prefix that covers this one, the longest; NULL: none. */
static const struct site_anycast *covering_anycast(const struct site *site, const struct prefix *prefix)
{
    const struct site_anycast *best = NULL;

    for (unsigned int i = 0; i < site->anycast_count; i++) {
        const struct site_anycast *anycast = &site->anycast[i];

        if (prefix_covers(&anycast->prefix, prefix) && (best == NULL || anycast->prefix.length > best->prefix.length)) {
            best = anycast;
        }
    }
    return best;
}

static bool has_hop(const struct outcome_path *paths, unsigned int count, const struct hop *hop)
{
    for (unsigned int i = 0; i < count; i++) {
        if (paths[i].hop == hop) {
            return true;
        }
    }
    return false;
}

/* What its source wants of it, and its instance. */
static uint16_t weight_of(uint16_t weight, uint16_t share)
{
    uint32_t product = (uint32_t)weight * (share > 0 ? share : 1);

    return (uint16_t)(product < UINT16_MAX ? product : UINT16_MAX);
}

/* The eligible candidates as paths, best first; of several to one hop the best counts. Returns how many. */
static unsigned int make_paths(const struct site_ranking *ranking, struct outcome_path *paths)
{
    unsigned int count = 0;

    for (uint32_t i = 0; i < ranking->eligible; i++) {
        uint32_t index = ranking->ranking[i];
        const struct place *place = &ranking->places[index];

        if (has_hop(paths, count, place->hop)) {
            continue;
        }
        paths[count++] = (struct outcome_path){
            .hop = place->hop,
            .weight = weight_of(place->weight, ranking->candidates[index].share),
            .tier = (uint16_t)(ranking->verdicts[index].tier - 1),
            .hash = place->hash,
        };
    }
    return count;
}

/* A reference to what the prefix should have, NULL for no route; -errno. A prefix of ours whose instances cannot be
 * reached keeps a route that leads nowhere: its packets must not follow a shorter prefix to somebody else. paths: room
 * for one each. */
static int decide(struct site *site, const struct rib_entry *entry, const struct site_ranking *ranking,
                  struct outcome_path *paths, const struct outcome **out)
{
    const struct site_anycast *anycast = covering_anycast(site, &entry->prefix);
    unsigned int count = ranking->count > 0 ? make_paths(ranking, paths) : 0;

    *out = NULL;
    if (ranking->count == 0 || (count == 0 && anycast == NULL)) {
        return 0;
    }
    *out = outcome_get(site->install, paths, count, anycast != NULL ? anycast->traits : (struct outcome_traits){0});
    return *out != NULL ? 0 : -errno;
}

/* A number that stands for the best candidates and what they say; 0: there is none. */
static uint32_t best_mark(const struct site_ranking *ranking)
{
    uint64_t mark = 1;

    if (ranking->eligible == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < ranking->eligible && ranking->verdicts[ranking->ranking[i]].tier == 1; i++) {
        const struct candidate *candidate = &ranking->candidates[ranking->ranking[i]];
        uint64_t key;

        memcpy(&key, &candidate->key, sizeof(key));
        mark = hash_mix64(mark ^ key);
        mark = hash_mix64(mark ^ (uintptr_t)candidate->attrs ^ (uintptr_t)ranking->places[ranking->ranking[i]].hop);
    }
    mark &= 0x7fffffff;
    return mark != 0 ? (uint32_t)mark : 1;
}

/* Keeps who is best now, and tells if that is another. before: what was installed. */
static void note_best(struct site *site, struct rib_entry *entry, const struct site_ranking *ranking,
                      const struct outcome *before)
{
    uint32_t mark = best_mark(ranking);
    struct candidate_key old = entry->outcome.best;
    bool had = entry->outcome.best_mark != 0;

    if (mark == entry->outcome.best_mark) {
        return;
    }
    entry->outcome.best_mark = mark & 0x7fffffff;
    entry->outcome.best = mark != 0 ? ranking->candidates[ranking->ranking[0]].key : (struct candidate_key){0};
    if (site->watcher != NULL) {
        site->watcher(site->watcher_owner, &(struct site_change){.prefix = &entry->prefix,
                                                                 .ranking = ranking,
                                                                 .before = before,
                                                                 .old = had ? &old : NULL,
                                                                 .generation = site->generation + 1,
                                                                 .cause = site->cause,
                                                                 .session_id = site->cause_session});
    }
}

/* 1 if the route changed, 0 if not, -errno if it could not. */
static int install_ranked(struct site *site, struct rib_entry *entry, const struct site_ranking *ranking,
                          struct outcome_path *paths)
{
    uint32_t old = entry->outcome.path_list_id;
    const struct outcome *before = old != PATH_LIST_NONE ? outcome_by_id(site->install, old) : NULL;
    const struct outcome *outcome;
    uint32_t id;
    int result = decide(site, entry, ranking, paths, &outcome);

    if (result != 0) {
        return result;
    }
    id = outcome != NULL ? outcome_id(outcome) : PATH_LIST_NONE;
    result = id == old ? 0 : install_route(site->install, &entry->prefix, id);
    if (result == 0) {
        note_best(site, entry, ranking, before);
    }
    if (id == old || result != 0) {
        if (outcome != NULL) {
            outcome_put(site->install, outcome);
        }
        return result;
    }
    entry->outcome.path_list_id = id;
    if (before != NULL) {
        outcome_put(site->install, before);
    }
    return 1;
}

/* Room that the next call reuses; NULL: no memory. */
static char *scratch_get(struct site *site, size_t bytes)
{
    void *scratch;

    if (bytes > site->scratch_bytes) {
        scratch = realloc(site->scratch, 2 * bytes);
        if (scratch == NULL) {
            return NULL;
        }
        site->scratch = scratch;
        site->scratch_bytes = 2 * bytes;
    }
    return site->scratch;
}

static int install_entry(struct site *site, struct rib_entry *entry)
{
    size_t bytes = ranking_bytes(entry->n_candidates);
    char *memory = scratch_get(site, bytes + (entry->n_candidates + 1) * sizeof(struct outcome_path));
    struct site_ranking ranking = {0};

    if (memory == NULL) {
        return -ENOMEM;
    }
    if (entry->n_candidates > 0) {
        rank_entry(site, entry, memory, &ranking);
    }
    return install_ranked(site, entry, &ranking, (struct outcome_path *)(memory + bytes));
}

/* Decides one prefix. True: the forwarding table has changed. */
static bool commit_entry(struct site *site, struct rib_entry *entry, int *first_error)
{
    int result = install_entry(site, entry);

    entry->outcome.pending = result < 0;
    if (result < 0) { /* it still holds what is installed */
        site->pending = true;
        site->failures++;
        *first_error = *first_error == 0 ? result : *first_error;
        return false;
    }
    rib_release(site->rib, entry);
    return result == 1;
}

/* Decides so many prefixes of the list at most. True: none is left. */
static bool commit_list(struct site *site, enum rib_list list, unsigned int most, bool *changed, int *first_error)
{
    struct rib_entry *entry = NULL;

    install_routes_hold(site->install, true);
    for (unsigned int i = 0; i < most && (entry = rib_next_of(site->rib, list)) != NULL; i++) {
        *changed |= commit_entry(site, entry, first_error);
    }
    install_routes_hold(site->install, false);
    return entry == NULL;
}

static void count_generation(struct site *site)
{
    site->generation++;
    install_routes_changed(site->install);
}

int site_commit(struct site *site)
{
    bool changed = false;
    int first_error = 0;

    while (!commit_list(site, RIB_NOW, UINT_MAX, &changed, &first_error)) {
    }
    if (changed) {
        count_generation(site);
    }
    site_failovers_drained(site);
    return first_error;
}

void site_mark_on(struct site *site, enum rib_list list)
{
    rib_set_list(site->rib, list);
}

void site_release_held(struct site *site)
{
    rib_release_held(site->rib);
}

bool site_commit_part(struct site *site, unsigned int most)
{
    int error = 0;

    bool walks;
    bool decided;

    walks = site_walk_part(site, most);
    decided = commit_list(site, RIB_BULK, most, &site->bulk_changed, &error); /* whatever works go on coming */
    if (walks || !decided) {
        return true;
    }
    if (site->bulk_changed) {
        count_generation(site);
        site->bulk_changed = false;
    }
    site_failovers_drained(site);
    return false;
}

void site_set_cause(struct site *site, const char *cause, uint16_t session_id)
{
    site->cause = cause;
    site->cause_session = session_id;
}

void site_watch(struct site *site, void (*changed)(void *owner, const struct site_change *change), void *owner)
{
    site->watcher = changed;
    site->watcher_owner = owner;
}
