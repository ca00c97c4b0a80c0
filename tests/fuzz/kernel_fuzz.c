/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stream of rtnetlink messages of any bytes. What the parser accepts must be fit for the mirror: prefixes without
 * host bits, names that end, unused bytes zero.
 */
#include "kernel_parse.h"
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_addr(const struct ip_addr *addr)
{
    struct ip_addr clean = {.family = addr->family};

    memcpy(clean.bytes, addr->bytes, family_bytes(addr->family));
    if (addr->family >= FAMILIES || !ip_addr_equal(addr, &clean)) {
        abort();
    }
}

static void check(const struct kernel_event *event)
{
    const union kernel_record *record = &event->record;

    if (event->kind == KERNEL_LINK) {
        if (memchr(record->link.name, '\0', sizeof(record->link.name)) == NULL) {
            abort();
        }
    } else if (event->kind == KERNEL_ADDRESS) {
        struct prefix clean = prefix_of(&record->address.subnet.addr, record->address.subnet.length);

        check_addr(&record->address.addr);
        check_addr(&record->address.broadcast);
        if (!prefix_equal(&clean, &record->address.subnet)) {
            abort();
        }
    } else {
        check_addr(&record->neighbour.addr);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nlmsghdr *copy = calloc(1, NLMSG_ALIGN(size) + 1); /* aligned and padded, its end watched */
    const struct nlmsghdr *message = copy;
    int left = (int)size;

    memcpy(copy, data, size);
    /* libmnl 1.0.4 takes a length beyond INT_MAX for a negative one; the kernel writes none */
    for (; mnl_nlmsg_ok(message, left) && message->nlmsg_len <= size; message = mnl_nlmsg_next(message, &left)) {
        struct kernel_event event;
        struct kernel_route route;

        if (kernel_event_parse(message, &event) == 0) {
            check(&event);
        }
        if (kernel_route_parse(message, &route) == 0) {
            check_addr(&route.gateway);
            check_addr(&route.source);
        }
    }
    free(copy);
    return 0;
}
