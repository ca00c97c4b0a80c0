/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes and next hop objects as rtnetlink messages tell them: the kernel's own, and those of FRR's FPM. Pure.
 *
 * A message must lie whole in memory (nlmsg_len bytes), aligned to four bytes; nothing in it is trusted beyond that.
 */
#ifndef NL_ROUTE_H
#define NL_ROUTE_H

#include "addr.h"
#include "attributes.h"
#include <linux/netlink.h>

#define NL_HOPS_MAX 64 /* next hops of one route; what is beyond is left out */

enum nl_fate { NL_FORWARD, NL_BLACKHOLE, NL_REJECT };

struct nl_hop {
    struct ip_addr gateway; /* of either family (RFC 8950) */
    bool has_gateway;       /* false: on the link itself */
    uint16_t weight;        /* 1 and more: its share beside the route's others */
    uint32_t ifindex;
};

struct nl_hops {
    uint8_t fate; /* enum nl_fate; the hops are those of NL_FORWARD */
    uint8_t count;
    struct nl_hop items[NL_HOPS_MAX]; /* that can be used: neither dead, nor with an encapsulation of the kernel's */
};

struct nl_route {
    struct prefix prefix;
    uint32_t table;
    uint32_t metric;
    uint32_t next_hop_id; /* 0: the hops are in the message */
    uint8_t protocol;     /* RTPROT_BGP ... */
    struct nl_hops hops;
};

struct nl_member {
    uint32_t id;
    uint32_t weight; /* 1 and more */
};

/* A next hop object: a hop, or a group of others. */
struct nl_object {
    uint32_t id;
    struct nl_hops hops; /* of a single one: one or none */
    uint32_t member_count;
    struct nl_member members[NL_HOPS_MAX]; /* of a group */
};

enum nl_kind { NL_ROUTE_NEW, NL_ROUTE_DEL, NL_OBJECT_NEW, NL_OBJECT_DEL };

struct nl_event {
    enum nl_kind kind;
    union {
        struct nl_route route;
        struct nl_object object;
    };
};

/* 0; -ENOMSG: about nothing that we follow (other types and families, local and multicast routes, cached ones, routes
 * by TOS or source); -EBADMSG: malformed. out is unspecified on failure. */
int nl_event_parse(const struct nlmsghdr *message, struct nl_event *out) MUST_USE;

#endif
