/* SPDX-License-Identifier: BSD-3-Clause */
#include "feeds.h"
#include "log.h"
#include "source.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct feeds *feeds_create(struct site *site, struct loop *loop, uint32_t own_as)
{
    struct feeds *feeds = calloc(1, sizeof(*feeds));

    if (feeds == NULL) {
        return NULL;
    }
    feeds->site = site;
    feeds->loop = loop;
    feeds->own_as = own_as;
    feeds->room = malloc(sizeof(*feeds->room));
    if (feeds->room == NULL) {
        free(feeds);
        return NULL;
    }
    return feeds;
}

static void stop(struct source *source)
{
    LIST_REMOVE(source, link);
    source_destroy(source);
}

void feeds_destroy(struct feeds *feeds)
{
    if (feeds == NULL) {
        return;
    }
    while (!LIST_EMPTY(&feeds->sources)) {
        stop(LIST_FIRST(&feeds->sources));
    }
    free(feeds->room);
    free(feeds);
}

static struct source *find(const struct feeds *feeds, const char *name)
{
    struct source *source;

    LIST_FOREACH(source, &feeds->sources, link)
    {
        if (strcmp(source->settings.name, name) == 0) {
            return source;
        }
    }
    return NULL;
}

/* The kernel's numbers of routing protocols, in the order of CONFIG_FEED_PROTOCOLS. */
static const uint8_t protocol_numbers[] = {
#define PROTOCOL(word, number) number,
    CONFIG_FEED_PROTOCOLS
#undef PROTOCOL
};

/* All of it, so that memcmp() compares. */
static void settings_of(const struct config_feed *config, struct source_settings *out)
{
    memset(out, 0, sizeof(*out));
    snprintf(out->name, sizeof(out->name), "%s", config->name);
    out->type = config->type;
    out->listen = config->listen.address;
    out->port = config->listen.port;
    out->router = config->router;
    out->has_router = config->has_router;
    out->view = config->view;
    out->stale_s = config->stale_s;
    out->local_pref = config->local_pref;
    out->table_count = config->tables.count;
    memcpy(out->tables, config->tables.items, config->tables.count * sizeof(out->tables[0]));
    out->protocol_count = config->protocols.count;
    for (uint32_t i = 0; i < config->protocols.count; i++) {
        out->protocols[i] = protocol_numbers[config->protocols.items[i]];
    }
}

static bool is_wanted(const struct source *source, const struct config *config)
{
    for (uint32_t i = 0; i < config->feeds.count; i++) {
        struct source_settings settings;

        settings_of(&config->feeds.items[i], &settings);
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): all of both is set */
        if (memcmp(&settings, &source->settings, sizeof(settings)) == 0) {
            return true;
        }
    }
    return false;
}

static void stop_unwanted(struct feeds *feeds, const struct config *config)
{
    struct source *next;
    bool stopped = false;

    for (struct source *source = LIST_FIRST(&feeds->sources); source != NULL; source = next) {
        next = LIST_NEXT(source, link);
        if (source->kind != &source_mrt && !is_wanted(source, config)) {
            stop(source);
            stopped = true;
        }
    }
    if (stopped && site_commit(feeds->site) != 0) {
        log_error("not every route of a feed that has gone could be taken away");
    }
}

static int start(struct feeds *feeds, const struct source_kind *kind, const struct source_settings *settings,
                 struct source **out, struct error *error)
{
    struct source *source = source_create(feeds, kind, settings);
    int result = source != NULL ? source_start(source, error) : error_set(error, -ENOMEM, "no memory for a feed");

    if (result != 0 && source != NULL) {
        source_destroy(source);
    }
    *out = result == 0 ? source : NULL;
    return result;
}

int feeds_apply(struct feeds *feeds, const struct config *config, struct error *error)
{
    static const struct source_kind *const kinds[] = {
        [CONFIG_FEED_BMP] = &source_bmp, [CONFIG_FEED_FPM] = &source_fpm, [CONFIG_FEED_KERNEL] = &source_kernel};
    int first_error = 0;

    stop_unwanted(feeds, config);
    for (uint32_t i = 0; i < config->feeds.count; i++) {
        const struct config_feed *feed = &config->feeds.items[i];
        struct source_settings settings;
        struct source *started;
        struct error one;
        int result;

        started = find(feeds, feed->name);
        settings_of(feed, &settings);
        result = started == NULL ? start(feeds, kinds[feed->type], &settings, &started, &one) : 0;
        if (result == 0 && feed_session_limit(&started->session, &feed->limits) != 0) {
            result = error_set(&one, -ENOMEM, "feed %s: no memory for its limits", feed->name);
        }
        if (result != 0) {
            log_error("%s", one.text);
            *error = first_error == 0 ? one : *error;
            first_error = first_error == 0 ? result : first_error;
        }
    }
    return first_error;
}

int feeds_load(struct feeds *feeds, const char *name, int fd, struct error *error)
{
    struct source *source = find(feeds, name);
    struct source_settings settings = {0};
    int result = 0;

    if (source != NULL && source->kind != &source_mrt) {
        result = error_set(error, -EEXIST, "\"%s\" is a feed of the configuration: give the load another name", name);
    } else if (source != NULL && source->state == FEED_LOADING) {
        result = error_set(error, -EBUSY, "\"%s\" is being loaded", name);
    } else if (source == NULL) {
        snprintf(settings.name, sizeof(settings.name), "%s", name);
        result = start(feeds, &source_mrt, &settings, &source, error);
    }
    if (result != 0) {
        close(fd);
        return result;
    }
    return source_mrt_load(source, fd, error);
}

int feeds_unload(struct feeds *feeds, const char *name, struct error *error)
{
    struct source *source = find(feeds, name);

    if (source == NULL || source->kind != &source_mrt) {
        return error_set(error, -ENOENT, "nothing was loaded as \"%s\"", name);
    }
    stop(source);
    return 0;
}

void feeds_each(const struct feeds *feeds, void (*call)(void *context, const struct feed_info *info), void *context)
{
    const struct source *source;

    LIST_FOREACH(source, &feeds->sources, link)
    {
        struct feed_info info = {
            .name = source->settings.name,
            .type = source->kind->type,
            .state = source->state,
            .why = source->why[0] != '\0' ? source->why : NULL,
            .routes = feed_session_routes(&source->session),
            .session = source->session.id,
        };

        source->kind->describe(source, &info);
        call(context, &info);
    }
}
