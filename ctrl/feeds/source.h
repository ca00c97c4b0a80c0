/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share: one source, and the kinds of them. */
#ifndef SOURCE_H
#define SOURCE_H

#include "feed_session.h"
#include "feeds.h"
#include "stream.h"
#include <sys/queue.h>

struct bmp_router;
struct kernel_routes;
struct mrt_load;
struct nl_table;
struct source;

/* What it does, and what it must know of the configuration: a copy, for the configuration changes. */
struct source_settings {
    char name[CONFIG_NAME_MAX + 1];
    enum config_feed_type type;
    struct ip_addr listen;
    uint16_t port;
    struct ip_addr router;
    bool has_router;
    enum config_feed_view view;
    uint32_t stale_s;
    uint32_t local_pref;
    uint32_t table_count;
    uint32_t tables[CONFIG_FEED_FILTER_MAX];
    uint32_t protocol_count;
    uint8_t protocols[CONFIG_FEED_FILTER_MAX];
};

struct source_kind {
    const char *type;
    /* Makes what the kind needs. 0 or -errno with a text. */
    int (*start)(struct source *source, struct error *error);
    /* Frees it; routes are the caller's business. Started in part is fine. */
    void (*stop)(struct source *source);
    void (*describe)(const struct source *source, struct feed_info *info);
    /* Everything will be told from the start; and it has been: see feed.h. */
    void (*sync_begin)(struct source *source);
    void (*sync_end)(struct source *source);
    /* The other end has said that it has told all it has; NULL: it has no word for that. */
    bool (*told_all)(const struct source *source);
    /* A change has left a prefix without a route: its successor may be on its way. NULL: never. */
    bool (*has_holes)(struct source *source);
    /* of kinds that connect to us; else NULL */
    const struct stream_handler *stream;
};

struct source {
    LIST_ENTRY(source) link;
    struct feeds *feeds;
    const struct source_kind *kind;
    struct source_settings settings;
    struct feed_session session;
    bool has_session;
    enum feed_state state;
    char why[128];       /* "": nothing to tell */
    uint64_t changed_ms; /* when it got into its state */
    uint64_t heard_ms;   /* when it told something last */
    struct loop_timer tick;
    struct loop_timer commit;
    struct stream stream;
    struct listener *listener;
    union {
        struct bmp_router *bmp;
        struct nl_table *routes;
        struct mrt_load *load;
    };
    struct kernel_routes *kernel;
};

LIST_HEAD(source_list, source);
LIST_HEAD(listener_list, listener);

struct feeds {
    struct site *site;
    struct loop *loop;
    uint32_t own_as;
    struct source_list sources;
    struct listener_list listeners;
    struct bgp_room *room; /* of whoever reads BGP messages at the moment */
};

extern const struct source_kind source_bmp, source_fpm, source_kernel, source_mrt;

/* A source of the feeds, not started. NULL: no memory. */
struct source *source_create(struct feeds *feeds, const struct source_kind *kind,
                             const struct source_settings *settings);
/* Opens its session and starts it. 0 or -errno with a text. */
int source_start(struct source *source, struct error *error) MUST_USE;
/* Its routes go. */
void source_destroy(struct source *source);

/* The other end is there, and will tell everything. */
void source_connected(struct source *source);
/* It is still there, and part of what it told is stale until it is in sync again. */
void source_tells_anew(struct source *source);
/* It has gone. */
void source_lost(struct source *source, const char *why);
/* The site is busy with what it told before: so is the source, which furthers it. */
bool source_waits(struct source *source);
/* Something was heard, and may have changed routes: decides now, or in a moment if that leaves no hole. */
void source_heard(struct source *source);

/* Takes over a connection of the other end. */
void source_accept(struct source *source, int fd);

/* Begins to load the file into a source of this kind, whose descriptor it takes over. 0 or -errno with a text. */
int source_mrt_load(struct source *source, int fd, struct error *error) MUST_USE;

#endif
