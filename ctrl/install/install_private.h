/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share. */
#ifndef INSTALL_PRIVATE_H
#define INSTALL_PRIVATE_H

#include "encap_loader.h"
#include "install.h"
#include "prefix_set.h"
#include <sys/queue.h>

#define GATEWAY_BUCKETS 1024
#define OUTCOME_BUCKETS 4096

LIST_HEAD(hop_list, hop);
LIST_HEAD(outcome_list, outcome);
LIST_HEAD(hop_bfd_list, hop_bfd);

/* A port and its kernel twin. */
struct twin {
    char name[PORT_NAME_MAX];
    char netdev[IF_NAMESIZE];
    bool xdp;
    enum steer_mode mode;
    uint16_t vlan;       /* VID of a sub-interface, else 0 */
    unsigned int parent; /* index, of a sub-interface */
    struct steer *steer; /* NULL without XDP */
    uint32_t attached;   /* the interface that XDP and the socket are on, whatever its name; 0: that is gone */
    uint32_t ifindex;    /* 0 while there is no such netdev */
    bool running;        /* the port's link is up */
    struct hop *glean;   /* for its connected subnets */
};

struct hop {
    LIST_ENTRY(hop) link;       /* in install->hops */
    LIST_ENTRY(hop) by_gateway; /* in a bucket, while reachable */
    LIST_ENTRY(hop) by_address; /* in a bucket, while shared */
    uint8_t rewrite;            /* enum rewrite_kind that it has when nothing is in the way */
    uint8_t family;             /* of the packets */
    uint8_t on_port;            /* a link-local address: the port's number and 1; else 0 */
    bool has_address;
    bool shared;
    bool reachable;
    bool connected;
    bool resolved;
    uint16_t adjacency;
    uint16_t port;
    uint32_t path_mtu; /* that the kernel's route there states; 0: the port's */
    uint32_t refs;
    struct ip_addr address;
    struct ip_addr gateway;
    struct tunnel tunnel;
    bool linked;       /* the link byte is zero */
    uint64_t lost_at;  /* in the workers' clock: when it ceased to be */
    uint64_t asked_ms; /* when the kernel was last asked to resolve it */
};

struct outcome {
    LIST_ENTRY(outcome) by_hash;
    uint64_t hash;
    uint32_t id;
    uint32_t refs;
    uint16_t count;
    struct outcome_traits traits;
    struct outcome_path paths[];
};

/* A route that follows from the kernel's state. */
struct system_route {
    struct prefix prefix; /* first: a member of the set */
    struct hop *hop;
    const struct outcome *outcome;
};

struct install {
    struct install_settings settings; /* ports and anycast: not to be used after install_open() */
    struct kernel *kernel;
    struct dp *dp; /* NULL until bound */
    struct twin twins[PIPE_PORTS_MAX];
    uint32_t ifindexes[PIPE_PORTS_MAX]; /* of the twins, as kernel_connected() wants them */
    unsigned int twin_count;
    struct prefix *anycast;
    unsigned int anycast_count;
    struct hop_list hops;
    struct hop_list by_gateway[GATEWAY_BUCKETS];
    struct hop_list by_address[GATEWAY_BUCKETS];
    struct hop *by_adjacency[ADJACENCY_MAX];
    struct hop *fates[HOP_FATES];
    struct outcome_list outcomes[OUTCOME_BUCKETS];
    struct outcome *by_id[PATH_LIST_MAX];
    unsigned int outcome_count;
    struct hop_bfd_list bfds;
    struct hop_bfd *bfd_by_session[BFD_SESSIONS_MAX];
    struct prefix_set system;
    bool recheck; /* next hops that are not directly connected are to be looked at again */
    uint64_t now_ms;
    uint64_t refreshed_ms;
    uint64_t links_ms; /* links were looked at */
    uint32_t link_changes;
    struct encap *encap; /* for ways into tunnels; NULL: none was needed yet */
    bool encap_refused;  /* it cannot be loaded, as the log has said */
};

/* hop.c: takes over nothing. */
struct hop *hop_new(struct install *install, enum rewrite_kind rewrite, enum family family);
/* Finds anew where the hop leads and publishes it; tells the owner if it became reachable or stopped being so. */
void hop_refresh(struct install *install, struct hop *hop);
/* Every hop, or those that are not directly connected. */
void hops_refresh(struct install *install, bool indirect_only);
/* Those that use this neighbour. */
void hops_refresh_gateway(struct install *install, const struct ip_addr *gateway);
/* Asks the kernel for the neighbour of the hop, at most every so often. */
void hop_ask(struct install *install, struct hop *hop);
/* A glean hop leads out of its port, whatever the address. */
void hop_set_port(struct install *install, struct hop *hop, unsigned int port);

/* hop_bfd.c */
/* After hops or addresses have changed. */
void hop_bfds_follow(struct install *install);
/* What the sessions have to say. */
void hop_bfd_events(struct install *install);

/* system.c: makes the system route of a prefix what the kernel's state says it should be. */
void system_refresh(struct install *install, const struct prefix *prefix);
/* After an address, its subnet and its broadcast address came, changed or went. */
void system_refresh_address(struct install *install, const struct kernel_address *address);
/* Local addresses, connected subnets, neighbours: all that the mirror holds. */
void system_refresh_all(struct install *install);
void system_clear(struct install *install);
/* PATH_LIST_NONE: no system route has this prefix. */
uint32_t system_path_list(const struct install *install, const struct prefix *prefix);

/* twin.c */
/* What a link event (as in struct kernel_callbacks) says about ports. False: nothing. */
bool twins_refresh(struct install *install, const struct kernel_link *old, const struct kernel_link *now);
/* The addresses that ports speak from, after an address or a netdev came or went: of each family the first of their own
 * netdev, else of the loopback interface, else of another port. */
void twins_refresh_addresses(struct install *install);
/* Local or not: what XDP does with a prefix on all ports. */
void twins_set_local(struct install *install, const struct prefix *prefix, bool local);
/* XDP takes the session's packets on all ports; discriminator 0: no more. */
void twins_set_bfd(struct install *install, const struct bfd_path *path, uint32_t discriminator);
/* The port's link as its driver or netdev tells it now; a sub-interface's is its parent's. */
bool twin_link_up(const struct install *install, unsigned int port);
int twins_attach(struct install *install, const char *object, struct error *error) MUST_USE;

/* way.c */
void ways_close(struct install *install);

#endif
