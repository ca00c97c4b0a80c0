/* SPDX-License-Identifier: BSD-3-Clause */
/* The BFD sessions of an instance: one with each next hop, or one with the peer that it names or its tunnel leads to.
 */
#include "log.h"
#include "site_private.h"
#include <string.h>

/* Over a way of its own, which is the next hop's without a tunnel. */
static void add_session(struct site *site, struct site_instance *instance, struct hop_bfd_spec *spec,
                        const struct ip_addr *way)
{
    static const struct tunnel none;
    enum family family = (enum family)spec->peer.family;

    spec->timers = instance->checks.bfd.timers;
    spec->via = hop_create(site->install, way, &none, family);
    if (spec->via != NULL) {
        instance->bfds[family] = hop_bfd_create(site->install, spec);
        hop_put(site->install, spec->via); /* the session holds it */
    }
    if (instance->bfds[family] == NULL) {
        log_error("no memory for a BFD session of instance %s", instance->name);
    }
}

static void add_target(struct hop_bfd_spec *spec, struct hop *hop)
{
    if (hop != NULL) {
        spec->targets[spec->target_count++] = hop;
    }
}

void site_bfd_start(struct site *site, struct site_instance *instance)
{
    const struct bfd_check *check = &instance->checks.bfd;
    bool tunnelled = instance->tunnel.type != TUNNEL_NONE;

    if (!check->wanted) {
        return;
    }
    if (check->has_peer || tunnelled) {
        struct hop_bfd_spec spec = {.peer = check->has_peer ? check->peer : instance->tunnel.destination,
                                    .local = instance->tunnel.source,
                                    .has_local = tunnelled && !check->has_peer,
                                    .multihop = true};

        add_target(&spec, instance->hops[FAMILY_V4]);
        add_target(&spec, instance->hops[FAMILY_V6]);
        add_session(site, instance, &spec, site_instance_way(instance, (enum family)spec.peer.family));
        return;
    }
    for (int family = 0; family < FAMILIES; family++) {
        struct hop_bfd_spec spec = {.peer = instance->next_hop[family], .multihop = check->multihop};

        if (instance->has_next_hop[family]) {
            add_target(&spec, instance->hops[family]);
            add_session(site, instance, &spec, &instance->next_hop[family]);
        }
    }
}

void site_bfd_stop(struct site *site, struct site_instance *instance)
{
    for (int family = 0; family < FAMILIES; family++) {
        hop_bfd_destroy(site->install, instance->bfds[family]);
        instance->bfds[family] = NULL;
    }
}

static bool same_way(const struct site_instance *a, const struct site_instance *b)
{
    for (int family = 0; family < FAMILIES; family++) {
        if (a->has_next_hop[family] != b->has_next_hop[family] ||
            (a->has_next_hop[family] && !ip_addr_equal(&a->next_hop[family], &b->next_hop[family]))) {
            return false;
        }
    }
    return memcmp(&a->tunnel, &b->tunnel, sizeof(a->tunnel)) == 0;
}

bool site_bfd_same(const struct site_instance *a, const struct site_instance *b)
{
    const struct bfd_check *x = &a->checks.bfd, *y = &b->checks.bfd;

    return x->wanted == y->wanted && x->multihop == y->multihop && x->has_peer == y->has_peer &&
           x->timers.min_tx_us == y->timers.min_tx_us && x->timers.min_rx_us == y->timers.min_rx_us &&
           x->timers.multiplier == y->timers.multiplier && (!x->has_peer || ip_addr_equal(&x->peer, &y->peer)) &&
           same_way(a, b);
}

void site_bfd_hold(struct site *site, const struct site_instance *instance, bool hold)
{
    for (int family = 0; family < FAMILIES; family++) {
        if (instance->bfds[family] != NULL) {
            hop_bfd_hold(site->install, instance->bfds[family], hold);
        }
    }
}

bool site_bfd_passes(const struct site *site, const struct site_instance *instance)
{
    for (int family = 0; family < FAMILIES; family++) {
        struct hop_bfd_info info;

        if (instance->bfds[family] == NULL) {
            continue;
        }
        hop_bfd_info(site->install, instance->bfds[family], &info);
        if (!info.status.usable) {
            return false;
        }
    }
    return true;
}
