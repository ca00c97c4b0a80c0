/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share. */
#ifndef SITE_PRIVATE_H
#define SITE_PRIVATE_H

#include "failover.h"
#include "names.h"
#include "session.h"
#include "site.h"

/* Hops whose reachability changed since the last tick; beyond that every prefix is decided anew. */
#define CHANGED_MAX 16

/* The instance that a next hop was found to belong to: instances may be a thousand, and routes a million. */
#define ATTRACTED_SLOTS 1024

struct attracted {
    const struct site_instance *instance; /* NULL: it belongs to none */
    struct ip_addr next_hop;
    bool known;
};

struct site {
    struct install *install;
    struct best_options decision;
    struct site_anycast *anycast;
    unsigned int anycast_count;
    struct attrs_table *attrs;
    struct rib *rib;
    struct names peer_names;
    struct site_peer **peers; /* by number; NULL: free */
    struct names instance_names;
    struct site_instance **instances;
    struct attracted *attracted;    /* by the hash of the next hop; forgotten when an instance changes */
    struct site_session **sessions; /* by id, SITE_SESSIONS_MAX; NULL: free */
    uint32_t session_end;
    uint64_t births;
    uint64_t generation;
    bool bulk_changed; /* parts of a large commit have changed something, and its generation is to be counted */
    const char *cause;
    uint16_t cause_session;
    void (*watcher)(void *owner, const struct site_change *change); /* NULL: nobody watches */
    void *watcher_owner;
    bool pending;      /* some routes could not be installed: tried again now and then */
    uint64_t failures; /* to install one, so far */
    void *scratch;     /* of the decision that is being made */
    size_t scratch_bytes;
    uint64_t retried_ms;
    uint64_t now_ms; /* of the last tick */
    uint32_t min_alive;
    bool failopen;
    bool drained; /* some instance has a drained_at */
    uint64_t failover_count;
    struct failover_histograms failover_histograms;
    struct site_failover failovers[FAILOVERS_KEPT]; /* by sequence */
    bool health_changed;                            /* somebody's, or the rules: the floor is to be looked at */
    struct target changed[CHANGED_MAX];
    unsigned int changed_count; /* CHANGED_MAX + 1: more than fit */
};

/* Where a candidate leads to. */
struct place {
    struct hop *hop;     /* NULL: nowhere */
    const char *why_not; /* not eligible, and why; else NULL */
    uint32_t igp_cost;
    uint16_t weight;
    bool draining;
    uint64_t hash;
};

/* Borrows the hop. */
struct place site_place(struct site *site, const struct target *target, enum family family);
/* Candidates with a next hop of no instance hold its hop, so that its reachability is known. 0 or -ENOMEM. */
int site_hold_target(struct site *site, const struct target *target, enum family family) MUST_USE;
void site_release_target(struct site *site, const struct target *target, enum family family);
/* Marks dirty what leads to the instance, by name or by next hop. */
void site_mark_instance(struct site *site, uint32_t id);
/* Marks dirty the prefixes that have a selected candidate. */
void site_mark(struct site *site, const struct rib_selector *selector);
/* The table is so large that what walks over it does so in parts. */
bool site_is_large(const struct site *site);
/* Work on all entries: at once, or, if there are many, as rib_walk() has it, so that what it marks is decided in parts
 * as well. */
void site_walk(struct site *site, const struct rib_work *work);
/* Marks every prefix dirty. */
void site_mark_all(struct site *site);
/* Where packets of a family go first; NULL: it takes none. */
const struct ip_addr *site_instance_way(const struct site_instance *instance, enum family family);

/* failover.c */
/* Before the instance's adjacencies are flipped. */
void site_failover_arm(struct site *site, const struct site_instance *instance);
/* Afterwards: cause, times and packets are the caller's. */
void site_failover_add(struct site *site, const struct site_instance *instance, const struct site_failover *what,
                       const char *detail);
void site_failovers_tick(struct site *site);
/* When no prefix is left to walk over or to decide: the instances that were drained. */
void site_failovers_drained(struct site *site);
/* That it was sent so far. */
uint64_t site_instance_packets(const struct site *site, const struct site_instance *instance);

/* instance_bfd.c */
void site_bfd_start(struct site *site, struct site_instance *instance);
void site_bfd_stop(struct site *site, struct site_instance *instance);
/* The sessions of one will do for the other. */
bool site_bfd_same(const struct site_instance *a, const struct site_instance *b);
/* They are used whatever their sessions say. */
void site_bfd_hold(struct site *site, const struct site_instance *instance, bool hold);
bool site_bfd_passes(const struct site *site, const struct site_instance *instance);

/* instance_health.c */
void site_health_start(struct site_instance *instance);
/* Other checks than before. */
void site_health_follow(struct site *site, struct site_instance *instance);
/* Gives the states of all instances to their hops, as the floor lets them be. */
void site_health_apply(struct site *site);
void site_health_tick(struct site *site);

/* session_limits.c */
/* 0; -EPERM: the session may have no route there; -EDQUOT: no further one. */
int site_limits_check(struct site *site, uint16_t id, const struct prefix *prefix) MUST_USE;

/* session_breaker.c */
/* What is counted of the session from now on is all that there is to count: a judgement depends on it. */
void site_session_settle(struct site *site, uint16_t id);
void site_session_breaker_tick(struct site *site, uint16_t id);

/* session.c */
int site_sessions_create(struct site *site) MUST_USE;
void site_sessions_free(struct site *site);
/* What has been stale long enough. True: something is to be committed. */
bool site_sessions_tick(struct site *site);
/* Withdraws selected candidates and lets go of what they hold. */
void site_flush(struct site *site, const struct rib_selector *selector);

#endif
