/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * route.update: every entry is read and checked before any is applied, and all are decided and installed as one
 * generation. What was applied can be taken back, should it turn out to be too strict, or the tables to be full.
 */
#include "candidate_json.h"
#include "log.h"
#include "methods_private.h"
#include <errno.h>
#include <stdlib.h>

struct update_params {
    const json_t *add;
    const json_t *del;
    bool atomic;
    bool strict;
};

static const struct api_param update_table[] = {
    {"add", API_ARRAY, false, offsetof(struct update_params, add), 0, 0},
    {"del", API_ARRAY, false, offsetof(struct update_params, del), 0, 0},
    {"atomic", API_BOOL, false, offsetof(struct update_params, atomic), 0, 0},
    {"strict", API_BOOL, false, offsetof(struct update_params, strict), 0, 0},
};

struct del_params {
    struct prefix prefix;
    const char *peer;
    int64_t path_id;
};

static const struct api_param del_table[] = {
    {"prefix", API_PREFIX, true, offsetof(struct del_params, prefix), 0, 0},
    {"peer", API_STRING, false, offsetof(struct del_params, peer), 0, 0},
    {"path_id", API_INTEGER, false, offsetof(struct del_params, path_id), 0, UINT32_MAX},
};
enum { DEL_PREFIX, DEL_PEER, DEL_PATH_ID };

/* A change that is to be made or was made. */
struct change {
    struct prefix prefix;
    struct candidate candidate; /* to add, with its attributes; or what was there before, for undoing */
    bool had_before;
    bool skip;        /* refused */
    const char *list; /* "add" or "del", and the place in it */
    size_t index;
    unsigned int *counted; /* as what: in struct update */
};

struct update {
    const struct control *control;
    uint16_t session;
    struct update_params in;
    struct change *adds; /* parallel to in.add */
    struct change *undo; /* in the order in which they were made */
    size_t undo_count;
    size_t undo_room;
    json_t *errors;
    int first_code;
    struct error first_error;
    unsigned int added, replaced, unchanged, deleted;
};

static void refuse(struct update *update, const char *list, size_t index, int code, const struct error *error)
{
    json_array_append_new(update->errors, json_pack("{s:i, s:s, s:i, s:o}", "index", (int)index, "list", list, "code",
                                                    code, "message", api_text(error->text)));
    if (update->first_code == 0) {
        update->first_code = code;
        update->first_error = *error;
    }
}

static void read_adds(struct update *update)
{
    for (size_t i = 0; i < json_array_size(update->in.add); i++) {
        struct change *change = &update->adds[i];
        struct error error;
        int code = candidate_read(update->control, update->session, json_array_get(update->in.add, i), &change->prefix,
                                  &change->candidate, &error);

        change->list = "add";
        change->index = i;
        if (code != 0) {
            change->skip = true;
            refuse(update, "add", i, code, &error);
        }
    }
}

/* A peer's candidates for a prefix, or one of them, or all of the session's. */
struct selection {
    struct prefix prefix;
    int peer; /* -1: any */
    bool any_path_id;
    uint32_t path_id;
};

static int read_del(const struct update *update, const json_t *object, struct selection *out, struct error *error)
{
    struct del_params in = {0};
    uint64_t given;
    int code = api_params_read(object, del_table, ARRAY_SIZE(del_table), &in, &given, error);

    if (code != 0) {
        return code;
    }
    *out = (struct selection){in.prefix, -1, (given >> DEL_PATH_ID & 1) == 0, (uint32_t)in.path_id};
    if (in.peer == NULL) {
        return 0;
    }
    out->peer = site_peer_id(update->control->site, in.peer);
    return out->peer >= 0 ? 0 : error_set(error, API_ERR_UNKNOWN_NAME, "unknown peer \"%s\"", in.peer);
}

/* The first of the session's candidates that is selected; NULL: none (left). */
static const struct candidate *find_selected(const struct update *update, const struct selection *selection)
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

static void check_dels(struct update *update)
{
    for (size_t i = 0; i < json_array_size(update->in.del); i++) {
        struct selection del;
        struct error error;
        int code = read_del(update, json_array_get(update->in.del, i), &del, &error);

        if (code != 0) {
            refuse(update, "del", i, code, &error);
        }
    }
}

/* Room for one more entry of the undo log, before the change is made. */
static int undo_reserve(struct update *update)
{
    size_t room = update->undo_room > 0 ? update->undo_room * 2 : 64;
    struct change *undo;

    if (update->undo_count < update->undo_room) {
        return 0;
    }
    undo = realloc(update->undo, room * sizeof(*undo));
    if (undo == NULL) {
        return -ENOMEM;
    }
    update->undo = undo;
    update->undo_room = room;
    return 0;
}

static int apply_add(struct update *update, const struct change *add)
{
    const struct candidate_key *key = &add->candidate.key;
    unsigned int *const counts[] = {
        [RIB_ADDED] = &update->added, [RIB_REPLACED] = &update->replaced, [RIB_UNCHANGED] = &update->unchanged};
    struct change *undo;
    struct error error;
    int result = undo_reserve(update);

    if (result != 0) {
        return result;
    }
    if (update->in.strict &&
        find_selected(update, &(struct selection){add->prefix, key->peer_id, false, key->path_id}) != NULL) {
        refuse(update, "add", add->index, error_set(&error, API_ERR_EXISTS, "the candidate exists already"), &error);
        return 0;
    }
    undo = &update->undo[update->undo_count];
    *undo = *add;
    result = site_route_set(update->control->site, &add->prefix, &add->candidate, &undo->candidate);
    if (result < 0) {
        return result;
    }
    undo->had_before = result != RIB_ADDED;
    undo->counted = counts[result];
    ++*undo->counted;
    update->undo_count++;
    return 0;
}

static int apply_del(struct update *update, size_t index, const struct selection *del)
{
    const struct candidate *candidate = find_selected(update, del);
    struct error error;

    if (candidate == NULL && update->in.strict) {
        refuse(update, "del", index, error_set(&error, API_ERR_EXISTS, "there is no such candidate"), &error);
    }
    for (; candidate != NULL; candidate = find_selected(update, del)) {
        const struct candidate_key key = candidate->key;
        struct change *undo;

        if (undo_reserve(update) != 0) {
            return -ENOMEM;
        }
        undo = &update->undo[update->undo_count++];
        *undo = (struct change){
            .prefix = del->prefix, .had_before = true, .list = "del", .index = index, .counted = &update->deleted};
        site_route_del(update->control->site, &del->prefix, &key, &undo->candidate);
        update->deleted++;
    }
    return 0;
}

/* Withdrawals before announcements, as in a BGP UPDATE. */
static int apply(struct update *update)
{
    int result = 0;

    for (size_t i = 0; i < json_array_size(update->in.del) && result == 0; i++) {
        struct selection del;
        struct error error;

        if (read_del(update, json_array_get(update->in.del, i), &del, &error) == 0) {
            result = apply_del(update, i, &del);
        }
    }
    for (size_t i = 0; i < json_array_size(update->in.add) && result == 0; i++) {
        if (!update->adds[i].skip) {
            result = apply_add(update, &update->adds[i]);
        }
    }
    return result;
}

static void take_back_one(struct update *update, const struct change *undo)
{
    struct site *site = update->control->site;

    if (!undo->had_before) {
        site_route_del(site, &undo->prefix, &undo->candidate.key, NULL);
    } else if (site_route_set(site, &undo->prefix, &undo->candidate, NULL) < 0) {
        log_error("no memory to take back a change of a route: it is lost");
    }
    --*undo->counted;
}

/* All changes, the last one first. What was installed before fits again. */
static void take_back(struct update *update)
{
    for (size_t i = update->undo_count; i-- > 0;) {
        take_back_one(update, &update->undo[i]);
    }
    if (site_commit(update->control->site) != 0) {
        log_error("route.update: not every route is back yet: the forwarding tables are full");
    }
}

static const char *why_full(int failure)
{
    return failure == -ENOSPC ? "the forwarding tables are full" : "no memory";
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
            refuse(update, undo->list, undo->index, code, &error);
        }
    }
    if (site_commit(update->control->site) != 0) {
        log_error("route.update: not every route is back yet: the forwarding tables are full");
    }
}

static void release(struct update *update)
{
    struct site *site = update->control->site;

    for (size_t i = 0; i < json_array_size(update->in.add); i++) {
        attrs_unref(site_attrs(site), update->adds[i].candidate.attrs);
    }
    for (size_t i = 0; i < update->undo_count; i++) {
        if (update->undo[i].had_before) {
            site_candidate_release(site, update->undo[i].prefix.addr.family, &update->undo[i].candidate);
        }
    }
    free(update->adds);
    free(update->undo);
    json_decref(update->errors);
}

static int refuse_all(struct update *update, struct api_call *call)
{
    call->data = json_pack("{s:O}", "errors", update->errors);
    return api_fail(call, update->first_code, "%s: nothing was changed", update->first_error.text);
}

static int run(struct update *update, struct api_call *call, json_t **result)
{
    int failure;

    read_adds(update);
    check_dels(update);
    if (update->in.atomic && update->first_code != 0) {
        return refuse_all(update, call);
    }
    failure = apply(update);
    if (failure == 0 && (!update->in.atomic || update->first_code == 0)) {
        site_set_cause(update->control->site, call->method, update->session);
        failure = site_commit(update->control->site);
        if (failure != 0 && !update->in.atomic) {
            take_back_pending(update, failure);
            failure = 0;
        }
    }
    if (failure != 0) {
        take_back(update);
        return api_fail(call, API_ERR_TABLE_FULL, "%s: nothing was changed", why_full(failure));
    }
    if (update->in.atomic && update->first_code != 0) {
        take_back(update);
        return refuse_all(update, call);
    }
    return answer(call,
                  json_pack("{s:i, s:i, s:i, s:i, s:I, s:O}", "added", (int)update->added, "replaced",
                            (int)update->replaced, "unchanged", (int)update->unchanged, "deleted", (int)update->deleted,
                            "generation", (json_int_t)site_generation(update->control->site), "errors", update->errors),
                  result);
}

int method_route_update(struct api_call *call, const json_t *params, json_t **result)
{
    struct update update = {.control = call->context, .in = {.atomic = true}};
    int code = read_params(call, params, update_table, ARRAY_SIZE(update_table), &update.in, NULL);

    if (code == 0) {
        code = call_session(call, &update.session);
    }
    if (code != 0) {
        return code;
    }
    update.adds = calloc(json_array_size(update.in.add) + 1, sizeof(*update.adds));
    update.errors = json_array();
    if (update.adds == NULL || update.errors == NULL) {
        code = api_fail(call, API_ERR_TABLE_FULL, "no memory");
    } else {
        code = run(&update, call, result);
    }
    release(&update);
    return code;
}
