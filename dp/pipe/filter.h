/* SPDX-License-Identifier: BSD-3-Clause */
/* Which packets somebody wants to see. Pure; cheap enough for a worker, but only while somebody looks. */
#ifndef FILTER_H
#define FILTER_H

#include "addr.h"
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

enum filter_field {
    FILTER_ADDRESS = 1 << 0, /* at either end */
    FILTER_SOURCE = 1 << 1,
    FILTER_DESTINATION = 1 << 2,
    FILTER_PROTOCOL = 1 << 3,
    FILTER_PORT = 1 << 4, /* of TCP, UDP or SCTP, at either end */
};

/* All that is asked for must hold, of the packet itself or of the one in its tunnel (IPIP, GRE, GUE). A later fragment
 * has no ports. */
struct filter {
    unsigned int fields; /* of enum filter_field; 0: everything matches, also what is no IP */
    struct prefix address;
    struct prefix source;
    struct prefix destination;
    uint8_t protocol;
    uint16_t port;
};

/* By the headers in the first segment; any bytes. */
bool filter_matches(const struct filter *filter, const struct rte_mbuf *mbuf);

#endif
