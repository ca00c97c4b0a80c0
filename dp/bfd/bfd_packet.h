/* SPDX-License-Identifier: BSD-3-Clause */
/* BFD control packets (RFC 5880 4.1), from and to the payload of UDP. Pure. */
#ifndef BFD_PACKET_H
#define BFD_PACKET_H

#include "attributes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BFD_PACKET_SIZE   24   /* without authentication */
#define BFD_PORT          3784 /* RFC 5881 4 */
#define BFD_PORT_MULTIHOP 4784 /* RFC 5883 5 */
#define BFD_TTL           255  /* RFC 5881 5: what has less came from farther than a link */

/* As on the wire. */
enum bfd_state { BFD_ADMIN_DOWN, BFD_DOWN, BFD_INIT, BFD_UP, BFD_STATES };

enum bfd_diag {
    BFD_DIAG_NONE,
    BFD_DIAG_EXPIRED,   /* nothing came for the detection time */
    BFD_DIAG_ECHO,      /* the echo function failed */
    BFD_DIAG_NEIGHBOUR, /* the neighbour says that it is down */
    BFD_DIAG_RESET,     /* forwarding plane reset */
    BFD_DIAG_PATH,      /* path down */
    BFD_DIAG_CONCATENATED,
    BFD_DIAG_ADMIN_DOWN, /* administratively down */
    BFD_DIAG_REVERSE,
    BFD_DIAGS,
};

struct bfd_packet {
    enum bfd_state state;
    uint8_t diag; /* enum bfd_diag, or what later RFCs add */
    bool poll;
    bool final;
    bool control_plane_independent;
    bool demand;
    uint8_t multiplier;
    uint32_t my_discriminator;
    uint32_t your_discriminator;
    uint32_t min_tx_us;
    uint32_t min_rx_us;
    uint32_t min_echo_us;
};

/* The checks of RFC 5880 6.8.6 that need no session, and no authentication. 0, or -EINVAL: to be discarded. */
int bfd_packet_parse(const uint8_t *bytes, size_t n, struct bfd_packet *out) MUST_USE;
void bfd_packet_write(const struct bfd_packet *packet, uint8_t out[BFD_PACKET_SIZE]);

/* "up" ... */
const char *bfd_state_name(enum bfd_state state);
/* "control detection time expired" ... (RFC 5880 4.1); "reserved" for what that does not list. */
const char *bfd_diag_name(uint8_t diag);

#endif
