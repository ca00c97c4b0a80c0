/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes that follow from the kernel's addresses and neighbours. Nothing is tracked event by event: an event names a
 * prefix, and system_refresh() makes its route what the mirror says now.
 */
#include "install_private.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct wish {
    enum { NOTHING, LOCAL, HOST, GLEAN } kind;
    unsigned int port; /* GLEAN */
};

static bool is_local(const struct install *install, const struct prefix *prefix)
{
    const struct kernel_address *address = NULL;

    while ((address = kernel_address_next(install->kernel, address)) != NULL) {
        if (ip_addr_equal(&address->addr, &prefix->addr) ||
            (prefix->addr.family == FAMILY_V4 && ip_addr_to_u32(&address->broadcast) != 0 &&
             ip_addr_equal(&address->broadcast, &prefix->addr))) {
            return true;
        }
    }
    return false;
}

/* Resolved on the port whose subnet it is in. Linux also learns, from an ARP request's sender, addresses of no subnet:
 * by those an instance could draw the service's own address to itself. */
static bool is_neighbour(const struct install *install, const struct ip_addr *addr)
{
    const struct kernel_address *subnet =
        kernel_connected(install->kernel, addr, install->ifindexes, install->twin_count);
    const struct kernel_neighbour *neighbour =
        subnet != NULL ? kernel_neighbour_get(install->kernel, subnet->ifindex, addr) : NULL;

    return neighbour != NULL && neighbour->usable;
}

/* The port that a connected subnet lies on, or -ENOENT. */
static int subnet_port(const struct install *install, const struct prefix *prefix)
{
    const struct kernel_address *address = NULL;

    while ((address = kernel_address_next(install->kernel, address)) != NULL) {
        int port = install_port_of(install, address->ifindex);

        if (port >= 0 && prefix_equal(&address->subnet, prefix)) {
            return port;
        }
    }
    return -ENOENT;
}

static struct wish wish_for(const struct install *install, const struct prefix *prefix)
{
    bool host = prefix->length == family_bits(prefix->addr.family);
    int port;

    if (ip_addr_is_loopback(&prefix->addr)) {
        return (struct wish){.kind = NOTHING};
    }
    if (host && is_local(install, prefix)) {
        return (struct wish){.kind = LOCAL};
    }
    /* every port has fe80::/64: a link-local address says nothing about the way */
    if (ip_addr_is_link_local(&prefix->addr)) {
        return (struct wish){.kind = NOTHING};
    }
    if (host && is_neighbour(install, &prefix->addr)) {
        return (struct wish){.kind = HOST};
    }
    port = subnet_port(install, prefix);
    return port >= 0 ? (struct wish){.kind = GLEAN, .port = (unsigned int)port} : (struct wish){.kind = NOTHING};
}

/* A reference to the hop that the wish needs; NULL: none wanted, or no memory. */
static struct hop *wish_hop(struct install *install, const struct prefix *prefix, const struct wish *wish)
{
    switch (wish->kind) {
    case LOCAL:
        return hop_get_fate(install, HOP_LOCAL);
    case HOST:
        return hop_get(install, &prefix->addr, prefix->addr.family);
    case GLEAN:
        return hop_ref(install->twins[wish->port].glean);
    default:
        return NULL;
    }
}

/* The decided route comes into force again. The system route's path list is about to go: where there is no room for
 * what was decided, there is no route. */
static int uncover(struct install *install, const struct prefix *prefix)
{
    char text[PREFIX_STRLEN];
    int result = install_route(install, prefix, install->settings.decided(install->settings.owner, prefix));

    if (result == 0) {
        return 0;
    }
    log_error("no room for the route of %s: %s", prefix_format(prefix, text), strerror(-result));
    result = dp_route_del(install->dp, prefix);
    if (result != 0) {
        log_error("a route cannot be taken away: %s", strerror(-result));
    }
    return result;
}

static void system_remove(struct install *install, struct system_route *route)
{
    const struct prefix prefix = route->prefix;

    prefix_set_remove(&install->system, &route->prefix);
    if (uncover(install, &prefix) == 0) {
        outcome_put(install, route->outcome);
    } /* else the tables name it for ever */
    hop_put(install, route->hop);
    free(route);
}

/* Takes over the reference to the hop. */
static int system_add(struct install *install, const struct prefix *prefix, struct hop *hop)
{
    struct system_route *route = calloc(1, sizeof(*route));
    struct outcome_path path = {.hop = hop, .weight = 1};
    int result = -ENOMEM;

    if (route == NULL) {
        goto put_hop;
    }
    route->prefix = *prefix;
    route->hop = hop;
    route->outcome = outcome_get(install, &path, 1, (struct outcome_traits){0});
    if (route->outcome == NULL) {
        result = -errno;
        goto free_route;
    }
    result = prefix_set_insert(&install->system, &route->prefix);
    if (result != 0) {
        goto put_outcome;
    }
    result = dp_route_set(install->dp, prefix, route->outcome->id);
    if (result == 0) {
        return 0;
    }
    prefix_set_remove(&install->system, &route->prefix);
put_outcome:
    outcome_put(install, route->outcome);
free_route:
    free(route);
put_hop:
    hop_put(install, hop);
    return result;
}

void system_refresh(struct install *install, const struct prefix *prefix)
{
    struct wish wish = wish_for(install, prefix);
    struct system_route *route = (struct system_route *)prefix_set_find(&install->system, prefix);
    struct hop *hop = wish_hop(install, prefix, &wish);
    char text[PREFIX_STRLEN];
    int result = 0;

    twins_set_local(install, prefix, wish.kind == LOCAL);
    if (route != NULL && route->hop == hop) {
        hop_put(install, hop);
        return;
    }
    if (route != NULL) {
        system_remove(install, route);
    }
    if (hop != NULL) {
        result = system_add(install, prefix, hop);
    } else if (wish.kind != NOTHING) {
        result = -ENOMEM;
    }
    if (result != 0) {
        log_error("no room for the route of %s, which the kernel knows: %s", prefix_format(prefix, text),
                  strerror(-result));
    }
}

void system_refresh_address(struct install *install, const struct kernel_address *address)
{
    const struct kernel_neighbour *neighbour = NULL;
    struct prefix host = prefix_host(&address->addr);

    system_refresh(install, &host);
    system_refresh(install, &address->subnet);
    if (address->addr.family == FAMILY_V4 && ip_addr_to_u32(&address->broadcast) != 0) {
        host = prefix_host(&address->broadcast);
        system_refresh(install, &host);
    }
    while ((neighbour = kernel_neighbour_next(install->kernel, neighbour)) != NULL) {
        if (prefix_contains(&address->subnet, &neighbour->addr)) {
            host = prefix_host(&neighbour->addr);
            system_refresh(install, &host);
        }
    }
}

void system_refresh_all(struct install *install)
{
    const struct kernel_address *address = NULL;

    while ((address = kernel_address_next(install->kernel, address)) != NULL) {
        system_refresh_address(install, address);
    }
}

void system_clear(struct install *install)
{
    static const struct prefix first;
    struct prefix *member;

    while ((member = prefix_set_seek(&install->system, &first)) != NULL) {
        system_remove(install, (struct system_route *)member);
    }
    prefix_set_clear(&install->system, NULL, NULL); /* empty, but for its memory */
}

uint32_t system_path_list(const struct install *install, const struct prefix *prefix)
{
    const struct system_route *route = (const struct system_route *)prefix_set_find(&install->system, prefix);

    return route != NULL ? route->outcome->id : PATH_LIST_NONE;
}
