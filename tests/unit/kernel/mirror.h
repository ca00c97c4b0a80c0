/* SPDX-License-Identifier: BSD-3-Clause */
/* A network namespace with links for the mirror to follow, and what it says of them, as text. */
#ifndef MIRROR_H
#define MIRROR_H

#include "kernel.h"

/* One line an event, in their order: "new link v0 running mtu 1500", "gone address 10.0.0.1 in 10.0.0.0/24",
 * "changed neighbour 10.0.0.9 usable 0a" (the last byte of its MAC). */
struct mirror_log {
    char text[1 << 16];
    unsigned int routes;
};

struct mirror {
    struct kernel *kernel;
    struct mirror_log log;
    uint32_t v0; /* ifindex */
};

/* Exits as a skipped test, saying why, where network namespaces are not permitted. Before the tests. */
void mirror_require(void);
/* A new namespace with a pair v0-v1, v0 having 10.0.0.1/24, fd00::1/64 and a neighbour 10.0.0.9, and no link-local
 * addresses; and a mirror of it. */
void mirror_open(struct mirror *mirror);
void mirror_close(struct mirror *mirror);
/* Runs a shell command, and asserts that it succeeds. */
void mirror_run(const char *command);
struct ip_addr mirror_ip(const char *text);
/* Follows until the log holds the text, which is then taken off with all before it; fails after some seconds. */
void mirror_expect(struct mirror *mirror, const char *text);
/* Follows until there is nothing more to read. */
void mirror_settle(struct mirror *mirror);

#endif
