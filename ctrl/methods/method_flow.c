/* SPDX-License-Identifier: BSD-3-Clause */
/* flow.explain */
#include "methods_private.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct flow_params {
    struct ip_addr src;
    struct ip_addr dst;
    const json_t *proto;
    int64_t sport;
    int64_t dport;
};

static const struct api_param flow_table[] = {
    {"src", API_ADDRESS, true, offsetof(struct flow_params, src), 0, 0},
    {"dst", API_ADDRESS, true, offsetof(struct flow_params, dst), 0, 0},
    {"proto", API_ANY, true, offsetof(struct flow_params, proto), 0, 0},
    {"sport", API_INTEGER, false, offsetof(struct flow_params, sport), 0, UINT16_MAX},
    {"dport", API_INTEGER, false, offsetof(struct flow_params, dport), 0, UINT16_MAX},
};

/* A number, or the name of a protocol that people ask about. -1: none of these. */
static int protocol_of(const json_t *proto)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {
        {"tcp", IPPROTO_TCP},       {"udp", IPPROTO_UDP},      {"sctp", IPPROTO_SCTP}, {"icmp", IPPROTO_ICMP},
        {"icmpv6", IPPROTO_ICMPV6}, {"icmp6", IPPROTO_ICMPV6}, {"gre", IPPROTO_GRE},   {"esp", IPPROTO_ESP},
    };
    const char *name = json_string_value(proto);

    for (size_t i = 0; name != NULL && i < ARRAY_SIZE(known); i++) {
        if (strcmp(known[i].name, name) == 0) {
            return known[i].number;
        }
    }
    if (json_is_integer(proto) && json_integer_value(proto) >= 0 && json_integer_value(proto) <= UINT8_MAX) {
        return (int)json_integer_value(proto);
    }
    return -1;
}

static const struct outcome_path *path_of(const struct control *control, const struct outcome *outcome, uint16_t id)
{
    unsigned int count;
    const struct outcome_path *paths = outcome_paths(outcome, &count);

    for (unsigned int i = 0; i < count; i++) {
        struct hop_info info;

        hop_info(control->install, paths[i].hop, &info);
        if (info.adjacency == id) {
            return &paths[i];
        }
    }
    return NULL;
}

/* A place of the row, or null beyond its end. */
static json_t *write_place(const struct control *control, const struct outcome *outcome, uint16_t id)
{
    const struct outcome_path *path = id != ADJACENCY_NONE ? path_of(control, outcome, id) : NULL;
    json_t *object;

    if (path == NULL) {
        return json_null();
    }
    object = write_path(control, path);
    json_object_set_new(object, "tier", json_integer(path->tier + 1));
    json_object_set_new(object, "adjacency", json_integer(id));
    return object;
}

static json_t *write_places(const struct control *control, const struct outcome *outcome,
                            const struct dp_flow_choice *choice)
{
    json_t *places = json_array();

    for (unsigned int i = 0; i < ROW_PLACES; i++) {
        if (choice->places[i] != ADJACENCY_NONE) {
            json_array_append_new(places, write_place(control, outcome, choice->places[i]));
        }
    }
    return places;
}

/* Why the packet goes where it goes, in a few words. */
static const char *why(const struct dp_flow_choice *choice)
{
    if (choice->adjacency == ADJACENCY_NONE) {
        return "no instance is alive";
    }
    if (choice->failed_open) {
        return "none is alive; this one is only suspected to be dead";
    }
    for (unsigned int i = 0; i < ROW_PLACES; i++) {
        if (choice->places[i] == choice->adjacency) {
            static const char *const words[ROW_PLACES] = {"the row's first choice is alive",
                                                          "the row's first choice is not alive, its second is",
                                                          "the row's first two choices are not alive, its third is",
                                                          "the row's first three choices are not alive, its fourth is"};

            return words[i];
        }
    }
    return "none of the row's choices is alive; this is the best that is";
}

static json_t *write_choice(const struct control *control, const struct dp_flow_choice *choice)
{
    const struct outcome *outcome = outcome_by_id(control->install, choice->path_list);
    json_t *chosen = write_place(control, outcome, choice->adjacency);
    json_t *object =
        json_pack("{s:o, s:I, s:I, s:I, s:o, s:O, s:s}", "prefix", json_prefix(&choice->prefix), "hash",
                  (json_int_t)choice->hash, "row", (json_int_t)choice->row, "rows", (json_int_t)choice->rows, "places",
                  write_places(control, outcome, choice), "chosen", chosen, "why", why(choice));
    json_t *instance = json_object_get(chosen, "instance");

    json_object_set(object, "instance", instance != NULL ? instance : json_null());
    json_decref(chosen);
    return object;
}

int method_flow_explain(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct flow_params in = {0};
    struct dp_flow_choice choice;
    struct dp_flow flow;
    char text[IP_ADDR_STRLEN];
    int code = read_params(call, params, flow_table, ARRAY_SIZE(flow_table), &in, NULL);
    int protocol;

    if (code != 0) {
        return code;
    }
    protocol = protocol_of(in.proto);
    if (protocol < 0) {
        return api_fail(call, API_ERR_PARAMS,
                        "\"proto\": a number up to 255, or tcp, udp, sctp, icmp, icmpv6, gre, esp");
    }
    if (in.src.family != in.dst.family) {
        return api_fail(call, API_ERR_PARAMS, "src and dst must both be IPv4 or both IPv6");
    }
    flow = (struct dp_flow){in.src, in.dst, (uint8_t)protocol, (uint16_t)in.sport, (uint16_t)in.dport};
    if (dp_flow_choose(control->dp, &flow, &choice) != 0) {
        return api_fail(call, API_ERR_NO_ROUTE, "no route to %s", ip_addr_format(&in.dst, text));
    }
    return answer(call, write_choice(control, &choice), result);
}
