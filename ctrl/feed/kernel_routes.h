/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's routes, followed over rtnetlink into a table of netlink routes: a dump of next hop objects and of the
 * routes of both families, and every change. Notifications and dumps come on one socket, in the order in which the
 * kernel wrote them.
 *
 * A new dump is made when the kernel had to drop notifications, and after what makes it drop routes without telling: a
 * link that goes down, an address or a next hop object that is deleted.
 */
#ifndef KERNEL_ROUTES_H
#define KERNEL_ROUTES_H

#include "error.h"
#include "loop.h"
#include "nl_table.h"

struct kernel_routes;

struct kernel_routes_settings {
    struct nl_table *table;
    struct loop *loop;
    void (*connected)(void *owner); /* a dump begins: everything will be told */
    void (*heard)(void *owner);     /* something was */
    void (*lost)(void *owner, const char *why);
    void *owner;
};

/* Begins with a dump, of which nothing has been heard yet when it returns. 0 or -errno with a text. */
int kernel_routes_open(const struct kernel_routes_settings *settings, struct kernel_routes **out,
                       struct error *error) MUST_USE;
/* NULL is fine. */
void kernel_routes_close(struct kernel_routes *routes);
/* No dump is under way. */
bool kernel_routes_complete(const struct kernel_routes *routes);

#endif
