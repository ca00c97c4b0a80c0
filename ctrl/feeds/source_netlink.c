/* SPDX-License-Identifier: BSD-3-Clause */
/* Sources that speak netlink: FRR by its FPM, and the kernel. Each is one peer of the feed's name, whose routes are
 * chosen already. */
#include "fpm.h"
#include "kernel_routes.h"
#include "listener.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int table_start(struct source *source, bool by_metric, struct error *error)
{
    const struct feed_sink *sink = &source->session.sink;
    struct feed_peer peer = {.facts = {.external = true}};
    struct nl_table_settings settings = {
        .sink = sink,
        .by_metric = by_metric,
        .local_pref = source->settings.local_pref,
        .table_count = source->settings.table_count,
        .protocol_count = source->settings.protocol_count,
    };

    snprintf(peer.name, sizeof(peer.name), "%s", source->settings.name);
    memcpy(settings.tables, source->settings.tables, sizeof(settings.tables));
    memcpy(settings.protocols, source->settings.protocols, sizeof(settings.protocols));
    settings.peer = sink->peer_set(sink->owner, &peer);
    if (settings.peer < 0) {
        return error_set(error, settings.peer, "feed %s: the name is a peer's already, or there is no room for it",
                         source->settings.name);
    }
    source->routes = nl_table_create(&settings);
    return source->routes != NULL ? 0 : error_set(error, -ENOMEM, "feed %s: no memory", source->settings.name);
}

static void table_describe(const struct source *source, struct feed_info *info)
{
    info->counts = nl_table_counts(source->routes)->feed;
}

static void table_sync_begin(struct source *source)
{
    nl_table_sync_begin(source->routes);
}

static void table_sync_end(struct source *source)
{
    nl_table_sync_end(source->routes);
}

static bool table_has_holes(struct source *source)
{
    return nl_table_has_holes(source->routes);
}

static int fpm_start(struct source *source, struct error *error)
{
    int result = table_start(source, false, error);

    return result == 0 ? listener_get(source, error) : result;
}

static void fpm_stop(struct source *source)
{
    listener_put(source);
    nl_table_destroy(source->routes);
}

static int on_read(void *owner, struct span *bytes, int count)
{
    struct source *source = owner;

    return fpm_read(source->routes, bytes, count);
}

static bool on_waits(void *owner)
{
    return source_waits(owner);
}

static void on_handled(void *owner)
{
    source_heard(owner);
}

static void on_closed(void *owner, const char *why)
{
    source_lost(owner, why);
}

static const struct stream_handler stream = {on_read, on_waits, on_handled, on_closed, UINT16_MAX};

const struct source_kind source_fpm = {
    .type = "fpm",
    .start = fpm_start,
    .stop = fpm_stop,
    .describe = table_describe,
    .sync_begin = table_sync_begin,
    .sync_end = table_sync_end,
    .has_holes = table_has_holes,
    .stream = &stream,
};

static void on_kernel_connected(void *owner)
{
    source_connected(owner);
}

static void on_kernel_lost(void *owner, const char *why)
{
    source_lost(owner, why);
}

static int kernel_start(struct source *source, struct error *error)
{
    int result = table_start(source, true, error);

    if (result != 0) {
        return result;
    }
    return kernel_routes_open(&(struct kernel_routes_settings){.table = source->routes,
                                                               .loop = source->feeds->loop,
                                                               .connected = on_kernel_connected,
                                                               .heard = on_handled,
                                                               .lost = on_kernel_lost,
                                                               .owner = source},
                              &source->kernel, error);
}

static void kernel_stop(struct source *source)
{
    kernel_routes_close(source->kernel);
    nl_table_destroy(source->routes);
}

static bool kernel_told_all(const struct source *source)
{
    return source->kernel != NULL && kernel_routes_complete(source->kernel);
}

const struct source_kind source_kernel = {
    .type = "kernel",
    .start = kernel_start,
    .stop = kernel_stop,
    .describe = table_describe,
    .sync_begin = table_sync_begin,
    .sync_end = table_sync_end,
    .told_all = kernel_told_all,
    .has_holes = table_has_holes,
};
