/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"
#include <stdlib.h>
#include <string.h>

static const uint8_t sender[6] = {0x02, 0, 0, 0, 0x77, 0x01};

uint16_t frame_get16(const struct frame *frame, unsigned int offset)
{
    return (uint16_t)(frame->bytes[offset] << 8 | frame->bytes[offset + 1]);
}

void frame_set16(struct frame *frame, unsigned int offset, uint16_t value)
{
    frame->bytes[offset] = (uint8_t)(value >> 8);
    frame->bytes[offset + 1] = (uint8_t)value;
}

/* RFC 1071, two bytes at a time. */
static uint16_t internet_sum(const uint8_t *bytes, unsigned int length)
{
    uint32_t sum = 0;

    for (unsigned int i = 0; i + 1 < length; i += 2) {
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static unsigned int v4_header_length(const uint8_t *ip)
{
    return (ip[0] & 0xf) * 4u;
}

void frame_set_checksum(struct frame *frame)
{
    const uint8_t *ip = frame->bytes + IP;

    if (ip[0] >> 4 != 4) {
        return;
    }
    frame_set16(frame, V4_CHECKSUM, 0);
    frame_set16(frame, V4_CHECKSUM, (uint16_t)~internet_sum(ip, v4_header_length(ip)));
}

bool frame_checksum_is_right(const uint8_t *ip, unsigned int length)
{
    return ip[0] >> 4 != 4 || (v4_header_length(ip) <= length && internet_sum(ip, v4_header_length(ip)) == 0xffff);
}

static void build_v4(struct frame *frame, const struct ip_addr *src, const struct ip_addr *dst, unsigned int payload)
{
    /* DSCP, ECN, id and DF are there to be left alone */
    static const uint8_t header[20] = {0x45, 0xb9, 0, 0, 0x12, 0x34, 0x40, 0, 64, 17};

    memcpy(frame->bytes + IP, header, sizeof(header));
    memcpy(frame->bytes + V4_SRC, src->bytes, 4);
    memcpy(frame->bytes + V4_DST, dst->bytes, 4);
    frame_set16(frame, ETHER_TYPE, 0x0800);
    frame_set16(frame, V4_TOTAL, (uint16_t)(20 + payload));
    frame->length = V4_PAYLOAD + payload;
}

static void build_v6(struct frame *frame, const struct ip_addr *src, const struct ip_addr *dst, unsigned int payload)
{
    static const uint8_t header[8] = {0x6b, 0x91, 0x23, 0x45, 0, 0, 17, 64};

    memcpy(frame->bytes + IP, header, sizeof(header));
    memcpy(frame->bytes + V6_SRC, src->bytes, 16);
    memcpy(frame->bytes + V6_DST, dst->bytes, 16);
    frame_set16(frame, ETHER_TYPE, 0x86dd);
    frame_set16(frame, V6_PAYLOAD_LENGTH, (uint16_t)payload);
    frame->length = V6_PAYLOAD + payload;
}

void frame_build(struct frame *frame, const uint8_t to[6], const char *src, const char *dst, unsigned int payload)
{
    /* the UDP checksum is wrong, and none of our business */
    static const uint8_t udp[8] = {0x30, 0x39, 0x01, 0xbb, 0, 0, 0xba, 0xad};
    struct ip_addr from = {0};
    struct ip_addr dest = {0};

    if (ip_addr_parse(src, &from) != 0 || ip_addr_parse(dst, &dest) != 0 || from.family != dest.family) {
        abort();
    }
    memcpy(frame->bytes + ETHER_DST, to, 6);
    memcpy(frame->bytes + ETHER_SRC, sender, 6);
    (from.family == FAMILY_V4 ? build_v4 : build_v6)(frame, &from, &dest, payload);
    for (unsigned int i = 0; i < payload; i++) {
        frame->bytes[frame->length - payload + i] = i < sizeof(udp) ? udp[i] : (uint8_t)(i * 7);
    }
    frame_set_checksum(frame);
}

void frame_forward(const struct frame *in, const struct rewrite *rewrite, struct frame *out)
{
    bool v4 = in->bytes[IP] >> 4 == 4;
    unsigned int length = v4 ? frame_get16(in, V4_TOTAL) : 40u + frame_get16(in, V6_PAYLOAD_LENGTH);
    struct frame routed = *in;

    routed.bytes[v4 ? V4_TTL : V6_HOPS]--;
    frame_set_checksum(&routed);
    memcpy(out->bytes, rewrite->header, rewrite->header_length);
    memcpy(out->bytes + rewrite->header_length, routed.bytes + IP, length);
    out->length = rewrite->header_length + length;
}
