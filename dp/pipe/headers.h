/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the headers of a frame say, as far as they are there: for those who look at packets (filters, traces), not for
 * the forwarding path, which reads what it needs where it needs it.
 */
#ifndef HEADERS_H
#define HEADERS_H

#include "addr.h"
#include <stdbool.h>
#include <stdint.h>

struct headers {
    uint8_t destination_mac[6];
    uint8_t source_mac[6];
    bool has_vlan;
    uint16_t vlan;       /* VID, of the outermost tag */
    uint16_t ether_type; /* behind the tags, host byte order; 0: the frame ends before */
    bool has_ip;         /* the rest is there: */
    struct ip_addr source;
    struct ip_addr destination;
    uint8_t protocol;     /* behind options and extension headers, as far as they can be followed */
    uint8_t ttl;          /* or hop limit */
    uint16_t length;      /* of the IP packet, as its header says; IPv6: at most 65535 */
    bool fragment;        /* of a datagram */
    bool has_ports;       /* TCP, UDP, SCTP, and no later fragment: */
    uint16_t source_port; /* host byte order */
    uint16_t destination_port;
    bool has_icmp; /* ICMP, ICMPv6, and no later fragment: */
    uint8_t icmp_type;
    uint8_t icmp_code;
    unsigned int inner; /* IPIP, GRE, GUE: where in the bytes the IP packet inside begins; 0: none */
};

/* Of a frame of which these first bytes are at hand; any bytes. The family is source.family. */
void headers_read(const uint8_t *frame, unsigned int room, struct headers *out);
/* Of an IP packet, as the one inside a tunnel: has_ip and what follows; `inner` counts from `ip`. */
void headers_read_ip(const uint8_t *ip, unsigned int room, struct headers *out);

#endif
