/* SPDX-License-Identifier: BSD-3-Clause */
#include "mirror.h"
#include "unit.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIPPED 77
#define WAIT_MS 3000

static void add(struct mirror_log *log, const char *line)
{
    if (strlen(log->text) + strlen(line) + 1 < sizeof(log->text)) {
        strcat(log->text, line);
    }
}

static const char *verb(const void *old, const void *now)
{
    return old == NULL ? "new" : now == NULL ? "gone" : "changed";
}

static void on_link(void *owner, const struct kernel_link *old, const struct kernel_link *now)
{
    const struct kernel_link *link = now != NULL ? now : old;
    char line[128];

    snprintf(line, sizeof(line), "%s link %s%s mtu %u\n", verb(old, now), link->name,
             link->running ? " running"
             : link->up    ? " up"
                           : "",
             link->mtu);
    add(owner, line);
}

static void on_address(void *owner, const struct kernel_address *old, const struct kernel_address *now)
{
    const struct kernel_address *address = now != NULL ? now : old;
    char addr[IP_ADDR_STRLEN];
    char subnet[PREFIX_STRLEN];
    char line[256];

    snprintf(line, sizeof(line), "%s address %s in %s\n", verb(old, now), ip_addr_format(&address->addr, addr),
             prefix_format(&address->subnet, subnet));
    add(owner, line);
}

static void on_neighbour(void *owner, const struct kernel_neighbour *old, const struct kernel_neighbour *now)
{
    const struct kernel_neighbour *neighbour = now != NULL ? now : old;
    char addr[IP_ADDR_STRLEN];
    char line[128];

    snprintf(line, sizeof(line), "%s neighbour %s %s %02x\n", verb(old, now), ip_addr_format(&neighbour->addr, addr),
             neighbour->usable ? "usable" : "unusable", neighbour->mac[5]);
    add(owner, line);
}

static void on_routes(void *owner)
{
    ((struct mirror_log *)owner)->routes++;
}

static const struct kernel_callbacks callbacks = {on_link, on_address, on_neighbour, on_routes};

void mirror_run(const char *command)
{
    if (system(command) != 0) {
        fail_msg("failed: %s", command);
    }
}

struct ip_addr mirror_ip(const char *text)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text, &addr), 0);
    return addr;
}

void mirror_open(struct mirror *mirror)
{
    struct error error;

    memset(mirror, 0, sizeof(*mirror));
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    mirror_run(
        "sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.all.addr_gen_mode=1 && ip link set lo up &&"
        "ip link add v0 address 02:00:00:00:00:01 type veth peer v1 address 02:00:00:00:00:02 &&"
        "ip link set v0 up && ip link set v1 up && ip address add 10.0.0.1/24 dev v0 &&"
        "ip address add fd00::1/64 dev v0 nodad && ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev v0");
    if (kernel_open(&callbacks, &mirror->log, &mirror->kernel, &error) != 0) {
        fail_msg("%s", error.text);
    }
    mirror->v0 = if_nametoindex("v0");
}

void mirror_close(struct mirror *mirror)
{
    kernel_close(mirror->kernel);
}

void mirror_expect(struct mirror *mirror, const char *text)
{
    struct pollfd readable = {.fd = kernel_fd(mirror->kernel), .events = POLLIN};
    char *found;

    while ((found = strstr(mirror->log.text, text)) == NULL) {
        if (poll(&readable, 1, WAIT_MS) != 1) {
            fail_msg("missing \"%s\" in:\n%s", text, mirror->log.text);
        }
        assert_int_equal(kernel_dispatch(mirror->kernel), 0);
    }
    found += strlen(text);
    memmove(mirror->log.text, found, strlen(found) + 1);
}

void mirror_settle(struct mirror *mirror)
{
    struct pollfd readable = {.fd = kernel_fd(mirror->kernel), .events = POLLIN};

    while (poll(&readable, 1, 50) == 1) {
        assert_int_equal(kernel_dispatch(mirror->kernel), 0);
    }
}

void mirror_require(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        printf("skipped: needs root, for a network namespace (%s)\n", strerror(errno));
        exit(SKIPPED);
    }
}
