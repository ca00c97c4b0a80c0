/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * route.update: every entry is read and checked before any is applied, each prefix is decided once, and all of them are
 * one generation. What was applied can be taken back, should it turn out to be too strict, or the tables to be full.
 *
 * A large update is done in parts, between which the loop serves others. They may see that half of it is there.
 */
#include "log.h"
#include "loop.h"
#include "methods_private.h"
#include "session.h"
#include "session_breaker.h"
#include "session_limits.h"
#include "txn.h"
#include <errno.h>
#include <stdlib.h>

#define BULK_MIN 512 /* entries: less than some milliseconds' work is done in one go */

/* The first of the session's candidates that is selected; NULL: none (left). */
static const struct candidate *find_selected(const struct update *update, const struct candidate_selection *selection)
{
    const struct rib_entry *entry = rib_find(site_rib(update->control->site), &selection->prefix);

    for (uint32_t i = 0; entry != NULL && i < entry->n_candidates; i++) {
        const struct candidate_key *key = &entry->candidates[i].key;

        if (key->session_id == update->session && (selection->peer < 0 || key->peer_id == selection->peer) &&
            (selection->any_path_id || key->path_id == selection->path_id)) {
            return &entry->candidates[i];
        }
    }
    return NULL;
}

/* Between two parts others may have taken away what it names, and its numbers may be somebody else's. */
static bool is_there(const struct site *site, const struct candidate_key *key, uint64_t births)
{
    const struct site_session *session = site_session(site, key->session_id);
    const struct site_peer *peer = site_peer(site, key->peer_id);

    return session != NULL && session->born <= births && peer != NULL && peer->born <= births;
}

static bool can_be_set(const struct site *site, const struct change *change)
{
    const struct target *target = &change->candidate.target;
    const struct site_instance *instance =
        target->kind == TARGET_INSTANCE ? site_instance(site, target->instance_id) : NULL;

    return is_there(site, &change->candidate.key, change->births) &&
           (target->kind != TARGET_INSTANCE || (instance != NULL && instance->born <= change->births));
}

void change_take_back(struct site *site, const struct change *undo)
{
    if (!undo->had_before) {
        if (is_there(site, &undo->candidate.key, undo->births)) {
            site_route_del(site, &undo->prefix, &undo->candidate.key, NULL);
        }
    } else if (can_be_set(site, undo) && site_route_restore(site, &undo->prefix, &undo->candidate, NULL) < 0) {
        log_error("no memory to take back a change of a route: it is lost");
    }
}

/* Large updates of which a part is applied. Nothing is decided in parts meanwhile: each prefix is to be decided once.
 */
static unsigned int appliers;

static void begin_applying(struct update *update)
{
    update->applying = update->bulk && !update->held;
    appliers += update->applying;
}

static void end_applying(struct update *update)
{
    appliers -= update->applying;
    update->applying = false;
}

void update_tick(struct site *site)
{
    uint64_t until_ms = loop_now_ms() + UPDATE_PART_MS;

    while (appliers == 0 && site_commit_part(site, UPDATE_COMMIT) && loop_now_ms() < until_ms) {
    }
}

static void refuse_beyond_limits(struct update *update, const struct change *add, int result)
{
    struct error error;

    site_limit_text(update->control->site, update->session, &add->prefix, result, &error);
    update_refuse(update, LIST_ADD, add->index, result == -EPERM ? API_ERR_NOT_ALLOWED : API_ERR_TABLE_FULL, &error);
}

static int apply_add(struct update *update, const struct change *add)
{
    const struct candidate_key *key = &add->candidate.key;
    unsigned int *const counts[] = {
        [RIB_ADDED] = &update->added, [RIB_REPLACED] = &update->replaced, [RIB_UNCHANGED] = &update->unchanged};
    struct change *undo;
    struct error error;
    int result = update_reserve(&update->undo, sizeof(*update->undo), update->undo_count, &update->undo_room);

    if (result != 0) {
        return result;
    }
    if (!can_be_set(update->control->site, add)) {
        return -ESTALE;
    }
    if (update->strict &&
        find_selected(update, &(struct candidate_selection){add->prefix, key->peer_id, false, key->path_id}) != NULL) {
        update_refuse(update, LIST_ADD, add->index, error_set(&error, API_ERR_EXISTS, "the candidate exists already"),
                      &error);
        return 0;
    }
    undo = &update->undo[update->undo_count];
    *undo = *add;
    undo->births = site_births(update->control->site);
    result = site_route_set(update->control->site, &add->prefix, &add->candidate, &undo->candidate);
    if (result == -EPERM || result == -EDQUOT) {
        refuse_beyond_limits(update, add, result);
        return 0;
    }
    if (result < 0) {
        return result;
    }
    undo->had_before = result != RIB_ADDED;
    undo->counted = counts[result];
    ++*undo->counted;
    update->undo_count++;
    return 0;
}

static int apply_del(struct update *update, const struct deletion *del)
{
    const struct candidate *candidate = find_selected(update, &del->selection);
    struct error error;

    if (candidate == NULL && update->strict) {
        update_refuse(update, LIST_DEL, del->index, error_set(&error, API_ERR_EXISTS, "there is no such candidate"),
                      &error);
    }
    for (; candidate != NULL; candidate = find_selected(update, &del->selection)) {
        const struct candidate_key key = candidate->key;
        struct change *undo;

        if (update_reserve(&update->undo, sizeof(*update->undo), update->undo_count, &update->undo_room) != 0) {
            return -ENOMEM;
        }
        undo = &update->undo[update->undo_count++];
        *undo = (struct change){.prefix = del->selection.prefix,
                                .births = site_births(update->control->site),
                                .had_before = true,
                                .list = LIST_DEL,
                                .index = del->index,
                                .counted = &update->deleted};
        site_route_del(update->control->site, &del->selection.prefix, &key, &undo->candidate);
        update->deleted++;
    }
    return 0;
}

static void take_back_one(struct update *update, const struct change *undo)
{
    change_take_back(update->control->site, undo);
    --*undo->counted;
}

/* All changes, the last one first. What was installed before fits again. */
static void take_back(struct update *update)
{
    for (size_t i = update->undo_count; i-- > 0;) {
        take_back_one(update, &update->undo[i]);
    }
    while (site_commit_part(update->control->site, UPDATE_COMMIT)) {
    }
    if (site_commit(update->control->site) != 0) {
        log_error("route.update: not every route is back yet: the forwarding tables are full");
    }
}

static const char *why_full(int failure)
{
    if (failure == -ESTALE) {
        return "a peer, an instance or the session went away meanwhile";
    }
    return failure == -ENOSPC ? "the forwarding tables are full" : "no memory";
}

static bool any_pending(const struct update *update)
{
    if (site_failures(update->control->site) == update->failures) {
        return false;
    }
    for (size_t i = 0; i < update->undo_count; i++) {
        if (site_route_pending(update->control->site, &update->undo[i].prefix)) {
            return true;
        }
    }
    return false;
}

/* Those changes alone that found no room. */
static void take_back_pending(struct update *update, int failure)
{
    struct error error;
    int code = error_set(&error, API_ERR_TABLE_FULL, "%s", why_full(failure));

    for (size_t i = update->undo_count; i-- > 0;) {
        const struct change *undo = &update->undo[i];

        if (site_route_pending(update->control->site, &undo->prefix)) {
            take_back_one(update, undo);
            update_refuse(update, (enum update_list)undo->list, undo->index, code, &error);
        }
    }
    if (site_commit(update->control->site) != 0) {
        log_error("route.update: not every route is back yet: the forwarding tables are full");
    }
}

static int refuse_all(struct update *update, struct api_call *call)
{
    call->data = json_pack("{s:O}", "errors", update->errors);
    return api_fail(call, update->first_code, "%s: nothing was changed", update->first_error.text);
}

/* Withdrawals before announcements, as in a BGP UPDATE. 0, API_AGAIN or -errno. */
static int apply_some(struct update *update, uint64_t until_ms)
{
    int result = 0;

    for (; update->stage == STAGE_DEL && result == 0; update->next++) {
        if (update->next == update->del_count) {
            update->stage = STAGE_ADD;
            update->next = 0;
            break;
        }
        result = apply_del(update, &update->dels[update->next]);
        if (update->bulk && update->next % UPDATE_STRIDE == UPDATE_STRIDE - 1 && loop_now_ms() >= until_ms) {
            update->next++;
            return result != 0 ? result : API_AGAIN;
        }
    }
    for (; update->stage == STAGE_ADD && result == 0; update->next++) {
        if (update->next == update->add_count) {
            update->stage = STAGE_COMMIT;
            break;
        }
        result = apply_add(update, &update->adds[update->next]);
        if (update->bulk && update->next % UPDATE_STRIDE == UPDATE_STRIDE - 1 && loop_now_ms() >= until_ms) {
            update->next++;
            return result != 0 ? result : API_AGAIN;
        }
    }
    return result;
}

/* 0, API_AGAIN or -errno. */
static int commit_some(struct update *update, uint64_t until_ms)
{
    struct site *site = update->control->site;

    site_set_cause(site, update->method, update->session);
    if (!update->bulk) {
        return site_commit(site);
    }
    if (appliers > 0) {
        return API_AGAIN;
    }
    while (site_commit_part(site, UPDATE_COMMIT)) {
        if (loop_now_ms() >= until_ms) {
            return API_AGAIN;
        }
    }
    return any_pending(update) ? -ENOSPC : 0;
}

static bool has_session(const struct update *update)
{
    const struct site_session *session = site_session(update->control->site, update->session);

    return session != NULL && session->born <= update->births;
}

/* It depends on how many prefixes the session has. */
static bool is_judged(const struct update *update)
{
    const struct site_session *session = site_session(update->control->site, update->session);

    return session != NULL && (session->breaker.rules.max_percent < 100 || session->max_prefixes > 0);
}

/* The call as a whole: what it withdraws and announces again is no loss. */
static bool is_let(const struct update *update)
{
    struct site *site = update->control->site;
    uint32_t has = is_judged(update) ? site_session_prefixes(site, update->session) : update->had_prefixes;

    return has >= update->had_prefixes ||
           site_session_lets(site, update->session, update->had_prefixes, update->had_prefixes - has);
}

/* 0: done, or not to be done; API_AGAIN; or -errno. */
static int go_on(struct update *update)
{
    uint64_t until_ms = loop_now_ms() + UPDATE_PART_MS;
    int result;

    if (update->stage < STAGE_COMMIT && !has_session(update)) {
        end_applying(update);
        return -ESTALE;
    }
    if (update->stage < STAGE_COMMIT) {
        site_mark_on(update->control->site, update->held ? RIB_HELD : update->bulk ? RIB_BULK : RIB_NOW);
        result = apply_some(update, until_ms);
        site_mark_on(update->control->site, RIB_NOW);
        if (result == API_AGAIN) {
            return result;
        }
        end_applying(update);
        if (result == 0 && !(update->atomic && update->first_code != 0) && !is_let(update)) {
            result = -ECANCELED;
        }
        if (result != 0 || update->held || (update->atomic && update->first_code != 0)) {
            return result;
        }
    }
    result = commit_some(update, until_ms);
    if (result < 0 && !update->atomic) {
        take_back_pending(update, result);
        return 0;
    }
    return result;
}

/* 0 or an API error: nothing is to be done then. */
static int check(struct update *update, struct api_call *call)
{
    uint16_t session;
    int code = call_session(call, &session);

    if (update->params_code != 0) {
        return api_fail(call, update->params_code, "%s", update->params_error.text);
    }
    if (code != 0) { /* such as: somebody else has taken the session over while this was read */
        return code;
    }
    if (update->atomic && update->first_code != 0) {
        return refuse_all(update, call);
    }
    update->failures = site_failures(update->control->site);
    update->bulk = update->add_count + update->del_count >= BULK_MIN;
    update->held = txn_is_open(call);
    update->stage = STAGE_DEL;
    update->had_prefixes = is_judged(update) ? site_session_prefixes(update->control->site, update->session) : 0;
    begin_applying(update);
    return 0;
}

/* What a walk is still taking away would be counted; it is furthered meanwhile. */
static bool waits(const struct update *update)
{
    struct site *site = update->control->site;
    uint64_t until_ms = loop_now_ms() + UPDATE_PART_MS;

    if (!has_session(update) || !is_judged(update)) {
        return false;
    }
    while (site_session_is_busy(site, update->session)) {
        (void)site_walk_part(site, UPDATE_COMMIT);
        if (loop_now_ms() >= until_ms) {
            return true;
        }
    }
    return false;
}

static int update_run(void *state, struct api_call *call, json_t **result)
{
    struct update *update = state;
    int failure;
    int code;

    if (update->stage == STAGE_CHECK && waits(update)) {
        return API_AGAIN;
    }
    code = update->stage == STAGE_CHECK ? check(update, call) : 0;
    if (code != 0) {
        return code;
    }
    failure = go_on(update);
    if (failure == API_AGAIN) {
        return API_AGAIN;
    }
    update->stage = STAGE_END;
    if (failure != 0) {
        take_back(update);
        if (failure == -ECANCELED) {
            return fail_at_breaker(call, update->session);
        }
        return api_fail(call, failure == -ESTALE ? API_ERR_UNKNOWN_NAME : API_ERR_TABLE_FULL, "%s: nothing was changed",
                        why_full(failure));
    }
    if (update->atomic && update->first_code != 0) {
        take_back(update);
        return refuse_all(update, call);
    }
    if (update->held && txn_keep(call, update->undo, update->undo_count) != 0) {
        take_back(update);
        return api_fail(call, API_ERR_TABLE_FULL, "no memory: nothing was changed");
    }
    update->undo_count = update->held ? 0 : update->undo_count;
    return answer(call,
                  json_pack("{s:I, s:I, s:I, s:I, s:I, s:O}", "added", (json_int_t)update->added, "replaced",
                            (json_int_t)update->replaced, "unchanged", (json_int_t)update->unchanged, "deleted",
                            (json_int_t)update->deleted, "generation",
                            (json_int_t)site_generation(update->control->site), "errors", update->errors),
                  result);
}

static void *update_begin(struct api_call *call)
{
    struct update *update = calloc(1, sizeof(*update));

    if (update == NULL) {
        return NULL;
    }
    update->control = call->context;
    update->method = call->method;
    update->atomic = true;
    update->births = site_births(update->control->site);
    update->errors = json_array();
    if (call_session(call, &update->session) != 0) {
        update->session = SITE_SESSION_OPERATOR; /* check() refuses it */
    }
    return update;
}

/* What was being applied when the client went is taken back; what was being decided is decided by the site's ticks. */
static void update_end(void *state)
{
    struct update *update = state;
    struct site *site = update->control->site;

    end_applying(update);
    if (update->stage == STAGE_DEL || update->stage == STAGE_ADD) {
        take_back(update);
    }
    for (size_t i = 0; i < update->add_count; i++) {
        attrs_unref(site_attrs(site), update->adds[i].candidate.attrs);
    }
    for (size_t i = 0; i < update->undo_count; i++) {
        if (update->undo[i].had_before) {
            site_candidate_release(site, update->undo[i].prefix.addr.family, &update->undo[i].candidate);
        }
    }
    free(update->adds);
    free(update->dels);
    free(update->undo);
    json_decref(update->errors);
    free(update);
}

const struct api_reader update_reader = {update_begin, update_read, update_run, update_end};
