/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small world around one struct pipe: ports, routes of both families, and every way that a packet may go. Real
 * tables, real stages; only the devices are missing. Each lane ends in a ring, and the world plays its owner.
 *
 *                  IPv4                IPv6
 *   anycast        192.0.2.0/24        2001:db8:a::/48     lon1 and lon2, then ny1
 *   addresses      192.0.3.0/24        2001:db8:aa::/48    the same, hashed on addresses alone
 *   wide           10.73.0.0/16        2001:db8:73::/48    lon1, lon2 and ny1 alike
 *   plain          198.18.0.0/15       2001:db8:b::/48     one next hop; 10.156.0.0/16 and 240.0.0.0/4 as well
 *   narrow         10.69.0.0/16        2001:db8:69::/48    the same with an MTU of 1280
 *   tagged         10.70.0.0/16        2001:db8:70::/48    leaves with a VLAN tag
 *   VLAN           10.72.0.0/16        2001:db8:72::/48    out of the sub-interface of PORT_UP
 *   crowded        10.71.0.0/16        2001:db8:71::/48    out of a port that takes CROWDED_ROOM packets
 *   connected      203.0.113.0/24      2001:db8:f::/64     neighbours that are not resolved
 *   own            203.0.113.1         2001:db8:f::1       also fe80::1
 *   blackhole      10.66.0.0/16        2001:db8:66::/48
 *   rejected       10.67.0.0/16        2001:db8:67::/48
 *   orphaned       10.68.0.0/16        2001:db8:68::/48    a route without any instance
 */
#ifndef WORLD_H
#define WORLD_H

#include "frame.h"
#include "pipe.h"

/* Ports, which are lanes as well, and the kernel twins of some of them behind. PORT_VLAN is a sub-interface of PORT_UP.
 */
enum {
    PORT_UP,
    PORT_EAST,
    PORT_WEST,
    PORT_CROWDED,
    PORT_VLAN,
    WORLD_PORTS,
    LANE_UP_TWIN = WORLD_PORTS,
    LANE_EAST_TWIN,
    LANE_VLAN_TWIN,
    WORLD_LANES
};

enum way {
    TO_LON1, /* out of PORT_EAST */
    TO_LON2, /* out of PORT_WEST */
    TO_NY1,  /* out of PORT_EAST */
    TO_PLAIN,
    TO_NARROW,
    TO_TAGGED,
    TO_CROWDED,
    TO_VLAN,
    TO_NEIGHBOUR,
    TO_LOCAL,
    TO_BLACKHOLE,
    TO_REJECT,
    WAYS,
};

#define WORLD_VID    100 /* of PORT_VLAN */
#define NARROW_MTU   1280
#define CROWDED_ROOM 63
#define OUTLET_MAX   1024

/* What came out of a lane. */
struct outlet {
    struct rte_ring *ring;
    unsigned int count;
    struct rte_mbuf *mbufs[OUTLET_MAX];
};

/* What was shown to the pipe's watch. */
struct world_watch {
    struct watch watch;
    uint64_t received;
    uint64_t drops[DROP_REASONS];
};

struct world {
    struct pipe pipe;
    struct world_watch watch;
    struct pipe_port ports[WORLD_PORTS];
    uint16_t vlans[PIPE_VIDS]; /* of PORT_UP */
    struct counters counters;
    struct request_ring requests;
    struct datagram_table datagrams;
    struct wanted_table wanted;
    struct pending pending;
    struct outlet outlets[WORLD_LANES];
    struct rcu *rcu;
    struct fib4 *fib4;
    struct fib6 *fib6;
    struct adjacency_table *adjacencies;
    struct path_list_table *path_lists;
    struct rte_mempool *pool; /* of received packets; pipe.pool is that of the packets made by the pipe */
};

/* Starts the EAL as well. NULL if that or memory fails, once a process. A watch sees the packets, unless WORLD_UNSEEN
 * is in the environment: without any, as usual, bursts that all go one way have a shorter one. */
struct world *world_create(void);
/* The MAC address that frames for the port carry. */
const uint8_t *world_mac(unsigned int port);
/* The adjacency of a way: a header carries an EtherType, so each family has its own. */
uint16_t world_adjacency(enum way way, enum family family);
/* What it makes of a packet. */
struct rewrite world_rewrite(enum way way, enum family family);
/* Says that the way is not as good as it was; both families. */
void world_set_state(struct world *world, enum way way, enum adjacency_source source, enum adjacency_health health);
/* The port has 203.0.113.1 and 2001:db8:f::1 to send ICMP errors from, at most `burst` at once (and no more within a
 * test). Without, as after a reset, none is sent. */
void world_speak(struct world *world, unsigned int port, unsigned int burst);
/* From now on packets wait for their neighbours, so many cycles at most. Without, as after a reset, they are dropped.
 */
void world_hold(struct world *world, uint64_t cycles);
/* Counters at zero, no wish and no packet waiting, every adjacency alive, no port speaking, nothing in the outlets. */
void world_reset(struct world *world);

/* A packet whose last byte is the last of its memory, so that AddressSanitizer sees a read beyond it. cuts: where a new
 * segment begins, in order, ended by a zero; NULL for one segment. */
struct rte_mbuf *world_packet(struct world *world, const struct frame *frame, const unsigned int *cuts);
/* The port received this burst; then all lanes are flushed into the outlets. */
void world_receive(struct world *world, unsigned int port, struct rte_mbuf **mbufs, unsigned int n);
/* So many cycles later the worker looks at what waits. */
void world_later(struct world *world, uint64_t cycles);
/* So much time passes that no packet waits any more; then it is as late as before. */
void world_wait(struct world *world);
/* Moves what waits in the rings to the outlets, and counts it as the owners of the queues would. */
void world_collect(struct world *world);
/* The bytes of a packet, segments joined. */
void world_read(const struct rte_mbuf *mbuf, struct frame *out);
/* Frees what came out. */
void world_clear(struct world *world);
/* received + created = sent + punted + drops + held, and the watch, if there is one, was shown what was received and
 * dropped. */
bool world_adds_up(const struct world *world);
/* Packets that were neither freed nor are in an outlet nor held. */
unsigned int world_lost_mbufs(const struct world *world);

#endif
