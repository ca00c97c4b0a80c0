/* SPDX-License-Identifier: BSD-3-Clause */
#include "state.h"
#include "candidate_json.h"
#include "candidate_scan.h"
#include "failover.h"
#include "file.h"
#include "log.h"
#include "loop.h"
#include "methods_private.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART_MS      1
#define QUIET_MS     1000 /* a large state is written when so much time has passed since it was changed first */
#define STRIDE       64
#define TOKENS_MAX   20
#define SMALL_ROUTES 2000      /* the operator's: written at once */
#define SYNC_MAX     (1 << 20) /* bytes whose way to the disk is waited for */
#define RETRY_MS     2000      /* after a failure, such as a full disk */
#define REST_SHARE   20        /* a state that took t ms to write is written again after 20 t at the earliest */

struct state {
    char path[FILE_PATH_MAX];
    char next_path[FILE_PATH_MAX];
    json_t *peers;     /* by name: what was last said of each, in the words of peer.set */
    json_t *instances; /* the same */
    bool dirty;
    FILE *file; /* being written; NULL: none is */
    bool at_start;
    struct prefix at; /* the last prefix that is in it */
    uint64_t began_ms;
    uint64_t busy_ms;
    uint64_t due_ms;
    unsigned int tokens; /* how often it may be written at once; one more each STATE_REST_MS */
    uint64_t earned_ms;
    bool failed; /* the log knows */
};

static void tell_failure(struct state *state, const char *what)
{
    if (!state->failed) {
        log_error("%s: %s: what is set over the API will not outlive the daemon", what, strerror(errno));
    }
    state->failed = true;
}

static void try_again(struct state *state, const char *what)
{
    tell_failure(state, what);
    state->dirty = true;
}

static struct state *state_create(const struct config *config)
{
    struct state *state = calloc(1, sizeof(*state));

    if (state == NULL) {
        return NULL;
    }
    snprintf(state->path, sizeof(state->path), "%s/%s/operator.jsonl", config->state_dir, config->site.name);
    snprintf(state->next_path, sizeof(state->next_path), "%.500s.next", state->path);
    state->peers = json_object();
    state->instances = json_object();
    if (file_make_directories(state->path) != 0) {
        tell_failure(state, state->path);
    }
    return state;
}

static void write_line(struct state *state, const char *kind, json_t *value)
{
    json_t *line = json_pack("{s:o}", kind, value);

    if (line == NULL || json_dumpf(line, state->file, JSON_COMPACT) != 0 || fputc('\n', state->file) == EOF) {
        tell_failure(state, state->next_path);
    }
    json_decref(line);
}

static void write_names(const struct control *control, struct state *state)
{
    const char *name;
    json_t *params;

    json_object_foreach(state->peers, name, params)
    {
        int id = site_peer_id(control->site, name);

        if (id >= 0 && !site_peer(control->site, (uint32_t)id)->configured) {
            write_line(state, "peer", json_incref(params));
        }
    }
    json_object_foreach(state->instances, name, params)
    {
        int id = site_instance_id(control->site, name);

        if (id >= 0 && !site_instance(control->site, (uint32_t)id)->configured) {
            write_line(state, "instance", json_incref(params));
        }
    }
    for (uint32_t id = 0; id < site_instance_end(control->site); id++) {
        const struct site_instance *instance = site_instance(control->site, id);

        if (instance != NULL && instance->health.admin != HEALTH_ADMIN_UP) {
            write_line(state, "admin",
                       json_pack("{s:s, s:s}", "name", instance->name, "method",
                                 instance->health.admin == HEALTH_ADMIN_DOWN ? "instance.down" : "instance.drain"));
        }
    }
}

/* In the words of route.update, exactly: what is default is left out. */
static json_t *write_candidate(const struct control *control, const struct prefix *prefix,
                               const struct candidate *candidate)
{
    json_t *object = candidate_write(control, prefix, candidate);

    json_object_del(object, "session");
    json_object_del(object, "stale");
    json_object_del(object, "held");
    if (!candidate->attrs->has_local_pref) {
        json_object_del(object, "local_pref");
    }
    if (candidate->target.kind == TARGET_NEXT_HOP) {
        json_object_del(object, "instance");
    }
    return object;
}

static void write_entry(const struct control *control, struct state *state, const struct rib_entry *entry)
{
    for (uint32_t i = 0; i < entry->n_candidates; i++) {
        const struct candidate *candidate = &entry->candidates[i];

        if (candidate->key.session_id == SITE_SESSION_OPERATOR && !candidate->configured) {
            write_line(state, "route", write_candidate(control, &entry->prefix, candidate));
        }
    }
}

static const struct rib_entry *entry_after(const struct control *control, struct state *state)
{
    const struct rib *rib = site_rib(control->site);
    const struct rib_entry *entry = state->at_start ? rib_seek(rib, &state->at) : rib_after(rib, &state->at);

    if (entry == NULL && state->at.addr.family == FAMILY_V4) {
        entry = rib_seek(rib, &(struct prefix){.addr.family = FAMILY_V6});
    }
    return entry;
}

static void begin_file(const struct control *control, struct state *state)
{
    state->file = fopen(state->next_path, "we");
    if (state->file == NULL) {
        try_again(state, state->next_path);
        return;
    }
    state->dirty = false;
    state->at = (struct prefix){.addr.family = FAMILY_V4};
    state->at_start = true;
    state->busy_ms = 0;
    write_names(control, state);
}

/* On the disk before it takes the place of the old one: a machine that loses power has one of the two, whole. A large
 * one would hold up the control thread for as long as the disk takes: its order is the file system's to keep. */
static void end_file(struct state *state)
{
    bool waits;
    bool good;

    write_line(state, "end", json_true());
    waits = ftell(state->file) <= SYNC_MAX;
    good = fflush(state->file) == 0 && ferror(state->file) == 0 && (!waits || fsync(fileno(state->file)) == 0);
    good = fclose(state->file) == 0 && good;
    state->file = NULL;
    if (!good || rename(state->next_path, state->path) != 0 || (waits && file_sync_directory(state->path) != 0)) {
        try_again(state, state->path);
        (void)unlink(state->next_path); /* a part of it only takes up room */
        return;
    }
    if (state->failed) {
        log_notice("%s: saved again", state->path);
    }
    state->failed = false;
}

/* True: it is complete. */
static bool write_part(const struct control *control, struct state *state, uint64_t until_ms)
{
    const struct rib_entry *entry = entry_after(control, state);

    for (unsigned int i = 1; entry != NULL; i++) {
        write_entry(control, state, entry);
        state->at = entry->prefix;
        state->at_start = false;
        if (i % STRIDE == 0 && loop_now_ms() >= until_ms) {
            return false;
        }
        entry = entry_after(control, state);
    }
    end_file(state);
    return true;
}

static void go_on(const struct control *control, struct state *state, uint64_t part_ms)
{
    uint64_t start_ms = loop_now_ms();

    if (state->file == NULL) {
        begin_file(control, state);
    }
    if (state->file == NULL || write_part(control, state, start_ms + part_ms)) {
        uint64_t rest_ms = (state->busy_ms + loop_now_ms() - start_ms) * REST_SHARE;
        uint64_t least_ms = state->failed ? RETRY_MS : STATE_REST_MS;

        state->due_ms = loop_now_ms() + (rest_ms > least_ms ? rest_ms : least_ms);
    }
    state->busy_ms += loop_now_ms() - start_ms;
}

/* Walking a large table for the few routes of the operator's would take as long as if all were. */
static bool is_small(const struct control *control)
{
    const struct rib_counts *counts = rib_counts(site_rib(control->site));

    return counts->candidates[FAMILY_V4] + counts->candidates[FAMILY_V6] <= SMALL_ROUTES;
}

static void keep_words(json_t *all, const json_t *params, bool gone)
{
    const char *name = json_string_value(json_object_get(params, "name"));

    if (name != NULL && gone) {
        json_object_del(all, name);
    } else if (name != NULL) {
        json_object_set_new(all, name, json_deep_copy(params));
    }
}

/* A token bucket: a person's calls are saved before they are answered, a flood of them is not. */
static bool may_write_at_once(struct state *state)
{
    uint64_t now_ms = loop_now_ms();
    uint64_t earned = (now_ms - state->earned_ms) / STATE_REST_MS;

    state->earned_ms += earned * STATE_REST_MS;
    state->tokens = earned + state->tokens > TOKENS_MAX ? TOKENS_MAX : (unsigned int)earned + state->tokens;
    if (state->tokens == 0) {
        return false;
    }
    state->tokens--;
    return true;
}

static bool is_saved(const char *method)
{
    static const char *const saved[] = {"peer.",       "route.",        "instance.set",   "instance.del",
                                        "instance.up", "instance.down", "instance.drain", "txn.commit"};

    for (size_t i = 0; i < ARRAY_SIZE(saved); i++) {
        if (strncmp(method, saved[i], strlen(saved[i])) == 0) {
            return true;
        }
    }
    return false;
}

void state_changed(struct control *control, const char *method, const json_t *params, bool now)
{
    struct state *state = control->state;

    if (state == NULL || !is_saved(method)) {
        return;
    }
    if (strncmp(method, "peer.", 5) == 0) {
        keep_words(state->peers, params, strcmp(method, "peer.del") == 0);
    } else if (strcmp(method, "instance.set") == 0 || strcmp(method, "instance.del") == 0) {
        keep_words(state->instances, params, strcmp(method, "instance.del") == 0);
    }
    if (!now) {
        return;
    }
    if (!is_small(control) && !state->dirty && state->due_ms < loop_now_ms() + QUIET_MS) {
        state->due_ms = loop_now_ms() + QUIET_MS;
    }
    state->dirty = true;
    if (state->file == NULL && is_small(control) && may_write_at_once(state)) {
        go_on(control, state, UINT32_MAX);
    }
}

void state_tick(struct control *control, uint64_t now_ms)
{
    struct state *state = control->state;

    if (state != NULL && (state->file != NULL || (state->dirty && now_ms >= state->due_ms))) {
        go_on(control, state, PART_MS);
    }
}

void state_close(struct control *control)
{
    struct state *state = control->state;

    if (state == NULL) {
        return;
    }
    if (state->file != NULL) {
        fclose(state->file);
        state->file = NULL;
        state->dirty = true;
    }
    if (state->dirty) {
        go_on(control, state, UINT32_MAX);
    }
    json_decref(state->peers);
    json_decref(state->instances);
    free(state);
    control->state = NULL;
}

/* What a line says is done as a call of the operator's. */
static void restore_call(struct control *control, const char *method, const json_t *params)
{
    static const struct api_peer nobody = {.text = "the saved state"};
    struct api_call call = {.context = control, .peer = &nobody};
    json_t *result = NULL;

    for (size_t i = 0; i < method_count; i++) {
        call.method = methods[i].name;
        if (strcmp(methods[i].name, method) == 0 && methods[i].call(&call, params, &result) != 0) {
            log_warning("saved state: %s: %s", method, call.error.text);
        }
    }
    json_decref(result);
    json_decref(call.data);
}

/* find: the id of the name, which the configuration may have made. */
static void restore_name(struct control *control, const char *method, const json_t *params, json_t *kept,
                         int (*find)(const struct site *site, const char *name))
{
    const char *name = json_string_value(json_object_get(params, "name"));

    if (name != NULL && find(control->site, name) >= 0) {
        log_notice("saved state: %s of %s is the configuration's now", method, name);
        return;
    }
    restore_call(control, method, params);
    keep_words(kept, params, false);
}

static void restore_admin(struct control *control, const json_t *admin)
{
    const char *method = json_string_value(json_object_get(admin, "method"));
    json_t *params = json_pack("{s:O}", "name", json_object_get(admin, "name"));

    if (method == NULL || params == NULL ||
        (strcmp(method, "instance.down") != 0 && strcmp(method, "instance.drain") != 0)) {
        log_warning("saved state: an \"admin\" line that neither takes an instance down nor drains it is left out");
    } else {
        restore_call(control, method, params);
    }
    json_decref(params);
}

static bool exists(const struct control *control, const struct prefix *prefix, const struct candidate_key *key)
{
    const struct rib_entry *entry = rib_find(site_rib(control->site), prefix);

    return entry != NULL && rib_entry_has(entry, key);
}

/* From {"route": CANDIDATE}, without a tree. False: no such line. */
static bool restore_route(struct control *control, const char *line, size_t length)
{
    struct json_scan scan = json_scan_of(line, length);
    struct json_text key;
    struct candidate candidate;
    struct prefix prefix;
    struct error error;
    char text[PREFIX_STRLEN];
    bool first = true;
    int code;

    if (!json_scan_open(&scan, '{') || !json_scan_key(&scan, &first, &key) || strcmp(key.bytes, "route") != 0) {
        return false;
    }
    code = candidate_scan(control, SITE_SESSION_OPERATOR, &scan, &prefix, &candidate, &error);
    if (code == CANDIDATE_NOT_JSON) {
        return false;
    }
    if (code != 0) {
        log_warning("saved state: a route: %s", error.text);
        return true;
    }
    if (exists(control, &prefix, &candidate.key)) {
        log_notice("saved state: the route to %s is the configuration's now", prefix_format(&prefix, text));
    } else if (site_route_set(control->site, &prefix, &candidate, NULL) < 0) {
        log_error("saved state: no memory for a route");
    }
    attrs_unref(site_attrs(control->site), candidate.attrs);
    return true;
}

/* False: not a line of such a file; *ended: the last one. */
static bool restore_line(struct control *control, const char *line, size_t length, bool *ended)
{
    json_t *object;
    const char *kind;
    json_t *value;

    if (restore_route(control, line, length)) {
        return true;
    }
    object = json_loadb(line, length, 0, NULL);
    json_object_foreach(object, kind, value)
    {
        if (strcmp(kind, "peer") == 0) {
            restore_name(control, "peer.set", value, control->state->peers, site_peer_id);
        } else if (strcmp(kind, "instance") == 0) {
            restore_name(control, "instance.set", value, control->state->instances, site_instance_id);
        } else if (strcmp(kind, "admin") == 0) {
            restore_admin(control, value);
        } else {
            *ended = strcmp(kind, "end") == 0;
        }
    }
    json_decref(object);
    return object != NULL;
}

static void restore_from(struct control *control, FILE *file, const char *path)
{
    char *line = NULL;
    size_t room = 0;
    bool ended = false;
    ssize_t length;

    while ((length = getline(&line, &room, file)) > 0) {
        if (!restore_line(control, line, (size_t)length, &ended)) {
            log_error("%s: a line of it cannot be read, and is left out", path);
        }
    }
    free(line);
    if (!ended) {
        log_error("%s: its end is missing; what there is of it is restored", path);
    }
}

void state_restore(struct control *control)
{
    struct state *state = state_create(control->config);
    FILE *file;

    control->state = state;
    if (state == NULL) {
        log_error("no memory to keep what is set over the API");
        return;
    }
    file = fopen(state->path, "re");
    if (file == NULL) {
        if (errno != ENOENT) {
            tell_failure(state, state->path);
        }
        return;
    }
    site_set_cause(control->site, "saved state", SITE_SESSION_OPERATOR);
    restore_from(control, file, state->path);
    fclose(file);
    site_drains_restored(control->site);
    if (site_commit(control->site) != 0) {
        log_error("saved state: not every route could be installed: the forwarding tables are full");
    }
    state->dirty = false;
    log_notice("restored %s", state->path);
}
