/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BMP messages from the wire: RFC 7854 4, RFC 8671 (Adj-RIB-Out), RFC 9069 (Loc-RIB). Pure.
 */
#ifndef BMP_MESSAGE_H
#define BMP_MESSAGE_H

#include "bgp_update.h"

#define BMP_VERSION     3
#define BMP_MESSAGE_MAX (1 << 18) /* a peer up carries two OPENs, a mirror several UPDATEs: all of 65,535 at most */

enum bmp_type {
    BMP_ROUTE_MONITORING,
    BMP_STATISTICS,
    BMP_PEER_DOWN,
    BMP_PEER_UP,
    BMP_INITIATION,
    BMP_TERMINATION,
    BMP_ROUTE_MIRRORING,
};

enum bmp_peer_type { BMP_PEER_GLOBAL, BMP_PEER_DISTINGUISHED, BMP_PEER_LOCAL, BMP_PEER_LOC_RIB };

/* Why a peer is down (4.9), the first octet: "for configuration reasons", its routes are told no more. */
#define BMP_DOWN_CONFIGURED 5

/* What of a router's work its routes show. */
enum bmp_view { BMP_PRE_POLICY, BMP_POST_POLICY, BMP_LOC_RIB, BMP_OUT, BMP_VIEWS };

/* The per-peer header, 4.2. */
struct bmp_peer {
    uint8_t type;           /* enum bmp_peer_type, or unknown */
    uint8_t view;           /* enum bmp_view */
    bool as2;               /* AS_PATH has two octets a number */
    uint64_t distinguisher; /* of which routing instance; 0: the global one */
    struct ip_addr address; /* all zero for a Loc-RIB */
    uint32_t as;
    uint32_t router_id;
};

struct bmp_message {
    uint8_t type; /* enum bmp_type, or unknown */
    bool has_peer;
    struct bmp_peer peer;
    struct span body; /* behind the headers */
};

/* The message at the front of the span, now behind. 1; 0: it is not whole yet; -EBADMSG: this is no BMP of ours, and
 * where the next message begins cannot be told. */
int bmp_message_take(struct span *bytes, struct bmp_message *out) MUST_USE;

/* What the two OPENs of a peer up agree on (4.10), of which the reader needs this. */
struct bmp_peer_up {
    uint32_t local_as;       /* the router's, towards this peer */
    bool families[FAMILIES]; /* unicast */
    bool add_path[FAMILIES]; /* the peer sends path ids (RFC 7911 4) */
};

/* False: malformed. */
bool bmp_peer_up_parse(struct span body, struct bmp_peer_up *out) MUST_USE;

enum bmp_text_type { BMP_SYS_DESCR = 1, BMP_SYS_NAME = 2 };

/* The first text of this type in an initiation (4.3), without control characters, cut to fit; "" if there is none. */
void bmp_initiation_text(struct span body, enum bmp_text_type type, char *out, size_t size);

#endif
