/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sole writer to the data plane: turns decisions, and what the kernel knows, into adjacencies, path lists and
 * routes, and keeps them true when links, addresses and neighbours change.
 *
 *  - A hop is a place to send packets to: an instance, a next hop, or one of the fixed fates (local, blackhole,
 * reject). It owns an adjacency. Where it leads is found anew whenever the kernel reports a change.
 *  - An outcome is a ranked set of hops, interned: routes with the same outcome share one path list.
 *  - System routes follow from the kernel's addresses and neighbours: a local address is punted, a connected subnet is
 *    resolved, a resolved neighbour is a host route. They win over decided routes of the same prefix.
 *  - On AF_XDP ports the XDP program's tables follow the same addresses.
 *
 * Control thread only.
 */
#ifndef INSTALL_H
#define INSTALL_H

#include "addr.h"
#include "attributes.h"
#include "dp.h"
#include "error.h"
#include "kernel.h"
#include "steer_loader.h"
#include "tunnel.h"

struct install;
struct hop;
struct hop_bfd;
struct outcome;

struct install_port {
    const char *name;     /* the operator's */
    const char *netdev;   /* the kernel twin */
    bool xdp;             /* our XDP program goes onto the netdev */
    enum steer_mode mode; /* of an xdp port */
    uint16_t vlan;        /* VID of a sub-interface, else 0 */
    unsigned int parent;  /* index of the port that a sub-interface is a part of, before it */
};

struct install_settings {
    const char *bpf_object; /* path of steer.bpf.o, beside which the others are */
    const struct install_port *ports;
    unsigned int port_count;
    const struct prefix *anycast;
    unsigned int anycast_count;
    /* A hop became reachable or unreachable: the routes that use it are to be decided anew. */
    void (*hop_changed)(void *owner, const struct hop *hop);
    /* A BFD session began or ceased to be usable. */
    void (*bfd_changed)(void *owner, const struct hop_bfd *bfd, const struct bfd_event *event);
    /* The path list that the decision has installed for a prefix, PATH_LIST_NONE if none. */
    uint32_t (*decided)(void *owner, const struct prefix *prefix);
    void *owner;
};

/* Opens the kernel mirror and attaches XDP; before the EAL starts. 0 or -errno with a text. */
int install_open(const struct install_settings *settings, struct install **out, struct error *error) MUST_USE;
/* From now on dp follows; call it once, after dp_create() with the same ports. 0 or -errno with a text. */
int install_bind(struct install *install, struct dp *dp, struct error *error) MUST_USE;
/* Every hop and outcome must have been put. The data plane must be stopped, and not yet destroyed. NULL is fine. */
void install_close(struct install *install);
/* Detaches XDP and closes the mirror, after the data plane's sockets are closed. NULL is fine. */
void install_free(struct install *install);

/* Readable when the kernel has news; then install_kernel_ready(). -errno: the mirror is lost. */
int install_fd(const struct install *install);
int install_kernel_ready(struct install *install) MUST_USE;
/* Every 10 ms: neighbours that packets wait for, refreshing of those in use, next hops that depend on routes. */
void install_tick(struct install *install, uint64_t now_ms);
/* Decided routes have changed: next hops that resolve through them are looked at again at the next tick. */
void install_routes_changed(struct install *install);

const struct kernel *install_kernel(const struct install *install);
/* The port's netdev, or NULL while there is none. */
const struct kernel_link *install_link(const struct install *install, unsigned int port);
/* Frames can leave by the port. */
bool install_running(const struct install *install, unsigned int port);
/* The largest IP packet that may leave by the port. */
uint16_t install_mtu(const struct install *install, unsigned int port);
/* The index of the port whose netdev this is, or -ENODEV. */
int install_port_of(const struct install *install, uint32_t ifindex) MUST_USE;
/* Verdicts of a port's XDP program; -ENOENT: it has none. */
int install_xdp_counters(struct install *install, unsigned int port, struct steer_counters *out) MUST_USE;
/* Replaces the anycast prefixes: what changed is changed on all ports. 0 or -errno. */
int install_set_anycast(struct install *install, const struct prefix *prefixes, unsigned int count) MUST_USE;

/* Hops. `family` is the packets'. A hop is freed with its last reference. NULL: no memory or no id left. */

/* A hop of its own, with a state word and counters of its own: an instance's. With a tunnel (TUNNEL_NONE: without), the
 * address, of either family, is the way to the tunnel's destination. */
struct hop *hop_create(struct install *install, const struct ip_addr *address, const struct tunnel *tunnel,
                       enum family family);
/* The shared hop of an address that is no instance's. */
struct hop *hop_get(struct install *install, const struct ip_addr *address, enum family family);
/* The same of a link-local address, which says nothing without its port; on_port is the port's number and 1. */
struct hop *hop_get_on(struct install *install, const struct ip_addr *address, uint8_t on_port, enum family family);
enum hop_fate { HOP_BLACKHOLE, HOP_REJECT, HOP_LOCAL, HOP_FATES };
struct hop *hop_get_fate(struct install *install, enum hop_fate fate);
struct hop *hop_ref(struct hop *hop);
void hop_put(struct install *install, struct hop *hop);

/* Another next hop or tunnel for the same adjacency. */
void hop_set_address(struct install *install, struct hop *hop, const struct ip_addr *address,
                     const struct tunnel *tunnel);
/* The operator's word, or the probes'; takes effect at the workers' next packet. */
void hop_set_state(struct install *install, struct hop *hop, enum adjacency_source source,
                   enum adjacency_health health);

/* Whose adjacency that is; NULL: nobody's. */
const struct hop *install_hop(const struct install *install, uint16_t adjacency);
/* A port leads there; always true of a fate. */
bool hop_is_reachable(const struct hop *hop);
/* Frames can be sent there now: its port is up, its neighbour is known. */
bool hop_is_linked(const struct install *install, const struct hop *hop);
/* Without another route in between: by a port's subnet, or a fate. */
bool hop_is_direct(const struct hop *hop);

struct hop_info {
    uint16_t adjacency;
    bool reachable;         /* a port leads there; always true of a fate */
    bool connected;         /* directly, by a port's subnet */
    bool resolved;          /* the neighbour's MAC is known */
    unsigned int port;      /* if reachable, and no fate */
    struct ip_addr gateway; /* likewise: the neighbour that frames go to */
    struct ip_addr address;
    uint8_t on_port;  /* as of hop_get_on(); 0: the address tells the way */
    bool has_address; /* false: a fate */
    uint32_t state;   /* adjacency state word: 0 = alive */
    struct traffic traffic;
};
void hop_info(const struct install *install, const struct hop *hop, struct hop_info *out);

/* Where the kernel would have to send packets for the hop to get them. Free of padding, so memcmp() compares. */
struct install_way {
    uint32_t ifindex;
    uint32_t link_changes; /* links that changed so far: with a link that goes down the kernel forgets its routes */
    struct ip_addr gateway;
    struct tunnel tunnel; /* that they go into before */
    uint8_t family;       /* of the packets */
    uint8_t zero[3];
};
static_assert(sizeof(struct install_way) == 64, "no padding: compared with memcmp");
/* False: nowhere now. */
bool hop_way(const struct install *install, const struct hop *hop, struct install_way *out);
/* Packets of this host with this mark go that way: as kernel_way_set(). Those that go into a tunnel leave it with a
 * mark that is greater by 0x10000 (of IPv4 packets) or 0x20000 (of IPv6 ones). */
int install_way_set(struct install *install, uint32_t mark, const struct install_way *way) MUST_USE;
void install_way_del(struct install *install, uint32_t mark, enum family family);
void install_ways_flush(struct install *install);

/* Who takes over when the hop is not alive any more (takeover.h). */
void hop_takeover_arm(struct install *install, const struct hop *hop);
bool hop_takeover(struct install *install, const struct hop *hop, bool end, struct takeover *out);
/* NULL: none has it. */
const struct hop *hop_by_adjacency(const struct install *install, uint16_t adjacency);
/* When it was last lost: its port went down, or its neighbour ceased to answer. */
uint64_t hop_lost_at(const struct hop *hop);
/* The workers' clock, and its ticks in a second. */
uint64_t install_clock(const struct install *install);
uint64_t install_clock_hz(const struct install *install);

/* BFD sessions, which decide on hops. */
struct hop_bfd_spec {
    struct ip_addr peer;
    struct ip_addr local;
    bool has_local; /* false: the address that the kernel would send from */
    bool multihop;
    struct bfd_timers timers;
    struct hop *via; /* without a tunnel; leads to the peer */
    struct hop *targets[BFD_TARGETS_MAX];
    unsigned int target_count;
};

struct hop_bfd_info {
    struct bfd_path path; /* local: only while it runs */
    bool runs;            /* false: nothing leads to the peer */
    struct bfd_status status;
};

/* References the hops. Follows them and our addresses from now on. NULL: no memory. */
struct hop_bfd *hop_bfd_create(struct install *install, const struct hop_bfd_spec *spec);
/* NULL is fine. */
void hop_bfd_destroy(struct install *install, struct hop_bfd *bfd);
/* The targets are used whatever the session says. */
void hop_bfd_hold(struct install *install, struct hop_bfd *bfd, bool hold);
void hop_bfd_info(const struct install *install, const struct hop_bfd *bfd, struct hop_bfd_info *out);

/* Outcomes. */
struct outcome_path {
    struct hop *hop;
    uint16_t weight; /* within its tier; 1 or more */
    uint16_t tier;   /* from 0, ascending */
    uint64_t hash;   /* of the name: of the instance, or of the next hop's text */
};

/* What the prefix's owner wants of its packets; zero is the default. */
struct outcome_traits {
    uint8_t hash_mode;     /* enum hash_mode */
    bool tell_no_instance; /* ICMP errors when nothing is alive */
};

/* Interns: a reference to the outcome with these paths, best first. NULL with errno: ENOMEM, ENOSPC. */
const struct outcome *outcome_get(struct install *install, const struct outcome_path *paths, unsigned int count,
                                  struct outcome_traits traits);
const struct outcome *outcome_by_id(const struct install *install, uint32_t path_list);
void outcome_put(struct install *install, const struct outcome *outcome);
uint32_t outcome_id(const struct outcome *outcome);
const struct outcome_path *outcome_paths(const struct outcome *outcome, unsigned int *count);
unsigned int outcome_count(const struct install *install);

/* A decided route: path_list PATH_LIST_NONE takes it away. A system route of the same prefix stays in front of it.
 * 0 or -errno, which changes nothing. */
int install_route(struct install *install, const struct prefix *prefix, uint32_t path_list) MUST_USE;
/* While held, workers may not see those that change until the hold ends: many cost less together. */
void install_routes_hold(struct install *install, bool hold);

#endif
