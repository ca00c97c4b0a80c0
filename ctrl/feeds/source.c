/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a source: connected, in sync, lost, stale. */
#include "source.h"
#include "log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS     500
#define SETTLE_MS   5000 /* silent for so long, a source without a word for it has told all it has */
#define TOLD_ALL_MS 500  /* the same for one that has said so: others of its peers may just be coming up */
#define HOLE_MS     20   /* for the successor of a route that was withdrawn */
#define PART_MS     3    /* of a walk over a large table */
#define PART_STEP   256

static void set_state(struct source *source, enum feed_state state)
{
    source->state = state;
    source->changed_ms = loop_now_ms();
}

static void commit(struct source *source)
{
    loop_timer_clear(&source->commit);
    source->session.sink.commit(source->session.sink.owner);
}

static void on_commit(void *owner)
{
    commit(owner);
}

static void finish_sync(struct source *source)
{
    source->kind->sync_end(source);
    commit(source);
    set_state(source, FEED_CONNECTED);
    log_notice("%s: in sync, %u routes", source->settings.name, feed_session_routes(&source->session));
}

/* Whether a source that is telling everything has done so. */
static bool is_in_sync(const struct source *source, uint64_t now)
{
    uint64_t silent = now - source->heard_ms;
    bool told_all = source->kind->told_all != NULL && source->kind->told_all(source);

    return (told_all && silent >= TOLD_ALL_MS) || silent >= SETTLE_MS ||
           now - source->changed_ms >= (uint64_t)source->settings.stale_s * 1000;
}

static void expire(struct source *source)
{
    log_notice("%s: gone for %u s: its routes go", source->settings.name, source->settings.stale_s);
    source->session.ending = true;
    source->kind->sync_begin(source);
    source->kind->sync_end(source);
    source->session.ending = false;
    commit(source);
    set_state(source, FEED_WAITING);
}

static void on_tick(void *owner)
{
    struct source *source = owner;
    uint64_t now = loop_now_ms();

    loop_timer_set(source->feeds->loop, &source->tick, TICK_MS);
    if (source->state == FEED_SYNCING && !source_waits(source) && is_in_sync(source, now)) {
        finish_sync(source);
    } else if (source->state == FEED_STALE && now - source->changed_ms >= (uint64_t)source->settings.stale_s * 1000) {
        expire(source);
    }
}

void source_connected(struct source *source)
{
    source->why[0] = '\0';
    source->heard_ms = loop_now_ms();
    set_state(source, FEED_SYNCING);
    source->kind->sync_begin(source);
}

void source_tells_anew(struct source *source)
{
    set_state(source, FEED_SYNCING);
}

void source_lost(struct source *source, const char *why)
{
    log_warning("%s: lost: %s", source->settings.name, why);
    snprintf(source->why, sizeof(source->why), "%s", why);
    source->kind->sync_begin(source); /* what it told is stale from now on */
    set_state(source, FEED_STALE);
}

bool source_waits(struct source *source)
{
    struct feed_sink *sink = &source->session.sink;
    uint64_t until_ms = loop_now_ms() + PART_MS;
    bool busy;

    while ((busy = sink->busy(sink->owner)) && loop_now_ms() < until_ms) {
        (void)site_walk_part(source->feeds->site, PART_STEP);
        source->heard_ms = loop_now_ms(); /* what it says meanwhile is not read: that is no silence */
    }
    return busy;
}

void source_heard(struct source *source)
{
    source->heard_ms = loop_now_ms();
    if (source->kind->has_holes == NULL || !source->kind->has_holes(source)) {
        commit(source);
    } else if (!source->commit.set) {
        loop_timer_set(source->feeds->loop, &source->commit, HOLE_MS);
    }
}

void source_accept(struct source *source, int fd)
{
    int result;

    if (stream_is_open(&source->stream)) { /* the same one, whose end we have not been told */
        stream_close(&source->stream);
        source_lost(source, "connected again");
    }
    result = stream_open(&source->stream, source->feeds->loop, fd, source->kind->stream, source);
    if (result != 0) {
        log_error("%s: a connection is refused: %s", source->settings.name, strerror(-result));
        return;
    }
    source_connected(source);
}

struct source *source_create(struct feeds *feeds, const struct source_kind *kind,
                             const struct source_settings *settings)
{
    struct source *source = calloc(1, sizeof(*source));

    if (source != NULL) {
        source->feeds = feeds;
        source->kind = kind;
        source->settings = *settings;
        source->tick = (struct loop_timer){.fire = on_tick, .owner = source};
        source->commit = (struct loop_timer){.fire = on_commit, .owner = source};
        set_state(source, FEED_WAITING);
    }
    return source;
}

int source_start(struct source *source, struct error *error)
{
    struct feeds *feeds = source->feeds;
    int result = feed_session_open(&source->session, feeds->site, feeds->own_as, source->settings.name,
                                   source->kind->type, error);

    if (result != 0) {
        return result;
    }
    source->has_session = true;
    result = source->kind->start(source, error);
    if (result == 0) {
        LIST_INSERT_HEAD(&feeds->sources, source, link);
        loop_timer_set(feeds->loop, &source->tick, TICK_MS);
    }
    return result;
}

void source_destroy(struct source *source)
{
    loop_timer_clear(&source->tick);
    loop_timer_clear(&source->commit);
    stream_close(&source->stream);
    source->kind->stop(source);
    if (source->has_session) {
        feed_session_close(&source->session);
    }
    free(source);
}
