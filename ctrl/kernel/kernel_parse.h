/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From one rtnetlink message to what it says. Pure functions of the message's bytes: no socket, no state.
 *
 * A message must lie whole in memory (mnl_nlmsg_ok()), aligned and padded to four bytes as netlink's are; nothing in it
 * is trusted beyond that.
 */
#ifndef KERNEL_PARSE_H
#define KERNEL_PARSE_H

#include "kernel.h"
#include <linux/netlink.h>

/* In the order in which they depend on each other. */
enum kernel_kind { KERNEL_LINK, KERNEL_ADDRESS, KERNEL_NEIGHBOUR, KERNEL_KINDS };

union kernel_record {
    struct kernel_link link;
    struct kernel_address address;
    struct kernel_neighbour neighbour;
};

struct kernel_event {
    enum kernel_kind kind;
    bool deleted; /* then only what identifies the record counts */
    union kernel_record record;
};

/* 0; -ENOMSG: a message about nothing we mirror (other types and families, bridge ports and their forwarding entries,
 * proxy neighbours); -EBADMSG: malformed. out is unspecified on failure. */
int kernel_event_parse(const struct nlmsghdr *message, struct kernel_event *out) MUST_USE;

/* The answer to RTM_GETROUTE. 0; -EADDRNOTAVAIL: not a unicast route; -EBADMSG. */
int kernel_route_parse(const struct nlmsghdr *message, struct kernel_route *out) MUST_USE;

#endif
