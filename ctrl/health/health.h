/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of an instance: up -> draining -> down, from what its checks say and what the operator says.
 *
 * Each check passes or does not; results that come one by one change that only after `rise` or `fall` of them in a row.
 * An instance fails as soon as one check does not pass. It recovers when all of them have passed for its hold-down
 * without a break: one that flaps never has, and stays down. The hold-down doubles with each failure that follows a
 * recovery within hold_max_ms, up to hold_max_ms, and is hold_ms again after a quiet time.
 *
 * The operator's word stands above: down is down whatever the checks say, and what is drained is draining while it is
 * fit. Until the first results an instance is fit: a restart must not move traffic.
 *
 * Times are milliseconds of one clock that never goes back. Pure; the caller has the clock and calls health_tick().
 */
#ifndef HEALTH_H
#define HEALTH_H

#include "addr.h"
#include "bfd_session.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum health_check {
    CHECK_HEARTBEAT, /* the instance, or who watches it, says over the API that it is well */
    CHECK_BFD,       /* its BFD sessions are up */
    CHECK_TCP,       /* probes: a connection is accepted */
    CHECK_ICMP,      /* an echo is answered */
    CHECK_HTTP,      /* a page has a good status */
    CHECK_DNS,       /* a name is resolved */
    CHECK_COMMAND,   /* a command ends with status 0 */
    HEALTH_CHECKS,
};

enum health_admin { HEALTH_ADMIN_UP, HEALTH_ADMIN_DRAIN, HEALTH_ADMIN_DOWN };

enum health_state { HEALTH_UP, HEALTH_DRAINING, HEALTH_DOWN };

struct health_rules {
    uint32_t rise;        /* good results in a row that make a check pass; 1 or more */
    uint32_t fall;        /* bad ones that make it not pass; 1 or more */
    uint32_t hold_ms;     /* hold-down of a first failure */
    uint32_t hold_max_ms; /* and at most */
};

#define HEALTH_RULES_DEFAULT ((struct health_rules){.rise = 2, .fall = 3, .hold_ms = 1000, .hold_max_ms = 60000})

/* BFD with the instance's next hops, or with one peer (RFC 5880, 5881, 5883). */
struct bfd_check {
    bool wanted;
    bool multihop;
    bool has_peer;
    struct ip_addr peer; /* several hops away */
    struct bfd_timers timers;
};

#define BFD_TIMERS_DEFAULT ((struct bfd_timers){.min_tx_us = 50000, .min_rx_us = 50000, .multiplier = 3})

#define PROBE_TEXT_MAX 512 /* bytes, with its NUL */

/* Zero beyond what is set: compared with memcmp(). */
struct probe_settings {
    uint32_t interval_ms; /* from one attempt to the next; 0: no such probe */
    uint32_t timeout_ms;  /* of an attempt */
    struct ip_addr address;
    bool has_address; /* else it needs no way to the instance */
    bool insecure;    /* http: whatever the certificate says */
    uint16_t port;    /* tcp, dns */
    uint16_t wanted;  /* http: this status, 0: 200 to 399; dns: the type of record that is asked for (RFC 1035 3.2.2) */
    char text[PROBE_TEXT_MAX]; /* the command, the URL, the name that is asked for */
};

/* All that an instance's entry says about its health. */
struct health_settings {
    struct health_rules rules;
    uint32_t heartbeat_ttl_ms; /* 0: no heartbeat is wanted */
    struct bfd_check bfd;
    struct probe_settings probes[HEALTH_CHECKS]; /* by check */
};

struct health {
    struct health_rules rules;
    enum health_admin admin;
    uint32_t checks;                /* a bit for each check that there is */
    uint32_t passing;               /* of these */
    uint32_t streak[HEALTH_CHECKS]; /* results in a row that contradict `passing` */
    bool failed;                    /* and not recovered yet */
    bool recovered_before;          /* recovered_ms means something */
    uint32_t hold_ms;               /* of this failure */
    uint64_t failed_ms;             /* when it did */
    uint64_t steady_ms;             /* since when all checks pass; only while they do */
    uint64_t recovered_ms;
    /* floor.h */
    bool reachable; /* the way to it is there; the owner says so */
    bool kept;      /* used although it has failed */
};

/* An instance without checks, fit, up. */
void health_init(struct health *health, const struct health_rules *rules);
/* Other rules, other checks (bits): a new check passes until it says otherwise, the others stay as they are. */
void health_configure(struct health *health, const struct health_rules *rules, uint32_t checks, uint64_t now_ms);

/* One result of a check. True: the instance failed by it. */
bool health_result(struct health *health, enum health_check check, bool good, uint64_t now_ms);
/* What a check that counts by itself says, at once. True: the instance failed by it. */
bool health_set(struct health *health, enum health_check check, bool passes, uint64_t now_ms);
/* True: the instance has recovered. */
bool health_tick(struct health *health, uint64_t now_ms);

/* What it is to those who send traffic to it. */
enum health_state health_state(const struct health *health);
/* Milliseconds that its checks must pass from now on before it recovers; 0: it has not failed. */
uint64_t health_held_ms(const struct health *health, uint64_t now_ms);

/* "up", "draining", "down" */
const char *health_state_name(enum health_state state);
/* "heartbeat" ... as the configuration has them */
const char *health_check_name(enum health_check check);

#endif
