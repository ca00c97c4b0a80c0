/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"
#include "install_private.h"
#include "log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>

#define ASK_INTERVAL_MS 200 /* between two requests for one hop's neighbour */

static unsigned int bucket(const struct ip_addr *addr)
{
    return (unsigned int)(hash_table(addr, sizeof(*addr), 0) % GATEWAY_BUCKETS);
}

/* The hop's header, if its neighbour is known. */
static struct rewrite hop_rewrite(const struct install *install, const struct hop *hop)
{
    struct rewrite rewrite = {.kind = hop->rewrite, .port = hop->port};
    const struct kernel_neighbour *neighbour;
    uint16_t ether_type = htons(hop->family == FAMILY_V4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);

    if (hop->rewrite != REWRITE_TX) {
        return rewrite;
    }
    if (!hop->reachable) {
        rewrite.kind = REWRITE_UNRESOLVED;
        return rewrite;
    }
    neighbour = kernel_neighbour_get(install->kernel, install->twins[hop->port].ifindex, &hop->gateway);
    rewrite.mtu = install_mtu(install, hop->port);
    if (hop->path_mtu != 0 && hop->path_mtu < rewrite.mtu) {
        rewrite.mtu = (uint16_t)hop->path_mtu;
    }
    /* no link: a hop that leans on another one, whose port has just lost its netdev */
    if (install->twins[hop->port].ifindex == 0 || neighbour == NULL || !neighbour->usable) {
        rewrite.kind = REWRITE_UNRESOLVED;
        return rewrite;
    }
    rewrite.header_length = ETH_HLEN;
    memcpy(rewrite.header, neighbour->mac, ETH_ALEN);
    memcpy(rewrite.header + ETH_ALEN, dp_port(install->dp, hop->port)->mac, ETH_ALEN);
    memcpy(rewrite.header + 2 * ETH_ALEN, &ether_type, sizeof(ether_type));
    if (hop->tunnel.type != TUNNEL_NONE) {
        tunnel_add_header(&hop->tunnel, hop->family, &rewrite);
    }
    return rewrite;
}

struct hop *hop_new(struct install *install, enum rewrite_kind kind, enum family family)
{
    struct hop *hop = calloc(1, sizeof(*hop));
    struct rewrite rewrite = {.kind = kind == REWRITE_TX ? REWRITE_UNRESOLVED : (uint8_t)kind};
    int id;

    if (hop == NULL) {
        return NULL;
    }
    id = dp_adjacency_create(install->dp, &rewrite);
    if (id < 0) {
        free(hop);
        errno = -id;
        return NULL;
    }
    hop->rewrite = (uint8_t)kind;
    hop->family = (uint8_t)family;
    hop->refs = 1;
    hop->adjacency = (uint16_t)id;
    hop->reachable = kind != REWRITE_TX;
    install->by_adjacency[id] = hop;
    LIST_INSERT_HEAD(&install->hops, hop, link);
    return hop;
}

struct hop *hop_get_fate(struct install *install, enum hop_fate fate)
{
    return hop_ref(install->fates[fate]);
}

struct hop *hop_ref(struct hop *hop)
{
    hop->refs++;
    return hop;
}

void hop_put(struct install *install, struct hop *hop)
{
    if (--hop->refs > 0) {
        return;
    }
    if (hop->has_address && hop->reachable) {
        LIST_REMOVE(hop, by_gateway);
    }
    if (hop->shared) {
        LIST_REMOVE(hop, by_address);
    }
    LIST_REMOVE(hop, link);
    install->by_adjacency[hop->adjacency] = NULL;
    dp_adjacency_destroy(install->dp, hop->adjacency);
    free(hop);
}

/* Through a decided route. The hop it leads to must not hang on another route itself: that keeps resolution free of
 * loops, and one level is what BGP over an IGP or static routes needs. Nor may it be a tunnel's: what is lent is the
 * gateway alone. */
static const struct hop *recursive(const struct install *install, const struct hop *hop)
{
    struct prefix prefix;
    uint32_t id;
    const struct outcome *outcome;

    if (dp_route_lookup(install->dp, &hop->address, &prefix, &id) != 0) {
        return NULL;
    }
    outcome = install->by_id[id];
    for (unsigned int i = 0; outcome != NULL && i < outcome->count; i++) {
        const struct hop *via = outcome->paths[i].hop;

        if (via != hop && via->has_address && via->reachable && via->connected && via->tunnel.type == TUNNEL_NONE) {
            return via;
        }
    }
    return NULL;
}

/* Where the hop leads to now: a port's subnet, else a decided route, else the kernel's own routes. */
static bool hop_find(struct install *install, const struct hop *hop, struct hop *found)
{
    const struct kernel_address *connected =
        kernel_connected(install->kernel, &hop->address, install->ifindexes, install->twin_count);
    const struct hop *via;
    struct kernel_route route;
    int port;

    found->connected = connected != NULL;
    found->gateway = hop->address;
    if (hop->on_port > 0) {
        found->connected = true;
        found->port = hop->on_port - 1u;
        return install->twins[found->port].ifindex != 0;
    }
    if (connected != NULL) {
        found->port = (uint16_t)install_port_of(install, connected->ifindex);
        return true;
    }
    via = recursive(install, hop);
    if (via != NULL) {
        found->port = via->port;
        found->gateway = via->gateway;
        return true;
    }
    if (kernel_route_get(install->kernel, &hop->address, &route) != 0) {
        return false;
    }
    port = install_port_of(install, route.ifindex);
    if (port < 0) {
        return false;
    }
    found->port = (uint16_t)port;
    found->gateway = route.has_gateway ? route.gateway : hop->address;
    return true;
}

/* What the kernel's route to where the packets go, which is not the next hop of a tunnel, says of the way there. */
static uint32_t path_mtu(struct install *install, const struct hop *hop)
{
    const struct ip_addr *end = hop->tunnel.type != TUNNEL_NONE ? &hop->tunnel.destination : &hop->address;
    struct kernel_route route;

    if (kernel_route_get(install->kernel, end, &route) != 0 || install_port_of(install, route.ifindex) != hop->port) {
        return 0;
    }
    return route.mtu;
}

/* Publishes the rewrite, and afterwards that it may be used; or first that it may not. */
static void hop_publish(struct install *install, struct hop *hop)
{
    struct rewrite rewrite = hop_rewrite(install, hop);
    enum adjacency_health health = ADJACENCY_ALIVE;

    if (hop->resolved && rewrite.kind == REWRITE_UNRESOLVED) {
        hop->asked_ms = 0; /* lost since it was last asked for: packets that wait now may not wait for that to pass */
    }
    hop->resolved = rewrite.kind != REWRITE_UNRESOLVED;
    if (!hop->resolved) {
        health = ADJACENCY_SUSPECT;
    }
    if (hop->has_address && hop->reachable && !install->twins[hop->port].running) {
        health = ADJACENCY_DOWN;
    }
    if (health != ADJACENCY_ALIVE && hop->linked) {
        dp_takeover_arm(install->dp, hop->adjacency);
        hop->lost_at = dp_clock(install->dp);
    }
    hop->linked = health == ADJACENCY_ALIVE;
    if (health != ADJACENCY_ALIVE) {
        dp_adjacency_set_state(install->dp, hop->adjacency, ADJACENCY_LINK, health);
    }
    if (dp_adjacency_set(install->dp, hop->adjacency, &rewrite) != 0) {
        log_error("no memory for an adjacency: a next hop keeps its old header");
        return;
    }
    dp_adjacency_set_state(install->dp, hop->adjacency, ADJACENCY_LINK, health);
}

/* Finds anew where the hop leads, and publishes it. */
static void hop_locate(struct install *install, struct hop *hop)
{
    struct hop found = *hop;

    if (hop->reachable) {
        LIST_REMOVE(hop, by_gateway);
    }
    hop->reachable = hop_find(install, hop, &found);
    hop->connected = hop->reachable && found.connected;
    hop->port = found.port;
    hop->gateway = found.gateway;
    hop->path_mtu = hop->reachable ? path_mtu(install, hop) : 0;
    if (hop->reachable) {
        LIST_INSERT_HEAD(&install->by_gateway[bucket(&hop->gateway)], hop, by_gateway);
    }
    hop_publish(install, hop);
    if (!hop->resolved) {
        hop_ask(install, hop);
    }
}

void hop_refresh(struct install *install, struct hop *hop)
{
    bool was_reachable = hop->reachable;

    if (!hop->has_address) {
        return;
    }
    hop_locate(install, hop);
    if (hop->reachable != was_reachable) {
        install->settings.hop_changed(install->settings.owner, hop);
    }
}

static struct hop *create(struct install *install, const struct ip_addr *address, uint8_t on_port,
                          const struct tunnel *tunnel, enum family family)
{
    struct hop *hop = hop_new(install, REWRITE_TX, family);

    if (hop != NULL) {
        hop->on_port = on_port;
        hop->has_address = true;
        hop->address = *address;
        hop->tunnel = *tunnel;
        hop_locate(install, hop);
    }
    return hop;
}

struct hop *hop_create(struct install *install, const struct ip_addr *address, const struct tunnel *tunnel,
                       enum family family)
{
    return create(install, address, 0, tunnel, family);
}

struct hop *hop_get(struct install *install, const struct ip_addr *address, enum family family)
{
    return hop_get_on(install, address, 0, family);
}

struct hop *hop_get_on(struct install *install, const struct ip_addr *address, uint8_t on_port, enum family family)
{
    struct hop_list *list = &install->by_address[bucket(address)];
    struct hop *hop;

    LIST_FOREACH(hop, list, by_address)
    {
        if (hop->family == family && hop->on_port == on_port && ip_addr_equal(&hop->address, address)) {
            return hop_ref(hop);
        }
    }
    hop = create(install, address, on_port, &(struct tunnel){0}, family);
    if (hop != NULL) {
        hop->shared = true;
        LIST_INSERT_HEAD(list, hop, by_address);
    }
    return hop;
}

void hops_refresh(struct install *install, bool indirect_only)
{
    struct hop *hop;

    LIST_FOREACH(hop, &install->hops, link)
    {
        if (!indirect_only || !hop->connected || hop->tunnel.type != TUNNEL_NONE) {
            hop_refresh(install, hop);
        }
    }
}

void hops_refresh_gateway(struct install *install, const struct ip_addr *gateway)
{
    struct hop *hop;

    LIST_FOREACH(hop, &install->by_gateway[bucket(gateway)], by_gateway)
    {
        if (ip_addr_equal(&hop->gateway, gateway)) {
            hop_publish(install, hop);
        }
    }
}

void hop_ask(struct install *install, struct hop *hop)
{
    int result;

    if (!hop->has_address || !hop->reachable ||
        (hop->asked_ms != 0 && install->now_ms - hop->asked_ms < ASK_INTERVAL_MS)) {
        return;
    }
    hop->asked_ms = install->now_ms;
    result = kernel_resolve(install->kernel, install->twins[hop->port].ifindex, &hop->gateway);
    if (result != 0) {
        log_debug("the kernel does not resolve a neighbour: %s", strerror(-result));
    }
}

void hop_set_port(struct install *install, struct hop *hop, unsigned int port)
{
    struct rewrite rewrite = {.kind = hop->rewrite, .port = (uint16_t)port};

    hop->port = (uint16_t)port;
    if (dp_adjacency_set(install->dp, hop->adjacency, &rewrite) != 0) {
        log_error("no memory for an adjacency");
    }
}

void hop_set_address(struct install *install, struct hop *hop, const struct ip_addr *address,
                     const struct tunnel *tunnel)
{
    hop->address = *address;
    hop->tunnel = *tunnel;
    hop->asked_ms = 0;
    hop_refresh(install, hop);
}

void hop_set_state(struct install *install, struct hop *hop, enum adjacency_source source, enum adjacency_health health)
{
    dp_adjacency_set_state(install->dp, hop->adjacency, source, health);
}

const struct hop *install_hop(const struct install *install, uint16_t adjacency)
{
    return adjacency < ADJACENCY_MAX ? install->by_adjacency[adjacency] : NULL;
}

bool hop_is_reachable(const struct hop *hop)
{
    return hop->reachable;
}

bool hop_is_linked(const struct install *install, const struct hop *hop)
{
    union adjacency_state state = {.word = dp_adjacency_state(install->dp, hop->adjacency)};

    return state.bytes[ADJACENCY_LINK] == ADJACENCY_ALIVE;
}

void hop_takeover_arm(struct install *install, const struct hop *hop)
{
    dp_takeover_arm(install->dp, hop->adjacency);
}

bool hop_takeover(struct install *install, const struct hop *hop, bool end, struct takeover *out)
{
    return dp_takeover(install->dp, hop->adjacency, end, out);
}

const struct hop *hop_by_adjacency(const struct install *install, uint16_t adjacency)
{
    return install->by_adjacency[adjacency];
}

uint64_t hop_lost_at(const struct hop *hop)
{
    return hop->lost_at;
}

uint64_t install_clock(const struct install *install)
{
    return dp_clock(install->dp);
}

uint64_t install_clock_hz(const struct install *install)
{
    return dp_clock_hz(install->dp);
}

bool hop_is_direct(const struct hop *hop)
{
    return hop->connected || !hop->has_address;
}

void hop_info(const struct install *install, const struct hop *hop, struct hop_info *out)
{
    *out = (struct hop_info){
        .adjacency = hop->adjacency,
        .reachable = hop->reachable,
        .connected = hop->connected,
        .resolved = hop->resolved,
        .port = hop->port,
        .gateway = hop->gateway,
        .address = hop->address,
        .on_port = hop->on_port,
        .has_address = hop->has_address,
        .state = dp_adjacency_state(install->dp, hop->adjacency),
        .traffic = dp_adjacency_traffic(install->dp, hop->adjacency),
    };
}
