/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames for tests: built, read, and what a forwarder must make of them, computed the slow way. */
#ifndef FRAME_H
#define FRAME_H

#include "addr.h"
#include "adjacency.h"
#include <stdbool.h>
#include <stdint.h>

#define FRAME_MAX 9600

/* Where things lie in an untagged frame. */
enum {
    ETHER_DST = 0,
    ETHER_SRC = 6,
    ETHER_TYPE = 12,
    IP = 14, /* the IP header */
    V4_IHL = IP,
    V4_TOTAL = IP + 2,
    V4_ID = IP + 4,
    V4_FRAGMENT = IP + 6,
    V4_TTL = IP + 8,
    V4_PROTOCOL = IP + 9,
    V4_CHECKSUM = IP + 10,
    V4_SRC = IP + 12,
    V4_DST = IP + 16,
    V4_PAYLOAD = IP + 20,
    V6_PAYLOAD_LENGTH = IP + 4,
    V6_NEXT = IP + 6,
    V6_HOPS = IP + 7,
    V6_SRC = IP + 8,
    V6_DST = IP + 24,
    V6_PAYLOAD = IP + 40,
};

struct frame {
    unsigned int length;
    uint8_t bytes[FRAME_MAX];
};

uint16_t frame_get16(const struct frame *frame, unsigned int offset);
void frame_set16(struct frame *frame, unsigned int offset, uint16_t value);
/* A UDP packet from src to dst (text of one family) with so many bytes behind the IP header, at least 8, and hop count
 * 64, between these MAC addresses. */
void frame_build(struct frame *frame, const uint8_t to[6], const char *src, const char *dst, unsigned int payload);
/* Makes the IPv4 header checksum right; of an IPv6 frame nothing. */
void frame_set_checksum(struct frame *frame);
/* IPv4: the checksum, over all of the header, is right. IPv6: true. */
bool frame_checksum_is_right(const uint8_t *ip, unsigned int length);
/* What has to leave when `in` goes that way: a hop less, no padding, the way's header. */
void frame_forward(const struct frame *in, const struct rewrite *rewrite, struct frame *out);

#endif
