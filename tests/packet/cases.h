/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables of frames in, verdict out. Each case runs in one segment and in several, and what is sent must be, byte for
 * byte, what frame_forward() makes of the frame. Fails by cmocka's assertions.
 */
#ifndef CASES_H
#define CASES_H

#include "world.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A verdict: a drop_reason, or one of these. */
#define PUNTED  (-1)
#define SENT(w) (-2 - (int)(w))

#define V4_PLAIN "198.18.0.1"
#define V6_PLAIN "2001:db8:b::1"

/* Bytes put into the frame. */
struct patch {
    uint16_t offset;
    uint8_t length;
    uint8_t bytes[16];
};

struct packet_case {
    const char *name;
    const char *src; /* NULL: 198.51.100.7, 2001:db8:99::7 */
    const char *dst; /* says which family */
    int verdict;
    uint16_t payload;  /* 0: 40 bytes behind the IP header */
    int16_t resize;    /* bytes that the frame is longer (padding) or shorter than the packet says */
    bool bad_checksum; /* leave the IPv4 checksum as the patches made it */
    struct patch patches[6];
};

extern struct world *world;

/* cmocka's: once, before each test, after each test (names the case that failed). */
int case_set_up_group(void **state);
int case_reset(void **state);
int case_tell(void **state);
#define case_test(name) cmocka_unit_test_setup_teardown(name, case_reset, case_tell)

void case_build(const struct packet_case *test, struct frame *frame);
/* PORT_UP receives the frame, cut into segments there (world_packet()), and it ends as the verdict says. */
void check_frame(const struct frame *frame, const unsigned int *cuts, int verdict);
void check_cases(const struct packet_case *cases, size_t n);

#endif
