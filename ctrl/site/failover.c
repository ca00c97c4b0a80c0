/* SPDX-License-Identifier: BSD-3-Clause */
#include "failover.h"
#include "site_private.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIRST_WAIT_MS 1000 /* for a packet that goes elsewhere */

const struct site_failover *site_failover(const struct site *site, uint64_t sequence)
{
    const struct site_failover *record = &site->failovers[sequence % FAILOVERS_KEPT];

    return sequence != 0 && record->sequence == sequence ? record : NULL;
}

uint64_t site_failover_count(const struct site *site)
{
    return site->failover_count;
}

const struct failover_histograms *site_failover_histograms(const struct site *site)
{
    return &site->failover_histograms;
}

uint64_t site_failover_us(const struct site *site, uint64_t from, uint64_t to)
{
    return from != 0 && to > from ? (uint64_t)((double)(to - from) / (double)install_clock_hz(site->install) * 1e6) : 0;
}

static void count(uint64_t buckets[FAILOVER_BUCKETS], uint64_t us)
{
    unsigned int bucket = us == 0 ? 0 : 64 - (unsigned int)__builtin_clzll(us);

    buckets[bucket < FAILOVER_BUCKETS ? bucket : FAILOVER_BUCKETS - 1]++;
}

uint64_t site_instance_packets(const struct site *site, const struct site_instance *instance)
{
    uint64_t packets = 0;

    for (int family = 0; family < FAMILIES; family++) {
        struct hop_info info;

        if (instance->hops[family] != NULL) {
            hop_info(site->install, instance->hops[family], &info);
            packets += info.traffic.packets;
        }
    }
    return packets;
}

static uint64_t realtime_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void site_failover_arm(struct site *site, const struct site_instance *instance)
{
    for (int family = 0; family < FAMILIES; family++) {
        if (instance->hops[family] != NULL) {
            hop_takeover_arm(site->install, instance->hops[family]);
        }
    }
}

void site_failover_add(struct site *site, const struct site_instance *instance, const struct site_failover *what,
                       const char *detail)
{
    struct site_failover *record = &site->failovers[++site->failover_count % FAILOVERS_KEPT];

    *record = *what;
    record->sequence = site->failover_count;
    record->instance_id = (uint32_t)site_instance_id(site, instance->name);
    record->at_ms = realtime_ms() - site_failover_us(site, what->detected, install_clock(site->install)) / 1000;
    record->open = true;
    snprintf(record->instance, sizeof(record->instance), "%s", instance->name);
    snprintf(record->detail, sizeof(record->detail), "%s", detail);
    if (record->last_good != 0) {
        count(site->failover_histograms.detection, site_failover_us(site, record->last_good, record->flipped));
    }
}

/* Which packet was the first to go elsewhere nobody knows: the rows are others, in which the instance comes after its
 * heirs, and no packet looks for what it would have been. */
static void add_drained(struct site *site, const struct site_instance *instance)
{
    struct site_failover what = {.cause = "drain", .detected = instance->drained_at};

    what.flipped = install_clock(site->install);
    what.packets = site_instance_packets(site, instance);
    what.packets_last_good = what.packets; /* it answers them */
    site_failover_add(site, instance, &what, "instance.drain");
    site->failovers[site->failover_count % FAILOVERS_KEPT].open = false;
}

void site_failovers_drained(struct site *site)
{
    if (!site->drained || site->pending || rib_walk_is_pending(site->rib) || !rib_is_clean(site->rib, RIB_NOW) ||
        !rib_is_clean(site->rib, RIB_BULK)) {
        return;
    }
    site->drained = false;
    for (uint32_t id = 0; id < site->instance_names.end; id++) {
        struct site_instance *instance = site->instances[id];

        if (instance != NULL && instance->drained_at != 0) {
            if (health_state(&instance->health) == HEALTH_DRAINING) {
                add_drained(site, instance);
            }
            instance->drained_at = 0;
        }
    }
}

void site_drains_restored(struct site *site)
{
    site->drained = false;
    for (uint32_t id = 0; id < site->instance_names.end; id++) {
        if (site->instances[id] != NULL) {
            site->instances[id]->drained_at = 0;
        }
    }
}

static bool concerns(const struct site_failover *record, int family)
{
    return record->families == 0 || (record->families >> family & 1) != 0;
}

/* The first of its adjacencies whose packet went elsewhere. */
static void look(struct site *site, struct site_failover *record, bool end)
{
    const struct site_instance *instance = site_instance(site, record->instance_id);

    for (int family = 0; instance != NULL && family < FAMILIES; family++) {
        const struct site_instance *heir;
        struct takeover takeover;

        if (!concerns(record, family) || instance->hops[family] == NULL ||
            !hop_takeover(site->install, instance->hops[family], end, &takeover) || takeover.first == 0) {
            continue;
        }
        /* the flip is older than the look at the clock after it */
        takeover.first = takeover.first > record->flipped ? takeover.first : record->flipped;
        if (record->first != 0 && takeover.first >= record->first) {
            continue;
        }
        heir = site_instance_of_hop(site, hop_by_adjacency(site->install, takeover.heir));
        record->first = takeover.first;
        record->worker_gap = takeover.gap;
        snprintf(record->heir, sizeof(record->heir), "%s", heir != NULL ? heir->name : "");
    }
}

void site_failovers_tick(struct site *site)
{
    uint64_t now = install_clock(site->install);

    for (int i = 0; i < FAILOVERS_KEPT; i++) {
        struct site_failover *record = &site->failovers[i];

        if (!record->open) {
            continue;
        }
        look(site, record, false);
        if (record->first == 0 && site_failover_us(site, record->flipped, now) < FIRST_WAIT_MS * 1000) {
            continue;
        }
        look(site, record, true);
        record->open = false;
        if (record->first != 0) {
            count(site->failover_histograms.takeover, site_failover_us(site, record->flipped, record->first));
        }
    }
}
