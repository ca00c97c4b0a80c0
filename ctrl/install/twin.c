/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and their netdevs; what XDP takes from each. */
#include "install_private.h"
#include "log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOPBACK 1 /* ifindex, in every namespace */

static bool is_anycast(const struct install *install, const struct prefix *prefix)
{
    for (unsigned int i = 0; i < install->anycast_count; i++) {
        if (prefix_equal(&install->anycast[i], prefix)) {
            return true;
        }
    }
    return false;
}

/* One prefix on one port, derived from what is true now. */
static void twin_set(struct install *install, struct twin *twin, const struct prefix *prefix, bool local)
{
    char text[PREFIX_STRLEN];
    int result;

    if (twin->steer == NULL) {
        return;
    }
    if (local) {
        result = steer_set(twin->steer, prefix, STEER_PASS);
    } else if (twin->mode == STEER_ANYCAST && is_anycast(install, prefix)) {
        result = steer_set(twin->steer, prefix, STEER_REDIRECT);
    } else {
        result = steer_del(twin->steer, prefix);
    }
    if (result != 0) {
        log_error("port %s: XDP does not take %s: %s", twin->name, prefix_format(prefix, text), strerror(-result));
    }
}

void twins_set_local(struct install *install, const struct prefix *prefix, bool local)
{
    for (unsigned int i = 0; i < install->twin_count; i++) {
        twin_set(install, &install->twins[i], prefix, local);
    }
}

void twins_set_bfd(struct install *install, const struct bfd_path *path, uint32_t discriminator)
{
    for (unsigned int i = 0; i < install->twin_count; i++) {
        struct twin *twin = &install->twins[i];
        int result = 0;

        if (twin->steer != NULL) {
            result = steer_set_bfd(twin->steer, &path->local, &path->peer, path->multihop, discriminator);
        }
        if (result != 0) {
            log_error("port %s: XDP does not take a BFD session: %s", twin->name, strerror(-result));
        }
    }
}

int install_set_anycast(struct install *install, const struct prefix *prefixes, unsigned int count)
{
    struct prefix *old = install->anycast;
    unsigned int old_count = install->anycast_count;
    struct prefix *copy = calloc(count + 1, sizeof(*copy));

    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, prefixes, count * sizeof(*copy));
    install->anycast = copy;
    install->anycast_count = count;
    /* both lists: each prefix is made what it should be now */
    for (unsigned int i = 0; i < old_count + count; i++) {
        const struct prefix *prefix = i < old_count ? &old[i] : &copy[i - old_count];

        system_refresh(install, prefix);
    }
    free(old);
    return 0;
}

static int twin_attach(struct install *install, struct twin *twin, const char *object, struct error *error)
{
    const struct kernel_link *link = kernel_link_by_name(install->kernel, twin->netdev);
    struct error reason;
    int result;

    if (link == NULL) {
        return error_set(error, -ENODEV, "port %s: there is no interface %s", twin->name, twin->netdev);
    }
    result = steer_attach(object, link->ifindex, twin->netdev, twin->mode, &twin->steer, &reason);
    if (result != 0) {
        return error_set(error, result, "port %s: %s", twin->name, reason.text);
    }
    twin->attached = link->ifindex;
    for (unsigned int i = 0; i < install->anycast_count; i++) {
        twin_set(install, twin, &install->anycast[i], false);
    }
    return 0;
}

/* As system_refresh() keeps them; here before there is a socket that a transit port would redirect them to. */
static void pass_local(struct install *install)
{
    const struct kernel_address *address = NULL;

    while ((address = kernel_address_next(install->kernel, address)) != NULL) {
        struct prefix host = prefix_host(&address->addr);

        twins_set_local(install, &host, true);
    }
}

/* All frames of the VLAN of a sub-interface are ours, if the device's are told apart by XDP. */
static int vlan_attach(struct install *install, const struct twin *twin, struct error *error)
{
    struct twin *parent = &install->twins[twin->parent];
    int result = parent->steer != NULL ? steer_set_vlan(parent->steer, twin->vlan, STEER_REDIRECT) : 0;

    return result == 0 ? 0
                       : error_set(error, result, "port %s: XDP does not take VLAN %u: %s", twin->name, twin->vlan,
                                   strerror(-result));
}

int twins_attach(struct install *install, const char *object, struct error *error)
{
    for (unsigned int i = 0; i < install->twin_count; i++) {
        struct twin *twin = &install->twins[i];
        int result = 0;

        if (twin->xdp) {
            result = twin_attach(install, twin, object, error);
        } else if (twin->vlan != 0) {
            result = vlan_attach(install, twin, error);
        }
        if (result != 0) {
            return result;
        }
    }
    pass_local(install);
    return 0;
}

static bool is_netdev(const struct twin *twin, const struct kernel_link *link)
{
    if (link == NULL) {
        return false;
    }
    return twin->xdp ? twin->attached == link->ifindex : strcmp(twin->netdev, link->name) == 0;
}

bool twin_link_up(const struct install *install, unsigned int port)
{
    const struct twin *twin = &install->twins[port];
    const struct kernel_link *link;

    if (twin->vlan != 0) {
        return twin_link_up(install, twin->parent);
    }
    if (!twin->xdp) { /* a TAP twin is no wire: the port's link is the driver's */
        return dp_port_link_up(install->dp, port);
    }
    link = kernel_link_get(install->kernel, twin->ifindex);
    return link != NULL && link->running;
}

static uint32_t netdev_mtu(const struct install *install, unsigned int port)
{
    const struct kernel_link *link = kernel_link_get(install->kernel, install->twins[port].ifindex);

    return link != NULL && link->mtu < UINT16_MAX ? link->mtu : UINT16_MAX;
}

/* A TAP says less than the port may have; only when it was given less than that it counts. */
static uint16_t port_mtu(const struct install *install, unsigned int index)
{
    const struct port *port = dp_port(install->dp, index);
    uint32_t netdev = netdev_mtu(install, index);

    if (port->twin_device != PORT_NONE && netdev >= PORT_TWIN_MTU) {
        return port->mtu;
    }
    return (uint16_t)(netdev < port->mtu_max ? netdev : port->mtu_max);
}

uint16_t install_mtu(const struct install *install, unsigned int port)
{
    const struct twin *twin = &install->twins[port];
    uint16_t own = port_mtu(install, port);
    uint16_t parent = twin->vlan != 0 ? port_mtu(install, twin->parent) : own;

    return own < parent ? own : parent;
}

/* A port's state, and its sub-interfaces'. */
static void refresh_running(struct install *install, unsigned int port)
{
    for (unsigned int i = 0; i < install->twin_count; i++) {
        struct twin *twin = &install->twins[i];

        if (i == port || (twin->vlan != 0 && twin->parent == port)) {
            twin->running = twin->ifindex != 0 && twin_link_up(install, i);
        }
    }
}

static void twin_follow(struct install *install, struct twin *twin, const struct kernel_link *link)
{
    unsigned int port = (unsigned int)(twin - install->twins);

    twin->ifindex = link->ifindex;
    install->ifindexes[port] = link->ifindex;
    refresh_running(install, port);
    if (twin->vlan == 0) {
        dp_port_set_mac(install->dp, port, link->mac);
    }
    if (twin->steer != NULL && steer_set_mac(twin->steer, link->mac) != 0) {
        log_error("port %s: XDP does not take the MAC address", twin->name);
    }
}

static void twin_lose(struct install *install, struct twin *twin, bool deleted)
{
    twin->ifindex = 0;
    install->ifindexes[twin - install->twins] = 0;
    refresh_running(install, (unsigned int)(twin - install->twins));
    if (deleted && twin->xdp) {
        twin->attached = 0;
        log_error("port %s: interface %s was deleted; the port is down until a restart", twin->name, twin->netdev);
    }
}

bool twins_refresh(struct install *install, const struct kernel_link *old, const struct kernel_link *now)
{
    bool any = false;

    for (unsigned int i = 0; i < install->twin_count; i++) {
        struct twin *twin = &install->twins[i];
        bool was = is_netdev(twin, old);

        if (is_netdev(twin, now)) {
            twin_follow(install, twin, now);
        } else if (was) {
            twin_lose(install, twin, now == NULL);
        } else {
            continue;
        }
        any = true;
    }
    return any;
}

/* NULL: the interface has none of that family. */
static const struct ip_addr *first_address(const struct install *install, uint32_t ifindex, enum family family)
{
    const struct kernel_address *address = NULL;

    while ((address = kernel_address_next(install->kernel, address)) != NULL) {
        if (address->ifindex == ifindex && address->addr.family == family && !ip_addr_is_link_local(&address->addr) &&
            !ip_addr_is_loopback(&address->addr)) {
            return &address->addr;
        }
    }
    return NULL;
}

/* The port's own, or if it has no number, another of this machine's (RFC 1812 4.3.2.4). */
static const struct ip_addr *speaking_address(const struct install *install, unsigned int port, enum family family)
{
    const struct ip_addr *address = first_address(install, install->ifindexes[port], family);

    if (address == NULL) {
        address = first_address(install, LOOPBACK, family);
    }
    for (unsigned int i = 0; i < install->twin_count && address == NULL; i++) {
        address = first_address(install, install->ifindexes[i], family);
    }
    return address;
}

void twins_refresh_addresses(struct install *install)
{
    for (unsigned int port = 0; port < install->twin_count; port++) {
        if (dp_port_set_addresses(install->dp, port, speaking_address(install, port, FAMILY_V4),
                                  speaking_address(install, port, FAMILY_V6)) != 0) {
            log_error("port %s: no memory for its addresses", install->twins[port].name);
        }
    }
}

int install_port_of(const struct install *install, uint32_t ifindex)
{
    for (unsigned int i = 0; i < install->twin_count; i++) {
        if (ifindex != 0 && install->ifindexes[i] == ifindex) {
            return (int)i;
        }
    }
    return -ENODEV;
}

int install_xdp_counters(struct install *install, unsigned int port, struct steer_counters *out)
{
    struct steer *steer = install->twins[port].steer;

    return steer != NULL ? steer_counters_get(steer, out) : -ENOENT;
}
