/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The methods of the control API, over the site, the installer and the data plane. One file a noun; methods.c is the
 * table. Parameters and results are those of docs/api.md.
 */
#ifndef METHODS_H
#define METHODS_H

#include "api.h"
#include "config.h"
#include "dp.h"
#include "feeds.h"
#include "packet_watch.h"
#include "site.h"
#include <sys/queue.h>

struct access;
struct session_client;
struct monitors;
struct state;
struct txn;

/* What the methods work on: the `context` of the API server. Owned by main. */
struct control {
    struct dp *dp;
    struct install *install;
    struct site *site;
    struct feeds *feeds;         /* NULL: there is no loop that they could run in */
    const struct config *config; /* in force; replaced by a reload */
    uint64_t started_ms;         /* CLOCK_MONOTONIC */
    bool ready;
    struct packet_watch_list watches; /* packet_watch.c's */
    unsigned int last_watch;
    /* Reads the configuration file again, whole or not at all. 0 or -errno with a text. NULL: there is none. */
    int (*reload)(void *owner, struct error *error);
    void *reload_owner;
    struct access *access;                       /* access.c's; NULL: everybody may do everything */
    LIST_HEAD(, session_client) session_clients; /* method_session.c's */
    struct monitors *monitors;                   /* monitor.c's; NULL: nobody has subscribed yet */
    struct state *state;                         /* state.c's; NULL: nothing is saved */
    struct txn *txn;                             /* the one that is open; NULL: none is */
};

/* Once everything is there: restores what the operator had set, and keeps it from now on. */
void methods_start(struct control *control);
/* Whether the caller may call the method of these flags. For struct api_server_options. */
int methods_allow(struct api_call *call, int flags) MUST_USE;
/* A call that changes something was run. For struct api_server_options. */
void methods_done(struct api_call *call, int code);
/* Every 10 ms: monitors, saving, transactions that take too long. */
void methods_tick(struct control *control, uint64_t now_ms);
/* Before the site goes: lets go of the clients that are told of it. */
void methods_stop(struct control *control);

extern const struct api_method methods[];
extern const size_t method_count;

#endif
