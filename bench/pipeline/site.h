/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane as the daemon has it, with one worker, which runs in the calling thread: a port that receives and two
 * that send, all of them devices of device.h; tables and traffic as a case says.
 */
#ifndef SITE_H
#define SITE_H

#include "addr.h"
#include "device.h"
#include "dp_private.h"
#include "full_table.h"

#define SITE_EGRESSES    2
#define SITE_ADJACENCIES 4096

enum destinations {
    DESTINATIONS_HOT,      /* 4096 in all, each in its own frame */
    DESTINATIONS_RANDOM,   /* anywhere in 128.0.0.0/2 */
    DESTINATIONS_PREFIXES, /* a route, then an address in it */
};

struct site_case {
    const char *name;
    size_t routes; /* of the full table's, besides those of traffic.h */
    enum family family;
    enum destinations destinations;
    unsigned int instances; /* 1: each next hop of the table is a path list; else there is one list of so many */
    unsigned int egresses;
    unsigned int burst;
    unsigned int length;     /* of a frame, with its FCS */
    unsigned int v6_percent; /* of the frames, else of `family`; with hot destinations */
};

struct site {
    struct dp *dp;
    struct feed feed;
    struct sink sinks[SITE_EGRESSES];
    const struct table *tables; /* by family */
    /* of the case */
    struct table_route *routes[FAMILIES];
    size_t route_count[FAMILIES];
    uint32_t lists[FAMILIES][TABLE_VALUES];
    unsigned int list_count[FAMILIES];
    uint16_t adjacencies[SITE_ADJACENCIES];
    unsigned int adjacency_count;
    uint8_t (*frames)[DEVICE_LINE];
    void *destinations;
};

/* Starts the EAL. Ends the process if it cannot. */
void site_create(struct site *site, const struct table *tables);
void site_destroy(struct site *site);
/* Path lists, traffic, and the routes to be loaded for a case; to be cleared before the next. 0 or -errno. */
int site_set_up(struct site *site, const struct site_case *one);
void site_clear(struct site *site);

/* TSC cycles a packet of the daemon's worker, for so many packets. Negative: not all of them came out, and as they
 * should; standard error says what became of them. */
double site_run_worker(struct site *site, uint64_t packets);
/* The same of a loop that does nothing but receive and send. */
double site_run_io(struct site *site, uint64_t packets);

#endif
