/* SPDX-License-Identifier: BSD-3-Clause */
/* peer.set, peer.del, peer.list */
#include "methods_private.h"
#include "txn.h"
#include "word.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const peer_types[] = {[PEER_EBGP] = "ebgp", [PEER_IBGP] = "ibgp", [PEER_LOCAL] = "local"};

struct peer_params {
    const char *name;
    const char *type;
    int64_t as;
    struct ip_addr address;
    struct ip_addr router_id;
};

enum { PEER_NAME, PEER_AS, PEER_TYPE, PEER_ADDRESS, PEER_ROUTER_ID };

static const struct api_param peer_table[] = {
    [PEER_NAME] = {"name", API_STRING, true, offsetof(struct peer_params, name), 1, SITE_NAME_MAX - 1},
    [PEER_AS] = {"as", API_INTEGER, true, offsetof(struct peer_params, as), 0, UINT32_MAX},
    [PEER_TYPE] = {"type", API_STRING, true, offsetof(struct peer_params, type), 0, 0},
    [PEER_ADDRESS] = {"address", API_ADDRESS, false, offsetof(struct peer_params, address), 0, 0},
    [PEER_ROUTER_ID] = {"router_id", API_ADDRESS, false, offsetof(struct peer_params, router_id), 0, 0},
};

static bool same_facts(const struct best_peer *a, const struct best_peer *b)
{
    return a->as == b->as && a->type == b->type && a->router_id == b->router_id && a->external == b->external &&
           ip_addr_equal(&a->address, &b->address);
}

/* A session may say again what somebody else has said of a peer, and change what is its own. 0: to be set; 1: it is so
 * already; or an API error. */
static int check_peer(struct api_call *call, struct site_peer *peer)
{
    const struct control *control = call->context;
    int id = site_peer_id(control->site, peer->name);
    const struct site_peer *known = id >= 0 ? site_peer(control->site, (uint32_t)id) : NULL;

    if (known == NULL) {
        return 0;
    }
    if (known->session_id != peer->session_id && peer->session_id != SITE_SESSION_OPERATOR &&
        same_facts(&known->facts, &peer->facts)) {
        return 1;
    }
    return check_owner(call, peer->session_id, known->session_id, "peer", peer->name);
}

int method_peer_set(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct peer_params in = {0};
    struct site_peer peer = {0};
    uint64_t given;
    int code = read_params(call, params, peer_table, ARRAY_SIZE(peer_table), &in, &given);
    int type;

    (void)result;
    if (code == 0) {
        code = check_name(call, "name", in.name);
    }
    if (code != 0) {
        return code;
    }
    type = word_find(peer_types, ARRAY_SIZE(peer_types), in.type);
    if (type < 0) {
        return api_fail(call, API_ERR_PARAMS, "type: \"%s\" is not ebgp, ibgp or local", in.type);
    }
    peer.has_address = (given >> PEER_ADDRESS & 1) != 0;
    peer.has_router_id = (given >> PEER_ROUTER_ID & 1) != 0;
    if (peer.has_router_id && in.router_id.family != FAMILY_V4) {
        return api_fail(call, API_ERR_PARAMS, "router_id: written as an IPv4 address");
    }
    snprintf(peer.name, sizeof(peer.name), "%s", in.name);
    peer.facts = (struct best_peer){
        .as = (uint32_t)in.as,
        .type = (enum peer_type)type,
        .address = in.address,
        .router_id = ip_addr_to_u32(&in.router_id),
    };
    code = call_session(call, &peer.session_id);
    if (code == 0) {
        code = check_peer(call, &peer);
    }
    if (code != 0) {
        return code < 0 ? code : 0; /* there already */
    }
    if (txn_is_open(call)) {
        if (site_peer_id(control->site, peer.name) >= 0) {
            return api_fail(call, API_ERR_NOT_ALLOWED, "a transaction may only make new peers");
        }
    }
    if (site_peer_set(control->site, &peer, &call->error) != 0) {
        return API_ERR_TABLE_FULL;
    }
    txn_made_peer(call, peer.name);
    return commit_site(call, control->site);
}

int method_peer_del(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct peer_params in;
    uint16_t session;
    uint16_t peer_id;
    int code = read_params(call, params, peer_table, 1, &in, NULL);
    int id;

    (void)result;
    if (code != 0) {
        return code;
    }
    id = site_peer_id(control->site, in.name);
    code = call_session(call, &session);
    if (code == 0 && id >= 0) {
        code = check_owner(call, session, site_peer(control->site, (uint32_t)id)->session_id, "peer", in.name);
    }
    if (code != 0) {
        return code;
    }
    if (txn_is_open(call)) {
        return api_fail(call, API_ERR_NOT_ALLOWED, "not within a transaction");
    }
    peer_id = (uint16_t)id;
    code = id >= 0 ? check_breaker(call, session, &(struct rib_selector){.peer_id = &peer_id}) : 0;
    if (code != 0) {
        return code;
    }
    if (site_peer_del(control->site, in.name, &call->error) != 0) {
        return API_ERR_UNKNOWN_NAME;
    }
    return commit_site(call, control->site);
}

int method_peer_list(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    const struct rib_counts *counts = rib_counts(site_rib(control->site));
    int code = read_no_params(call, params);
    json_t *list;

    if (code != 0) {
        return code;
    }
    list = json_array();
    for (uint32_t id = 0; id < site_peer_end(control->site); id++) {
        const struct site_peer *peer = site_peer(control->site, id);

        if (peer == NULL) {
            continue;
        }
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:s, s:o, s:o, s:s, s:i}", "name", peer->name, "as", (json_int_t)peer->facts.as,
                            "type", peer_types[peer->facts.type], "address",
                            peer->has_address ? json_address(&peer->facts.address) : json_null(), "router_id",
                            peer->has_router_id ? json_router_id(peer->facts.router_id) : json_null(), "source",
                            peer->configured ? "config" : "api", "routes", (int)counts->of_peer[id]));
    }
    return answer(call, json_pack("{s:o}", "peers", list), result);
}
