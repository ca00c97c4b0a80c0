/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mirror of what the kernel knows: links, addresses and neighbours of the network namespace the mirror was opened in,
 * followed over rtnetlink; and the two things asked of it, to resolve a neighbour and to look up a route.
 *
 * The mirror is filled when kernel_open() returns. From then on the owner's epoll loop watches kernel_fd() and calls
 * kernel_dispatch(), which updates the mirror and then reports each change by a callback. When the kernel had to drop
 * messages, the mirror dumps everything anew by itself and reports the difference, deletions included; no callback
 * ever comes for something that did not change.
 *
 * Order of events: a link is reported before its addresses and neighbours, and after them when it goes.
 * Control thread only. Every function but kernel_open(), kernel_resolve() and kernel_route_get() reads memory alone.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include "addr.h"
#include "attributes.h"
#include "error.h"
#include <net/if.h>
#include <stddef.h>

struct kernel;

/* The three records. Values without padding, unused bytes zero: memcmp() compares. What identifies one comes first. */
struct kernel_link {
    uint32_t ifindex;
    char name[IF_NAMESIZE];
    uint32_t mtu;
    uint8_t mac[6]; /* zero where the link has no Ethernet address */
    bool up;        /* administratively */
    bool running;   /* up, and has a carrier (RFC 2863 operational state) */
};

struct kernel_address {
    uint32_t ifindex;
    struct ip_addr addr;      /* the local one */
    struct prefix subnet;     /* what is connected by it: on a point-to-point link the peer's */
    struct ip_addr broadcast; /* of an IPv4 subnet shorter than /31, else all zero */
};

struct kernel_neighbour {
    uint32_t ifindex;
    struct ip_addr addr;
    uint8_t mac[6];
    bool usable : 1; /* frames may be sent to the MAC: resolved, perhaps stale, not failed; and a unicast MAC */
    bool fixed : 1;  /* set by hand (NUD_PERMANENT) or needs no resolution (NUD_NOARP) */
};

static_assert(sizeof(struct kernel_link) == 32 && sizeof(struct kernel_address) == 56 &&
                  sizeof(struct kernel_neighbour) == 28,
              "no padding: compared with memcmp");

/* old == NULL: it is new. now == NULL: it is gone. Else it changed from old to now. The pointers are valid during the
 * call, in which the mirror already holds the new state and may be queried; kernel_dispatch() and kernel_close() must
 * not be called. Any callback may be NULL. */
struct kernel_callbacks {
    void (*link)(void *owner, const struct kernel_link *old, const struct kernel_link *now);
    void (*address)(void *owner, const struct kernel_address *old, const struct kernel_address *now);
    void (*neighbour)(void *owner, const struct kernel_neighbour *old, const struct kernel_neighbour *now);
    /* some route of either family may have changed: once a kernel_dispatch() at most, however many did */
    void (*routes_changed)(void *owner);
};

/* Opens, and waits for the first dump. What it finds is reported too, before it returns. callbacks is copied. */
int kernel_open(const struct kernel_callbacks *callbacks, void *owner, struct kernel **out,
                struct error *error) MUST_USE;
/* Reports nothing. NULL is fine. */
void kernel_close(struct kernel *kernel);
/* Readable when there is something to dispatch (level-triggered); valid until kernel_close(). */
int kernel_fd(const struct kernel *kernel);
/* Handles what has arrived, without waiting, and not for ever: what is left makes the descriptor readable again.
 * 0, or -errno after which the mirror is no longer followed (-ENOMEM is not such: it leads to a new dump). */
int kernel_dispatch(struct kernel *kernel) MUST_USE;

/* Queries: NULL where there is none. Pointers are valid until the next kernel_dispatch(). */
const struct kernel_link *kernel_link_get(const struct kernel *kernel, uint32_t ifindex);
const struct kernel_link *kernel_link_by_name(const struct kernel *kernel, const char *name);
const struct kernel_neighbour *kernel_neighbour_get(const struct kernel *kernel, uint32_t ifindex,
                                                    const struct ip_addr *addr);
/* The address whose subnet holds `addr`, on any of these links; the longest subnet, and the first link listed, wins. */
const struct kernel_address *kernel_connected(const struct kernel *kernel, const struct ip_addr *addr,
                                              const uint32_t *ifindexes, size_t n);
/* Iterate: the first for prev == NULL, NULL after the last. */
const struct kernel_link *kernel_link_next(const struct kernel *kernel, const struct kernel_link *prev);
const struct kernel_address *kernel_address_next(const struct kernel *kernel, const struct kernel_address *prev);
const struct kernel_neighbour *kernel_neighbour_next(const struct kernel *kernel, const struct kernel_neighbour *prev);

/* Where marked packets go. Free of padding, so memcmp() compares. */
struct kernel_way {
    uint32_t ifindex;
    int32_t program; /* descriptor of a BPF program (BPF_PROG_TYPE_LWT_XMIT) that puts them into a tunnel; 0: none */
    struct ip_addr gateway; /* without a program; of IPv4 packets it may be an IPv6 one (RFC 5549) */
    uint8_t family;         /* of the packets */
    uint8_t headroom;       /* bytes that the program adds */
    uint8_t zero;
};
static_assert(sizeof(struct kernel_way) == 28, "no padding: compared with memcmp");

/* Packets of the family with this mark (SO_MARK) go to the gateway or through the program, whatever their destination
 * but this host itself: a rule, and a table with the number of the mark. The route holds the program, whoever else
 * closes it. Replaces. 0 or -errno; -EOPNOTSUPP: this kernel has no CONFIG_LWTUNNEL_BPF. */
int kernel_way_set(struct kernel *kernel, uint32_t mark, const struct kernel_way *way) MUST_USE;
void kernel_way_del(struct kernel *kernel, uint32_t mark, enum family family);
/* All of them, those of a process that was killed as well. */
void kernel_ways_flush(struct kernel *kernel);

/* Asks the kernel to resolve the neighbour, or to verify it anew if it is stale (RTM_NEWNEIGH with NTF_USE). The
 * outcome arrives as a neighbour event. A fixed neighbour is left alone: NTF_USE would make it an ordinary one, which
 * then fails if nobody answers for it. Not rate-limited here. Needs CAP_NET_ADMIN; and for IPv6 a link-local address
 * on the link, without which the kernel accepts the request but solicits nobody. -EPERM, -ENODEV ... from the kernel.
 */
int kernel_resolve(struct kernel *kernel, uint32_t ifindex, const struct ip_addr *addr) MUST_USE;

struct kernel_route {
    uint32_t ifindex;
    bool has_gateway; /* false: on the link itself */
    bool has_source;
    struct ip_addr gateway; /* of either family (RFC 5549) */
    struct ip_addr source;  /* the address the kernel would send from */
    uint32_t mtu;           /* of the path, as the route or what the kernel learned of it says; 0: nothing */
};

/* Where the kernel would send a packet to this address. -ENETUNREACH, -EHOSTUNREACH, -EACCES (prohibit), -EINVAL
 * (blackhole) as the kernel says; -EADDRNOTAVAIL: not to be forwarded to (this host's own, broadcast, multicast). */
int kernel_route_get(struct kernel *kernel, const struct ip_addr *addr, struct kernel_route *out) MUST_USE;

#endif
