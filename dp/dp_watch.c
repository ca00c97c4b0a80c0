/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_watch.h"
#include "dp_private.h"
#include <errno.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <time.h>

#define TRACE_RING   (256u << 10) /* some 280 packets a worker */
#define CAPTURE_RING (1u << 20)   /* some 700 full packets a worker */

static_assert(CAPTURE_RING / 4 > CAPTURE_SNAPLEN_MAX + sizeof(struct capture_record), "every packet has room");

/* One worker's. */
struct watcher {
    struct record_ring *ring;
    union {
        struct watch watch;
        struct trace trace;
        struct capture capture;
    } as;
};

struct dp_watch {
    unsigned int count; /* workers */
    unsigned int current;
    struct watcher watchers[];
};

static void watch_free(void *owner, void *thing)
{
    struct dp_watch *watch = thing;

    (void)owner;
    for (unsigned int i = 0; i < watch->count; i++) {
        record_ring_destroy(watch->watchers[i].ring);
    }
    free(watch);
}

static struct dp_watch *watch_create(const struct dp *dp, uint32_t ring_size)
{
    struct dp_watch *watch = calloc(1, sizeof(*watch) + dp->worker_count * sizeof(watch->watchers[0]));

    if (watch == NULL) {
        return NULL;
    }
    watch->count = dp->worker_count;
    for (unsigned int i = 0; i < watch->count; i++) {
        watch->watchers[i].ring = record_ring_create(ring_size);
        if (watch->watchers[i].ring == NULL) {
            watch_free(NULL, watch);
            return NULL;
        }
    }
    return watch;
}

static void publish(struct dp *dp, struct dp_watch *watch)
{
    for (unsigned int i = 0; i < watch->count; i++) {
        watch_publish(&dp->workers[i]->pipe.watches, &watch->watchers[i].as.watch);
    }
}

int dp_trace_open(struct dp *dp, const struct trace_settings *settings, struct dp_watch **out)
{
    struct dp_watch *watch = watch_create(dp, TRACE_RING);

    if (watch == NULL) {
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < watch->count; i++) {
        trace_set_up(&watch->watchers[i].as.trace, settings, watch->watchers[i].ring);
    }
    publish(dp, watch);
    *out = watch;
    return 0;
}

int dp_capture_open(struct dp *dp, const struct capture_settings *settings, struct dp_watch **out)
{
    struct dp_watch *watch = watch_create(dp, CAPTURE_RING);

    if (watch == NULL) {
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < watch->count; i++) {
        capture_set_up(&watch->watchers[i].as.capture, settings, watch->watchers[i].ring);
    }
    publish(dp, watch);
    *out = watch;
    return 0;
}

void dp_watch_close(struct dp *dp, struct dp_watch *watch)
{
    for (unsigned int i = 0; i < watch->count; i++) {
        watch_withdraw(&dp->workers[i]->pipe.watches, &watch->watchers[i].as.watch);
    }
    rcu_retire(dp->rcu, watch_free, NULL, watch);
}

const void *dp_watch_peek(struct dp_watch *watch, unsigned int *worker)
{
    for (unsigned int i = 0; i < watch->count; i++) {
        unsigned int at = (watch->current + i) % watch->count;
        const void *record = record_ring_peek(watch->watchers[at].ring);

        if (record != NULL) {
            watch->current = at;
            *worker = at;
            return record;
        }
    }
    return NULL;
}

void dp_watch_consume(struct dp_watch *watch)
{
    record_ring_consume(watch->watchers[watch->current].ring);
    watch->current = (watch->current + 1) % watch->count;
}

uint64_t dp_watch_lost(const struct dp_watch *watch)
{
    uint64_t lost = 0;

    for (unsigned int i = 0; i < watch->count; i++) {
        lost += record_ring_lost(watch->watchers[i].ring);
    }
    return lost;
}

uint64_t dp_time_ns(uint64_t tsc)
{
    struct timespec now;
    uint64_t ago = rte_rdtsc() - tsc;
    uint64_t hz = rte_get_tsc_hz();

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec -
           (ago / hz * 1000000000 + ago % hz * 1000000000 / hz);
}

int dp_port_of_lane(const struct dp *dp, uint16_t lane)
{
    if (lane < dp->port_count) {
        return lane;
    }
    for (unsigned int i = 0; i < dp->port_count; i++) {
        if (dp->pipe_ports[i].twin == lane) {
            return (int)i;
        }
    }
    return -ENOENT;
}

int dp_port_of_device(const struct dp *dp, uint16_t device)
{
    for (unsigned int i = 0; i < dp->port_count; i++) {
        if (port_has_device(&dp->ports[i], device)) {
            return (int)i;
        }
    }
    return -ENOENT;
}
