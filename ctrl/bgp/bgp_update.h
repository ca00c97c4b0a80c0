/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole UPDATE message (RFC 4271 4.3), taken apart and checked before anything of it is used. Pure. */
#ifndef BGP_UPDATE_H
#define BGP_UPDATE_H

#include "bgp_attributes.h"

#define BGP_HEADER_LENGTH 19

enum bgp_type { BGP_OPEN = 1, BGP_UPDATE = 2, BGP_NOTIFICATION = 3, BGP_KEEPALIVE = 4 };

/* Order of use: what is withdrawn, then what is announced; with `fault` BGP_FAULT_WITHDRAW what is announced is
 * withdrawn, too, and with BGP_FAULT_MESSAGE nothing is used. */
struct bgp_update {
    struct bgp_attributes attributes; /* .fault is that of the whole message */
    struct bgp_nlri withdrawn[2];     /* the message's own field, and MP_UNREACH_NLRI; may be empty */
    struct bgp_reach reach[2];        /* MP_REACH_NLRI, and the message's own field */
    bool end_of_rib;                  /* RFC 4724 2 */
    uint8_t end_of_family;            /* enum family: of which */
};

/* The message at the front of the span, now behind: its type (enum bgp_type or one unknown), and its body. False: not
 * a BGP message (RFC 4271 4.1). */
bool bgp_message_take(struct span *bytes, uint8_t *type, struct span *body);
/* `body`: an UPDATE without its header. */
void bgp_update_parse(struct span body, const struct bgp_session *session, struct bgp_room *room,
                      struct bgp_update *out);

#endif
