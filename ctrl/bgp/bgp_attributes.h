/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path attributes of BGP, from the wire into a struct attrs: RFC 4271 4.3 and 5, 1997 (communities), 4456 (reflection),
 * 4760 (other families), 6793 (four-octet AS numbers), 8092 (large communities), 8950 (IPv6 next hops of IPv4).
 *
 * What is wrong with one costs what RFC 7606 says: the attribute, or the routes of the message, never the session.
 * Pure: nothing is allocated, and nothing outside of `out` and `room` is written.
 */
#ifndef BGP_ATTRIBUTES_H
#define BGP_ATTRIBUTES_H

#include "attrs.h"
#include "bgp_nlri.h"

#define BGP_MESSAGE_MAX  65535 /* RFC 8654 */
#define BGP_ASNS_MAX     (BGP_MESSAGE_MAX / 2)
#define BGP_SEGMENTS_MAX (BGP_MESSAGE_MAX / 4)
#define BGP_NUMBERS_MAX  (BGP_MESSAGE_MAX / 4) /* communities, clusters */
#define BGP_LARGE_MAX    (BGP_MESSAGE_MAX / 12)

/* What the two ends of the session agreed on, and what of it the reader wants. */
struct bgp_session {
    bool as4;                /* AS_PATH has four octets a number */
    bool add_path[FAMILIES]; /* prefixes carry path ids */
    /* From an external neighbour, before any policy: LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST are not its to say
     * (RFC 7606 7.5, 7.9, 7.10). */
    bool external;
    bool mrt_rib; /* MP_REACH_NLRI is the next hop alone (RFC 6396 4.3.4) */
};

/* In the order of how much it costs (RFC 7606 2). */
enum bgp_fault {
    BGP_FAULT_NONE,
    BGP_FAULT_DISCARD,  /* an attribute was left out: one that says nothing about reachability */
    BGP_FAULT_WITHDRAW, /* the routes of this message count as withdrawn */
    BGP_FAULT_MESSAGE,  /* where the prefixes are cannot be told: nothing of the message can be used */
};

/* Arrays for the lists of a struct attrs, for one message at a time. Large: one for each decoder, not on a stack. */
struct bgp_path_room {
    struct as_segment segments[BGP_SEGMENTS_MAX];
    uint32_t asns[BGP_ASNS_MAX];
};
struct bgp_room {
    struct bgp_path_room path, as4_path, merged;
    uint32_t communities[BGP_NUMBERS_MAX];
    uint32_t clusters[BGP_NUMBERS_MAX];
    struct large_community large[BGP_LARGE_MAX];
};

/* Routes that are announced, and where they lead. */
struct bgp_reach {
    bool present;
    struct bgp_nlri nlri;
    struct ip_addr next_hop;
};

struct bgp_attributes {
    struct attrs attrs;   /* its lists lie in the room */
    enum bgp_fault fault; /* the worst of all */
    uint8_t fault_at;     /* type code of the attribute that it was found in first; 0: in none */
    const char *fault_text;
    bool has_origin;
    bool has_as_path;
    bool has_next_hop;
    struct ip_addr next_hop;    /* NEXT_HOP: of the prefixes in the message's own field */
    struct bgp_reach mp_reach;  /* unicast of our families alone; else not present */
    struct bgp_nlri mp_unreach; /* likewise: empty */
    bool has_mp_unreach;
};

/* Reads `bytes`, the path attributes of one message. What is missing but mandatory is for the caller to say. */
void bgp_attributes_parse(struct span bytes, const struct bgp_session *session, struct bgp_room *room,
                          struct bgp_attributes *out);
/* Something that packets can be sent to: not 0.0.0.0, ::, loopback or multicast. */
bool bgp_next_hop_valid(const struct ip_addr *addr);
/* Notes a fault if it is worse than what is known. */
void bgp_fault_note(struct bgp_attributes *attributes, enum bgp_fault fault, uint8_t at, const char *text);

#endif
