/* SPDX-License-Identifier: BSD-3-Clause */
#include "install_private.h"
#include "log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_A_TICK     64   /* neighbours asked for on behalf of packets, so that a spray costs little */
#define REFRESH_INTERVAL_MS 1000 /* unresolved neighbours are asked for again */
#define LINK_INTERVAL_MS    100  /* links of devices that are no netdev are looked at */
#define GLEANS_A_TICK       2    /* of these, on connected subnets: fewer than would fill the kernel's table of 1024 */
/* Neighbours in use are verified, since XDP hides from the kernel that they are. Its table, once crowded, forgets those
 * that were stale for 5 seconds. */
#define VERIFY_INTERVAL_MS 3000

/* Kernel events. Before install_bind() nothing is there yet that they could change. */

static void on_link(void *owner, const struct kernel_link *old, const struct kernel_link *now)
{
    struct install *install = owner;

    install->link_changes++;
    if (install->dp == NULL) {
        return;
    }
    /* what other links mean for next hops, the kernel's routes say */
    if (twins_refresh(install, old, now)) {
        twins_refresh_addresses(install);
        system_refresh_all(install);
        hops_refresh(install, false);
        install->recheck = true; /* once more for those that lean on others, which have moved by then */
    }
}

static void on_address(void *owner, const struct kernel_address *old, const struct kernel_address *now)
{
    struct install *install = owner;
    const struct kernel_address *either = now != NULL ? now : old;

    if (now == NULL) { /* with a device's last address the kernel forgets the routes by it, those of probes included */
        install->link_changes++;
    }
    if (install->dp == NULL) {
        return;
    }
    twins_refresh_addresses(install);
    if (old != NULL) {
        system_refresh_address(install, old);
    }
    if (now != NULL) {
        system_refresh_address(install, now);
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a change has one of the two at least */
    if (install_port_of(install, either->ifindex) >= 0) {
        hops_refresh(install, false);
        install->recheck = true; /* as above */
    }
}

static void on_neighbour(void *owner, const struct kernel_neighbour *old, const struct kernel_neighbour *now)
{
    struct install *install = owner;
    const struct kernel_neighbour *either = now != NULL ? now : old;
    struct prefix host = prefix_host(&either->addr);

    if (install->dp == NULL || install_port_of(install, either->ifindex) < 0) {
        return;
    }
    hops_refresh_gateway(install, &either->addr);
    system_refresh(install, &host);
}

static void on_routes_changed(void *owner)
{
    struct install *install = owner;

    install->recheck = true;
}

static const struct kernel_callbacks callbacks = {
    .link = on_link,
    .address = on_address,
    .neighbour = on_neighbour,
    .routes_changed = on_routes_changed,
};

static int copy_settings(struct install *install, const struct install_settings *settings)
{
    install->settings = *settings;
    install->twin_count = settings->port_count;
    for (unsigned int i = 0; i < settings->port_count; i++) {
        const struct install_port *port = &settings->ports[i];
        struct twin *twin = &install->twins[i];

        snprintf(twin->name, sizeof(twin->name), "%s", port->name);
        snprintf(twin->netdev, sizeof(twin->netdev), "%s", port->netdev);
        twin->xdp = port->xdp;
        twin->mode = port->mode;
        twin->vlan = port->vlan;
        twin->parent = port->parent;
    }
    install->anycast = calloc(settings->anycast_count + 1, sizeof(*install->anycast));
    if (install->anycast == NULL) {
        return -ENOMEM;
    }
    memcpy(install->anycast, settings->anycast, settings->anycast_count * sizeof(*install->anycast));
    install->anycast_count = settings->anycast_count;
    return 0;
}

int install_open(const struct install_settings *settings, struct install **out, struct error *error)
{
    struct install *install = calloc(1, sizeof(*install));
    int result = -ENOMEM;

    if (install == NULL || copy_settings(install, settings) != 0) {
        free(install);
        return error_set(error, result, "no memory");
    }
    result = kernel_open(&callbacks, install, &install->kernel, error);
    if (result == 0) {
        result = twins_attach(install, settings->bpf_object, error);
    }
    if (result != 0) {
        install_free(install);
        return result;
    }
    *out = install;
    return 0;
}

static int create_fixed_hops(struct install *install)
{
    static const enum rewrite_kind kinds[HOP_FATES] = {
        [HOP_BLACKHOLE] = REWRITE_BLACKHOLE,
        [HOP_REJECT] = REWRITE_REJECT,
        [HOP_LOCAL] = REWRITE_LOCAL,
    };

    for (int i = 0; i < HOP_FATES; i++) {
        install->fates[i] = hop_new(install, kinds[i], FAMILY_V4);
        if (install->fates[i] == NULL) {
            return -ENOMEM;
        }
    }
    for (unsigned int i = 0; i < install->twin_count; i++) {
        install->twins[i].glean = hop_new(install, REWRITE_GLEAN, FAMILY_V4);
        if (install->twins[i].glean == NULL) {
            return -ENOMEM;
        }
        hop_set_port(install, install->twins[i].glean, i);
    }
    return 0;
}

int install_bind(struct install *install, struct dp *dp, struct error *error)
{
    const struct kernel_link *link = NULL;

    install->dp = dp;
    install->now_ms = 1; /* 0 is "never asked" */
    if (create_fixed_hops(install) != 0) {
        return error_set(error, -ENOMEM, "no memory for adjacencies");
    }
    while ((link = kernel_link_next(install->kernel, link)) != NULL) {
        twins_refresh(install, NULL, link);
    }
    twins_refresh_addresses(install);
    system_refresh_all(install);
    return 0;
}

void install_close(struct install *install)
{
    if (install == NULL || install->dp == NULL) {
        return;
    }
    system_clear(install);
    for (unsigned int i = 0; i < install->twin_count; i++) {
        if (install->twins[i].glean != NULL) {
            hop_put(install, install->twins[i].glean);
        }
    }
    for (int i = 0; i < HOP_FATES; i++) {
        if (install->fates[i] != NULL) {
            hop_put(install, install->fates[i]);
        }
    }
    install->dp = NULL;
}

void install_free(struct install *install)
{
    if (install == NULL) {
        return;
    }
    for (unsigned int i = 0; i < install->twin_count; i++) {
        steer_detach(install->twins[i].steer);
    }
    ways_close(install);
    kernel_close(install->kernel);
    free(install->anycast);
    free(install);
}

int install_fd(const struct install *install)
{
    return kernel_fd(install->kernel);
}

int install_kernel_ready(struct install *install)
{
    return kernel_dispatch(install->kernel);
}

void install_routes_changed(struct install *install)
{
    install->recheck = true;
}

const struct kernel_link *install_link(const struct install *install, unsigned int port)
{
    return kernel_link_get(install->kernel, install->ifindexes[port]);
}

bool install_running(const struct install *install, unsigned int port)
{
    return install->twins[port].running;
}

const struct kernel *install_kernel(const struct install *install)
{
    return install->kernel;
}

int install_route(struct install *install, const struct prefix *prefix, uint32_t path_list)
{
    int result;

    if (system_path_list(install, prefix) != PATH_LIST_NONE) {
        return 0; /* comes into force when the system route goes */
    }
    if (path_list != PATH_LIST_NONE) {
        return dp_route_set(install->dp, prefix, path_list);
    }
    result = dp_route_del(install->dp, prefix);
    return result == -ENOENT ? 0 : result;
}

void install_routes_hold(struct install *install, bool hold)
{
    dp_routes_hold(install->dp, hold);
}

/* What packets wait for. */
static void serve_requests(struct install *install)
{
    struct request request;
    int gleans = 0;

    for (int i = 0; i < REQUESTS_A_TICK && dp_request(install->dp, &request); i++) {
        struct hop *hop = install->by_adjacency[request.adjacency];
        uint32_t ifindex;

        if (hop == NULL) {
            continue;
        }
        if (hop->has_address) {
            hop_ask(install, hop);
            continue;
        }
        if (gleans++ >= GLEANS_A_TICK) {
            continue; /* whoever wants it asks again */
        }
        ifindex = install->twins[hop->port].ifindex;
        if (kernel_resolve(install->kernel, ifindex, &request.destination) != 0) {
            log_debug("the kernel does not resolve a neighbour");
        }
    }
}

/* Drivers without a netdev report their links only when asked. */
static void refresh_links(struct install *install)
{
    for (unsigned int i = 0; i < install->twin_count; i++) {
        struct twin *twin = &install->twins[i];
        bool up;

        if (twin->xdp || twin->ifindex == 0) {
            continue;
        }
        up = twin_link_up(install, i);
        if (up != twin->running) {
            log_notice("port %s: link %s", twin->name, up ? "up" : "down");
            twin->running = up;
            hops_refresh(install, false);
        }
    }
}

static void refresh_neighbours(struct install *install)
{
    struct hop *hop;

    LIST_FOREACH(hop, &install->hops, link)
    {
        if (!hop->resolved || install->now_ms - hop->asked_ms >= VERIFY_INTERVAL_MS) {
            hop_ask(install, hop);
        }
    }
}

void install_tick(struct install *install, uint64_t now_ms)
{
    install->now_ms = now_ms;
    serve_requests(install);
    if (install->recheck) {
        install->recheck = false;
        hops_refresh(install, true);
        hop_bfds_follow(install);
    }
    if (now_ms - install->links_ms >= LINK_INTERVAL_MS) {
        install->links_ms = now_ms;
        refresh_links(install);
    }
    if (now_ms - install->refreshed_ms >= REFRESH_INTERVAL_MS) {
        install->refreshed_ms = now_ms;
        refresh_neighbours(install);
        hop_bfds_follow(install);
    }
    hop_bfd_events(install);
    dp_tick(install->dp);
}
