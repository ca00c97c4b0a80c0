/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * route.update: every entry is read and checked before any is applied, and all are decided and installed as one
 * generation. What was applied can be taken back, should the tables turn out to be full.
 */
#include "candidate_json.h"
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

/* A change that is made or was made. */
struct change {
    struct prefix prefix;
    struct candidate candidate; /* to add, with a reference; or what was there before, for undoing */
    bool had_before;
    bool skip; /* refused */
};

struct update {
    const struct control *control;
    struct update_params in;
    struct change *adds; /* parallel to in.add */
    struct change *undo; /* in the order in which they were made */
    size_t undo_count;
    size_t undo_room;
    json_t *errors;
    int first_code;
    unsigned int added, replaced, unchanged, deleted;
};

static void refuse(struct update *update, const char *list, size_t index, int code, const char *text)
{
    json_array_append_new(update->errors, json_pack("{s:i, s:s, s:i, s:s}", "index", (int)index, "list", list, "code",
                                                    code, "message", text));
    update->first_code = update->first_code == 0 ? code : update->first_code;
}

static bool exists(const struct update *update, const struct change *change)
{
    const struct rib_entry *entry = rib_find(site_rib(update->control->site), &change->prefix);

    for (uint32_t i = 0; entry != NULL && i < entry->n_candidates; i++) {
        const struct candidate_key *key = &entry->candidates[i].key;

        if (key->session_id == change->candidate.key.session_id && key->peer_id == change->candidate.key.peer_id &&
            key->path_id == change->candidate.key.path_id) {
            return true;
        }
    }
    return false;
}

static void read_adds(struct update *update)
{
    for (size_t i = 0; i < json_array_size(update->in.add); i++) {
        struct change *change = &update->adds[i];
        struct error error;
        int code = candidate_read(update->control, json_array_get(update->in.add, i), &change->prefix,
                                  &change->candidate, &error);

        if (code == 0 && update->in.strict && exists(update, change)) {
            code = error_set(&error, API_ERR_EXISTS, "the candidate exists already");
        }
        if (code != 0) {
            change->skip = true;
            refuse(update, "add", i, code, error.text);
        }
    }
}

/* What a deletion names: a peer's candidates, or one of them, or all of the operator's for the prefix. */
struct selection_of_del {
    struct prefix prefix;
    int peer; /* -1: any */
    bool any_path_id;
    uint32_t path_id;
};

static int read_del(const struct update *update, const json_t *object, struct selection_of_del *out,
                    struct error *error)
{
    struct del_params in = {0};
    uint64_t given;
    int code = api_params_read(object, del_table, ARRAY_SIZE(del_table), &in, &given, error);

    if (code != 0) {
        return code;
    }
    *out = (struct selection_of_del){in.prefix, -1, (given >> DEL_PATH_ID & 1) == 0, (uint32_t)in.path_id};
    if (in.peer == NULL) {
        return 0;
    }
    out->peer = site_peer_id(update->control->site, in.peer);
    return out->peer >= 0 ? 0 : error_set(error, API_ERR_UNKNOWN_NAME, "unknown peer \"%s\"", in.peer);
}

/* The first candidate of the operator's that the deletion names; NULL: none (left). */
static const struct candidate *find_selected(const struct update *update, const struct selection_of_del *del)
{
    const struct rib_entry *entry = rib_find(site_rib(update->control->site), &del->prefix);

    for (uint32_t i = 0; entry != NULL && i < entry->n_candidates; i++) {
        const struct candidate_key *key = &entry->candidates[i].key;

        if (key->session_id == SITE_SESSION_OPERATOR && (del->peer < 0 || key->peer_id == del->peer) &&
            (del->any_path_id || key->path_id == del->path_id)) {
            return &entry->candidates[i];
        }
    }
    return NULL;
}

static void check_dels(struct update *update)
{
    for (size_t i = 0; i < json_array_size(update->in.del); i++) {
        struct selection_of_del del;
        struct error error;
        int code = read_del(update, json_array_get(update->in.del, i), &del, &error);

        if (code == 0 && update->in.strict && find_selected(update, &del) == NULL) {
            code = error_set(&error, API_ERR_EXISTS, "there is no such candidate");
        }
        if (code != 0) {
            refuse(update, "del", i, code, error.text);
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
    struct change *undo;
    int result = undo_reserve(update);

    if (result != 0) {
        return result;
    }
    undo = &update->undo[update->undo_count];
    *undo = *add;
    result = site_route_set(update->control->site, &add->prefix, &add->candidate, &undo->candidate);
    if (result < 0) {
        return result;
    }
    undo->had_before = result != RIB_ADDED;
    update->undo_count++;
    update->added += result == RIB_ADDED;
    update->replaced += result == RIB_REPLACED;
    update->unchanged += result == RIB_UNCHANGED;
    return 0;
}

static int apply_del(struct update *update, const struct selection_of_del *del)
{
    const struct candidate *candidate;

    while ((candidate = find_selected(update, del)) != NULL) {
        const struct candidate_key key = candidate->key;
        struct change *undo;

        if (undo_reserve(update) != 0) {
            return -ENOMEM;
        }
        undo = &update->undo[update->undo_count++];
        *undo = (struct change){.prefix = del->prefix, .had_before = true};
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
        struct selection_of_del del;
        struct error error;

        if (read_del(update, json_array_get(update->in.del, i), &del, &error) == 0) {
            result = apply_del(update, &del);
        }
    }
    for (size_t i = 0; i < json_array_size(update->in.add) && result == 0; i++) {
        if (!update->adds[i].skip) {
            result = apply_add(update, &update->adds[i]);
        }
    }
    return result == 0 ? site_commit(update->control->site) : result;
}

static void take_back(struct update *update)
{
    struct site *site = update->control->site;

    for (size_t i = update->undo_count; i-- > 0;) {
        const struct change *undo = &update->undo[i];

        if (!undo->had_before) {
            site_route_del(site, &undo->prefix, &undo->candidate.key, NULL);
        } else if (site_route_set(site, &undo->prefix, &undo->candidate, NULL) < 0) {
            /* the RIB has room for what was there before: see rib.h */
            abort();
        }
    }
    /* back to outcomes that were installed: what does not fit now is what did not fit before */
    (void)!site_commit(site);
}

static void release(struct update *update)
{
    struct attrs_table *attrs = site_attrs(update->control->site);

    for (size_t i = 0; i < json_array_size(update->in.add); i++) {
        attrs_unref(attrs, update->adds[i].candidate.attrs);
    }
    for (size_t i = 0; i < update->undo_count; i++) {
        if (update->undo[i].had_before) {
            attrs_unref(attrs, update->undo[i].candidate.attrs);
        }
    }
    free(update->adds);
    free(update->undo);
    json_decref(update->errors);
}

static int run(struct update *update, struct api_call *call, json_t **result)
{
    int failure;

    read_adds(update);
    check_dels(update);
    if (update->in.atomic && update->first_code != 0) {
        call->data = json_pack("{s:O}", "errors", update->errors);
        return api_fail(call, update->first_code, "%s: nothing was changed",
                        json_string_value(json_object_get(json_array_get(update->errors, 0), "message")));
    }
    failure = apply(update);
    if (failure != 0) {
        take_back(update);
        return api_fail(call, API_ERR_TABLE_FULL, "%s: nothing was changed",
                        failure == -ENOSPC ? "the forwarding tables are full" : "no memory");
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
