/* SPDX-License-Identifier: BSD-3-Clause */
#include "apply.h"
#include "config_compare.h"
#include "log.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_INSTANCE UINT32_MAX

static_assert(CONFIG_BGP_NEXT_HOPS_MAX <= SITE_NEXT_HOPS_MAX, "an instance takes all that its entry may name");

struct apply {
    struct site *site;
    bool removing; /* this pass takes away what is gone; the other one sets what is new or different */
    int first_error;
    struct error *error;
};

/* Remembers the first failure; the walk goes on. */
static int note(struct apply *apply, int result, const struct error *error)
{
    if (result < 0) {
        log_error("%s", error->text);
        if (apply->first_error == 0) {
            apply->first_error = result;
            *apply->error = *error;
        }
    }
    return 0;
}

static int apply_peer(void *context, const void *before, const void *after)
{
    struct apply *apply = context;
    const struct config_peer *config = after != NULL ? after : before;
    struct site_peer peer = {
        .configured = true,
        .has_address = config->has_address,
        .has_router_id = config->has_router_id,
        .facts = {.as = config->asn, .type = (enum peer_type)config->type, .address = config->address},
    };
    struct error error;

    if ((after == NULL) != apply->removing) {
        return 0;
    }
    if (after == NULL) {
        return note(apply, site_peer_del(apply->site, config->name, &error), &error);
    }
    if (config->has_router_id) {
        peer.facts.router_id = ip_addr_to_u32(&config->router_id);
    }
    snprintf(peer.name, sizeof(peer.name), "%s", config->name);
    return note(apply, site_peer_set(apply->site, &peer, &error), &error);
}

static struct tunnel tunnel_of(const struct config_instance *config)
{
    static const enum tunnel_type types[] = {
        [CONFIG_TUNNEL_IPIP] = TUNNEL_IPIP,
        [CONFIG_TUNNEL_GRE] = TUNNEL_GRE,
        [CONFIG_TUNNEL_GUE] = TUNNEL_GUE,
    };

    if (!config->has_tunnel) {
        return (struct tunnel){0};
    }
    return (struct tunnel){types[config->tunnel.type], config->tunnel.source, config->tunnel.destination};
}

static struct bfd_check bfd_of(const struct config_bfd *bfd)
{
    return (struct bfd_check){
        .wanted = true,
        .multihop = bfd->multihop || bfd->has_peer,
        .has_peer = bfd->has_peer,
        .peer = bfd->peer,
        .timers = {bfd->min_tx_ms * 1000, bfd->min_rx_ms * 1000, (uint8_t)bfd->multiplier},
    };
}

/* `text`: what it asks, or runs; NULL: nothing of this kind. */
static struct probe_settings probe_of(const struct config_probe *probe, bool has_address, const char *text)
{
    struct probe_settings settings;

    memset(&settings, 0, sizeof(settings));
    settings.interval_ms = probe->interval_ms;
    settings.timeout_ms = probe->timeout_ms;
    settings.port = (uint16_t)probe->port;
    settings.insecure = probe->insecure;
    settings.wanted = (uint16_t)(probe->has_status ? probe->status : 0);
    settings.has_address = has_address;
    if (has_address) {
        settings.address = probe->address;
    }
    snprintf(settings.text, sizeof(settings.text), "%s", text != NULL ? text : "");
    return settings;
}

static void add_probes(const struct config_health *health, struct health_settings *settings)
{
    if (health->has_tcp) {
        settings->probes[CHECK_TCP] = probe_of(&health->tcp, true, NULL);
    }
    if (health->has_icmp) {
        settings->probes[CHECK_ICMP] = probe_of(&health->icmp, true, NULL);
    }
    if (health->has_http) {
        settings->probes[CHECK_HTTP] = probe_of(&health->http, true, health->http.url);
    }
    if (health->has_dns) {
        settings->probes[CHECK_DNS] = probe_of(&health->dns, true, health->dns.name);
        settings->probes[CHECK_DNS].wanted = config_dns_type(health->dns.type);
    }
    if (health->has_command) {
        settings->probes[CHECK_COMMAND] = probe_of(&health->command, false, health->command.run);
    }
}

static struct health_settings health_of(const struct config_instance *config)
{
    const struct config_health *health = &config->health;
    struct health_settings settings;

    memset(&settings, 0, sizeof(settings)); /* parts of it are compared with memcmp() */
    settings.rules = HEALTH_RULES_DEFAULT;
    if (!config->has_health) {
        return settings;
    }
    settings.rules = (struct health_rules){health->rise, health->fall, health->hold_down_ms, health->hold_down_max_ms};
    settings.heartbeat_ttl_ms = health->has_heartbeat ? health->heartbeat.ttl_ms : 0;
    if (health->has_bfd) {
        settings.bfd = bfd_of(&health->bfd);
    }
    add_probes(health, &settings);
    return settings;
}

static int apply_instance(void *context, const void *before, const void *after)
{
    struct apply *apply = context;
    const struct config_instance *config = after != NULL ? after : before;
    struct site_instance instance = {
        .configured = true,
        .weight = (uint16_t)config->weight,
        .tunnel = tunnel_of(config),
        .checks = health_of(config),
    };
    struct error error;

    if ((after == NULL) != apply->removing) {
        return 0;
    }
    if (after == NULL) {
        return note(apply, site_instance_del(apply->site, config->name, &error), &error);
    }
    snprintf(instance.name, sizeof(instance.name), "%s", config->name);
    snprintf(instance.site, sizeof(instance.site), "%s", config->site != NULL ? config->site : "");
    for (uint32_t i = 0; i < config->next_hop.count; i++) {
        const struct ip_addr *next_hop = &config->next_hop.items[i];

        instance.has_next_hop[next_hop->family] = true;
        instance.next_hop[next_hop->family] = *next_hop;
    }
    for (uint32_t i = 0; i < config->bgp_next_hop.count; i++) {
        instance.bgp_next_hop[instance.bgp_next_hop_count++] = config->bgp_next_hop.items[i];
    }
    return note(apply, site_instance_set(apply->site, &instance, &error), &error);
}

/* Arrays for a struct attrs on the way in. */
struct path_arrays {
    struct as_segment *segments;
    uint32_t *asns;
};

static int make_as_path(const struct config_route *route, struct path_arrays *arrays, struct as_path *path)
{
    size_t asns = 0;

    for (uint32_t i = 0; i < route->as_path.count; i++) {
        asns += route->as_path.items[i].asns.count;
    }
    arrays->segments = calloc(route->as_path.count + 1, sizeof(*arrays->segments));
    arrays->asns = calloc(asns + 1, sizeof(*arrays->asns));
    if (arrays->segments == NULL || arrays->asns == NULL) {
        return -ENOMEM;
    }
    asns = 0;
    for (uint32_t i = 0; i < route->as_path.count; i++) {
        const struct config_as_step *step = &route->as_path.items[i];

        arrays->segments[i] = (struct as_segment){step->is_set ? AS_SET : AS_SEQUENCE, step->asns.count};
        memcpy(&arrays->asns[asns], step->asns.items, step->asns.count * sizeof(uint32_t));
        asns += step->asns.count;
    }
    *path = (struct as_path){.segments = arrays->segments, .asns = arrays->asns, .n_segments = route->as_path.count};
    return 0;
}

/* A reference to the route's attributes; NULL: no memory. */
static const struct attrs *make_attrs(struct site *site, const struct config_route *route)
{
    static_assert(sizeof(struct config_large_community) == sizeof(struct large_community), "three numbers");
    uint32_t *clusters = calloc(route->cluster_list.count + 1, sizeof(*clusters));
    struct path_arrays arrays = {0};
    const struct attrs *interned = NULL;
    struct attrs attrs = {
        .origin = (uint8_t)route->origin,
        .local_pref = route->local_pref,
        .has_local_pref = true,
        .med = route->med,
        .has_med = route->has_med,
        .weight = route->weight,
        .has_originator_id = route->has_originator_id,
        .communities = route->communities.items,
        .n_communities = route->communities.count,
        .large_communities = (const struct large_community *)(const void *)route->large_communities.items,
        .n_large_communities = route->large_communities.count,
        .cluster_list = clusters,
        .n_cluster_list = route->cluster_list.count,
    };

    if (clusters == NULL || make_as_path(route, &arrays, &attrs.as_path) != 0) {
        goto free_arrays;
    }
    if (route->has_originator_id) {
        attrs.originator_id = ip_addr_to_u32(&route->originator_id);
    }
    for (uint32_t i = 0; i < route->cluster_list.count; i++) {
        clusters[i] = ip_addr_to_u32(&route->cluster_list.items[i]);
    }
    interned = attrs_intern(site_attrs(site), &attrs);
free_arrays:
    free(arrays.segments);
    free(arrays.asns);
    free(clusters);
    return interned;
}

static struct target make_target(const struct site *site, const struct config_route *route)
{
    if (route->instance != NULL) {
        int id = site_instance_id(site, route->instance);

        return (struct target){.kind = TARGET_INSTANCE, .instance_id = id >= 0 ? (uint32_t)id : NO_INSTANCE};
    }
    if (route->has_next_hop) {
        return (struct target){.kind = TARGET_NEXT_HOP, .next_hop = route->next_hop};
    }
    return (struct target){.kind = route->action == CONFIG_ACTION_BLACKHOLE ? TARGET_BLACKHOLE : TARGET_REJECT};
}

/* The file has it, but the API took it away, or there was no room for it. */
static int missing(const struct config_route *route, bool peer, struct error *error)
{
    char text[PREFIX_STRLEN];

    return error_set(error, -ENOENT, "the route to %s: its %s \"%s\" is no longer there",
                     prefix_format(&route->prefix, text), peer ? "peer" : "instance",
                     peer ? route->peer : route->instance);
}

static int apply_route(void *context, const void *before, const void *after)
{
    struct apply *apply = context;
    const struct config_route *config = after != NULL ? after : before;
    struct candidate candidate = {.target = make_target(apply->site, config)};
    int peer = site_peer_id(apply->site, config->peer);
    struct error error;
    int result;

    if ((after == NULL) != apply->removing) {
        return 0;
    }
    candidate.configured = true;
    candidate.key = (struct candidate_key){SITE_SESSION_OPERATOR, (uint16_t)peer, config->path_id};
    if (after == NULL) {
        if (peer >= 0) { /* else it went with its peer */
            site_route_del(apply->site, &config->prefix, &candidate.key, NULL);
        }
        return 0;
    }
    if (peer < 0 || (candidate.target.kind == TARGET_INSTANCE && candidate.target.instance_id == NO_INSTANCE)) {
        return note(apply, missing(config, peer < 0, &error), &error);
    }
    candidate.attrs = make_attrs(apply->site, config);
    if (candidate.attrs == NULL) {
        return note(apply, error_set(&error, -ENOMEM, "no memory for a route"), &error);
    }
    result = site_route_set(apply->site, &config->prefix, &candidate, NULL);
    attrs_unref(site_attrs(apply->site), candidate.attrs);
    if (result < 0) {
        error_set(&error, result, "no memory for a route");
    }
    return note(apply, result, &error);
}

static const struct {
    enum config_section section;
    config_visit_fn *visit;
} sections[] = {
    {CONFIG_PEERS, apply_peer},
    {CONFIG_INSTANCES, apply_instance},
    {CONFIG_ROUTES, apply_route},
};

static int apply_rules(struct site *site, struct install *install, const struct config *after, struct error *error)
{
    struct plan plan;
    int result = plan_make(after, &plan, error);

    if (result != 0) {
        return result;
    }
    result = site_set_rules(site, &plan.decision, plan.site_anycast, plan.anycast_count);
    if (result == 0) {
        result = install_set_anycast(install, plan.anycast, plan.anycast_count);
    }
    plan_free(&plan);
    return result == 0 ? 0 : error_set(error, result, "no memory for the anycast prefixes");
}

int apply_config(struct site *site, struct install *install, const struct config *before, const struct config *after,
                 struct error *error)
{
    static const struct config nothing;
    struct apply apply = {.site = site, .error = error};
    bool same_rules = before != NULL && config_same(before, after, "decision") && config_same(before, after, "anycast");
    int result = before == NULL || same_rules ? 0 : apply_rules(site, install, after, error);

    before = before != NULL ? before : &nothing;
    site_set_min_alive(site, after->failover.min_alive);
    apply.removing = true;
    for (size_t i = ARRAY_SIZE(sections); i-- > 0 && result == 0;) {
        result = config_diff(before, after, sections[i].section, sections[i].visit, &apply);
    }
    apply.removing = false;
    for (size_t i = 0; i < ARRAY_SIZE(sections) && result == 0; i++) {
        result = config_diff(before, after, sections[i].section, sections[i].visit, &apply);
    }
    if (result != 0) {
        return error_set(error, result, "no memory to compare the configurations");
    }
    result = site_commit(site);
    if (result != 0) {
        return error_set(error, result, "not every route could be installed: the forwarding tables are full");
    }
    return apply.first_error;
}
