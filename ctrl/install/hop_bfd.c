/* SPDX-License-Identifier: BSD-3-Clause */
/* BFD sessions follow the hops that they watch, as these follow the kernel. */
#include "install_private.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_SESSION (-1)

struct hop_bfd {
    LIST_ENTRY(hop_bfd) link;
    struct hop_bfd_spec spec;
    int session; /* NO_SESSION: nothing leads to the peer */
    struct bfd_path path;
    uint16_t port;
};

/* The address that the peer knows us by; false: we have none. */
static bool find_local(const struct install *install, const struct hop_bfd *bfd, struct ip_addr *out)
{
    const struct hop_bfd_spec *spec = &bfd->spec;
    const struct kernel_address *connected =
        kernel_connected(install->kernel, &spec->peer, install->ifindexes, install->twin_count);
    struct kernel_route route;

    if (spec->has_local) {
        *out = spec->local;
        return true;
    }
    if (connected != NULL) {
        *out = connected->addr;
        return true;
    }
    if (!spec->multihop || kernel_route_get(install->kernel, &spec->peer, &route) != 0 || !route.has_source) {
        return false;
    }
    *out = route.source;
    return true;
}

static void stop(struct install *install, struct hop_bfd *bfd)
{
    if (bfd->session == NO_SESSION) {
        return;
    }
    twins_set_bfd(install, &bfd->path, 0);
    dp_bfd_del(install->dp, (uint32_t)bfd->session);
    install->bfd_by_session[bfd->session] = NULL;
    bfd->session = NO_SESSION;
}

static void start(struct install *install, struct hop_bfd *bfd)
{
    struct bfd_spec spec = {
        .path = bfd->path,
        .timers = bfd->spec.timers,
        .port = bfd->port,
        .via = bfd->spec.via->adjacency,
        .target_count = bfd->spec.target_count,
    };
    char text[IP_ADDR_STRLEN];

    for (unsigned int i = 0; i < spec.target_count; i++) {
        spec.targets[i] = bfd->spec.targets[i]->adjacency;
    }
    bfd->session = dp_bfd_add(install->dp, &spec);
    if (bfd->session < 0) {
        log_error("no BFD session with %s: %s", ip_addr_format(&bfd->path.peer, text),
                  bfd->session == -EEXIST ? "another instance has one with the same addresses"
                                          : strerror(-bfd->session));
        bfd->session = NO_SESSION;
        return;
    }
    install->bfd_by_session[bfd->session] = bfd;
    twins_set_bfd(install, &bfd->path, dp_bfd_discriminator(install->dp, (uint32_t)bfd->session));
}

/* Makes the session what the hop's place and our addresses say. */
static void follow(struct install *install, struct hop_bfd *bfd)
{
    struct bfd_path path = {.peer = bfd->spec.peer, .multihop = bfd->spec.multihop};
    bool possible = bfd->spec.via->reachable && find_local(install, bfd, &path.local);

    if (possible && bfd->session != NO_SESSION && bfd->port == bfd->spec.via->port &&
        ip_addr_equal(&path.local, &bfd->path.local)) {
        return;
    }
    stop(install, bfd);
    if (possible) {
        bfd->path = path;
        bfd->port = bfd->spec.via->port;
        start(install, bfd);
    }
}

void hop_bfds_follow(struct install *install)
{
    struct hop_bfd *bfd;

    LIST_FOREACH(bfd, &install->bfds, link)
    {
        follow(install, bfd);
    }
}

void hop_bfd_events(struct install *install)
{
    struct bfd_event event;

    while (dp_bfd_event(install->dp, &event)) {
        const struct hop_bfd *bfd = install->bfd_by_session[event.id];

        if (bfd != NULL && dp_bfd_discriminator(install->dp, event.id) == event.discriminator) {
            install->settings.bfd_changed(install->settings.owner, bfd, &event);
        }
    }
}

struct hop_bfd *hop_bfd_create(struct install *install, const struct hop_bfd_spec *spec)
{
    struct hop_bfd *bfd = calloc(1, sizeof(*bfd));

    if (bfd == NULL) {
        return NULL;
    }
    bfd->spec = *spec;
    bfd->session = NO_SESSION;
    hop_ref(bfd->spec.via);
    for (unsigned int i = 0; i < spec->target_count; i++) {
        hop_ref(bfd->spec.targets[i]);
    }
    LIST_INSERT_HEAD(&install->bfds, bfd, link);
    follow(install, bfd);
    return bfd;
}

void hop_bfd_destroy(struct install *install, struct hop_bfd *bfd)
{
    if (bfd == NULL) {
        return;
    }
    stop(install, bfd);
    LIST_REMOVE(bfd, link);
    for (unsigned int i = 0; i < bfd->spec.target_count; i++) {
        hop_put(install, bfd->spec.targets[i]);
    }
    hop_put(install, bfd->spec.via);
    free(bfd);
}

void hop_bfd_hold(struct install *install, struct hop_bfd *bfd, bool hold)
{
    if (bfd->session != NO_SESSION) {
        dp_bfd_hold(install->dp, (uint32_t)bfd->session, hold);
    }
}

void hop_bfd_info(const struct install *install, const struct hop_bfd *bfd, struct hop_bfd_info *out)
{
    *out = (struct hop_bfd_info){
        .path = {.peer = bfd->spec.peer, .multihop = bfd->spec.multihop},
        .runs = bfd->session != NO_SESSION,
        .status = {.state = BFD_DOWN, .usable = true},
    };
    if (out->runs) {
        out->path = bfd->path;
        dp_bfd_status(install->dp, (uint32_t)bfd->session, &out->status);
    }
}
