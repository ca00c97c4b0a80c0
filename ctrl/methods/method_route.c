/* SPDX-License-Identifier: BSD-3-Clause */
/* route.get, route.explain, route.flush, fib.lookup */
#include "candidate_json.h"
#include "methods_private.h"
#include "session.h"
#include "txn.h"
#include <string.h>

struct prefix_params {
    struct prefix prefix;
};

static const struct api_param prefix_table[] = {
    {"prefix", API_PREFIX, true, offsetof(struct prefix_params, prefix), 0, 0},
};

struct flush_params {
    const char *peer;
    bool all;
};

static const struct api_param flush_table[] = {
    {"peer", API_STRING, false, offsetof(struct flush_params, peer), 0, 0},
    {"all", API_BOOL, false, offsetof(struct flush_params, all), 0, 0},
};

int method_route_flush(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct flush_params in = {0};
    uint16_t session;
    uint16_t peer_id;
    struct rib_selector selector;
    size_t flushed;
    int code = read_params(call, params, flush_table, ARRAY_SIZE(flush_table), &in, NULL);
    int id;

    if (code != 0) {
        return code;
    }
    if ((in.peer != NULL) == in.all) {
        return api_fail(call, API_ERR_PARAMS, "either peer or \"all\": true");
    }
    code = call_session(call, &session);
    if (code != 0) {
        return code;
    }
    id = in.peer != NULL ? site_peer_id(control->site, in.peer) : 0;
    if (id < 0) {
        return api_fail(call, API_ERR_UNKNOWN_NAME, "unknown peer \"%s\"", in.peer);
    }
    peer_id = (uint16_t)id;
    selector = (struct rib_selector){.session_id = &session, .peer_id = in.peer != NULL ? &peer_id : NULL};
    code = check_breaker(call, session, &selector);
    if (code != 0) {
        return code;
    }
    if (txn_is_open(call)) {
        code = txn_flush(call, &selector, &flushed);
    } else {
        flushed = site_session_routes(control->site, session, selector.peer_id);
        site_session_flush(control->site, session, selector.peer_id);
        code = commit_site(call, control->site);
    }
    if (code != 0) {
        return code;
    }
    return answer(
        call,
        json_pack("{s:i, s:I}", "deleted", (int)flushed, "generation", (json_int_t)site_generation(control->site)),
        result);
}

json_t *write_judged(const struct control *control, const struct prefix *prefix, const struct site_ranking *ranking,
                     uint32_t index)
{
    const struct verdict *verdict = &ranking->verdicts[index];
    const struct contender *contender = &ranking->contenders[index];
    json_t *object = candidate_write(control, prefix, &ranking->candidates[index]);
    bool eligible = contender->why_not == NULL;

    json_object_set_new(object, "eligible", json_boolean(eligible));
    json_object_set_new(object, "best", json_boolean(verdict->tier == 1));
    json_object_set_new(object, "tier", eligible ? json_integer(verdict->tier) : json_null());
    if (!eligible) {
        json_object_set_new(object, "why_not", json_string(contender->why_not));
    }
    if (verdict->lost_at != STEP_NONE) {
        const struct candidate *winner = &ranking->candidates[verdict->lost_to];
        char detail[BEST_DETAIL_STRLEN];

        best_detail(verdict->lost_at, contender, &ranking->contenders[verdict->lost_to], &ranking->options,
                    site_peer(control->site, winner->key.peer_id)->name, detail);
        json_object_set_new(object, "lost_at", json_string(best_step_name(verdict->lost_at)));
        json_object_set_new(object, "detail", json_string(detail));
    }
    return object;
}

/* Both lists, best first. judged: with the verdicts. */
static void write_lists(const struct control *control, const struct prefix *prefix, const struct site_ranking *ranking,
                        bool judged, json_t *best, json_t *candidates)
{
    for (uint32_t i = 0; i < ranking->count; i++) {
        uint32_t index = ranking->ranking[i];
        json_t *object = judged ? write_judged(control, prefix, ranking, index)
                                : candidate_write(control, prefix, &ranking->candidates[index]);

        if (ranking->verdicts[index].tier == 1) {
            json_array_append(best, object);
        }
        json_array_append_new(candidates, object);
    }
}

static int rank_and_write(struct api_call *call, const json_t *params, bool judged, json_t **result)
{
    const struct control *control = call->context;
    struct site_ranking ranking = {0};
    struct prefix_params in;
    json_t *best;
    json_t *candidates;
    int code = read_params(call, params, prefix_table, ARRAY_SIZE(prefix_table), &in, NULL);

    if (code != 0) {
        return code;
    }
    best = json_array();
    candidates = json_array();
    if (site_rank(control->site, &in.prefix, &ranking) == 0) {
        write_lists(control, &in.prefix, &ranking, judged, best, candidates);
    }
    site_ranking_free(&ranking);
    return answer(call,
                  json_pack("{s:o, s:o, s:o, s:I}", "prefix", json_prefix(&in.prefix), "best", best, "candidates",
                            candidates, "generation", (json_int_t)site_generation(control->site)),
                  result);
}

int method_route_get(struct api_call *call, const json_t *params, json_t **result)
{
    return rank_and_write(call, params, false, result);
}

int method_route_explain(struct api_call *call, const json_t *params, json_t **result)
{
    return rank_and_write(call, params, true, result);
}

struct lookup_params {
    struct ip_addr address;
};

static const struct api_param lookup_table[] = {
    {"address", API_ADDRESS, true, offsetof(struct lookup_params, address), 0, 0},
};

const char *hop_fate_name(const struct control *control, const struct hop *hop)
{
    static const char *const names[HOP_FATES] = {
        [HOP_BLACKHOLE] = "blackhole", [HOP_REJECT] = "reject", [HOP_LOCAL] = "local"};

    for (int fate = 0; fate < HOP_FATES; fate++) {
        struct hop *candidate = hop_get_fate(control->install, fate);

        hop_put(control->install, candidate);
        if (candidate == hop) {
            return names[fate];
        }
    }
    return "resolve"; /* a connected subnet: each host is asked for when a packet comes */
}

json_t *write_path(const struct control *control, const struct outcome_path *path)
{
    const struct site_instance *instance = site_instance_of_hop(control->site, path->hop);
    struct hop_info info;
    json_t *object;

    hop_info(control->install, path->hop, &info);
    if (!info.has_address) {
        return json_pack("{s:s, s:b}", "action", hop_fate_name(control, path->hop), "alive", true);
    }
    object = json_pack("{s:o, s:b, s:s?, s:o}", "next_hop", json_address(&info.address), "alive", info.state == 0,
                       "why", hop_why(&info), "port",
                       info.reachable ? json_string(dp_port(control->dp, info.port)->name) : json_null());
    if (instance != NULL) {
        json_object_set_new(object, "instance", json_string(instance->name));
    }
    return object;
}

static json_t *write_tiers(const struct control *control, const struct outcome *outcome)
{
    json_t *tiers = json_array();
    unsigned int count;
    const struct outcome_path *paths = outcome_paths(outcome, &count);

    for (unsigned int i = 0; i < count; i++) {
        if (i == 0 || paths[i].tier != paths[i - 1].tier) {
            json_array_append_new(tiers, json_array());
        }
        json_array_append_new(json_array_get(tiers, json_array_size(tiers) - 1), write_path(control, &paths[i]));
    }
    return tiers;
}

int method_fib_lookup(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct lookup_params in;
    struct prefix prefix;
    uint32_t id;
    int code = read_params(call, params, lookup_table, ARRAY_SIZE(lookup_table), &in, NULL);

    if (code != 0) {
        return code;
    }
    if (dp_route_lookup(control->dp, &in.address, &prefix, &id) != 0) {
        char text[IP_ADDR_STRLEN];

        return api_fail(call, API_ERR_NO_ROUTE, "no route to %s", ip_addr_format(&in.address, text));
    }
    return answer(call,
                  json_pack("{s:o, s:o}", "prefix", json_prefix(&prefix), "tiers",
                            write_tiers(control, outcome_by_id(control->install, id))),
                  result);
}
