/* SPDX-License-Identifier: BSD-3-Clause */
/* A network namespace with a veth pair, and frames to send through it. */
#ifndef LAB_H
#define LAB_H

#include "addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAB_PORT "lab0" /* the netdev under test; its MAC is LAB_PORT_MAC */
#define LAB_PEER "lab1"

#define LAB_SKIPPED 77 /* the exit status by which meson knows a skipped test */

extern const uint8_t LAB_PORT_MAC[6];
extern const uint8_t LAB_PEER_MAC[6];

/* Moves the process into a new network namespace with the pair, both ends up and silent (no IPv6 of their own). The
 * namespace ends with the process. Exits with LAB_SKIPPED, saying why, where that is not permitted. */
void lab_open(void);
/* Runs a command, and asserts that it succeeds. */
void lab_run(const char *format, ...) PRINTF_LIKE(1, 2);
unsigned int lab_ifindex(const char *ifname);
/* The id of the XDP program on an interface, 0 for none. */
unsigned int lab_program(const char *ifname);

/* What distinguishes one frame from another. NULL or zero is the ordinary case: to the port's MAC, from the peer's. */
struct lab_frame {
    const uint8_t *to;  /* destination MAC */
    uint16_t ethertype; /* default: of the address family */
    bool tagged;        /* with a VLAN tag in front of it: tci */
    uint16_t tci;
    const char *src; /* addresses, of one family; dst alone: src is 198.51.100.1 or 2001:db8:ff::1 */
    const char *dst;
    uint8_t protocol;  /* default: UDP */
    uint8_t icmp_type; /* first byte after the IP header */
    uint32_t tag;      /* in the last four bytes */
};

#define LAB_FRAME_SIZE 100

/* Writes LAB_FRAME_SIZE bytes. */
void lab_frame_build(const struct lab_frame *frame, uint8_t *out);
/* Of a frame that may have lost its VLAN tag on the way. */
uint32_t lab_frame_tag(const uint8_t *frame, size_t length);

#endif
