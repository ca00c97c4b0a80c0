/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes a pcapng file (draft-ietf-opsawg-pcapng): Ethernet frames of several interfaces, with a direction and a
 * comment. Ours, because libpcap writes no pcapng, and DPDK 22.11's rte_pcapng no comments.
 */
#ifndef PCAPNG_H
#define PCAPNG_H

#include "attributes.h"
#include <stdint.h>
#include <stdio.h>

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };

struct pcapng_packet {
    uint32_t interface; /* index, in the order of pcapng_interface() */
    enum pcapng_direction direction;
    uint64_t time_ns;  /* since 1970 */
    const void *bytes; /* as many as were captured */
    uint32_t captured;
    uint32_t length;     /* of the packet on the wire */
    const char *comment; /* NULL: none */
};

/* All return 0 or -EIO. The file is the caller's; each call leaves whole blocks in it. */

/* First of all; `program` wrote it. */
int pcapng_begin(FILE *file, const char *program) MUST_USE;
/* Then the interfaces: Ethernet, times in nanoseconds. */
int pcapng_interface(FILE *file, const char *name, uint32_t snaplen) MUST_USE;
int pcapng_write(FILE *file, const struct pcapng_packet *packet) MUST_USE;

#endif
