/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stages' AVX-512 forms do as the portable ones: the same bursts, of sound frames and of frames of which a byte or
 * a length is wrong, leave the same packets in the same order, and the same counters. The other tests of this folder
 * say what is right; they run in either form.
 */
#include "attributes.h"
#include "hash.h"
#include "unit.h"
#include "world.h"
#include <stdlib.h>
#include <string.h>

#define BURSTS 500 /* of each kind */

static struct world *world;
static uint64_t state;

static uint32_t random_below(uint32_t limit)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash_mix64(state) >> 32) % limit;
}

#define DESTINATIONS_MAX 16

/* What the packets of a burst are chosen from; most are alike, as traffic often is. */
static const char *const kinds[][DESTINATIONS_MAX] = {
    {"198.18.0.1"},
    {"2001:db8:b::1"},
    {"198.18.0.1", "2001:db8:b::1"},
    {"10.73.0.1"}, /* a choice of few instances */
    {"2001:db8:73::1"},
    {"192.0.3.1"}, /* by the addresses alone */
    {"2001:db8:aa::1"},
    {"10.73.0.1", "198.18.0.1", "192.0.2.1"},
    {"2001:db8:73::1", "2001:db8:b::1", "2001:db8:a::1"},
    {"10.73.0.1", "198.18.0.1", "192.0.3.1"}, /* in both ways */
    {"198.18.0.1", "198.18.7.1", "10.69.0.1", "10.70.0.1", "10.71.0.1"},
    {"198.18.0.1", "2001:db8:b::1", "192.0.2.1", "2001:db8:a::1", "10.69.0.1", "10.71.0.1", "10.67.0.1", "10.68.0.1",
     "8.8.8.8", "203.0.113.1", "2001:db8::1", "2001:db8:73::1"},
    {"198.18.0.1", "2001:db8:b::1", "192.0.2.1", "2001:db8:a::1", "10.69.0.1", "10.71.0.1", "10.67.0.1", "10.68.0.1",
     "8.8.8.8", "203.0.113.1", "2001:db8::1", "2001:db8:73::1"},
};

static const char *destination(unsigned int kind)
{
    unsigned int n = 0;

    while (n < DESTINATIONS_MAX && kinds[kind][n] != NULL) {
        n++;
    }
    return kinds[kind][random_below(n)];
}

static void spoil(struct frame *frame)
{
    unsigned int at = random_below(RTE_MIN(frame->length, 60u));

    switch (random_below(6)) {
    case 0:
        frame->bytes[at] ^= (uint8_t)(1u << random_below(8));
        break;
    case 1: /* an octet that many checks know */
        frame->bytes[at] = (const uint8_t[]){0, 1, 127, 224, 254, 255}[random_below(6)];
        frame_set_checksum(frame);
        break;
    case 2:
        frame->length = random_below(frame->length + 1);
        break;
    case 3: /* padding */
        memset(frame->bytes + frame->length, 0xaa, 20);
        frame->length += 20;
        break;
    case 4: /* checksums at the edges of a carry */
        frame_set16(frame, V4_ID, (uint16_t)random_below(65536));
        frame_set_checksum(frame);
        break;
    default:
        frame_set16(frame, IP + 2, (uint16_t)random_below(80));
        frame_set_checksum(frame);
        break;
    }
}

static void make_frame(struct frame *frame, unsigned int burst_kind, unsigned int spoilt_percent)
{
    const char *dst = destination(burst_kind);
    bool v6 = strchr(dst, ':') != NULL;

    frame_build(frame, world_mac(PORT_UP), v6 ? "2001:db8:99::7" : "198.51.100.7", dst, 8 + random_below(60));
    frame_set16(frame, v6 ? V6_PAYLOAD : V4_PAYLOAD, (uint16_t)random_below(65536));
    if (burst_kind % 2 == 0 && random_below(2) == 0) { /* TCP */
        frame->bytes[v6 ? V6_NEXT : V4_PROTOCOL] = 6;
        frame_set_checksum(frame);
    }
    if (random_below(100) < spoilt_percent) {
        spoil(frame);
    }
}

/* What a burst left behind, in either form. */
struct result {
    struct counters counters;
    unsigned int counts[WORLD_LANES];
    struct frame frames[WORLD_LANES][BURST_MAX];
};

static void run(const struct frame *frames, unsigned int n, bool wide, struct result *result)
{
    static const unsigned int cuts[] = {50, 0};
    struct rte_mbuf *mbufs[BURST_MAX];

    world_reset(world);
    world->pipe.wide = wide;
    world->pipe.watches = NULL; /* as usual; every other test has one */
    world_set_state(world, TO_LON1, ADJACENCY_PROBE, n % 5 == 0 ? ADJACENCY_DOWN : ADJACENCY_ALIVE);
    for (unsigned int i = 0; i < n; i++) {
        mbufs[i] = world_packet(world, &frames[i], frames[i].length % 17 == 0 ? cuts : NULL);
    }
    world_receive(world, PORT_UP, mbufs, n);
    result->counters = world->counters;
    for (unsigned int lane = 0; lane < WORLD_LANES; lane++) {
        result->counts[lane] = world->outlets[lane].count;
        for (unsigned int i = 0; i < result->counts[lane]; i++) {
            world_read(world->outlets[lane].mbufs[i], &result->frames[lane][i]);
        }
    }
    world_clear(world);
    assert_int_equal(world_lost_mbufs(world), 0);
}

static void assert_same(const struct result *a, const struct result *b)
{
    assert_memory_equal(&a->counters, &b->counters, sizeof(a->counters));
    for (unsigned int lane = 0; lane < WORLD_LANES; lane++) {
        assert_int_equal(a->counts[lane], b->counts[lane]);
        for (unsigned int i = 0; i < a->counts[lane]; i++) {
            assert_int_equal(a->frames[lane][i].length, b->frames[lane][i].length);
            assert_memory_equal(a->frames[lane][i].bytes, b->frames[lane][i].bytes, a->frames[lane][i].length);
        }
    }
}

static void compare_bursts(unsigned int spoilt_percent)
{
    static struct frame frames[BURST_MAX];
    static struct result portable;
    static struct result wide;

    for (unsigned int burst = 0; burst < BURSTS; burst++) {
        unsigned int kind = random_below(ARRAY_SIZE(kinds));
        unsigned int n = 1 + random_below(BURST_MAX);

        for (unsigned int i = 0; i < n; i++) {
            make_frame(&frames[i], kind, spoilt_percent);
        }
        run(frames, n, false, &portable);
        run(frames, n, true, &wide);
        assert_same(&portable, &wide);
    }
}

static void both_forms_forward_alike(void **unused)
{
    (void)unused;
    if (!pipe_wide_works()) {
        skip();
    }
    compare_bursts(0);
    compare_bursts(2);
    compare_bursts(30);
    compare_bursts(100);
}

static int set_up_group(void **unused)
{
    (void)unused;
    world = world_create();
    return world == NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_forward_alike),
    };

    return cmocka_run_group_tests(tests, set_up_group, NULL);
}
