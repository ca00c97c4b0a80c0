/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that began well and were damaged: whatever leaves is a sound packet, and the accounts are right. */
#include "attributes.h"
#include "hash.h"
#include "unit.h"
#include "world.h"
#include <string.h>

static struct world *world;

static int set_up_group(void **state)
{
    (void)state;
    world = world_create();
    return world == NULL;
}

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = hash_mix64(random_state + UINT64_C(0x9e3779b97f4a7c15));
    return (uint32_t)(random_state >> 32) % below;
}

static void damage(struct frame *frame)
{
    static const uint16_t ether_types[] = {0x0800, 0x0806, 0x8100, 0x86dd};

    switch (draw(5)) {
    case 0:
        frame->length = draw(frame->length + 1);
        break;
    case 1:
        frame->length += draw(100);
        break;
    case 2: /* a lie that the checksum covers */
        frame->bytes[IP + draw(20)] ^= (uint8_t)(1u << draw(8));
        frame_set_checksum(frame);
        break;
    case 3:
        frame_set16(frame, ETHER_TYPE, ether_types[draw(ARRAY_SIZE(ether_types))]);
        break;
    default:
        for (uint32_t flips = 1 + draw(8); flips > 0; flips--) {
            frame->bytes[draw(frame->length)] ^= (uint8_t)(1u << draw(8));
        }
        break;
    }
}

static struct rte_mbuf *random_packet(void)
{
    static const char *const destinations[] = {
        "192.0.2.1",   "2001:db8:a::1",  "192.0.3.1",   "198.18.0.1",    "2001:db8:b::1",
        "10.69.0.1",   "2001:db8:70::1", "203.0.113.1", "2001:db8:f::1", "10.71.0.1",
        "203.0.113.9", "10.66.0.1",      "10.68.0.1",   "224.0.0.1",     "2001:db8:68::1",
    };
    static struct frame frame;
    const char *dst = destinations[draw(ARRAY_SIZE(destinations))];
    unsigned int cuts[3] = {1 + draw(100), 0, 0};

    memset(frame.bytes, 0, 256);
    frame_build(&frame, world_mac(PORT_UP), strchr(dst, ':') != NULL ? "2001:db8:99::7" : "198.51.100.7", dst,
                8 + draw(100));
    if (strchr(dst, ':') != NULL && draw(4) == 0) {
        static const uint8_t extensions[] = {0, 43, 44, 51, 60};

        frame.bytes[V6_NEXT] = extensions[draw(sizeof(extensions))];
        frame.bytes[V6_PAYLOAD] = extensions[draw(sizeof(extensions))];
        frame.bytes[V6_PAYLOAD + 1] = (uint8_t)draw(8);
    }
    for (uint32_t n = draw(3); n > 0 && frame.length > 0; n--) {
        damage(&frame);
    }
    cuts[1] = cuts[0] + 1 + draw(50);
    return world_packet(world, &frame, draw(3) == 0 ? cuts : NULL);
}

/* What any router after us would check. */
static bool is_sound(const struct frame *frame)
{
    unsigned int ip = frame_get16(frame, ETHER_TYPE) == 0x8100 ? IP + 4 : IP;
    const uint8_t *header = frame->bytes + ip;
    unsigned int length;

    if (frame->length < ip + 20) {
        return false;
    }
    if (frame_get16(frame, ip - 2) == 0x0800) {
        length = frame_get16(frame, ip + 2);
        return header[0] >> 4 == 4 && length == frame->length - ip && header[8] > 0 &&
               frame_checksum_is_right(header, length) && header[12] != 127 && header[16] < 224;
    }
    length = 40u + frame_get16(frame, ip + 4);
    return frame_get16(frame, ip - 2) == 0x86dd && header[0] >> 4 == 6 && length == frame->length - ip &&
           header[7] > 0 && header[8] != 0xff && header[24] != 0xff;
}

static void damaged_frames_are_accounted_for_and_nothing_unsound_leaves(void **state)
{
    static struct frame frame;

    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct rte_mbuf *mbufs[BURST_MAX];
        unsigned int n;

        random_state = seed;
        n = 1 + draw(BURST_MAX);
        for (unsigned int i = 0; i < n; i++) {
            mbufs[i] = random_packet();
        }
        world_receive(world, PORT_UP, mbufs, n);
        for (unsigned int port = 0; port < WORLD_PORTS; port++) {
            for (unsigned int i = 0; i < world->outlets[port].count; i++) {
                world_read(world->outlets[port].mbufs[i], &frame);
                assert_true(is_sound(&frame));
                assert_int_equal(rte_mbuf_check(world->outlets[port].mbufs[i], 1, &(const char *){NULL}), 0);
            }
        }
        assert_true(world_adds_up(world));
        assert_int_equal(world_lost_mbufs(world), 0);
        world_clear(world);
    }
    /* fragments whose first one never came */
    world_wait(world);
    assert_true(world_adds_up(world));
    world_clear(world);
    /* the damage did not hit one check alone, and left enough unharmed */
    for (int reason = DROP_TRUNCATED; reason <= DROP_MARTIAN_DESTINATION; reason++) {
        assert_true(world->counters.drops[reason] > 0);
    }
    assert_true(world->counters.sent > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_frames_are_accounted_for_and_nothing_unsound_leaves),
    };
    return cmocka_run_group_tests(tests, set_up_group, NULL);
}
