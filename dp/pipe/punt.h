/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many packets a second a kernel twin is given. A punted packet costs its worker a system call, so a flood of them
 * is cut off here, where it costs a few cycles: what the packets of other ports and flows are owed stays theirs. There
 * are three quotas, so that a flood of one kind starves no other: neither a ping of death nor a spray of UDP takes a
 * BGP session or an ARP request with it.
 *
 * A twin's quotas belong to the worker that owns its queue. Private to dp/pipe, but for punt_quota_set_up().
 */
#ifndef PUNT_H
#define PUNT_H

#include <rte_mbuf.h>
#include <stdint.h>

enum punt_class {
    PUNT_NEIGHBOURS, /* ARP, neighbour and router discovery */
    PUNT_SESSIONS,   /* TCP, routing protocols */
    PUNT_REST,       /* all else: echo requests, UDP, fragments */
    PUNT_CLASSES,
};

struct punt_quota {
    uint64_t interval[PUNT_CLASSES]; /* TSC cycles a packet in the long run; 0: no limit */
    uint64_t due[PUNT_CLASSES];      /* TSC: when the next would be due at that rate */
};

/* The rates of one twin, for a clock of so many cycles a second. */
void punt_quota_set_up(struct punt_quota *quota, uint64_t tsc_hz);
enum punt_class punt_classify(const struct rte_mbuf *mbuf);
/* Moves the packets that may go to the front, in their order, and returns how many they are. n is at most
 * TX_LANE_MAX. */
uint16_t punt_admit(struct punt_quota *quota, struct rte_mbuf **mbufs, uint16_t n, uint64_t now);

#endif
