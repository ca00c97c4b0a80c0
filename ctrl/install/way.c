/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways of this host's own packets to a hop. Into a tunnel there are two, one after the other: inside, to the program
 * that puts the header before the packet; outside, to the next hop, which is the tunnel's as well.
 */
#include "install_private.h"
#include "log.h"
#include <errno.h>
#include <limits.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>

#define ENCAP_OBJECT "encap.bpf.o"

static uint32_t outer_mark(uint32_t mark, enum family inner)
{
    return mark + ((uint32_t)inner + 1) * 0x10000;
}

bool hop_way(const struct install *install, const struct hop *hop, struct install_way *out)
{
    if (!hop->has_address || !hop->reachable || install->twins[hop->port].ifindex == 0) {
        return false;
    }
    *out = (struct install_way){
        .ifindex = install->twins[hop->port].ifindex,
        .link_changes = install->link_changes,
        .gateway = hop->gateway,
        .tunnel = hop->tunnel,
        .family = hop->family,
    };
    return true;
}

/* Loaded when the first tunnel needs it, once; a kernel that refuses it is told in the log. */
static struct encap *encap_of(struct install *install)
{
    const char *steer = install->settings.bpf_object;
    const char *slash = strrchr(steer, '/');
    char path[PATH_MAX];
    struct error error;

    if (install->encap != NULL || install->encap_refused) {
        return install->encap;
    }
    snprintf(path, sizeof(path), "%.*s%s", slash != NULL ? (int)(slash + 1 - steer) : 0, steer, ENCAP_OBJECT);
    if (encap_open(path, &install->encap, &error) != 0) {
        log_error("no probe goes through a tunnel: %s", error.text);
        install->encap_refused = true;
    }
    return install->encap;
}

/* IPv6 has no route by an IPv4 gateway: such packets go where the kernel's own routes lead. */
static bool gateway_serves(const struct install_way *way)
{
    return way->tunnel.destination.family == FAMILY_V4 || way->gateway.family == FAMILY_V6;
}

static int set_outside(struct install *install, uint32_t mark, const struct install_way *way)
{
    const struct kernel_way outside = {
        .ifindex = way->ifindex, .gateway = way->gateway, .family = way->tunnel.destination.family};

    return gateway_serves(way) ? kernel_way_set(install->kernel, mark, &outside) : 0;
}

static int set_header(struct install *install, uint32_t mark, const struct install_way *way, uint32_t onward)
{
    struct rewrite rewrite = {.header_length = ETH_HLEN};

    tunnel_add_header(&way->tunnel, (enum family)way->family, &rewrite);
    return encap_set(install->encap, mark, (enum family)way->family, rewrite.header + rewrite.outer,
                     tunnel_overhead(&way->tunnel), gateway_serves(way) ? onward : 0);
}

/* Outside first: what comes out of the program has its way already. */
static int set_tunnel(struct install *install, uint32_t mark, const struct install_way *way)
{
    uint32_t outer = outer_mark(mark, (enum family)way->family);
    struct kernel_way inside = {
        .ifindex = way->ifindex, .family = way->family, .headroom = (uint8_t)tunnel_overhead(&way->tunnel)};
    int result;

    if (encap_of(install) == NULL) {
        return -EOPNOTSUPP;
    }
    inside.program = encap_program(install->encap);
    result = set_outside(install, outer, way);
    if (result == 0) {
        result = set_header(install, mark, way, outer);
    }
    return result == 0 ? kernel_way_set(install->kernel, mark, &inside) : result;
}

static void clear_tunnel(struct install *install, uint32_t mark, enum family inner)
{
    if (install->encap == NULL) {
        return;
    }
    encap_del(install->encap, mark, inner);
    for (int family = 0; family < FAMILIES; family++) {
        kernel_way_del(install->kernel, outer_mark(mark, inner), (enum family)family);
    }
}

int install_way_set(struct install *install, uint32_t mark, const struct install_way *way)
{
    const struct kernel_way direct = {.ifindex = way->ifindex, .gateway = way->gateway, .family = way->family};

    clear_tunnel(install, mark, (enum family)way->family); /* one to elsewhere */
    return way->tunnel.type != TUNNEL_NONE ? set_tunnel(install, mark, way)
                                           : kernel_way_set(install->kernel, mark, &direct);
}

void install_way_del(struct install *install, uint32_t mark, enum family family)
{
    kernel_way_del(install->kernel, mark, family);
    clear_tunnel(install, mark, family);
}

void install_ways_flush(struct install *install)
{
    kernel_ways_flush(install->kernel);
}

void ways_close(struct install *install)
{
    encap_close(install->encap);
}
