/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A record of every failover: of which instance and why, when it was last known to be good, when its failure was
 * detected, when its adjacencies were flipped, and when the first packet went elsewhere, with the packets that it still
 * got. Times are of the data plane's clock (install_clock()); the last FAILOVERS_KEPT records stay. Control thread
 * only.
 */
#ifndef FAILOVER_H
#define FAILOVER_H

#include "site.h"

#define FAILOVERS_KEPT   256
#define FAILOVER_DETAIL  64
#define FAILOVER_BUCKETS 32 /* bucket b: below 2^b microseconds */

struct site_failover {
    uint64_t sequence; /* from 1 */
    char instance[SITE_NAME_MAX];
    char heir[SITE_NAME_MAX]; /* "": no packet went elsewhere, or to no instance */
    const char *cause;        /* "admin", "drain", "link", or a check */
    char detail[FAILOVER_DETAIL];
    uint64_t at_ms;     /* CLOCK_REALTIME, of the detection */
    uint64_t last_good; /* 0: never */
    uint64_t detected;
    uint64_t flipped;
    uint64_t first;             /* 0: none within a second */
    uint64_t worker_gap;        /* until then from the begin of that worker's loop before */
    uint64_t packets_last_good; /* that the instance had been sent then */
    uint64_t packets;           /* when it was flipped */
    uint32_t instance_id;
    uint32_t families; /* a bit for each of the packets' families that it was flipped for; 0: both */
    bool open;         /* the first packet elsewhere is waited for */
};

struct failover_histograms {
    uint64_t detection[FAILOVER_BUCKETS]; /* from the last good sign to the flip */
    uint64_t takeover[FAILOVER_BUCKETS];  /* from the flip to the first packet elsewhere */
};

/* The record with this sequence number, NULL if there is none (any more). The last one has site_failover_count(). */
const struct site_failover *site_failover(const struct site *site, uint64_t sequence);
uint64_t site_failover_count(const struct site *site);
const struct failover_histograms *site_failover_histograms(const struct site *site);
/* What has been drained since the last commit was so before the daemon started: no traffic moves, no record. */
void site_drains_restored(struct site *site);
/* Microseconds between two times of a record. */
uint64_t site_failover_us(const struct site *site, uint64_t from, uint64_t to);

#endif
