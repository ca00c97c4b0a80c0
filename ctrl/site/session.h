/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions: who owns candidates. A client of the API has one while it is connected, and so has each feed of the
 * daemon's own; the operator has SITE_SESSION_OPERATOR for ever. The key of a candidate is (session, peer, prefix, path
 * id), so that no session can touch another one's.
 *
 * A session outlives its client: what was its stays, marked stale, and is used and ranked as before. A client of the
 * same name and uid finds its session again, says everything anew, and sweeps what it did not say: mark and sweep.
 *
 *     fresh --leave--> stale --stale_s--> long-lived stale --long_lived_stale_s--> swept
 *
 * A feed inside the daemon does this (ctrl/feed/feed.h):
 *
 *     id = site_session_open(site, &(struct site_session_spec){.client = "fpm", ...}, NULL, &error);
 *     peer = site_peer_set(site, &(struct site_peer){.name = "fpm", .session_id = id, ...}, &error), site_peer_id(...);
 *     sync_begin  site_session_mark_stale(site, id, NULL), or of one peer: &peer_id
 *     upsert      site_route_set(site, &prefix, &candidate with .key = {id, peer, path_id}, NULL)
 *     withdraw    site_route_del(site, &prefix, &key, NULL)
 *     sync_end    site_session_sweep(site, id, &peer_id)
 *     after each burst of these: site_commit(site), which decides each prefix that changed once
 *
 * Control thread only. What marks and sweeps walks all prefixes: of a large table in parts (rib_walk()), so that counts
 * are for some time as they were. Whoever depends on them waits for site_session_is_busy() to end, or finishes it.
 */
#ifndef SESSION_H
#define SESSION_H

#include "breaker.h"
#include "site.h"
#include <sys/types.h>

#define SITE_SESSIONS_MAX    4096
#define SITE_STALE_S_DEFAULT 120 /* as BGP's restart time (RFC 4724) is in most routers */

/* What becomes of its candidates when a client has gone without having closed its session. */
enum site_on_disconnect {
    SITE_STALE,    /* stale, and swept in the end */
    SITE_WITHDRAW, /* withdrawn at once */
    SITE_KEEP,     /* stale and never swept; long-lived stale after stale_s, if that was given */
};

struct site_session_spec {
    const char *client; /* with uid: who it is when it comes back */
    const char *source; /* what feeds it, for people; NULL: not told */
    uid_t uid;
    enum site_on_disconnect on_disconnect;
    uint32_t stale_s;
    bool has_stale_s;            /* else SITE_STALE_S_DEFAULT, or with SITE_KEEP for ever */
    uint32_t long_lived_stale_s; /* 0: swept at stale_s */
    bool own;                    /* a feed of the daemon's own, no client of the API */
};

struct site_session {
    char client[SITE_NAME_MAX];
    char source[SITE_NAME_MAX];
    uid_t uid;
    enum site_on_disconnect on_disconnect;
    uint32_t stale_s;
    bool has_stale_s;
    uint32_t long_lived_stale_s;
    bool own;
    /* session_limits.c's: */
    struct prefix *allowed; /* none: anywhere */
    uint32_t allowed_count;
    uint32_t max_prefixes; /* 0: any number */
    /* session_breaker.c's: */
    struct breaker breaker;
    bool rebases;      /* what it has lost was right, and is judged from when it is all gone */
    bool refused;      /* its client was told that it may not withdraw, and waits for somebody to confirm */
    bool breaker_told; /* the log knows that it is tripped */
    /* the site's: */
    uint64_t born;
    bool connected;    /* a client has it now */
    bool closed;       /* by its client, who left its candidates here */
    bool long_lived;   /* what is stale of it is long-lived stale */
    uint64_t since_ms; /* of site_tick()'s clock: opened, or left */
};

/* The client's session: the one that it left, *resumed, or a new one. What it left is stale from now on, if it was not
 * yet. Its id; -EBUSY: a client has it, -ENOSPC, -ENOMEM. resumed may be NULL. */
int site_session_open(struct site *site, const struct site_session_spec *spec, bool *resumed,
                      struct error *error) MUST_USE;
/* The id of the session of this client, or -ENOENT. */
int site_session_find(const struct site *site, const char *client, uid_t uid) MUST_USE;
/* The client has gone. To be committed. */
void site_session_leave(struct site *site, uint16_t id);
/* The end, by its own client's or the operator's word: withdrawn, or left as it is until that client comes back. How
 * many candidates were withdrawn. To be committed. */
size_t site_session_close(struct site *site, uint16_t id, bool withdraw);
/* NULL: no such session. */
const struct site_session *site_session(const struct site *site, uint32_t id);
/* Ids in use are below. */
uint32_t site_session_end(const struct site *site);
/* How many there are, the operator's left out. */
uint32_t site_session_count(const struct site *site);

/* peer_id: of that peer alone; NULL: all. */
void site_session_mark_stale(struct site *site, uint16_t id, const uint16_t *peer_id);
/* Withdraws what is stale; returns how many candidates. To be committed. */
size_t site_session_sweep(struct site *site, uint16_t id, const uint16_t *peer_id);
/* The same of what is held. */
size_t site_session_flush_held(struct site *site, uint16_t id);
/* Withdraws everything. To be committed. */
void site_session_flush(struct site *site, uint16_t id, const uint16_t *peer_id);
/* How many candidates it has. */
size_t site_session_routes(struct site *site, uint16_t id, const uint16_t *peer_id);
/* A walk is under way that changes what is counted of the session. */
bool site_session_is_busy(const struct site *site, uint16_t id);
/* How many are stale. */
size_t site_session_stale(const struct site *site, uint16_t id);

#endif
