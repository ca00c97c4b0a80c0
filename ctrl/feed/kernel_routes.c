/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_routes.h"
#include "log.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SOCKET_BUFFER (16 << 20) /* a routing daemon may change some ten thousand routes at once */
#define MESSAGE_SIZE  65536
#define PART_MS       5
#define AGAIN_MS      200 /* several links often go down together */

/* A dump is three questions, each answered whole. */
static const struct {
    uint16_t type;
    uint8_t family;
    size_t header_size;
} questions[] = {
    {RTM_GETNEXTHOP, AF_UNSPEC, sizeof(struct nhmsg)},
    {RTM_GETROUTE, AF_INET, sizeof(struct rtmsg)},
    {RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg)},
};

struct kernel_routes {
    struct kernel_routes_settings settings;
    struct mnl_socket *socket;
    struct loop_watch watch;
    struct loop_timer again; /* a new dump, soon */
    bool watching;
    size_t asked; /* ARRAY_SIZE(questions): no dump is under way */
    uint32_t sequence;
    bool dump_again;
    alignas(struct nlmsghdr) char buffer[MESSAGE_SIZE];
};

bool kernel_routes_complete(const struct kernel_routes *routes)
{
    return routes->asked == ARRAY_SIZE(questions) && !routes->dump_again && !routes->again.set;
}

static int ask(struct kernel_routes *routes, size_t question)
{
    alignas(struct nlmsghdr) char buffer[64];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = questions[question].type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = ++routes->sequence;
    /* the family is the first octet of either header; all else zero: everything */
    *(uint8_t *)mnl_nlmsg_put_extra_header(message, questions[question].header_size) = questions[question].family;
    routes->asked = question;
    return mnl_socket_sendto(routes->socket, message, message->nlmsg_len) < 0 ? -errno : 0;
}

static int dump(struct kernel_routes *routes)
{
    routes->dump_again = false;
    routes->settings.connected(routes->settings.owner);
    return ask(routes, 0);
}

static int answered(struct kernel_routes *routes)
{
    if (routes->dump_again) {
        return dump(routes);
    }
    if (routes->asked + 1 < ARRAY_SIZE(questions)) {
        return ask(routes, routes->asked + 1);
    }
    routes->asked = ARRAY_SIZE(questions);
    return 0;
}

/* What takes routes with it of which the kernel says nothing. */
static bool takes_routes_silently(const struct nlmsghdr *message)
{
    const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);

    switch (message->nlmsg_type) {
    case RTM_DELNEXTHOP:
    case RTM_DELADDR:
    case RTM_DELLINK:
        return true;
    case RTM_NEWLINK:
        return mnl_nlmsg_get_payload_len(message) >= sizeof(*link) && (link->ifi_flags & IFF_RUNNING) == 0;
    default:
        return false;
    }
}

/* The end of a dump, or an error that ends it, carries the kernel's result. A kernel without next hop objects has none
 * to tell. */
static int dump_result(const struct kernel_routes *routes, const struct nlmsghdr *message)
{
    int result = mnl_nlmsg_get_payload_len(message) >= sizeof(int) ? *(const int *)mnl_nlmsg_get_payload(message) : 0;

    return result == -EOPNOTSUPP && questions[routes->asked].type == RTM_GETNEXTHOP ? 0 : result;
}

static int handle(struct kernel_routes *routes, const struct nlmsghdr *message)
{
    bool of_dump = routes->asked < ARRAY_SIZE(questions) && message->nlmsg_seq == routes->sequence &&
                   message->nlmsg_pid == mnl_socket_get_portid(routes->socket);
    int result;

    if (of_dump && (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
        routes->dump_again = true;
    }
    if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
        result = of_dump ? dump_result(routes, message) : 0;
        return of_dump && result == 0 ? answered(routes) : result;
    }
    if (takes_routes_silently(message) && !routes->again.set) {
        loop_timer_set(routes->settings.loop, &routes->again, AGAIN_MS);
    }
    result = nl_table_message(routes->settings.table, message);
    return result == -EBADMSG ? 0 : result;
}

/* One read. 1: there may be more; 0: nothing to read; or -errno. */
static int follow(struct kernel_routes *routes)
{
    ssize_t n = mnl_socket_recvfrom(routes->socket, routes->buffer, sizeof(routes->buffer));
    const struct nlmsghdr *message = (const struct nlmsghdr *)routes->buffer;
    int left = (int)n;
    int result = 0;

    if (n < 0) {
        if (errno == ENOBUFS || errno == ENOSPC) { /* ENOSPC: longer than the buffer; lost too */
            routes->dump_again = true;
            return 1;
        }
        return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
    }
    for (; result == 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
        result = handle(routes, message);
    }
    return result == 0 ? 1 : result;
}

static void fail(struct kernel_routes *routes, int result)
{
    loop_remove(routes->settings.loop, &routes->watch);
    routes->watching = false;
    routes->settings.lost(routes->settings.owner, strerror(-result));
}

static void on_ready(void *owner, uint32_t events)
{
    struct kernel_routes *routes = owner;
    uint64_t until = loop_now_ms() + PART_MS;
    int result;

    (void)events;
    do {
        result = follow(routes);
    } while (result == 1 && loop_now_ms() < until);
    /* not before all is read: into a full buffer the kernel writes no answer */
    if (result == 0 && routes->dump_again && routes->asked == ARRAY_SIZE(questions)) {
        log_notice("lost notifications of the kernel's routes; reading them anew");
        result = dump(routes);
    }
    routes->settings.heard(routes->settings.owner);
    if (result < 0) {
        fail(routes, result);
    }
}

static void on_again(void *owner)
{
    struct kernel_routes *routes = owner;
    int result = 0;

    if (routes->asked < ARRAY_SIZE(questions)) {
        routes->dump_again = true; /* the one under way may have passed them already */
    } else if (routes->watching) {
        result = dump(routes);
    }
    if (result < 0) {
        fail(routes, result);
    }
}

static int subscribe(struct mnl_socket *socket)
{
    static const int groups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                 RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_NEXTHOP};

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        int group = groups[i];

        if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0 &&
            group != RTNLGRP_NEXTHOP) {
            return -errno;
        }
    }
    return 0;
}

static int start(struct kernel_routes *routes)
{
    int size = SOCKET_BUFFER;
    int result;
    int fd;

    routes->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (routes->socket == NULL || mnl_socket_bind(routes->socket, 0, MNL_SOCKET_AUTOPID) != 0) {
        return -errno;
    }
    fd = mnl_socket_get_fd(routes->socket);
    /* best effort: a smaller buffer costs more dumps, no correctness */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    result = subscribe(routes->socket);
    if (result != 0) {
        return result;
    }
    routes->watch = (struct loop_watch){.fd = fd, .ready = on_ready, .owner = routes};
    result = loop_add(routes->settings.loop, &routes->watch, EPOLLIN);
    routes->watching = result == 0;
    return result == 0 ? dump(routes) : result;
}

int kernel_routes_open(const struct kernel_routes_settings *settings, struct kernel_routes **out, struct error *error)
{
    struct kernel_routes *routes = calloc(1, sizeof(*routes));
    int result;

    if (routes == NULL) {
        return error_set(error, -ENOMEM, "no memory to follow the kernel's routes");
    }
    routes->settings = *settings;
    routes->asked = ARRAY_SIZE(questions);
    routes->again = (struct loop_timer){.fire = on_again, .owner = routes};
    result = start(routes);
    if (result != 0) {
        kernel_routes_close(routes);
        return error_set(error, result, "cannot follow the kernel's routes: %s", strerror(-result));
    }
    *out = routes;
    return 0;
}

void kernel_routes_close(struct kernel_routes *routes)
{
    if (routes == NULL) {
        return;
    }
    loop_timer_clear(&routes->again);
    if (routes->watching) {
        loop_remove(routes->settings.loop, &routes->watch);
    }
    if (routes->socket != NULL) {
        mnl_socket_close(routes->socket);
    }
    free(routes);
}
