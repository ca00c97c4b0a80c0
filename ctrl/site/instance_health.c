/* SPDX-License-Identifier: BSD-3-Clause */
/* What the health of instances means for the traffic that they get. */
#include "floor.h"
#include "log.h"
#include "site_private.h"
#include <errno.h>
#include <stdlib.h>

#define TOGETHER_MS 1000 /* at least: failures that come this close to each other may have one cause */

static uint32_t checks_of(const struct site_instance *instance)
{
    uint32_t checks = (instance->checks.heartbeat_ttl_ms != 0 ? 1u << CHECK_HEARTBEAT : 0) |
                      (instance->checks.bfd.wanted ? 1u << CHECK_BFD : 0);

    for (int check = 0; check < HEALTH_CHECKS; check++) {
        checks |= instance->checks.probes[check].interval_ms != 0 ? 1u << check : 0;
    }
    return checks;
}

void site_health_start(struct site_instance *instance)
{
    health_init(&instance->health, &instance->checks.rules);
    instance->heartbeat_ms = 0;
}

void site_health_follow(struct site *site, struct site_instance *instance)
{
    health_configure(&instance->health, &instance->checks.rules, checks_of(instance), site->now_ms);
    site_health_apply(site);
}

static void set_hops(struct site *site, const struct site_instance *instance, enum adjacency_source source,
                     enum adjacency_health health)
{
    for (int family = 0; family < FAMILIES; family++) {
        if (instance->hops[family] != NULL) {
            hop_set_state(site->install, instance->hops[family], source, health);
        }
    }
}

static bool is_linked(const struct site *site, const struct site_instance *instance)
{
    for (int family = 0; family < FAMILIES; family++) {
        if (instance->hops[family] != NULL && hop_is_linked(site->install, instance->hops[family])) {
            return true;
        }
    }
    return false;
}

/* The longest time that a check of the instance takes to fail. */
static uint32_t fails_within_ms(const struct site_instance *instance)
{
    const struct health_settings *checks = &instance->checks;
    uint32_t most = checks->heartbeat_ttl_ms;

    for (int check = 0; check < HEALTH_CHECKS; check++) {
        const struct probe_settings *probe = &checks->probes[check];
        uint32_t ms = probe->interval_ms * checks->rules.fall + probe->timeout_ms;

        most = ms > most ? ms : most;
    }
    return most;
}

/* Failures of a checker that went blind lie as far apart as its checks do. */
static uint32_t together_ms(const struct site *site)
{
    uint32_t most = TOGETHER_MS;

    for (uint32_t id = 0; id < site->instance_names.end; id++) {
        const struct site_instance *instance = site->instances[id];

        if (instance != NULL && fails_within_ms(instance) > most) {
            most = fails_within_ms(instance);
        }
    }
    return most;
}

static bool keep_floor(struct site *site)
{
    struct health **healths = calloc(site->instance_names.end + 1, sizeof(struct health *));
    size_t n = 0;
    bool failopen;

    if (healths == NULL) {
        log_error("no memory to look at the health of all instances");
        return site->failopen;
    }
    for (uint32_t id = 0; id < site->instance_names.end; id++) {
        struct site_instance *instance = site->instances[id];

        if (instance != NULL) {
            instance->health.reachable = is_linked(site, instance);
            healths[n++] = &instance->health;
        }
    }
    failopen = health_floor(healths, n, site->min_alive, together_ms(site));
    free(healths);
    return failopen;
}

static void tell_failopen(struct site *site, bool failopen)
{
    if (failopen && !site->failopen) {
        log_warning("failopen: fewer than %u instances are alive by their checks; the last good ones stay in use",
                    site->min_alive);
    } else if (!failopen && site->failopen) {
        log_notice("failopen is over: enough instances are alive");
    }
    site->failopen = failopen;
}

void site_health_apply(struct site *site)
{
    tell_failopen(site, keep_floor(site));
    for (uint32_t id = 0; id < site->instance_names.end; id++) {
        const struct site_instance *instance = site->instances[id];

        if (instance != NULL) {
            const struct health *health = &instance->health;

            set_hops(site, instance, ADJACENCY_ADMIN,
                     health->admin == HEALTH_ADMIN_DOWN ? ADJACENCY_DOWN : ADJACENCY_ALIVE);
            set_hops(site, instance, ADJACENCY_PROBE,
                     health->failed && !health->kept ? ADJACENCY_SUSPECT : ADJACENCY_ALIVE);
            site_bfd_hold(site, instance, health->kept);
        }
    }
    site->health_changed = false;
}

/* A check has just failed: flips, and keeps the record. */
static void fail_over(struct site *site, struct site_instance *instance, enum health_check check, const char *detail)
{
    struct site_failover what = {.cause = health_check_name(check),
                                 .last_good = instance->last_good[check].at,
                                 .packets_last_good = instance->last_good[check].packets,
                                 .detected = install_clock(site->install)};

    site_failover_arm(site, instance);
    site_health_apply(site);
    what.flipped = install_clock(site->install);
    what.packets = site_instance_packets(site, instance);
    log_notice("instance %s has failed: %s", instance->name, detail);
    if (!instance->health.kept) {
        site_failover_add(site, instance, &what, detail);
    }
}

static void note_good(struct site *site, struct site_instance *instance, enum health_check check)
{
    instance->last_good[check].at = install_clock(site->install);
    instance->last_good[check].packets = site_instance_packets(site, instance);
}

/* The port went down, or the neighbour does not answer any more: the hop flipped by itself. */
static void check_link(struct site *site, struct site_instance *instance)
{
    struct site_failover what = {.cause = "link"};
    bool linked = is_linked(site, instance);

    for (int family = 0; family < FAMILIES; family++) {
        if (instance->hops[family] != NULL && hop_lost_at(instance->hops[family]) > what.detected) {
            what.detected = hop_lost_at(instance->hops[family]);
        }
    }
    if (instance->linked && !linked && what.detected != 0) {
        what.flipped = what.detected;
        what.packets = site_instance_packets(site, instance);
        what.packets_last_good = what.packets;
        site_failover_add(site, instance, &what, "link down, or no neighbour");
    }
    instance->linked = linked;
}

static bool check_heartbeat(struct site *site, struct site_instance *instance)
{
    if (instance->checks.heartbeat_ttl_ms == 0) {
        return false;
    }
    if (instance->heartbeat_ms == 0) {
        instance->heartbeat_ms = site->now_ms;
    }
    if (site->now_ms - instance->heartbeat_ms < instance->checks.heartbeat_ttl_ms ||
        !health_set(&instance->health, CHECK_HEARTBEAT, false, site->now_ms)) {
        return false;
    }
    fail_over(site, instance, CHECK_HEARTBEAT, "no heartbeat");
    return true;
}

/* Its adjacencies know already; the hold-down and the floor do not. */
static bool check_bfd(struct site *site, struct site_instance *instance)
{
    if (!instance->checks.bfd.wanted) {
        return false;
    }
    return health_set(&instance->health, CHECK_BFD, site_bfd_passes(site, instance), site->now_ms);
}

/* A session with a next hop speaks for that family; one with the end of a tunnel, or a peer, for both. */
static uint32_t bfd_families(const struct site_instance *instance, const struct hop_bfd *bfd)
{
    if (instance->checks.bfd.has_peer || instance->tunnel.type != TUNNEL_NONE) {
        return 0;
    }
    return instance->bfds[FAMILY_V4] == bfd ? 1u << FAMILY_V4 : 1u << FAMILY_V6;
}

void site_bfd_changed(void *owner, const struct hop_bfd *bfd, const struct bfd_event *event)
{
    struct site *site = owner;

    for (uint32_t id = 0; site != NULL && id < site->instance_names.end; id++) {
        const struct site_instance *instance = site->instances[id];

        if (instance != NULL && (instance->bfds[FAMILY_V4] == bfd || instance->bfds[FAMILY_V6] == bfd)) {
            log_notice("instance %s: its BFD session is %s%s%s", instance->name, event->usable ? "up" : "down",
                       event->usable ? "" : ": ", event->usable ? "" : bfd_diag_name(event->diag));
            if (!event->usable && instance->linked) {
                site_failover_add(site, instance,
                                  &(struct site_failover){.cause = health_check_name(CHECK_BFD),
                                                          .families = bfd_families(instance, bfd),
                                                          .last_good = event->heard,
                                                          .detected = event->flipped,
                                                          .flipped = event->flipped,
                                                          .packets_last_good = event->packets_heard,
                                                          .packets = event->packets},
                                  bfd_diag_name(event->diag));
            }
        }
    }
}

void site_health_tick(struct site *site)
{
    bool any_failed = site->failopen;

    for (uint32_t id = 0; id < site->instance_names.end; id++) {
        struct site_instance *instance = site->instances[id];

        if (instance == NULL) {
            continue;
        }
        check_link(site, instance);
        site->health_changed |= check_heartbeat(site, instance);
        site->health_changed |= check_bfd(site, instance);
        if (health_tick(&instance->health, site->now_ms)) {
            site->health_changed = true;
            log_notice("instance %s has recovered", instance->name);
        }
        any_failed |= instance->health.failed;
    }
    site_failovers_tick(site);
    if (site->health_changed || any_failed) { /* links matter as well once somebody has failed */
        site_health_apply(site);
    }
}

void site_instance_result(struct site *site, uint32_t id, enum health_check check, bool good, const char *why)
{
    struct site_instance *instance = id < site->instance_names.end ? site->instances[id] : NULL;

    if (instance == NULL) {
        return;
    }
    if (good) {
        note_good(site, instance, check);
    }
    if (health_result(&instance->health, check, good, site->now_ms)) {
        fail_over(site, instance, check, why); /* now, and not with the next tick */
    }
}

bool site_failopen(const struct site *site)
{
    return site->failopen;
}

uint64_t site_now_ms(const struct site *site)
{
    return site->now_ms;
}

void site_set_min_alive(struct site *site, uint32_t min_alive)
{
    site->min_alive = min_alive;
    site->health_changed = true;
}

static struct site_instance *find(const struct site *site, const char *name, struct error *error)
{
    int id = site_instance_id(site, name);

    if (id < 0) {
        error_set(error, id, "unknown instance \"%s\"", name);
        return NULL;
    }
    return site->instances[id];
}

static void take_down(struct site *site, struct site_instance *instance)
{
    uint64_t now = install_clock(site->install);
    struct site_failover what = {.cause = "admin", .last_good = now, .detected = now};

    what.packets_last_good = site_instance_packets(site, instance);
    site_failover_arm(site, instance);
    instance->health.admin = HEALTH_ADMIN_DOWN;
    site_health_apply(site);
    what.flipped = install_clock(site->install);
    what.packets = site_instance_packets(site, instance);
    site_failover_add(site, instance, &what, "instance.down");
}

int site_instance_admin(struct site *site, const char *name, enum health_admin admin, struct error *error)
{
    struct site_instance *instance = find(site, name, error);
    bool ranked_anew;
    bool is_down;

    if (instance == NULL) {
        return -ENOENT;
    }
    is_down = health_state(&instance->health) == HEALTH_DOWN;
    ranked_anew = (instance->health.admin == HEALTH_ADMIN_DRAIN) != (admin == HEALTH_ADMIN_DRAIN);
    if (ranked_anew) {
        instance->drained_at = admin == HEALTH_ADMIN_DRAIN && !is_down ? install_clock(site->install) : 0;
        site->drained |= instance->drained_at != 0;
    }
    if (admin == HEALTH_ADMIN_DOWN && !is_down) {
        take_down(site, instance);
    } else {
        instance->health.admin = admin;
        site_health_apply(site);
    }
    if (ranked_anew) {
        site_mark_instance(site, (uint32_t)site_instance_id(site, name));
    }
    return 0;
}

int site_instance_heartbeat(struct site *site, const char *name, struct error *error)
{
    struct site_instance *instance = find(site, name, error);

    if (instance == NULL) {
        return -ENOENT;
    }
    if (instance->checks.heartbeat_ttl_ms == 0) {
        return error_set(error, -EINVAL, "instance \"%s\" has no heartbeat under its health", name);
    }
    instance->heartbeat_ms = site->now_ms;
    note_good(site, instance, CHECK_HEARTBEAT);
    health_result(&instance->health, CHECK_HEARTBEAT, true, site->now_ms);
    return 0;
}
