/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane as the control thread sees it: the one header through which ctrl/ changes what workers do.
 *
 * Every function is the control thread's alone. Changes are published to the workers before the call returns; memory
 * that workers may still read is retired and reclaimed by later calls or dp_tick().
 */
#ifndef DP_H
#define DP_H

#include "addr.h"
#include "adjacency.h"
#include "attributes.h"
#include "bfd.h"
#include "counters.h"
#include "eal.h"
#include "error.h"
#include "path_list.h"
#include "port.h"
#include "request.h"
#include "takeover.h"
#include <stdbool.h>
#include <stdint.h>

enum idle { IDLE_POLL, IDLE_BACKOFF };

struct dp_settings {
    struct eal_settings eal; /* worker_lcores: one worker each */
    enum idle idle;
    uint64_t hash_seed;
    const struct port_settings *ports;
    unsigned int port_count;
};

struct dp;

/* Starts the EAL, opens the ports, allocates every table; no worker runs yet. 0 or -errno with a text. */
int dp_create(const struct dp_settings *settings, struct dp **out, struct error *error) MUST_USE;
/* Starts ports and workers. */
int dp_start(struct dp *dp, struct error *error) MUST_USE;
/* Stops the workers if they run, closes the ports, frees everything. NULL is fine. */
void dp_destroy(struct dp *dp);

/* Ports keep the order of the settings; the index is what struct rewrite names. */
unsigned int dp_port_count(const struct dp *dp);
const struct port *dp_port(const struct dp *dp, unsigned int index);
/* Link state as the driver tells it. */
bool dp_port_link_up(const struct dp *dp, unsigned int index);
/* Which MAC address frames for this port and its sub-interfaces carry, when its netdev was given another one. */
void dp_port_set_mac(struct dp *dp, unsigned int index, const uint8_t mac[6]);

/* Which addresses ICMP errors about what this port received come from; NULL where it has none of that family. 0 or
 * -ENOMEM. */
int dp_port_set_addresses(struct dp *dp, unsigned int index, const struct ip_addr *v4,
                          const struct ip_addr *v6) MUST_USE;

/* Adjacencies: as in adjacency.h. */
int dp_adjacency_create(struct dp *dp, const struct rewrite *rewrite) MUST_USE;
int dp_adjacency_set(struct dp *dp, uint16_t id, const struct rewrite *rewrite) MUST_USE;
void dp_adjacency_set_state(struct dp *dp, uint16_t id, enum adjacency_source source, enum adjacency_health health);
uint32_t dp_adjacency_state(const struct dp *dp, uint16_t id);
void dp_adjacency_destroy(struct dp *dp, uint16_t id);
/* What all workers sent this way since it was created. */
struct traffic dp_adjacency_traffic(const struct dp *dp, uint16_t id);

/* BFD sessions: as in bfd.h. */
int dp_bfd_add(struct dp *dp, const struct bfd_spec *spec) MUST_USE;
void dp_bfd_del(struct dp *dp, uint32_t id);
void dp_bfd_hold(struct dp *dp, uint32_t id, bool hold);
void dp_bfd_status(const struct dp *dp, uint32_t id, struct bfd_status *out);
uint32_t dp_bfd_discriminator(const struct dp *dp, uint32_t id);
bool dp_bfd_event(struct dp *dp, struct bfd_event *out);

/* Takeovers: as in takeover.h. */
void dp_takeover_arm(struct dp *dp, uint16_t dead);
bool dp_takeover(struct dp *dp, uint16_t dead, bool end, struct takeover *out);
/* The clock of workers, and its ticks in a second. */
uint64_t dp_clock(const struct dp *dp);
uint64_t dp_clock_hz(const struct dp *dp);

/* Path lists: as in path_list.h. */
int dp_path_list_create(struct dp *dp, const struct path_list_spec *spec) MUST_USE;
void dp_path_list_destroy(struct dp *dp, uint32_t id);

/* Routes. 0; -ENOSPC, -ENOMEM (set), -ENOENT (del), which change nothing. */
int dp_route_set(struct dp *dp, const struct prefix *prefix, uint32_t path_list) MUST_USE;
int dp_route_del(struct dp *dp, const struct prefix *prefix) MUST_USE;
/* While held, workers may not see a change until the hold ends: many cost less together. */
void dp_routes_hold(struct dp *dp, bool hold);
/* The longest match: 0 and what it says, or -ENOENT. */
int dp_route_lookup(const struct dp *dp, const struct ip_addr *addr, struct prefix *prefix,
                    uint32_t *path_list) MUST_USE;

/* A flow, ports in host byte order, 0 where its protocol has none. */
struct dp_flow {
    struct ip_addr src;
    struct ip_addr dst; /* of the same family */
    uint8_t protocol;
    uint16_t src_port;
    uint16_t dst_port;
};

struct dp_flow_choice {
    struct prefix prefix; /* the longest match of the destination */
    uint32_t path_list;
    uint32_t hash; /* 0 where there is one row */
    uint32_t row;
    uint32_t rows;
    uint16_t places[ROW_PLACES]; /* the row's adjacencies, as they are tried; ADJACENCY_NONE: the row is shorter */
    uint16_t adjacency;          /* the one that a packet gets now; ADJACENCY_NONE: nothing is left */
    bool failed_open;            /* it is suspect, and no better one is left */
};

/* Where workers send a plain packet of this flow now. 0 or -ENOENT: no route. */
int dp_flow_choose(const struct dp *dp, const struct dp_flow *flow, struct dp_flow_choice *out) MUST_USE;

/* Wishes of the workers, until there are none: false. */
bool dp_request(struct dp *dp, struct request *out);
/* Now and then: gives retired memory back. */
void dp_tick(struct dp *dp);

struct worker_stats {
    unsigned int lcore;
    uint64_t loops;
    uint64_t busy_loops;
    uint64_t rx;
    uint64_t tx;
    uint64_t stalls; /* loops that began over a millisecond late */
    uint64_t stall_longest_us;
    double cycles_per_packet; /* TSC cycles of busy loops for each packet received; 0 if none was */
};

/* Of a port with sub-interfaces: all that its device did. Bytes with the tags. */
struct port_stats {
    struct traffic rx;
    struct traffic tx;
    uint64_t rx_missed;  /* the device had no room for them */
    uint64_t tx_dropped; /* the device did not take them */
};

struct dp_stats {
    uint64_t received;
    uint64_t created;
    uint64_t icmp_sent;
    uint64_t sent;
    uint64_t punted;
    uint64_t consumed;
    uint64_t held;
    uint64_t fragments_unmatched;
    uint64_t flows_incomplete;
    uint64_t failed_open;
    uint64_t drops[DROP_REASONS];
    struct {
        uint64_t routes;
        uint64_t bytes;
    } fib[FAMILIES];
    uint64_t fib_control_bytes; /* what only the control thread reads of both */
    uint64_t row_bytes;
    struct {
        uint64_t routes;     /* set or taken away, system routes included */
        uint64_t path_lists; /* made, with their rows */
    } writes;                /* since the start */
    uint64_t mbufs_free;
    uint64_t mbufs_in_use;
};

/* Read from memory; no worker is interrupted. */
void dp_stats(const struct dp *dp, struct dp_stats *out);
unsigned int dp_worker_count(const struct dp *dp);
void dp_worker_stats(const struct dp *dp, unsigned int worker, struct worker_stats *out);
void dp_port_stats(const struct dp *dp, unsigned int index, struct port_stats *out);

#endif
