/* SPDX-License-Identifier: BSD-3-Clause */
/* txn.begin, txn.commit, txn.abort */
#include "txn.h"
#include "api_stream.h"
#include "log.h"
#include "loop.h"
#include "methods_private.h"
#include "session.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct txn {
    struct api_stream stream; /* first; to hear when the connection goes */
    struct control *control;
    const struct api_client *client;
    bool aborted;
    uint64_t began_ms;
    struct change *undo;
    size_t undo_count;
    size_t undo_room;
    json_t *peers; /* names made */
    json_t *instances;
};

static struct txn *txn_of(const struct api_call *call)
{
    const struct control *control = call->context;

    return control->txn != NULL && call->peer != NULL && call->peer->client != NULL &&
                   control->txn->client == call->peer->client
               ? control->txn
               : NULL;
}

bool txn_is_open(const struct api_call *call)
{
    return txn_of(call) != NULL;
}

int txn_check(struct api_call *call)
{
    const struct txn *txn = txn_of(call);

    return txn != NULL && txn->aborted
               ? api_fail(call, API_ERR_ABORTED, "the transaction is aborted; txn.abort ends it")
               : 0;
}

static void forget(struct txn *txn)
{
    struct site *site = txn->control->site;

    for (size_t i = 0; i < txn->undo_count; i++) {
        if (txn->undo[i].had_before) {
            site_candidate_release(site, txn->undo[i].prefix.addr.family, &txn->undo[i].candidate);
        }
    }
    free(txn->undo);
    txn->undo = NULL;
    txn->undo_count = 0;
    txn->undo_room = 0;
    json_array_clear(txn->peers);
    json_array_clear(txn->instances);
}

static void commit_held(struct site *site)
{
    site_release_held(site);
    if (site_commit(site) != 0) {
        log_error("not every route could be installed: the forwarding tables are full");
    }
}

/* As if its calls had never been. */
static void take_back(struct txn *txn)
{
    struct control *control = txn->control;
    struct error error;
    json_t *name;
    size_t i;

    for (size_t k = txn->undo_count; k-- > 0;) {
        change_take_back(control->site, &txn->undo[k]);
    }
    json_array_foreach(txn->instances, i, name)
    {
        if (site_instance_del(control->site, json_string_value(name), &error) != 0) {
            log_error("%s", error.text);
        }
    }
    json_array_foreach(txn->peers, i, name)
    {
        if (site_peer_del(control->site, json_string_value(name), &error) != 0) {
            log_error("%s", error.text);
        }
    }
    site_set_cause(control->site, "txn.abort", SITE_SESSION_OPERATOR);
    commit_held(control->site);
    forget(txn);
    txn->aborted = true;
}

static void end(struct txn *txn)
{
    api_stream_close(&txn->stream);
    txn->control->txn = NULL;
    forget(txn);
    json_decref(txn->peers);
    json_decref(txn->instances);
    free(txn);
}

static void on_gone(struct api_stream *stream)
{
    struct txn *txn = (struct txn *)stream;

    if (!txn->aborted) {
        take_back(txn);
    }
    end(txn);
}

int txn_keep(struct api_call *call, const struct change *changes, size_t count)
{
    struct txn *txn = txn_of(call);

    while (txn->undo_room < txn->undo_count + count) {
        if (update_reserve(&txn->undo, sizeof(*txn->undo), txn->undo_room, &txn->undo_room) != 0) {
            return -ENOMEM;
        }
    }
    if (count > 0) {
        memcpy(txn->undo + txn->undo_count, changes, count * sizeof(*changes));
    }
    txn->undo_count += count;
    return 0;
}

/* Each candidate by itself, so that each can be taken back. */
static int flush_entry(struct txn *txn, const struct rib_entry *entry, const struct rib_selector *selector)
{
    struct site *site = txn->control->site;

    for (uint32_t at = entry->n_candidates; at-- > 0;) {
        const struct candidate_key key = entry->candidates[at].key;
        struct change *undo;

        if (!rib_selects(selector, &entry->candidates[at])) {
            continue;
        }
        if (update_reserve(&txn->undo, sizeof(*txn->undo), txn->undo_count, &txn->undo_room) != 0) {
            return -ENOMEM;
        }
        undo = &txn->undo[txn->undo_count++];
        *undo = (struct change){.prefix = entry->prefix, .births = site_births(site), .had_before = true};
        site_route_del(site, &undo->prefix, &key, &undo->candidate);
    }
    return 0;
}

int txn_flush(struct api_call *call, const struct rib_selector *selector, size_t *flushed)
{
    struct txn *txn = txn_of(call);
    struct site *site = txn->control->site;
    size_t before = txn->undo_count;
    int result = 0;

    site_mark_on(site, RIB_HELD);
    for (unsigned int family = 0; family < FAMILIES && result == 0; family++) {
        const struct prefix first = {.addr.family = (uint8_t)family};
        const struct rib_entry *entry = rib_seek(site_rib(site), &first);

        for (; entry != NULL && result == 0; entry = rib_next(site_rib(site), entry)) {
            result = flush_entry(txn, entry, selector);
        }
    }
    site_mark_on(site, RIB_NOW);
    *flushed = txn->undo_count - before;
    return result == 0 ? 0 : api_fail(call, API_ERR_TABLE_FULL, "no memory: nothing was changed");
}

void txn_made_peer(struct api_call *call, const char *name)
{
    if (txn_of(call) != NULL) {
        json_array_append_new(txn_of(call)->peers, json_string(name));
    }
}

void txn_made_instance(struct api_call *call, const char *name)
{
    if (txn_of(call) != NULL) {
        json_array_append_new(txn_of(call)->instances, json_string(name));
    }
}

void txn_fail(struct api_call *call)
{
    struct txn *txn = txn_of(call);

    if (txn != NULL && !txn->aborted) {
        log_notice("a transaction is aborted: %s", call->error.text);
        take_back(txn);
    }
}

void txn_tick(struct control *control, uint64_t now_ms)
{
    struct txn *txn = control->txn;

    if (txn != NULL && !txn->aborted && now_ms - txn->began_ms >= TXN_MAX_MS) {
        log_notice("a transaction is aborted: it took more than %d s", TXN_MAX_MS / 1000);
        take_back(txn);
    }
}

void txn_close(struct control *control)
{
    if (control->txn != NULL) {
        on_gone(&control->txn->stream);
    }
}

int method_txn_begin(struct api_call *call, const json_t *params, json_t **result)
{
    struct control *control = call->context;
    struct txn *txn;
    int code = read_no_params(call, params);

    (void)result;
    if (code != 0) {
        return code;
    }
    if (txn_of(call) != NULL) {
        return api_fail(call, API_ERR_EXISTS, "this connection has a transaction already");
    }
    if (control->txn != NULL) {
        return api_fail(call, API_ERR_BUSY, "another connection has a transaction; try again");
    }
    txn = calloc(1, sizeof(*txn));
    if (txn == NULL) {
        return api_fail(call, API_ERR_INTERNAL, "no memory");
    }
    txn->stream.gone = on_gone;
    code = api_stream_open(call, &txn->stream);
    if (code != 0) {
        free(txn);
        return code;
    }
    txn->control = control;
    txn->client = call->peer->client;
    txn->began_ms = site_now_ms(control->site);
    txn->peers = json_array();
    txn->instances = json_array();
    control->txn = txn;
    return 0;
}

int method_txn_commit(struct api_call *call, const json_t *params, json_t **result)
{
    struct control *control = call->context;
    struct txn *txn = txn_of(call);
    uint16_t session;
    int code = read_no_params(call, params);

    if (code != 0) {
        return code;
    }
    if (txn == NULL) {
        return api_fail(call, API_ERR_EXISTS, "this connection has no transaction");
    }
    if (txn->aborted) {
        end(txn);
        return api_fail(call, API_ERR_ABORTED, "the transaction was aborted: nothing was changed");
    }
    site_set_cause(control->site, call->method, call_session(call, &session) == 0 ? session : SITE_SESSION_OPERATOR);
    site_release_held(control->site);
    if (site_commit(control->site) != 0) {
        take_back(txn);
        end(txn);
        return api_fail(call, API_ERR_TABLE_FULL, "the forwarding tables are full: nothing was changed");
    }
    end(txn);
    return answer(call, json_pack("{s:I}", "generation", (json_int_t)site_generation(control->site)), result);
}

int method_txn_abort(struct api_call *call, const json_t *params, json_t **result)
{
    struct txn *txn = txn_of(call);
    int code = read_no_params(call, params);

    (void)result;
    if (code != 0) {
        return code;
    }
    if (txn == NULL) {
        return api_fail(call, API_ERR_EXISTS, "this connection has no transaction");
    }
    on_gone(&txn->stream);
    return 0;
}
