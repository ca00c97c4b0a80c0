/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decision: which candidates of one prefix win, which back them up, and why the others lost.
 *
 * By set elimination, never by pairwise comparison: a MED says something only among routes of one neighbour AS, so
 * "better" is not transitive between two routes, and an order made of pairs depends on who came first (RFC 3345). Each
 * step drops from the set what somebody left in it beats; what survives the whole order wins. That is tier 1. Tier 2 is
 * what the same procedure makes of the rest, and so on down to the last eligible candidate.
 *
 * Pure: depends on its arguments alone, allocates nothing, never fails. The order of the input does not matter as long
 * as `key` is unique. Time: O(tiers * n) plus O(n^2) a tier among those that a MED has to tell apart.
 */
#ifndef BEST_H
#define BEST_H

#include "addr.h"
#include "attrs.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer_type { PEER_EBGP, PEER_IBGP, PEER_LOCAL };

/* In the order in which they are compared. */
enum best_step {
    STEP_NONE,         /* has not lost */
    STEP_DRAINING,     /* anything else before what is being drained; ours, before all that BGP knows */
    STEP_STALE,        /* fresh, or stale for a short while, before long-lived stale (RFC 9494 4.3) */
    STEP_WEIGHT,       /* highest */
    STEP_LOCAL_PREF,   /* highest; see attrs_local_pref() (RFC 4271 9.1.1, RFC 8326) */
    STEP_LOCAL,        /* originated here, which is: of a PEER_LOCAL */
    STEP_AS_PATH,      /* shortest (RFC 4271 9.1.2.2 a, RFC 5065 5.3) */
    STEP_ORIGIN,       /* lowest (b) */
    STEP_MED,          /* lowest of the same neighbour AS (c) */
    STEP_EBGP,         /* eBGP before iBGP (d) */
    STEP_IGP_COST,     /* nearest next hop (e); what is left after it may share the traffic */
    STEP_ROUTER_ID,    /* lowest ORIGINATOR_ID, else router id (f, RFC 4456 9) */
    STEP_CLUSTER_LIST, /* shortest (RFC 4456 9) */
    STEP_PEER_ADDRESS, /* lowest; IPv4 before IPv6 (g) */
    STEP_PATH_ID,      /* lowest (RFC 7911) */
    STEP_KEY,          /* lowest key: one peer's route over two sessions, or peers that told no address */
    STEPS,
};

/* Unknown = 0, which is the lowest. */
struct best_peer {
    struct ip_addr address;
    uint32_t as;
    uint32_t router_id; /* host byte order */
    enum peer_type type;
    /* Another router's choice (FRR's by FPM, the kernel's), which has weighed what its next hops cost: those of one
     * prefix share the traffic, whatever the options. */
    bool external;
};

struct contender {
    const struct attrs *attrs; /* canonical */
    const struct best_peer *peer;
    const char *why_not; /* NULL: eligible; else the caller's word for why not, kept for route.explain */
    uint64_t key;        /* unique among the contenders, e.g. peer and session id */
    uint32_t path_id;
    uint32_t igp_cost;
    bool draining;
    bool long_lived_stale; /* the community LLGR_STALE says the same */
};

struct best_options {
    uint32_t own_as;
    bool multipath;       /* tier = all that tie down to igp_cost and have the same neighbour AS (iBGP: AS_PATH) */
    bool multipath_relax; /* whatever their AS */
    bool always_compare_med;
    bool missing_med_worst; /* missing = 4294967295 instead of 0 */
};

struct verdict {
    uint32_t tier;          /* 1 = best, 2 = first backup, ...; 0 = not eligible */
    uint32_t order;         /* within the tier, from 0: the winner of the tie-break first */
    enum best_step lost_at; /* where it lost tier 1, for every eligible candidate that did; else STEP_NONE */
    uint32_t lost_to;       /* index of a contender that beat it there: the best one unless a MED decided */
};

/* Ranks n contenders. ranking (n entries): their indexes, best first, those not eligible last in the order given.
 * verdicts (n entries): verdicts[i] is about contenders[i]. Returns how many are eligible. */
uint32_t best_rank(const struct contender *contenders, uint32_t n, const struct best_options *options,
                   uint32_t *ranking, struct verdict *verdicts);

/* The name of the step in the API ("as_path"); "none" for STEP_NONE. */
const char *best_step_name(enum best_step step);

#define BEST_DETAIL_STRLEN 192

/* Why `loser` lost at `step` to `winner`: "as_path 3 > 2 (lon)", the loser's value first, `who` being the caller's name
 * for the winner. Writes at most BEST_DETAIL_STRLEN bytes, cutting a long name, and returns out. */
char *best_detail(enum best_step step, const struct contender *loser, const struct contender *winner,
                  const struct best_options *options, const char *who, char *out);

#endif
