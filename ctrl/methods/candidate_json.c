/* SPDX-License-Identifier: BSD-3-Clause */
#include "candidate_json.h"
#include "best.h"
#include "methods_private.h"

static const char *const origins[] = {[ORIGIN_IGP] = "igp", [ORIGIN_EGP] = "egp", [ORIGIN_INCOMPLETE] = "incomplete"};

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
        if (target->on_port > 0) {
            json_object_set_new(object, "port", json_string(dp_port(control->dp, target->on_port - 1u)->name));
        }
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
    if (candidate->held) {
        json_object_set_new(object, "held", json_true());
    }
    if (candidate->share > 1) {
        json_object_set_new(object, "share", json_integer(candidate->share));
    }
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
