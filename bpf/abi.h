/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What the programs (steer.bpf.c, encap.bpf.c) and their loaders must agree on: names, keys and values of the maps.
 * Included by both, so plain kernel types and no function. A change here is a change of both; they are built and
 * installed together, and the loaders refuse an object whose maps have other sizes.
 */
#ifndef ABI_H
#define ABI_H

#include <linux/types.h>

/* The program and its socket map carry the names of libxdp's own default program, and the same version mark
 * ("xsk_prog_version"): by these DPDK's net_af_xdp adopts an attached program instead of attaching its own. */
#define STEER_PROGRAM      "xsk_def_prog"
#define STEER_MAP_SOCKETS  "xsks_map"       /* XSKMAP: receive queue -> AF_XDP socket, filled by the driver */
#define STEER_MAP_V4       "steer_v4"       /* LPM trie: struct steer_key4 -> struct steer_value */
#define STEER_MAP_V6       "steer_v6"       /* LPM trie: struct steer_key6 -> struct steer_value */
#define STEER_MAP_PORT     "steer_port"     /* array of one: struct steer_port */
#define STEER_MAP_VLANS    "steer_vlans"    /* array: VID -> struct steer_value */
#define STEER_MAP_BFD      "steer_bfd"      /* hash: struct steer_bfd_key -> struct steer_bfd_value */
#define STEER_MAP_COUNTERS "steer_counters" /* per-CPU array: enum steer_verdict -> __u64 packets */
#define STEER_MAX_QUEUES   64
#define STEER_MAX_PREFIXES 65536 /* of each family */
#define STEER_VIDS         4096
#define STEER_MAX_BFD      1024
#define STEER_BFD_PORT     3784 /* RFC 5881 4 */
#define STEER_BFD_MULTIHOP 4784 /* RFC 5883 5 */

/* What the program decided about a frame, and why. All but STEER_REDIRECTED and STEER_BFD leave it to the kernel. */
enum steer_verdict {
    STEER_REDIRECTED,          /* to the AF_XDP socket of the queue */
    STEER_NO_SOCKET,           /* would be, but the queue has no socket (yet, or any more) */
    STEER_NOT_IP,              /* ARP and every other EtherType, VLAN tags that nobody asked for included */
    STEER_SHORT,               /* ends before the destination address or the VLAN tag does */
    STEER_NOT_FOR_US,          /* destination MAC neither ours nor a group */
    STEER_GROUP,               /* multicast or broadcast, by MAC or by IP address */
    STEER_LINK_LOCAL,          /* IPv6 fe80::/10 as source or destination */
    STEER_NEIGHBOUR_DISCOVERY, /* ICMPv6 133 to 137 (RFC 4861) */
    STEER_BY_PREFIX,           /* the longest prefix says so, or there is none */
    STEER_BFD,                 /* of a session of ours: to the socket, like STEER_REDIRECTED */
    STEER_VERDICTS,
};

struct steer_key4 {
    __u32 length;
    __u8 bytes[4];
};

struct steer_key6 {
    __u32 length;
    __u8 bytes[16];
};

struct steer_value {
    __u32 redirect; /* 0: the kernel's, 1: to the socket */
};

/* A BFD session: addresses in network byte order, IPv4 in the first four bytes and zero behind them. */
struct steer_bfd_key {
    __u8 local[16];
    __u8 peer[16];
    __u16 port;   /* UDP destination port, network byte order */
    __u16 family; /* 4 or 6 */
};

struct steer_bfd_value {
    __u32 discriminator; /* ours, network byte order */
};

struct steer_port {
    __u8 mac[6];
    __u8 zero[2];
};

#define ENCAP_PROGRAM     "encap"
#define ENCAP_MAP         "encap_headers" /* hash: struct encap_key -> struct encap_header */
#define ENCAP_MAX_HEADERS 32768           /* as many as there are adjacencies */
#define ENCAP_HEADER_MAX  64

/* Whose packets. */
struct encap_key {
    __u32 mark;
    __u32 family; /* 4 or 6 */
};

/* What goes before them, from the outer IP header on; lengths, an IPv4 checksum and a UDP source port are filled in. */
struct encap_header {
    __u32 mark; /* that they go on with */
    __u32 length;
    __u8 bytes[ENCAP_HEADER_MAX];
};

#endif
