/* SPDX-License-Identifier: BSD-3-Clause */
#include "probes.h"
#include "http_client.h"
#include "log.h"
#include "probe.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_BASE     UINT32_C(0x0a510000) /* and the instance's number: the mark, and the number of its table */
#define INSTANCES_MAX 65536
#define REFUSED_MS    1000 /* what the kernel refused it is asked for again after as long */

/* An instance that has probes. */
struct watched {
    struct probes *all;
    uint32_t id;
    char name[SITE_NAME_MAX];
    bool has_way[FAMILIES];
    struct install_way ways[FAMILIES]; /* those, or what was refused last */
    uint64_t refused_ms[FAMILIES];     /* 0: nothing was */
    bool running[HEALTH_CHECKS];
    bool failing[HEALTH_CHECKS]; /* told in the log once */
    struct probe probes[HEALTH_CHECKS];
};

struct probes {
    struct loop *loop;
    struct install *install;
    struct site *site;
    struct http_client *http;
    uint32_t end;
    struct watched *watched[INSTANCES_MAX]; /* by the instance's number */
};

static void on_result(void *owner, enum health_check check, bool good, const char *why)
{
    struct watched *watched = owner;

    if (good == watched->failing[check]) {
        log_notice("instance %s: %s: %s", watched->name, health_check_name(check), good ? "answers" : why);
    }
    watched->failing[check] = !good;
    site_instance_result(watched->all->site, watched->id, check, good, why);
}

static void stop_one(struct watched *watched, int check)
{
    if (watched->running[check]) {
        probe_stop(&watched->probes[check]);
        watched->running[check] = false;
    }
}

static void forget_way(struct watched *watched, enum family family)
{
    if (watched->has_way[family]) {
        install_way_del(watched->all->install, MARK_BASE + watched->id, family);
        watched->has_way[family] = false;
    }
}

static void forget(struct probes *probes, uint32_t id)
{
    struct watched *watched = probes->watched[id];

    if (watched == NULL) {
        return;
    }
    for (int check = 0; check < HEALTH_CHECKS; check++) {
        stop_one(watched, check);
    }
    for (int family = 0; family < FAMILIES; family++) {
        forget_way(watched, (enum family)family);
    }
    free(watched);
    probes->watched[id] = NULL;
}

static struct watched *remember(struct probes *probes, uint32_t id, const struct site_instance *instance)
{
    struct watched *watched = probes->watched[id];

    if (watched != NULL && strcmp(watched->name, instance->name) != 0) {
        forget(probes, id); /* another one has its number */
        watched = NULL;
    }
    if (watched == NULL) {
        watched = calloc(1, sizeof(*watched));
        if (watched == NULL) {
            log_error("no memory for the probes of instance %s", instance->name);
            return NULL;
        }
        watched->all = probes;
        watched->id = id;
        snprintf(watched->name, sizeof(watched->name), "%s", instance->name);
        probes->watched[id] = watched;
    }
    probes->end = id >= probes->end ? id + 1 : probes->end;
    return watched;
}

/* What the kernel says is told once, until it takes a way again. */
static bool set_way(struct watched *watched, enum family family)
{
    int result = install_way_set(watched->all->install, MARK_BASE + watched->id, &watched->ways[family]);

    if (result != 0 && watched->refused_ms[family] == 0) {
        log_error("instance %s: the kernel takes no route for its probes: %s", watched->name, strerror(-result));
    }
    if (result != 0) { /* nor does it keep a part of it */
        install_way_del(watched->all->install, MARK_BASE + watched->id, family);
    }
    watched->refused_ms[family] = result == 0 ? 0 : loop_now_ms();
    watched->has_way[family] = result == 0;
    return watched->has_way[family];
}

/* Leads marked packets to the instance. False: nothing leads there now. */
static bool follow_way(struct watched *watched, const struct site_instance *instance, enum family family)
{
    struct install_way way;
    bool same;

    if (instance->hops[family] == NULL || !hop_way(watched->all->install, instance->hops[family], &way)) {
        forget_way(watched, family); /* with its link or address the kernel forgets it, or soon may */
        return false;
    }
    same = memcmp(&way, &watched->ways[family], sizeof(way)) == 0;
    if (same && watched->has_way[family]) {
        return true;
    }
    if (same && loop_now_ms() - watched->refused_ms[family] < REFUSED_MS) {
        return false;
    }
    watched->ways[family] = way;
    return set_way(watched, family);
}

static void follow_probe(struct watched *watched, const struct site_instance *instance, int check)
{
    const struct probe_settings *wanted = &instance->checks.probes[check];
    struct probe *probe = &watched->probes[check];
    bool possible = wanted->interval_ms != 0 &&
                    (!wanted->has_address || follow_way(watched, instance, (enum family)wanted->address.family));

    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): a copy, of the padding too */
    if (watched->running[check] && (!possible || memcmp(&probe->settings, wanted, sizeof(*wanted)) != 0)) {
        stop_one(watched, check);
    }
    if (!possible || watched->running[check]) {
        return;
    }
    *probe = (struct probe){
        .check = (enum health_check)check,
        .settings = *wanted,
        .instance = watched->name,
        .mark = MARK_BASE + watched->id,
        .loop = watched->all->loop,
        .http = watched->all->http,
        .result = on_result,
        .owner = watched,
    };
    watched->running[check] = true;
    watched->failing[check] = false; /* what its like said with other settings was told of those */
    probe_start(probe, watched->id * 7 % 20 * wanted->interval_ms / 20); /* not all at once */
}

static bool has_probes(const struct site_instance *instance)
{
    for (int check = 0; instance != NULL && check < HEALTH_CHECKS; check++) {
        if (instance->checks.probes[check].interval_ms != 0) {
            return true;
        }
    }
    return false;
}

void probes_tick(struct probes *probes)
{
    uint32_t instances = site_instance_end(probes->site);
    uint32_t end = probes->end > instances ? probes->end : instances;

    for (uint32_t id = 0; id < end; id++) {
        const struct site_instance *instance = site_instance(probes->site, id);
        struct watched *watched = has_probes(instance) ? remember(probes, id, instance) : NULL;

        if (watched == NULL) {
            forget(probes, id);
            continue;
        }
        for (int check = 0; check < HEALTH_CHECKS; check++) {
            follow_probe(watched, instance, check);
        }
    }
}

struct probes *probes_create(struct loop *loop, struct install *install, struct site *site)
{
    struct probes *probes = calloc(1, sizeof(*probes));

    if (probes == NULL) {
        return NULL;
    }
    probes->loop = loop;
    probes->install = install;
    probes->site = site;
    probes->http = http_client_create(loop);
    if (probes->http == NULL) {
        free(probes);
        return NULL;
    }
    install_ways_flush(install);
    return probes;
}

void probes_destroy(struct probes *probes)
{
    if (probes == NULL) {
        return;
    }
    for (uint32_t id = 0; id < probes->end; id++) {
        forget(probes, id);
    }
    http_client_destroy(probes->http);
    free(probes);
}
