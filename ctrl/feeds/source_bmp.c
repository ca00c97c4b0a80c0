/* SPDX-License-Identifier: BSD-3-Clause */
#include "bmp_router.h"
#include "listener.h"
#include "log.h"
#include <errno.h>

static_assert((int)CONFIG_VIEW_PRE_POLICY == BMP_PRE_POLICY && (int)CONFIG_VIEW_POST_POLICY == BMP_POST_POLICY &&
                  (int)CONFIG_VIEW_LOC_RIB == BMP_LOC_RIB,
              "one order of views");

static int bmp_start(struct source *source, struct error *error)
{
    source->bmp = bmp_router_create(&(struct bmp_router_settings){
        .sink = &source->session.sink,
        .name = source->settings.name,
        .view = (enum bmp_view)source->settings.view,
        .room = source->feeds->room,
    });
    return source->bmp != NULL ? listener_get(source, error)
                               : error_set(error, -ENOMEM, "feed %s: no memory", source->settings.name);
}

static void bmp_stop(struct source *source)
{
    listener_put(source);
    bmp_router_destroy(source->bmp);
}

static void bmp_describe(const struct source *source, struct feed_info *info)
{
    const struct bmp_router_state *state = bmp_router_state(source->bmp);

    info->description = state->description[0] != '\0' ? state->description : NULL;
    info->warning = state->warning;
    info->peers = state->peers;
    info->counts = state->counts;
}

static void bmp_sync_begin(struct source *source)
{
    bmp_router_connected(source->bmp);
}

/* The common mistake: a router that sends what is not asked for. */
static void warn_about_views(const struct source *source)
{
    const struct bmp_router_state *state = bmp_router_state(source->bmp);

    for (int view = 0; view < BMP_VIEWS; view++) {
        static const char *const names[] = {"pre-policy", "post-policy", "loc-rib", "adj-rib-out"};

        if (state->of_view[source->settings.view] == 0 && state->of_view[view] > 0) {
            log_warning("%s: tells %s routes, but its feed wants %s ones: none is taken", source->settings.name,
                        names[view], names[source->settings.view]);
        }
    }
}

static void bmp_sync_end(struct source *source)
{
    warn_about_views(source);
    bmp_router_synced(source->bmp);
}

static bool bmp_told_all(const struct source *source)
{
    return bmp_router_state(source->bmp)->told_all;
}

static int on_read(void *owner, struct span *bytes, int count)
{
    struct source *source = owner;

    return bmp_router_read(source->bmp, bytes, count);
}

static bool on_waits(void *owner)
{
    return source_waits(owner);
}

static void on_handled(void *owner)
{
    struct source *source = owner;

    if (source->state == FEED_CONNECTED && bmp_router_state(source->bmp)->tells_anew) {
        source_tells_anew(source);
    }
    source_heard(source);
}

static void on_closed(void *owner, const char *why)
{
    source_lost(owner, why);
}

static const struct stream_handler stream = {on_read, on_waits, on_handled, on_closed, BMP_MESSAGE_MAX};

const struct source_kind source_bmp = {
    .type = "bmp",
    .start = bmp_start,
    .stop = bmp_stop,
    .describe = bmp_describe,
    .sync_begin = bmp_sync_begin,
    .sync_end = bmp_sync_end,
    .told_all = bmp_told_all,
    .stream = &stream,
};
