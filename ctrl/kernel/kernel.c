/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Following the kernel. Notifications and dumps arrive on one socket, so they are applied in the order in which the
 * kernel wrote them, by the same code. A dump asks for links, then addresses, then neighbours; whatever none of its
 * answers (and no notification since it began) has shown is then gone. A dump that may have missed something is begun
 * again, and deletes nothing.
 */
#include "kernel_impl.h"
#include "log.h"
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_BUFFER   (4 << 20) /* some thousand neighbours may change between two dispatches without a loss */
#define READS_MAX       256       /* a call of kernel_dispatch() */
#define OPEN_TIMEOUT_MS 10000

static void report(struct kernel *kernel, enum kernel_kind kind, const union kernel_record *old,
                   const union kernel_record *now)
{
    const struct kernel_callbacks *callbacks = &kernel->callbacks;

    if (kind == KERNEL_LINK && callbacks->link != NULL) {
        callbacks->link(kernel->owner, old != NULL ? &old->link : NULL, now != NULL ? &now->link : NULL);
    } else if (kind == KERNEL_ADDRESS && callbacks->address != NULL) {
        callbacks->address(kernel->owner, old != NULL ? &old->address : NULL, now != NULL ? &now->address : NULL);
    } else if (kind == KERNEL_NEIGHBOUR && callbacks->neighbour != NULL) {
        callbacks->neighbour(kernel->owner, old != NULL ? &old->neighbour : NULL, now != NULL ? &now->neighbour : NULL);
    }
}

static void delete_entry(struct kernel *kernel, enum kernel_kind kind, struct kernel_entry *entry)
{
    union kernel_record old = entry->record;

    kernel_table_del(&kernel->tables[kind], entry);
    report(kernel, kind, &old, NULL);
}

/* Every kind of record begins with its ifindex. */
static void delete_of_link(struct kernel *kernel, enum kernel_kind kind, uint32_t ifindex)
{
    struct kernel_entry *next;

    for (struct kernel_entry *entry = TAILQ_FIRST(&kernel->tables[kind].list); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, siblings);
        if (entry->record.link.ifindex == ifindex) {
            delete_entry(kernel, kind, entry);
        }
    }
}

static void apply_deletion(struct kernel *kernel, const struct kernel_event *event)
{
    struct kernel_entry *entry = kernel_table_get(&kernel->tables[event->kind], &event->record);

    if (entry == NULL) {
        return;
    }
    if (event->kind == KERNEL_LINK) {
        delete_of_link(kernel, KERNEL_NEIGHBOUR, event->record.link.ifindex);
        delete_of_link(kernel, KERNEL_ADDRESS, event->record.link.ifindex);
    }
    delete_entry(kernel, event->kind, entry);
}

static void apply(struct kernel *kernel, const struct kernel_event *event)
{
    union kernel_record old;
    int change;

    if (kernel->dumping == KERNEL_LINK && event->kind != KERNEL_LINK) {
        return; /* its link may be unknown yet; the dump of its own kind is still to come and will show it */
    }
    if (event->deleted) {
        apply_deletion(kernel, event);
        return;
    }
    change = kernel_table_put(&kernel->tables[event->kind], &event->record, kernel->generation, &old);
    if (change == -ENOMEM) {
        kernel->dump_again = true;
    } else if (change != KERNEL_UNCHANGED) {
        report(kernel, event->kind, change == KERNEL_CHANGED ? &old : NULL, &event->record);
    }
}

static int dump(struct kernel *kernel, enum kernel_kind kind)
{
    static const struct {
        uint16_t type;
        size_t header_size;
    } questions[KERNEL_KINDS] = {
        [KERNEL_LINK] = {RTM_GETLINK, sizeof(struct ifinfomsg)},
        [KERNEL_ADDRESS] = {RTM_GETADDR, sizeof(struct ifaddrmsg)},
        [KERNEL_NEIGHBOUR] = {RTM_GETNEIGH, sizeof(struct ndmsg)},
    };
    alignas(struct nlmsghdr) char buffer[64];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = questions[kind].type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = ++kernel->dump_sequence;
    mnl_nlmsg_put_extra_header(message, questions[kind].header_size); /* zero: everything */
    kernel->dumping = kind;
    return mnl_socket_sendto(kernel->events, message, message->nlmsg_len) < 0 ? -errno : 0;
}

static int dump_begin(struct kernel *kernel)
{
    kernel->generation++;
    kernel->dump_again = false;
    return dump(kernel, KERNEL_LINK);
}

/* What depends on a link goes before it. */
static void sweep(struct kernel *kernel)
{
    for (int kind = KERNEL_KINDS - 1; kind >= 0; kind--) {
        struct kernel_entry *next;

        for (struct kernel_entry *entry = TAILQ_FIRST(&kernel->tables[kind].list); entry != NULL; entry = next) {
            next = TAILQ_NEXT(entry, siblings);
            if (entry->generation != kernel->generation) {
                delete_entry(kernel, (enum kernel_kind)kind, entry);
            }
        }
    }
}

static int dump_done(struct kernel *kernel)
{
    enum kernel_kind next = kernel->dumping + 1;

    if (kernel->dump_again) {
        return dump_begin(kernel);
    }
    if (next < KERNEL_KINDS) {
        return dump(kernel, next);
    }
    kernel->dumping = KERNEL_KINDS;
    sweep(kernel);
    return 0;
}

/* The end of a dump, or an error that ends it, carries the kernel's result. */
static int dump_result(const struct nlmsghdr *message)
{
    return mnl_nlmsg_get_payload_len(message) >= sizeof(int) ? *(const int *)mnl_nlmsg_get_payload(message) : 0;
}

static int handle(struct kernel *kernel, const struct nlmsghdr *message)
{
    bool of_dump = kernel->dumping != KERNEL_KINDS && message->nlmsg_seq == kernel->dump_sequence &&
                   message->nlmsg_pid == mnl_socket_get_portid(kernel->events);
    struct kernel_event event;

    if (of_dump && (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
        kernel->dump_again = true;
    }
    if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
        int result = of_dump ? dump_result(message) : 0;

        return of_dump && result == 0 ? dump_done(kernel) : result;
    }
    if (kernel_event_parse(message, &event) == 0) {
        apply(kernel, &event);
    }
    return 0;
}

/* One read. 1: there may be more; 0: nothing to read; or -errno. */
static int follow(struct kernel *kernel)
{
    ssize_t n = mnl_socket_recvfrom(kernel->events, kernel->buffer, sizeof(kernel->buffer));
    const struct nlmsghdr *message = (const struct nlmsghdr *)kernel->buffer;
    int left = (int)n;
    int result = 0;

    if (n < 0) {
        switch (errno) {
        case EAGAIN:
            return 0;
        case EINTR:
            return 1;
        case ENOBUFS:
        case ENOSPC: /* longer than the buffer: lost too */
            kernel->dump_again = true;
            return 1;
        default:
            return -errno;
        }
    }
    for (; result == 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
        result = handle(kernel, message);
    }
    return result == 0 ? 1 : result;
}

static int follow_all(struct kernel *kernel)
{
    int result = 1;

    for (int reads = 0; result == 1 && reads < READS_MAX; reads++) {
        result = follow(kernel);
    }
    /* not before all is read: into a full buffer the kernel writes no answer */
    if (result == 0 && kernel->dump_again && kernel->dumping == KERNEL_KINDS) {
        log_notice("lost notifications of the kernel; reading its links, addresses and neighbours anew");
        result = dump_begin(kernel);
    }
    return result < 0 ? result : 0;
}

/* What a route's notification says does not matter, and a lost one says the same. */
static bool drain_routes(struct kernel *kernel)
{
    bool changed = false;

    for (int reads = 0; reads < READS_MAX; reads++) {
        char byte;

        if (recv(mnl_socket_get_fd(kernel->routes), &byte, sizeof(byte), 0) >= 0 || errno == ENOBUFS) {
            changed = true;
        } else if (errno != EINTR) {
            break;
        }
    }
    return changed;
}

int kernel_dispatch(struct kernel *kernel)
{
    int result = follow_all(kernel);

    if (drain_routes(kernel) && kernel->callbacks.routes_changed != NULL) {
        kernel->callbacks.routes_changed(kernel->owner);
    }
    return result;
}

int kernel_fd(const struct kernel *kernel)
{
    return kernel->epoll_fd;
}

static int socket_open(struct kernel *kernel, unsigned int groups, struct mnl_socket **out)
{
    struct epoll_event readable = {.events = EPOLLIN};

    *out = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (*out == NULL || mnl_socket_bind(*out, groups, MNL_SOCKET_AUTOPID) != 0 ||
        epoll_ctl(kernel->epoll_fd, EPOLL_CTL_ADD, mnl_socket_get_fd(*out), &readable) != 0) {
        return -errno;
    }
    return 0;
}

static int sockets_open(struct kernel *kernel)
{
    int size = EVENTS_BUFFER;
    int result;

    kernel->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (kernel->epoll_fd < 0) {
        return -errno;
    }
    result = socket_open(kernel, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_NEIGH, &kernel->events);
    if (result == 0) {
        result = socket_open(kernel, RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, &kernel->routes);
    }
    if (result == 0) {
        result = kernel_requests_open(kernel);
    }
    /* best effort: a smaller buffer costs more dumps, no correctness */
    if (result == 0 && setsockopt(mnl_socket_get_fd(kernel->events), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) &&
        setsockopt(mnl_socket_get_fd(kernel->events), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size))) {
        log_warning("cannot enlarge the buffer of kernel notifications: %s", strerror(errno));
    }
    return result;
}

/* Waits for each answer; the kernel writes them at once. */
static int fill(struct kernel *kernel)
{
    struct pollfd readable = {.fd = mnl_socket_get_fd(kernel->events), .events = POLLIN};
    int result = dump_begin(kernel);

    while (result == 0 && kernel->dumping != KERNEL_KINDS) {
        int n = poll(&readable, 1, OPEN_TIMEOUT_MS);

        if (n == 0) {
            return -ETIMEDOUT;
        }
        result = n < 0 && errno != EINTR ? -errno : follow_all(kernel);
    }
    return result;
}

int kernel_open(const struct kernel_callbacks *callbacks, void *owner, struct kernel **out, struct error *error)
{
    struct kernel *kernel = calloc(1, sizeof(*kernel));
    int result;

    if (kernel == NULL) {
        return error_set(error, -ENOMEM, "no memory for the mirror of the kernel's links");
    }
    kernel->callbacks = *callbacks;
    kernel->owner = owner;
    kernel->epoll_fd = -1;
    kernel->dumping = KERNEL_KINDS;
    for (int kind = 0; kind < KERNEL_KINDS; kind++) {
        kernel_table_init(&kernel->tables[kind], (enum kernel_kind)kind);
    }
    result = sockets_open(kernel);
    if (result == 0) {
        result = fill(kernel);
    }
    if (result != 0) {
        kernel_close(kernel);
        return error_set(error, result, "cannot read the kernel's links over rtnetlink: %s", strerror(-result));
    }
    *out = kernel;
    return 0;
}

void kernel_close(struct kernel *kernel)
{
    if (kernel == NULL) {
        return;
    }
    for (int kind = 0; kind < KERNEL_KINDS; kind++) {
        kernel_table_clear(&kernel->tables[kind]);
    }
    if (kernel->requests != NULL) {
        mnl_socket_close(kernel->requests);
    }
    if (kernel->routes != NULL) {
        mnl_socket_close(kernel->routes);
    }
    if (kernel->events != NULL) {
        mnl_socket_close(kernel->events);
    }
    if (kernel->epoll_fd >= 0) {
        close(kernel->epoll_fd);
    }
    free(kernel);
}
