/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside ctrl/kernel: what following (kernel.c), queries and requests share. */
#ifndef KERNEL_IMPL_H
#define KERNEL_IMPL_H

#include "kernel_table.h"
#include <libmnl/libmnl.h>
#include <stdalign.h>

/* Larger than any dump's part and than any notification. */
#define KERNEL_BUFFER_SIZE 65536
#define KERNEL_ANSWER_SIZE 8192

struct kernel {
    struct kernel_callbacks callbacks;
    void *owner;
    int epoll_fd;                /* events and routes: what the owner watches */
    struct mnl_socket *events;   /* links, addresses, neighbours: notifications and dumps, in one order */
    struct mnl_socket *routes;   /* apart, so that a daemon that loads a full table costs us no neighbour event */
    struct mnl_socket *requests; /* blocking, question and answer */
    struct kernel_table tables[KERNEL_KINDS];
    enum kernel_kind dumping; /* KERNEL_KINDS: no dump is under way */
    uint32_t dump_sequence;
    uint32_t generation; /* of the last dump begun */
    bool dump_again;     /* something was lost since it began */
    uint32_t request_sequence;
    alignas(struct nlmsghdr) char buffer[KERNEL_BUFFER_SIZE];
    /* of a request: another buffer, for a callback may ask while events are read */
    alignas(struct nlmsghdr) char answer[KERNEL_ANSWER_SIZE];
};

/* Opens the socket of requests. 0 or -errno. */
int kernel_requests_open(struct kernel *kernel) MUST_USE;

/* Sends a question that wants an acknowledgement: the kernel's verdict, 0 or -errno. */
int kernel_ask(struct kernel *kernel, struct nlmsghdr *question) MUST_USE;
/* Sends a dump's question and hands its answers to the callback. 0 or -errno. */
int kernel_ask_all(struct kernel *kernel, struct nlmsghdr *question, mnl_cb_t callback, void *data) MUST_USE;

#endif
