/* SPDX-License-Identifier: BSD-3-Clause */
#include "feed_session.h"
#include "log.h"
#include "session_breaker.h"
#include "session_limits.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static_assert(FEED_NAME_MAX == SITE_NAME_MAX, "a feed's peer is a site's");

static int peer_set(void *owner, const struct feed_peer *peer)
{
    struct feed_session *session = owner;
    int known = site_peer_id(session->site, peer->name);
    struct site_peer made = {
        .facts = peer->facts,
        .has_address = peer->has_address,
        .has_router_id = peer->has_router_id,
        .session_id = session->id,
    };
    struct error error;
    int result;

    if (known >= 0 && site_peer(session->site, (uint32_t)known)->session_id != session->id) {
        log_error("%s: the peer \"%s\" belongs to somebody else already", session->name, peer->name);
        return -EEXIST;
    }
    memcpy(made.name, peer->name, sizeof(made.name));
    result = site_peer_set(session->site, &made, &error);
    return result != 0 ? result : site_peer_id(session->site, peer->name);
}

static void peer_del(void *owner, int peer)
{
    struct feed_session *session = owner;
    const struct site_peer *known = site_peer(session->site, (uint32_t)peer);
    struct error error;

    if (known != NULL && site_peer_del(session->site, known->name, &error) != 0) {
        log_error("%s: %s", session->name, error.text);
    }
    site_session_rebase(session->site, session->id);
}

static void flush(void *owner, int peer)
{
    struct feed_session *session = owner;
    uint16_t id = (uint16_t)peer;

    site_session_flush(session->site, session->id, &id);
    site_session_rebase(session->site, session->id);
}

/* What the feed's limits forbid. Its route of before is not what it says any more, so it goes. */
static void refuse(struct feed_session *session, const struct candidate_key *key, const struct prefix *prefix,
                   int result)
{
    struct error error;

    if (!session->told_limit) {
        site_limit_text(session->site, session->id, prefix, result, &error);
        log_warning("%s: a route is refused: %s", session->name, error.text);
        session->told_limit = true;
    }
    site_route_del(session->site, prefix, key, NULL);
}

static int upsert(void *owner, int peer, const struct feed_route *route)
{
    struct feed_session *session = owner;
    struct candidate candidate = {
        .attrs = route->attrs,
        .key = {session->id, (uint16_t)peer, route->path_id},
        .target = route->target,
        .share = route->share,
    };
    int result;

    if (candidate.target.kind == TARGET_NEXT_HOP && ip_addr_is_link_local(&candidate.target.next_hop)) {
        int port = site_port_of(session->site, route->ifindex);

        if (port < 0) { /* an interface that is none of ours */
            site_route_withdraw(session->site, &route->prefix, &candidate.key);
            return -ENODEV;
        }
        candidate.target.on_port = (uint8_t)(port + 1);
    }
    result = site_route_set(session->site, &route->prefix, &candidate, NULL);
    if (result == -EPERM || result == -EDQUOT) {
        refuse(session, &candidate.key, &route->prefix, result);
    } else if (result >= 0) {
        site_session_announced(session->site, session->id, &route->prefix);
    }
    return result;
}

static void withdraw(void *owner, int peer, const struct prefix *prefix, uint32_t path_id)
{
    struct feed_session *session = owner;
    struct candidate_key key = {session->id, (uint16_t)peer, path_id};

    site_route_withdraw(session->site, prefix, &key);
}

static void sync_begin(void *owner, int peer)
{
    struct feed_session *session = owner;
    uint16_t id = (uint16_t)peer;

    site_session_mark_stale(session->site, session->id, peer == FEED_ALL_PEERS ? NULL : &id);
}

static bool sync_end(void *owner, int peer)
{
    struct feed_session *session = owner;
    uint16_t id = (uint16_t)peer;
    const uint16_t *peer_id = peer == FEED_ALL_PEERS ? NULL : &id;
    bool let = true;
    size_t swept;

    if (session->ending) {
        swept = site_session_sweep(session->site, session->id, peer_id);
        site_session_rebase(session->site, session->id);
    } else {
        let = site_session_sweep_if_let(session->site, session->id, peer_id, &swept);
    }

    if (swept > 0) {
        log_notice("%s: %zu routes were not told again: swept", session->name, swept);
    }
    return let;
}

static bool busy(void *owner)
{
    const struct feed_session *session = owner;

    return site_session_is_busy(session->site, session->id);
}

static void commit(void *owner)
{
    struct feed_session *session = owner;
    int result = site_commit(session->site);

    if (result != 0 && !session->told_full) {
        log_error("%s: not every route could be installed: %s", session->name, strerror(-result));
    }
    session->told_full = result != 0;
}

int feed_session_open(struct feed_session *session, struct site *site, uint32_t own_as, const char *name,
                      const char *source, struct error *error)
{
    struct site_session_spec spec = {.client = name, .source = source, .on_disconnect = SITE_KEEP, .own = true};
    int id = site_session_open(site, &spec, NULL, error);

    if (id < 0) {
        return id;
    }
    *session = (struct feed_session){
        .sink = {.attrs = site_attrs(site),
                 .own_as = own_as,
                 .owner = session,
                 .peer_set = peer_set,
                 .peer_del = peer_del,
                 .flush = flush,
                 .upsert = upsert,
                 .withdraw = withdraw,
                 .sync_begin = sync_begin,
                 .sync_end = sync_end,
                 .busy = busy,
                 .commit = commit},
        .site = site,
        .name = name,
        .id = (uint16_t)id,
    };
    return 0;
}

int feed_session_limit(struct feed_session *session, const struct config_limits *limits)
{
    session->told_limit = false;
    return site_session_limit(session->site, session->id,
                              &(struct site_limits){.prefixes = limits->prefixes.items,
                                                    .prefix_count = limits->prefixes.count,
                                                    .max_prefixes = limits->max_prefixes,
                                                    .breaker = {limits->withdraw.max_percent, limits->withdraw.window_s,
                                                                limits->withdraw.min}});
}

void feed_session_close(struct feed_session *session)
{
    site_session_close(session->site, session->id, true);
}

uint32_t feed_session_routes(const struct feed_session *session)
{
    return rib_counts(site_rib(session->site))->of_session[session->id];
}
