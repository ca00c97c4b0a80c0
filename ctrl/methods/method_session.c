/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session.open, session.eor, session.close, session.list: the sessions of ctrl/site, each bound to a connection. What
 * a connection does that has opened a session is that session's; without, the operator's.
 */
#include "access.h"
#include "api_stream.h"
#include "log.h"
#include "methods_private.h"
#include "session_breaker.h"
#include "txn.h"
#include "word.h"
#include <errno.h>
#include <stdlib.h>

#define API_VERSION 1

static const char *const on_disconnects[] = {
    [SITE_STALE] = "stale", [SITE_WITHDRAW] = "withdraw", [SITE_KEEP] = "keep"};

/* A connection that has a session. */
struct session_client {
    struct api_stream stream; /* first; to hear when the connection goes: nothing is sent */
    struct control *control;
    const struct api_client *client;
    uint16_t session;
    bool lost; /* another connection has resumed the session */
    LIST_ENTRY(session_client) link;
};

static struct session_client *client_of(const struct control *control, const struct api_client *client)
{
    struct session_client *holder;

    LIST_FOREACH(holder, &control->session_clients, link)
    {
        if (holder->client == client && client != NULL) {
            return holder;
        }
    }
    return NULL;
}

static void client_forget(struct session_client *holder)
{
    api_stream_close(&holder->stream);
    LIST_REMOVE(holder, link);
    free(holder);
}

static void on_gone(struct api_stream *stream)
{
    struct session_client *holder = (struct session_client *)stream;
    struct site *site = holder->control->site;

    if (!holder->lost && site != NULL) {
        log_notice("session %s: its client has gone", site_session(site, holder->session)->client);
        site_session_leave(site, holder->session);
        site_set_cause(site, "session lost", holder->session);
        if (site_commit(site) != 0) {
            log_error("not every route could be withdrawn");
        }
    }
    client_forget(holder);
}

bool call_has_session(const struct api_call *call)
{
    return call->peer != NULL && client_of(call->context, call->peer->client) != NULL;
}

int call_session(struct api_call *call, uint16_t *id)
{
    const struct control *control = call->context;
    const struct session_client *holder = call->peer != NULL ? client_of(control, call->peer->client) : NULL;

    *id = holder != NULL ? holder->session : SITE_SESSION_OPERATOR;
    if (holder != NULL && holder->lost) {
        return api_fail(call, API_ERR_SESSION, "another connection has resumed the session of this one");
    }
    return txn_check(call);
}

/* A call that is of no use outside a session. */
static int own_session(struct api_call *call, uint16_t *id)
{
    int code = call_session(call, id);

    if (code == 0 && *id == SITE_SESSION_OPERATOR) {
        return api_fail(call, API_ERR_SESSION, "this connection has no session; session.open makes one");
    }
    return code;
}

int check_owner(struct api_call *call, uint16_t session, uint16_t owner, const char *what, const char *name)
{
    const struct control *control = call->context;
    const struct site_session *its = site_session(control->site, owner);

    if (session == owner) {
        return 0;
    }
    if (its != NULL && its->own && its->connected) { /* it knows them by their ids */
        return api_fail(call, API_ERR_NOT_ALLOWED, "%s \"%s\" is the feed's %s, as long as that is connected", what,
                        name, its->client);
    }
    if (session == SITE_SESSION_OPERATOR) {
        return 0;
    }
    return api_fail(call, API_ERR_NOT_ALLOWED, "%s \"%s\" is not this session's", what, name);
}

struct open_params {
    int64_t api;
    const char *client;
    const char *source;
    const char *on_disconnect;
    int64_t stale_s;
    int64_t long_lived_stale_s;
};

enum { OPEN_API, OPEN_CLIENT, OPEN_SOURCE, OPEN_ON_DISCONNECT, OPEN_STALE_S, OPEN_LONG_LIVED };

static const struct api_param open_table[] = {
    [OPEN_API] = {"api", API_INTEGER, true, offsetof(struct open_params, api), INT64_MIN, INT64_MAX},
    [OPEN_CLIENT] = {"client", API_STRING, true, offsetof(struct open_params, client), 1, SITE_NAME_MAX - 1},
    [OPEN_SOURCE] = {"source", API_STRING, false, offsetof(struct open_params, source), 0, SITE_NAME_MAX - 1},
    [OPEN_ON_DISCONNECT] = {"on_disconnect", API_STRING, false, offsetof(struct open_params, on_disconnect), 0, 0},
    [OPEN_STALE_S] = {"stale_s", API_INTEGER, false, offsetof(struct open_params, stale_s), 0, INT32_MAX},
    [OPEN_LONG_LIVED] = {"long_lived_stale_s", API_INTEGER, false, offsetof(struct open_params, long_lived_stale_s), 0,
                         INT32_MAX},
};

static int read_open(struct api_call *call, const json_t *params, struct site_session_spec *spec)
{
    struct open_params in = {.on_disconnect = "stale"};
    uint64_t given;
    int code = read_params(call, params, open_table, ARRAY_SIZE(open_table), &in, &given);
    int on_disconnect = word_find(on_disconnects, ARRAY_SIZE(on_disconnects), in.on_disconnect);

    if (code != 0) {
        return code;
    }
    if (in.api != API_VERSION) {
        return api_fail(call, API_ERR_VERSION, "this is version %d of the API", API_VERSION);
    }
    if (on_disconnect < 0) {
        return api_fail(call, API_ERR_PARAMS, "on_disconnect: \"%s\" is not stale, withdraw or keep", in.on_disconnect);
    }
    *spec = (struct site_session_spec){
        .client = in.client,
        .source = in.source,
        .uid = call->peer->uid,
        .on_disconnect = (enum site_on_disconnect)on_disconnect,
        .stale_s = (uint32_t)in.stale_s,
        .has_stale_s = (given >> OPEN_STALE_S & 1) != 0,
        .long_lived_stale_s = (uint32_t)in.long_lived_stale_s,
    };
    return 0;
}

/* A client that comes again has gone, whether its old connection has been found dead yet or not. */
static void take_over(struct control *control, const struct site_session_spec *spec)
{
    int id = site_session_find(control->site, spec->client, spec->uid);
    struct session_client *holder;

    LIST_FOREACH(holder, &control->session_clients, link)
    {
        if (holder->session == id && !holder->lost) {
            holder->lost = true;
            log_notice("session %s: taken over by another connection of the same client", spec->client);
            site_session_leave(control->site, holder->session);
        }
    }
}

int method_session_open(struct api_call *call, const json_t *params, json_t **result)
{
    struct control *control = call->context;
    struct site_session_spec spec = {0};
    struct session_client *holder;
    bool resumed;
    int id;
    int code = read_open(call, params, &spec);

    if (code != 0) {
        return code;
    }
    code = access_check_client(call, spec.client);
    if (code != 0) {
        return code;
    }
    if (client_of(control, call->peer->client) != NULL) {
        return api_fail(call, API_ERR_EXISTS, "this connection has a session already");
    }
    holder = calloc(1, sizeof(*holder));
    if (holder == NULL) {
        return api_fail(call, API_ERR_INTERNAL, "no memory");
    }
    holder->stream.gone = on_gone;
    code = api_stream_open(call, &holder->stream);
    if (code != 0) {
        free(holder);
        return code;
    }
    take_over(control, &spec);
    id = site_session_open(control->site, &spec, &resumed, &call->error);
    if (id < 0) {
        api_stream_close(&holder->stream);
        free(holder);
        return id == -EBUSY ? API_ERR_BUSY : API_ERR_TABLE_FULL; /* busy: a feed of the daemon's own has that name */
    }
    if (access_limit(control, (uint16_t)id) != 0) {
        api_stream_close(&holder->stream);
        free(holder);
        site_session_leave(control->site, (uint16_t)id);
        return api_fail(call, API_ERR_INTERNAL, "no memory");
    }
    holder->control = control;
    holder->client = call->peer->client;
    holder->session = (uint16_t)id;
    LIST_INSERT_HEAD(&control->session_clients, holder, link);
    code = commit_site(call, control->site);
    return code != 0 ? code
                     : answer(call,
                              json_pack("{s:i, s:b, s:I}", "session", id, "resumed", resumed, "generation",
                                        (json_int_t)site_generation(control->site)),
                              result);
}

int fail_at_breaker(struct api_call *call, uint16_t session)
{
    struct site *site = ((const struct control *)call->context)->site;
    const struct breaker_rules *rules = &site_session(site, session)->breaker.rules;

    site_session_refused(site, session);
    return api_fail(
        call, API_ERR_BREAKER,
        "more than %u %% of the prefixes of session \"%s\" would be withdrawn within %u s: nothing is, until "
        "session.confirm",
        rules->max_percent, site_session(site, session)->client, rules->window_s);
}

int check_breaker(struct api_call *call, uint16_t session, const struct rib_selector *selector)
{
    struct site *site = ((const struct control *)call->context)->site;
    uint32_t lose;

    if (site_session(site, session)->breaker.rules.max_percent >= 100) {
        return 0;
    }
    lose = site_session_loss(site, session, selector);
    if (lose == 0 || site_session_lets(site, session, site_session_prefixes(site, session), lose)) {
        return 0;
    }
    return fail_at_breaker(call, session);
}

/* How many routes a method took away, and the generation since. */
static int answer_count(struct api_call *call, const char *name, size_t count, json_t **result)
{
    const struct control *control = call->context;

    return answer(
        call,
        json_pack("{s:I, s:I}", name, (json_int_t)count, "generation", (json_int_t)site_generation(control->site)),
        result);
}

int method_session_eor(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    uint16_t id;
    size_t swept;
    int code = read_no_params(call, params);

    if (code == 0) {
        code = own_session(call, &id);
    }
    if (code != 0) {
        return code;
    }
    if (!site_session_sweep_if_let(control->site, id, NULL, &swept)) {
        return fail_at_breaker(call, id);
    }
    code = commit_site(call, control->site);
    return code != 0 ? code : answer_count(call, "swept", swept, result);
}

struct close_params {
    bool withdraw;
    int64_t session;
};

static const struct api_param close_table[] = {
    {"withdraw", API_BOOL, true, offsetof(struct close_params, withdraw), 0, 0},
    {"session", API_INTEGER, false, offsetof(struct close_params, session), 1, SITE_SESSIONS_MAX - 1},
};

/* Its own, or by the operator's word one that nobody has: what a client that does not come back has left. */
static int find_to_close(struct api_call *call, const struct close_params *in, uint16_t *id)
{
    const struct control *control = call->context;
    const struct site_session *session = site_session(control->site, (uint32_t)in->session);
    int code = call_session(call, id);

    if (code != 0 || in->session == 0 || in->session == *id) {
        return code != 0 ? code : own_session(call, id);
    }
    if (*id != SITE_SESSION_OPERATOR) {
        return api_fail(call, API_ERR_NOT_ALLOWED, "session %d is not this connection's", (int)in->session);
    }
    if (session == NULL) {
        return api_fail(call, API_ERR_SESSION, "there is no session %d", (int)in->session);
    }
    if (session->connected) {
        return api_fail(call, API_ERR_BUSY, "session %s has a client", session->client);
    }
    *id = (uint16_t)in->session;
    return 0;
}

int method_session_close(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct session_client *holder = client_of(control, call->peer->client);
    struct close_params in = {0};
    size_t withdrawn;
    uint16_t id;
    int code = read_params(call, params, close_table, ARRAY_SIZE(close_table), &in, NULL);

    if (code == 0) {
        code = find_to_close(call, &in, &id);
    }
    if (code != 0) {
        return code;
    }
    withdrawn = site_session_close(control->site, id, in.withdraw);
    code = commit_site(call, control->site);
    if (holder != NULL && holder->session == id) {
        client_forget(holder);
    }
    return code != 0 ? code : answer_count(call, "withdrawn", withdrawn, result);
}

struct confirm_params {
    int64_t session;
};

static const struct api_param confirm_table[] = {
    {"session", API_INTEGER, true, offsetof(struct confirm_params, session), 0, SITE_SESSIONS_MAX - 1},
};

/* Somebody else's word: what runs amok would confirm itself. */
int method_session_confirm(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct confirm_params in = {0};
    uint16_t own;
    size_t withdrawn;
    int code = read_params(call, params, confirm_table, ARRAY_SIZE(confirm_table), &in, NULL);

    if (code == 0) {
        code = call_session(call, &own);
    }
    if (code != 0) {
        return code;
    }
    if (own != SITE_SESSION_OPERATOR) {
        return api_fail(call, API_ERR_NOT_ALLOWED, "not within a session; the operator confirms");
    }
    if (site_session(control->site, (uint32_t)in.session) == NULL) {
        return api_fail(call, API_ERR_SESSION, "there is no session %d", (int)in.session);
    }
    withdrawn = site_session_confirm(control->site, (uint16_t)in.session);
    code = commit_site(call, control->site);
    return code != 0 ? code : answer_count(call, "withdrawn", withdrawn, result);
}

json_t *json_breaker(const struct site *site, uint16_t id)
{
    const struct breaker *breaker = &site_session(site, id)->breaker;

    return json_pack("{s:b, s:I, s:I, s:I, s:I}", "tripped", breaker->tripped, "held",
                     (json_int_t)rib_counts(site_rib(site))->held_of_session[id], "max_withdraw_percent",
                     (json_int_t)breaker->rules.max_percent, "withdraw_window_s", (json_int_t)breaker->rules.window_s,
                     "withdraw_min", (json_int_t)breaker->rules.min_prefixes);
}

static const char *state_of(const struct site_session *session)
{
    if (session->connected) {
        return "connected";
    }
    if (session->closed) {
        return "closed";
    }
    return session->long_lived ? "long_lived_stale" : "stale";
}

json_t *json_site_session(const struct site *site, uint16_t id)
{
    const struct site_session *session = site_session(site, id);

    return json_pack("{s:i, s:s, s:s, s:I, s:s, s:o, s:s, s:I, s:I, s:o, s:I, s:o}", "session", (int)id, "client",
                     session->client, "source", session->source, "uid", (json_int_t)session->uid, "on_disconnect",
                     on_disconnects[session->on_disconnect], "stale_s",
                     session->has_stale_s ? json_integer(session->stale_s) : json_null(), "state", state_of(session),
                     "routes", (json_int_t)rib_counts(site_rib(site))->of_session[id], "prefixes",
                     (json_int_t)rib_counts(site_rib(site))->prefixes_of_session[id], "max_prefixes",
                     session->max_prefixes > 0 ? json_integer(session->max_prefixes) : json_null(), "stale",
                     (json_int_t)site_session_stale(site, id), "breaker", json_breaker(site, id));
}

int method_session_list(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    int code = read_no_params(call, params);
    json_t *list;

    if (code != 0) {
        return code;
    }
    list = json_array();
    for (uint32_t id = SITE_SESSION_OPERATOR + 1; id < site_session_end(control->site); id++) {
        if (site_session(control->site, id) != NULL) {
            json_array_append_new(list, json_site_session(control->site, (uint16_t)id));
        }
    }
    return answer(call, json_pack("{s:o}", "sessions", list), result);
}
