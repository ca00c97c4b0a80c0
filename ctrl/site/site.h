/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this site knows and wants: its peers, its instances, the candidate routes, and the decision among them, handed
 * to ctrl/install. The API, the configuration and the feeds all change it through the functions below.
 *
 * Routes change in two steps: site_route_set() and site_route_del() change candidates, site_commit() decides each
 * prefix that changed once, installs it, and counts a generation. Whoever changes peers or instances commits as well.
 *
 * Control thread only. Failures change nothing and set a text.
 */
#ifndef SITE_H
#define SITE_H

#include "best.h"
#include "error.h"
#include "health.h"
#include "install.h"
#include "rib.h"

#define SITE_NAME_MAX      64 /* bytes of a name, with its NUL */
#define SITE_NEXT_HOPS_MAX 16 /* bgp_next_hop addresses of an instance */

#define SITE_SESSION_OPERATOR 0 /* the others: session.h */

struct site_peer {
    char name[SITE_NAME_MAX];
    struct best_peer facts; /* as, type, address, router id */
    bool has_address;
    bool has_router_id;
    bool configured;     /* by the file */
    uint16_t session_id; /* whose it is: it goes with that session */
    uint64_t born;       /* the site's: see site_births() */
};

struct site_instance {
    char name[SITE_NAME_MAX];
    char site[SITE_NAME_MAX]; /* "": not told */
    struct ip_addr next_hop[FAMILIES];
    bool has_next_hop[FAMILIES];
    struct ip_addr bgp_next_hop[SITE_NEXT_HOPS_MAX];
    unsigned int bgp_next_hop_count; /* 0: the next hops and the tunnel's destination */
    struct tunnel tunnel;            /* the next hops are the way to its destination */
    uint16_t weight;
    bool configured;
    struct health_settings checks;
    uint16_t session_id;
    /* the site's: */
    uint64_t born;
    struct health health;
    struct hop_bfd *bfds[FAMILIES]; /* by the peer's family */
    bool linked;                    /* frames could be sent to it at the last tick */
    struct {
        uint64_t at;      /* the workers' clock; 0: never */
        uint64_t packets; /* that it had been sent then */
    } last_good[HEALTH_CHECKS];
    uint64_t drained_at; /* the workers' clock, until its prefixes are decided anew and there is a record; 0: not so */
    uint64_t heartbeat_ms; /* the last one; 0: none yet, the time begins at the next tick */
    uint64_t name_hash;
    struct hop *hops[FAMILIES]; /* by the packets' family: with a next hop of that family, or with a tunnel */
};

struct site_anycast {
    struct prefix prefix;
    struct outcome_traits traits;
};

struct site_settings {
    struct install *install;
    struct best_options decision;
    const struct site_anycast *anycast;
    unsigned int anycast_count;
};

struct site;

/* 0 or -errno. */
int site_create(const struct site_settings *settings, struct site **out) MUST_USE;
/* Takes down everything it installed. NULL is fine. */
void site_destroy(struct site *site);

/* Callbacks for struct install_settings; the owner is the site. */
void site_hop_changed(void *site, const struct hop *hop);
void site_bfd_changed(void *site, const struct hop_bfd *bfd, const struct bfd_event *event);
uint32_t site_decided(void *site, const struct prefix *prefix);

/* Other rules, other anycast prefixes: every prefix is to be decided anew. 0 or -ENOMEM. */
int site_set_rules(struct site *site, const struct best_options *decision, const struct site_anycast *anycast,
                   unsigned int anycast_count) MUST_USE;
/* Failures leave so many instances in use (floor.h); 1 unless it is set. */
void site_set_min_alive(struct site *site, uint32_t min_alive);

/* How many peers, instances and sessions there have been. Ids are used again: whoever keeps one for later keeps this as
 * well, and what was `born` after it is not what was meant. */
uint64_t site_births(const struct site *site);

/* Peers. Ids are stable while the peer lives. -ENOENT: no such. */
int site_peer_set(struct site *site, const struct site_peer *peer, struct error *error) MUST_USE;
/* Withdraws its routes, too. */
int site_peer_del(struct site *site, const char *name, struct error *error) MUST_USE;
int site_peer_id(const struct site *site, const char *name) MUST_USE;
const struct site_peer *site_peer(const struct site *site, uint32_t id);
/* Ids in use are below. */
uint32_t site_peer_end(const struct site *site);

/* Instances. The operator's word and what checks have said outlive a set; a new instance is up. */
int site_instance_set(struct site *site, const struct site_instance *instance, struct error *error) MUST_USE;
/* Withdraws the routes that name it, too. */
int site_instance_del(struct site *site, const char *name, struct error *error) MUST_USE;
int site_instance_id(const struct site *site, const char *name) MUST_USE;
const struct site_instance *site_instance(const struct site *site, uint32_t id);
uint32_t site_instance_end(const struct site *site);
/* Down and up are one store for each family: all its traffic moves at the workers' next packet, no route is touched.
 * Draining changes its place in the ranking, so commit afterwards. */
int site_instance_admin(struct site *site, const char *name, enum health_admin admin, struct error *error) MUST_USE;
/* It says that it is well. -EINVAL: it has no such check. */
int site_instance_heartbeat(struct site *site, const char *name, struct error *error) MUST_USE;
/* A probe's result; why: of a bad one, for the record. What is there no more, or has no such check, is ignored. */
void site_instance_result(struct site *site, uint32_t id, enum health_check check, bool good, const char *why);
/* Fewer than the rules want are alive, and some that failed are used nevertheless. */
bool site_failopen(const struct site *site);
/* CLOCK_MONOTONIC, of the last tick. */
uint64_t site_now_ms(const struct site *site);

/* Routes. The candidate's key names session, peer and path id; its peer and instance must exist; attrs come from
 * site_attrs(). enum rib_change or -errno, of which session_limits.h explains -EPERM and -EDQUOT. *old (NULL: not
 * wanted) as rib_upsert() has it; what it holds is the caller's, to be given back by site_candidate_release(). Setting
 * it again before that needs no memory. */
struct attrs_table *site_attrs(struct site *site);
int site_route_set(struct site *site, const struct prefix *prefix, const struct candidate *candidate,
                   struct candidate *old) MUST_USE;
/* The same for one that was there: its session's limits do not matter. */
int site_route_restore(struct site *site, const struct prefix *prefix, const struct candidate *candidate,
                       struct candidate *old) MUST_USE;
bool site_route_del(struct site *site, const struct prefix *prefix, const struct candidate_key *key,
                    struct candidate *old);
void site_candidate_release(struct site *site, enum family family, const struct candidate *candidate);

/* What the next commits are owed to, in a word that lives as long as the site ("route.update"), and whose it is. */
void site_set_cause(struct site *site, const char *cause, uint16_t session_id);

struct site_ranking;

/* The best candidates of a prefix have changed: others, another order, or the same with other attributes. */
struct site_change {
    const struct prefix *prefix;
    const struct site_ranking *ranking; /* no candidate: count is 0 */
    const struct outcome *before;       /* what was installed; NULL: nothing */
    const struct candidate_key *old;    /* the winner until now; NULL: there was none */
    uint64_t generation;
    const char *cause;
    uint16_t session_id;
};

/* Told of each change within a commit, when it is installed; NULL: nobody is. The callback must not change the site. */
void site_watch(struct site *site, void (*changed)(void *owner, const struct site_change *change), void *owner);

/* Decides and installs what changed. Counts a generation if anything did. 0; or the first -errno of a route that could
 * not be installed: -ENOSPC (tables full), -ENOMEM. Such a route keeps its old outcome, and is tried again. */
int site_commit(struct site *site) MUST_USE;
/* From now on changes are decided by site_commit() (RIB_NOW, as it is at the start and is to be in the end); in parts,
 * between which the loop serves others, by site_commit_part() (RIB_BULK); or not before site_release_held() (RIB_HELD).
 * A prefix that others change meanwhile is decided with theirs. Flushes, sweeps and whatever else looks at all prefixes
 * mark on RIB_BULK once there are some thousands of them. */
void site_mark_on(struct site *site, enum rib_list list);
void site_release_held(struct site *site);
/* Goes on with what walks over a large table, as far as that takes about as long as to decide so many prefixes. False:
 * nothing is left; true: call it again. */
bool site_walk_part(struct site *site, unsigned int most);
/* The same, and then decides and installs so many prefixes at most. False: none is left, and the generation is counted;
 * true: call it again. Those that could not be installed are told by site_route_pending(). */
bool site_commit_part(struct site *site, unsigned int most);
uint64_t site_generation(const struct site *site);
/* The prefix has another outcome than was decided, for want of room. */
bool site_route_pending(const struct site *site, const struct prefix *prefix);
/* How often a route could not be installed; unchanged: none has become pending since. */
uint64_t site_failures(const struct site *site);
/* Every 10 ms: decides anew what hops that came or went have touched, and looks after the health of instances. */
void site_tick(struct site *site, uint64_t now_ms);

/* The number of the port whose kernel twin has this index; -ENOENT: none. */
int site_port_of(const struct site *site, uint32_t ifindex) MUST_USE;

const struct rib *site_rib(const struct site *site);

struct place;

/* The decision for one prefix as it stands, for people who ask. */
struct site_ranking {
    uint32_t count;
    uint32_t eligible;
    const struct candidate *candidates; /* in the RIB's order; valid until it changes */
    struct contender *contenders;       /* parallel */
    struct place *places;               /* parallel; the site's own */
    struct verdict *verdicts;           /* parallel */
    uint32_t *ranking;                  /* indexes, best first */
    struct best_options options;
    void *memory;
};
/* -ENOENT: no candidate for this prefix. */
int site_rank(struct site *site, const struct prefix *prefix, struct site_ranking *out) MUST_USE;
void site_ranking_free(struct site_ranking *ranking);

/* The instance that a hop belongs to, or NULL. */
const struct site_instance *site_instance_of_hop(const struct site *site, const struct hop *hop);
/* The instance that a candidate's target means, or NULL. */
const struct site_instance *site_target_instance(const struct site *site, const struct target *target);

#endif
