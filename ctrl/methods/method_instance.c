/* SPDX-License-Identifier: BSD-3-Clause */
/* instance.set, instance.del, instance.list */
#include "health_json.h"
#include "methods_private.h"
#include "txn.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert(SITE_NEXT_HOPS_MAX <= API_ADDRESSES_MAX, "bgp_next_hop");

struct instance_params {
    const char *name;
    const char *site;
    struct api_addresses next_hop;
    struct api_addresses bgp_next_hop;
    const json_t *tunnel;
    const json_t *health;
    int64_t weight;
};

static const struct api_param instance_table[] = {
    {"name", API_STRING, true, offsetof(struct instance_params, name), 1, SITE_NAME_MAX - 1},
    {"site", API_STRING, false, offsetof(struct instance_params, site), 0, SITE_NAME_MAX - 1},
    {"next_hop", API_ADDRESSES, true, offsetof(struct instance_params, next_hop), 1, FAMILIES},
    {"bgp_next_hop", API_ADDRESSES, false, offsetof(struct instance_params, bgp_next_hop), 0, SITE_NEXT_HOPS_MAX},
    {"weight", API_INTEGER, false, offsetof(struct instance_params, weight), 1, UINT16_MAX},
    {"tunnel", API_OBJECT, false, offsetof(struct instance_params, tunnel), 0, 0},
    {"health", API_OBJECT, false, offsetof(struct instance_params, health), 0, 0},
};

struct tunnel_params {
    const char *type;
    struct ip_addr source;
    struct ip_addr destination;
};

static const struct api_param tunnel_table[] = {
    {"type", API_STRING, true, offsetof(struct tunnel_params, type), 0, 0},
    {"source", API_ADDRESS, true, offsetof(struct tunnel_params, source), 0, 0},
    {"destination", API_ADDRESS, true, offsetof(struct tunnel_params, destination), 0, 0},
};

/* One of each family at most. */
static int take_next_hops(struct api_call *call, const struct api_addresses *in, struct site_instance *out)
{
    for (unsigned int i = 0; i < in->count; i++) {
        enum family family = (enum family)in->items[i].family;

        if (out->has_next_hop[family]) {
            return api_fail(call, API_ERR_PARAMS, "next_hop: one address, or one of each family");
        }
        out->has_next_hop[family] = true;
        out->next_hop[family] = in->items[i];
    }
    return 0;
}

static int read_tunnel(struct api_call *call, const json_t *object, struct tunnel *out)
{
    struct tunnel_params in;
    int code = read_params(call, object, tunnel_table, ARRAY_SIZE(tunnel_table), &in, NULL);

    if (code != 0) {
        return code;
    }
    *out = (struct tunnel){(uint8_t)tunnel_type_parse(in.type), in.source, in.destination};
    if (out->type == TUNNEL_NONE) {
        return api_fail(call, API_ERR_PARAMS, "tunnel: type must be ipip, gre or gue, not \"%s\"", in.type);
    }
    if (in.source.family != in.destination.family) {
        return api_fail(call, API_ERR_PARAMS, "tunnel: source and destination must both be IPv4 or both IPv6");
    }
    return 0;
}

static int read_instance(struct api_call *call, const json_t *params, struct site_instance *out)
{
    struct instance_params in = {.site = "", .weight = 100};
    int code = read_params(call, params, instance_table, ARRAY_SIZE(instance_table), &in, NULL);

    if (code == 0) {
        code = check_name(call, "name", in.name);
    }
    if (code == 0 && *in.site != '\0') {
        code = check_name(call, "site", in.site);
    }
    if (code != 0) {
        return code;
    }
    *out = (struct site_instance){.weight = (uint16_t)in.weight};
    snprintf(out->name, sizeof(out->name), "%s", in.name);
    snprintf(out->site, sizeof(out->site), "%s", in.site);
    out->bgp_next_hop_count = in.bgp_next_hop.count;
    memcpy(out->bgp_next_hop, in.bgp_next_hop.items, in.bgp_next_hop.count * sizeof(*out->bgp_next_hop));
    code = take_next_hops(call, &in.next_hop, out);
    if (code == 0 && in.tunnel != NULL) {
        code = read_tunnel(call, in.tunnel, &out->tunnel);
    }
    return code == 0 ? health_read(call, in.health, &out->checks) : code;
}

int own_instance(struct api_call *call, const char *name, uint16_t *session)
{
    const struct control *control = call->context;
    int id = site_instance_id(control->site, name);
    int code = call_session(call, session);

    if (code != 0 || id < 0) {
        return code;
    }
    return check_owner(call, *session, site_instance(control->site, (uint32_t)id)->session_id, "instance", name);
}

int method_instance_set(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct site_instance instance;
    int code = read_instance(call, params, &instance);

    (void)result;
    if (code != 0) {
        return code;
    }
    code = own_instance(call, instance.name, &instance.session_id);
    if (code != 0) {
        return code;
    }
    if (txn_is_open(call)) {
        if (site_instance_id(control->site, instance.name) >= 0) {
            return api_fail(call, API_ERR_NOT_ALLOWED, "a transaction may only make new instances");
        }
    }
    if (site_instance_set(control->site, &instance, &call->error) != 0) {
        return API_ERR_TABLE_FULL;
    }
    txn_made_instance(call, instance.name);
    return commit_site(call, control->site);
}

static int read_name(struct api_call *call, const json_t *params, const char **name)
{
    struct instance_params in;
    int code = read_params(call, params, instance_table, 1, &in, NULL);

    *name = in.name;
    return code;
}

int method_instance_del(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct target target = {.kind = TARGET_INSTANCE};
    uint16_t session;
    const char *name;
    int id;
    int code = read_name(call, params, &name);

    (void)result;
    if (code != 0) {
        return code;
    }
    code = own_instance(call, name, &session);
    if (code != 0) {
        return code;
    }
    if (txn_is_open(call)) {
        return api_fail(call, API_ERR_NOT_ALLOWED, "not within a transaction");
    }
    id = site_instance_id(control->site, name);
    target.instance_id = id >= 0 ? (uint32_t)id : UINT32_MAX;
    code = check_breaker(call, session, &(struct rib_selector){.target = &target});
    if (code != 0) {
        return code;
    }
    if (site_instance_del(control->site, name, &call->error) != 0) {
        return API_ERR_UNKNOWN_NAME;
    }
    return commit_site(call, control->site);
}

struct traffic instance_traffic(const struct install *install, const struct site_instance *instance)
{
    struct traffic sum = {0};

    for (int family = 0; family < FAMILIES; family++) {
        struct hop_info info;

        if (instance->hops[family] == NULL) {
            continue;
        }
        hop_info(install, instance->hops[family], &info);
        sum.packets += info.traffic.packets;
        sum.bytes += info.traffic.bytes;
    }
    return sum;
}

const char *hop_why(const struct hop_info *info)
{
    union adjacency_state state = {.word = info->state};

    if (state.bytes[ADJACENCY_ADMIN] != ADJACENCY_ALIVE) {
        return "admin down";
    }
    if (!info->reachable) {
        return "next hop unreachable";
    }
    if (state.bytes[ADJACENCY_LINK] == ADJACENCY_DOWN) {
        return "link down";
    }
    if (state.bytes[ADJACENCY_BFD] != ADJACENCY_ALIVE) {
        return "BFD session down";
    }
    if (state.bytes[ADJACENCY_PROBE] != ADJACENCY_ALIVE) {
        return "health checks failed";
    }
    return info->resolved ? NULL : "neighbour unresolved";
}

/* null: none */
static json_t *json_tunnel(const struct tunnel *tunnel)
{
    if (tunnel->type == TUNNEL_NONE) {
        return json_null();
    }
    return json_pack("{s:s, s:o, s:o}", "type", tunnel_type_name(tunnel->type), "source", json_address(&tunnel->source),
                     "destination", json_address(&tunnel->destination));
}

static json_t *json_hop(const struct control *control, const struct hop_info *info, enum family family)
{
    const char *why = hop_why(info);

    return json_pack("{s:i, s:s, s:o, s:b, s:s?, s:o, s:o, s:I, s:I}", "id", (int)info->adjacency, "family",
                     family == FAMILY_V4 ? "v4" : "v6", "next_hop", json_address(&info->address), "alive", why == NULL,
                     "why", why, "port",
                     info->reachable ? json_string(dp_port(control->dp, info->port)->name) : json_null(), "gateway",
                     info->reachable ? json_address(&info->gateway) : json_null(), "packets",
                     (json_int_t)info->traffic.packets, "bytes", (json_int_t)info->traffic.bytes);
}

json_t *json_instance(const struct control *control, const struct site_instance *instance)
{
    struct traffic traffic = instance_traffic(control->install, instance);
    json_t *next_hops = json_array();
    json_t *adjacencies = json_array();
    const char *why = NULL;
    bool alive = false;

    for (int family = 0; family < FAMILIES; family++) {
        struct hop_info info;

        if (instance->has_next_hop[family]) {
            json_array_append_new(next_hops, json_address(&instance->next_hop[family]));
        }
        if (instance->hops[family] == NULL) {
            continue;
        }
        hop_info(control->install, instance->hops[family], &info);
        json_array_append_new(adjacencies, json_hop(control, &info, (enum family)family));
        alive |= hop_why(&info) == NULL;
        why = why == NULL ? hop_why(&info) : why;
    }
    return json_pack("{s:s, s:o, s:o, s:s, s:i, s:s, s:b, s:s?, s:o, s:o, s:I, s:I, s:s}", "name", instance->name,
                     "next_hop", next_hops, "tunnel", json_tunnel(&instance->tunnel), "site", instance->site, "weight",
                     (int)instance->weight, "state", health_state_name(health_state(&instance->health)), "alive", alive,
                     "why", alive ? NULL : why, "health", json_health(control, instance), "adjacency", adjacencies,
                     "packets", (json_int_t)traffic.packets, "bytes", (json_int_t)traffic.bytes, "source",
                     instance->configured ? "config" : "api");
}

int method_instance_list(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    int code = read_no_params(call, params);
    json_t *list;

    if (code != 0) {
        return code;
    }
    list = json_array();
    for (uint32_t id = 0; id < site_instance_end(control->site); id++) {
        const struct site_instance *instance = site_instance(control->site, id);

        if (instance != NULL) {
            json_array_append_new(list, json_instance(control, instance));
        }
    }
    return answer(call, json_pack("{s:o}", "instances", list), result);
}
