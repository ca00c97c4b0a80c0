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
};

extern const struct api_method methods[];
extern const size_t method_count;

#endif
