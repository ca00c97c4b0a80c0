/* SPDX-License-Identifier: BSD-3-Clause */
#include "candidate_json.h"
#include "methods_private.h"
#include "word.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AS_PATH_MAX     1024 /* numbers */
#define COMMUNITIES_MAX 1024

static const char *const origins[] = {[ORIGIN_IGP] = "igp", [ORIGIN_EGP] = "egp", [ORIGIN_INCOMPLETE] = "incomplete"};

struct candidate_params {
    struct prefix prefix;
    const char *peer;
    const char *instance;
    struct ip_addr next_hop;
    const char *action;
    int64_t path_id;
    const json_t *as_path;
    const char *origin;
    int64_t local_pref;
    int64_t med;
    int64_t weight;
    const json_t *communities;
    const json_t *large_communities;
    struct ip_addr originator_id;
    const json_t *cluster_list;
};

enum {
    P_PREFIX,
    P_PEER,
    P_INSTANCE,
    P_NEXT_HOP,
    P_ACTION,
    P_PATH_ID,
    P_AS_PATH,
    P_ORIGIN,
    P_LOCAL_PREF,
    P_MED,
    P_WEIGHT,
    P_COMMUNITIES,
    P_LARGE,
    P_ORIGINATOR,
    P_CLUSTERS
};

#define AT(member) offsetof(struct candidate_params, member)
static const struct api_param table[] = {
    [P_PREFIX] = {"prefix", API_PREFIX, true, AT(prefix), 0, 0},
    [P_PEER] = {"peer", API_STRING, true, AT(peer), 0, 0},
    [P_INSTANCE] = {"instance", API_STRING, false, AT(instance), 0, 0},
    [P_NEXT_HOP] = {"next_hop", API_ADDRESS, false, AT(next_hop), 0, 0},
    [P_ACTION] = {"action", API_STRING, false, AT(action), 0, 0},
    [P_PATH_ID] = {"path_id", API_INTEGER, false, AT(path_id), 0, UINT32_MAX},
    [P_AS_PATH] = {"as_path", API_ARRAY, false, AT(as_path), 0, 0},
    [P_ORIGIN] = {"origin", API_STRING, false, AT(origin), 0, 0},
    [P_LOCAL_PREF] = {"local_pref", API_INTEGER, false, AT(local_pref), 0, UINT32_MAX},
    [P_MED] = {"med", API_INTEGER, false, AT(med), 0, UINT32_MAX},
    [P_WEIGHT] = {"weight", API_INTEGER, false, AT(weight), 0, UINT32_MAX},
    [P_COMMUNITIES] = {"communities", API_ARRAY, false, AT(communities), 0, 0},
    [P_LARGE] = {"large_communities", API_ARRAY, false, AT(large_communities), 0, 0},
    [P_ORIGINATOR] = {"originator_id", API_ADDRESS, false, AT(originator_id), 0, 0},
    [P_CLUSTERS] = {"cluster_list", API_ARRAY, false, AT(cluster_list), 0, 0},
};

/* Arrays for a struct attrs on the way in. */
struct scratch {
    struct as_segment segments[AS_PATH_MAX];
    uint32_t asns[AS_PATH_MAX];
    uint32_t communities[COMMUNITIES_MAX];
    struct large_community large[COMMUNITIES_MAX];
    uint32_t clusters[COMMUNITIES_MAX];
};

static bool read_asn(const json_t *value, uint32_t *out)
{
    json_int_t number = json_integer_value(value);

    *out = (uint32_t)number;
    return json_is_integer(value) && number >= 0 && number <= UINT32_MAX;
}

/* A number is a sequence of one, a list is an AS_SET; neighbouring sequences become one when interned. */
static bool read_segment(const json_t *item, struct scratch *scratch, struct as_path *path, size_t *asns)
{
    struct as_segment *segment = &scratch->segments[path->n_segments];
    size_t n = json_is_array(item) ? json_array_size(item) : 1;

    if (n == 0 || *asns + n > AS_PATH_MAX || path->n_segments == AS_PATH_MAX) {
        return false;
    }
    *segment = (struct as_segment){json_is_array(item) ? AS_SET : AS_SEQUENCE, (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        if (!read_asn(json_is_array(item) ? json_array_get(item, i) : item, &scratch->asns[(*asns)++])) {
            return false;
        }
    }
    path->n_segments++;
    return true;
}

static int read_as_path(const json_t *list, struct scratch *scratch, struct attrs *attrs, struct error *error)
{
    size_t asns = 0;

    attrs->as_path = (struct as_path){.segments = scratch->segments, .asns = scratch->asns};
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_segment(json_array_get(list, i), scratch, &attrs->as_path, &asns)) {
            return error_set(error, API_ERR_PARAMS,
                             "as_path: AS numbers, nearest first, a list inside for an AS_SET; at most %d",
                             AS_PATH_MAX);
        }
    }
    return 0;
}

/* "65535:0" or "65000:1:2" into `parts` numbers up to max each. */
static bool read_parts(const json_t *value, unsigned int parts, unsigned long max, uint32_t *out)
{
    const char *text = json_string_value(value);

    for (unsigned int i = 0; text != NULL && i < parts; i++) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);

        if (*text < '0' || *text > '9' || number > max || *end != (i + 1 < parts ? ':' : '\0')) {
            return false;
        }
        out[i] = (uint32_t)number;
        text = end + 1;
    }
    return text != NULL;
}

static int read_communities(const struct candidate_params *in, struct scratch *scratch, struct attrs *attrs,
                            struct error *error)
{
    size_t n = json_array_size(in->communities);
    size_t large = json_array_size(in->large_communities);

    if (n > COMMUNITIES_MAX || large > COMMUNITIES_MAX) {
        return error_set(error, API_ERR_PARAMS, "communities: at most %d", COMMUNITIES_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t parts[2];

        if (!read_parts(json_array_get(in->communities, i), 2, UINT16_MAX, parts)) {
            return error_set(error, API_ERR_PARAMS, "communities: texts like \"65535:0\"");
        }
        scratch->communities[i] = parts[0] << 16 | parts[1];
    }
    for (size_t i = 0; i < large; i++) {
        uint32_t parts[3];

        if (!read_parts(json_array_get(in->large_communities, i), 3, UINT32_MAX, parts)) {
            return error_set(error, API_ERR_PARAMS, "large_communities: texts like \"65000:1:2\"");
        }
        scratch->large[i] = (struct large_community){parts[0], {parts[1], parts[2]}};
    }
    attrs->communities = scratch->communities;
    attrs->n_communities = (uint32_t)n;
    attrs->large_communities = scratch->large;
    attrs->n_large_communities = (uint32_t)large;
    return 0;
}

static int read_clusters(const json_t *list, struct scratch *scratch, struct attrs *attrs, struct error *error)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct ip_addr addr;

        if (i == COMMUNITIES_MAX || text == NULL || ip_addr_parse(text, &addr) != 0 || addr.family != FAMILY_V4) {
            return error_set(error, API_ERR_PARAMS, "cluster_list: cluster ids like \"192.0.2.1\"");
        }
        scratch->clusters[i] = ip_addr_to_u32(&addr);
    }
    attrs->cluster_list = scratch->clusters;
    attrs->n_cluster_list = (uint32_t)json_array_size(list);
    return 0;
}

static int read_attrs(const struct candidate_params *in, uint64_t given, struct scratch *scratch, struct attrs *attrs,
                      struct error *error)
{
    int origin = word_find(origins, ARRAY_SIZE(origins), in->origin);
    int code;

    if (origin < 0) {
        return error_set(error, API_ERR_PARAMS, "origin: \"%s\" is not igp, egp or incomplete", in->origin);
    }
    if ((given >> P_ORIGINATOR & 1) != 0 && in->originator_id.family != FAMILY_V4) {
        return error_set(error, API_ERR_PARAMS, "originator_id: written as an IPv4 address");
    }
    *attrs = (struct attrs){
        .origin = (uint8_t)origin,
        .local_pref = (uint32_t)in->local_pref,
        .has_local_pref = (given >> P_LOCAL_PREF & 1) != 0,
        .med = (uint32_t)in->med,
        .has_med = (given >> P_MED & 1) != 0,
        .weight = (uint32_t)in->weight,
        .originator_id = ip_addr_to_u32(&in->originator_id),
        .has_originator_id = (given >> P_ORIGINATOR & 1) != 0,
    };
    code = read_as_path(in->as_path, scratch, attrs, error);
    if (code == 0) {
        code = read_communities(in, scratch, attrs, error);
    }
    return code == 0 ? read_clusters(in->cluster_list, scratch, attrs, error) : code;
}

static int read_target(const struct site *site, const struct candidate_params *in, uint64_t given, struct target *out,
                       struct error *error)
{
    unsigned int ways = (given >> P_INSTANCE & 1) + (given >> P_NEXT_HOP & 1) + (given >> P_ACTION & 1);
    int id;

    if (ways != 1) {
        return error_set(error, API_ERR_PARAMS, "one of instance, next_hop and action");
    }
    if (in->action != NULL) {
        bool blackhole = strcmp(in->action, "blackhole") == 0;

        *out = (struct target){.kind = blackhole ? TARGET_BLACKHOLE : TARGET_REJECT};
        return blackhole || strcmp(in->action, "reject") == 0
                   ? 0
                   : error_set(error, API_ERR_PARAMS, "action: \"%s\" is not blackhole or reject", in->action);
    }
    if (in->instance == NULL) {
        *out = (struct target){.kind = TARGET_NEXT_HOP, .next_hop = in->next_hop};
        return 0;
    }
    id = site_instance_id(site, in->instance);
    if (id < 0) {
        return error_set(error, API_ERR_UNKNOWN_NAME, "unknown instance \"%s\"", in->instance);
    }
    *out = (struct target){.kind = TARGET_INSTANCE, .instance_id = (uint32_t)id};
    return 0;
}

int candidate_read(const struct control *control, uint16_t session, const json_t *object, struct prefix *prefix,
                   struct candidate *out, struct error *error)
{
    static struct scratch scratch; /* the control thread's alone */
    struct candidate_params in = {.origin = "igp"};
    struct attrs attrs;
    uint64_t given;
    int peer;
    int code = api_params_read(object, table, ARRAY_SIZE(table), &in, &given, error);

    if (code != 0) {
        return code;
    }
    *out = (struct candidate){0};
    peer = site_peer_id(control->site, in.peer);
    if (peer < 0) {
        return error_set(error, API_ERR_UNKNOWN_NAME, "unknown peer \"%s\"", in.peer);
    }
    code = read_target(control->site, &in, given, &out->target, error);
    if (code == 0) {
        code = read_attrs(&in, given, &scratch, &attrs, error);
    }
    if (code != 0) {
        return code;
    }
    *prefix = in.prefix;
    out->key = (struct candidate_key){session, (uint16_t)peer, (uint32_t)in.path_id};
    out->attrs = attrs_intern(site_attrs(control->site), &attrs);
    return out->attrs != NULL ? 0 : error_set(error, API_ERR_TABLE_FULL, "no memory");
}

static json_t *write_as_path(const struct as_path *path)
{
    json_t *list = json_array();
    size_t at = 0;

    for (uint32_t s = 0; s < path->n_segments; s++) {
        json_t *set = as_segment_is_set(&path->segments[s]) ? json_array() : NULL;

        for (uint32_t i = 0; i < path->segments[s].n; i++) {
            json_array_append_new(set != NULL ? set : list, json_integer(path->asns[at++]));
        }
        if (set != NULL) {
            json_array_append_new(list, set);
        }
    }
    return list;
}

/* Takes the list; an empty one is left out. */
static void set_list(json_t *object, const char *key, json_t *list)
{
    if (json_array_size(list) > 0) {
        json_object_set(object, key, list);
    }
    json_decref(list);
}

static void write_lists(json_t *object, const struct attrs *attrs)
{
    json_t *communities = json_array();
    json_t *large = json_array();
    json_t *clusters = json_array();

    for (uint32_t i = 0; i < attrs->n_communities; i++) {
        uint32_t c = attrs->communities[i];

        json_array_append_new(communities, json_sprintf("%u:%u", c >> 16, c & 0xffff));
    }
    for (uint32_t i = 0; i < attrs->n_large_communities; i++) {
        const struct large_community *c = &attrs->large_communities[i];

        json_array_append_new(large, json_sprintf("%u:%u:%u", c->global, c->local[0], c->local[1]));
    }
    for (uint32_t i = 0; i < attrs->n_cluster_list; i++) {
        json_array_append_new(clusters, json_router_id(attrs->cluster_list[i]));
    }
    set_list(object, "communities", communities);
    set_list(object, "large_communities", large);
    set_list(object, "cluster_list", clusters);
}

static void write_target(json_t *object, const struct control *control, const struct target *target)
{
    const struct site_instance *instance = site_target_instance(control->site, target);

    if (instance != NULL) {
        json_object_set_new(object, "instance", json_string(instance->name));
    }
    if (target->kind == TARGET_NEXT_HOP) {
        json_object_set_new(object, "next_hop", json_address(&target->next_hop));
    } else if (target->kind != TARGET_INSTANCE) {
        json_object_set_new(object, "action", json_string(target->kind == TARGET_BLACKHOLE ? "blackhole" : "reject"));
    }
}

json_t *candidate_write(const struct control *control, const struct prefix *prefix, const struct candidate *candidate)
{
    const struct attrs *attrs = candidate->attrs;
    const struct site_peer *peer = site_peer(control->site, candidate->key.peer_id);
    json_t *object = json_pack("{s:o, s:s, s:I, s:o, s:s, s:I}", "prefix", json_prefix(prefix), "peer", peer->name,
                               "path_id", (json_int_t)candidate->key.path_id, "as_path", write_as_path(&attrs->as_path),
                               "origin", origins[attrs->origin], "local_pref",
                               (json_int_t)(attrs->has_local_pref ? attrs->local_pref : LOCAL_PREF_DEFAULT));

    json_object_set_new(object, "session", json_integer(candidate->key.session_id));
    json_object_set_new(object, "stale", json_boolean(candidate->stale));
    write_target(object, control, &candidate->target);
    if (attrs->has_med) {
        json_object_set_new(object, "med", json_integer(attrs->med));
    }
    if (attrs->weight != 0) {
        json_object_set_new(object, "weight", json_integer(attrs->weight));
    }
    if (attrs->has_originator_id) {
        json_object_set_new(object, "originator_id", json_router_id(attrs->originator_id));
    }
    write_lists(object, attrs);
    return object;
}
