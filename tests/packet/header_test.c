/* SPDX-License-Identifier: BSD-3-Clause */
/* What the IP header says of itself: hop count, version, lengths, checksum, extension headers. */
#include "attributes.h"
#include "cases.h"
#include "unit.h"
#include <string.h>

static void hop_counts_are_taken_where_a_packet_is_forwarded(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "TTL 64", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN)},
        {.name = "TTL 2", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN), .patches = {{V4_TTL, 1, {2}}}},
        {.name = "TTL 255", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN), .patches = {{V4_TTL, 1, {255}}}},
        {.name = "TTL 1", .dst = V4_PLAIN, .verdict = DROP_TTL_EXPIRED, .patches = {{V4_TTL, 1, {1}}}},
        {.name = "TTL 0", .dst = V4_PLAIN, .verdict = DROP_TTL_EXPIRED, .patches = {{V4_TTL, 1, {0}}}},
        {.name = "TTL 1, ours", .dst = "203.0.113.1", .verdict = PUNTED, .patches = {{V4_TTL, 1, {1}}}},
        {.name = "TTL 0, ours", .dst = "203.0.113.1", .verdict = PUNTED, .patches = {{V4_TTL, 1, {0}}}},
        {.name = "TTL 1, blackhole", .dst = "10.66.0.1", .verdict = DROP_BLACKHOLE, .patches = {{V4_TTL, 1, {1}}}},
        {.name = "TTL 1, reject", .dst = "10.67.0.1", .verdict = DROP_REJECT, .patches = {{V4_TTL, 1, {1}}}},
        {.name = "hop limit 64", .dst = V6_PLAIN, .verdict = SENT(TO_PLAIN)},
        {.name = "hop limit 2", .dst = V6_PLAIN, .verdict = SENT(TO_PLAIN), .patches = {{V6_HOPS, 1, {2}}}},
        {.name = "hop limit 1", .dst = V6_PLAIN, .verdict = DROP_TTL_EXPIRED, .patches = {{V6_HOPS, 1, {1}}}},
        {.name = "hop limit 0", .dst = V6_PLAIN, .verdict = DROP_TTL_EXPIRED, .patches = {{V6_HOPS, 1, {0}}}},
        {.name = "hop limit 1, ours", .dst = "2001:db8:f::1", .verdict = PUNTED, .patches = {{V6_HOPS, 1, {1}}}},
        {.name = "hop limit 0, ours", .dst = "2001:db8:f::1", .verdict = PUNTED, .patches = {{V6_HOPS, 1, {0}}}},
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void headers_that_lie_are_dropped_each_for_its_reason(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "version 6 as IPv4", .dst = V4_PLAIN, .verdict = DROP_BAD_VERSION, .patches = {{V4_IHL, 1, {0x65}}}},
        {.name = "version 0", .dst = V4_PLAIN, .verdict = DROP_BAD_VERSION, .patches = {{V4_IHL, 1, {0x05}}}},
        {.name = "version 4 as IPv6", .dst = V6_PLAIN, .verdict = DROP_BAD_VERSION, .patches = {{IP, 1, {0x45}}}},
        {.name = "IHL 4", .dst = V4_PLAIN, .verdict = DROP_BAD_HEADER_LENGTH, .patches = {{V4_IHL, 1, {0x44}}}},
        {.name = "IHL 0", .dst = V4_PLAIN, .verdict = DROP_BAD_HEADER_LENGTH, .patches = {{V4_IHL, 1, {0x40}}}},
        {.name = "IHL beyond the total length",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_HEADER_LENGTH,
         .patches = {{V4_IHL, 1, {0x4f}}, {V4_TOTAL, 2, {0, 59}}}},
        {.name = "total length 19",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_TOTAL_LENGTH,
         .patches = {{V4_TOTAL, 2, {0, 19}}}},
        {.name = "total length 0", .dst = V4_PLAIN, .verdict = DROP_BAD_TOTAL_LENGTH, .patches = {{V4_TOTAL, 2, {0}}}},
        {.name = "total length a byte beyond the frame",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_TOTAL_LENGTH,
         .patches = {{V4_TOTAL, 2, {0, 61}}}},
        {.name = "total length 65535",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_TOTAL_LENGTH,
         .patches = {{V4_TOTAL, 2, {255, 255}}}},
        {.name = "total length 20", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN), .patches = {{V4_TOTAL, 2, {0, 20}}}},
        {.name = "lengths before the checksum",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_TOTAL_LENGTH,
         .bad_checksum = true,
         .patches = {{V4_TOTAL, 2, {0, 61}}, {V4_CHECKSUM, 2, {1, 2}}}},
        {.name = "wrong checksum",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_CHECKSUM,
         .bad_checksum = true,
         .patches = {{V4_CHECKSUM, 2, {0x12, 0x34}}}},
        {.name = "checksum 0xffff",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_CHECKSUM,
         .bad_checksum = true,
         .patches = {{V4_CHECKSUM, 2, {0xff, 0xff}}}},
        {.name = "checksum 0",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_CHECKSUM,
         .bad_checksum = true,
         .patches = {{V4_CHECKSUM, 2, {0, 0}}}},
        {.name = "a bit of the TTL flipped",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_CHECKSUM,
         .bad_checksum = true,
         .patches = {{V4_TTL, 1, {65}}}},
        {.name = "wrong checksum, ours",
         .dst = "203.0.113.1",
         .verdict = DROP_BAD_CHECKSUM,
         .bad_checksum = true,
         .patches = {{V4_CHECKSUM, 2, {0x12, 0x34}}}},
        {.name = "options", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN), .patches = {{V4_IHL, 1, {0x4f}}}},
        {.name = "wrong checksum by the options",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_CHECKSUM,
         .bad_checksum = true,
         .patches = {{V4_IHL, 1, {0x46}}}},
        {.name = "payload length a byte beyond the frame",
         .dst = V6_PLAIN,
         .verdict = DROP_BAD_TOTAL_LENGTH,
         .patches = {{V6_PAYLOAD_LENGTH, 2, {0, 41}}}},
        {.name = "payload length 65535",
         .dst = V6_PLAIN,
         .verdict = DROP_BAD_TOTAL_LENGTH,
         .patches = {{V6_PAYLOAD_LENGTH, 2, {255, 255}}}},
        {.name = "payload length 0",
         .dst = V6_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V6_PAYLOAD_LENGTH, 2, {0}}, {V6_NEXT, 1, {59}}}},
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void padding_is_cut_off_and_counts_for_nothing(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "18 bytes of padding", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN), .resize = 18},
        {.name = "1 byte of padding", .dst = V6_PLAIN, .verdict = SENT(TO_PLAIN), .resize = 1},
        {.name = "padding in several segments", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN), .resize = 60},
        {.name = "padding beyond the MTU",
         .dst = "10.69.0.1",
         .verdict = SENT(TO_NARROW),
         .payload = 1260,
         .resize = 9},
        {.name = "padding, tagged", .dst = "2001:db8:70::1", .verdict = SENT(TO_TAGGED), .resize = 50},
        {.name = "padding, ours", .dst = "203.0.113.1", .verdict = PUNTED, .resize = 18},
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void frames_of_every_length_are_judged_by_what_is_there(void **state)
{
    static const char *const destinations[] = {V4_PLAIN, V6_PLAIN};
    static struct frame frame;

    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        unsigned int headers = family == FAMILY_V4 ? V4_PAYLOAD : V6_PAYLOAD;

        for (unsigned int length = 0; length <= 60; length++) {
            struct packet_case test = {.dst = destinations[family]};

            /* as much as the packet says is not there */
            case_build(&test, &frame);
            frame.length = length;
            check_frame(&frame, NULL, length < headers ? DROP_TRUNCATED : DROP_BAD_TOTAL_LENGTH);
            if (length < headers) {
                continue;
            }
            /* the packet says how short it is: in the middle of the ports, too */
            case_build(&test, &frame);
            frame.length = length;
            frame_set16(&frame, family == FAMILY_V4 ? V4_TOTAL : V6_PAYLOAD_LENGTH,
                        (uint16_t)(family == FAMILY_V4 ? length - IP : length - V6_PAYLOAD));
            frame_set_checksum(&frame);
            check_frame(&frame, NULL, SENT(TO_PLAIN));
        }
    }
}

/* To instances, where the flow hash looks for ports that are not all there. */
static void ports_beyond_the_packet_are_not_read(void **state)
{
    static const char *const destinations[] = {"192.0.2.1", "2001:db8:a::1"};
    static struct frame frame;

    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        for (unsigned int payload = 0; payload < 8; payload++) {
            struct packet_case test = {.dst = destinations[family]};
            struct rte_mbuf *mbuf;

            case_build(&test, &frame);
            frame.length = (family == FAMILY_V4 ? V4_PAYLOAD : V6_PAYLOAD) + payload;
            frame_set16(&frame, family == FAMILY_V4 ? V4_TOTAL : V6_PAYLOAD_LENGTH,
                        (uint16_t)(family == FAMILY_V4 ? 20 + payload : payload));
            frame_set_checksum(&frame);
            mbuf = world_packet(world, &frame, NULL);
            world_receive(world, PORT_UP, &mbuf, 1);
            assert_int_equal(world->counters.sent, 1);
            world_reset(world);
        }
    }
}

static void headers_in_a_second_segment_are_not_searched(void **state)
{
    static struct frame frame;
    struct packet_case v4 = {.dst = V4_PLAIN};
    struct packet_case v6 = {.dst = V6_PLAIN};
    struct packet_case options = {.dst = V4_PLAIN, .patches = {{V4_IHL, 1, {0x4f}}}};

    (void)state;
    for (unsigned int cut = 1; cut <= 54; cut++) {
        case_build(&v4, &frame);
        check_frame(&frame, (const unsigned int[]){cut, 0}, cut < 34 ? DROP_TRUNCATED : SENT(TO_PLAIN));
        case_build(&v6, &frame);
        check_frame(&frame, (const unsigned int[]){cut, 0}, cut < 54 ? DROP_TRUNCATED : SENT(TO_PLAIN));
        case_build(&options, &frame);
        check_frame(&frame, (const unsigned int[]){cut, 0}, DROP_TRUNCATED);
    }
}

static void extension_headers_are_whole_or_the_packet_is_dropped(void **state)
{
    /* one patch for the first next header, one for what lies there */
    static const struct packet_case cases[] = {
        {.name = "hop by hop, 8 bytes",
         .dst = V6_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V6_NEXT, 1, {0}}, {V6_PAYLOAD, 8, {17, 0, 1, 4, 0, 0, 0, 0}}}},
        {.name = "hop by hop, all of the payload",
         .dst = V6_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V6_NEXT, 1, {0}}, {V6_PAYLOAD, 2, {59, 4}}}},
        {.name = "hop by hop beyond the payload",
         .dst = V6_PLAIN,
         .verdict = DROP_TRUNCATED,
         .patches = {{V6_NEXT, 1, {0}}, {V6_PAYLOAD, 2, {59, 5}}}},
        {.name = "hop by hop beyond the payload, padded",
         .dst = V6_PLAIN,
         .verdict = DROP_TRUNCATED,
         .resize = 40,
         .patches = {{V6_NEXT, 1, {0}}, {V6_PAYLOAD, 2, {59, 5}}}},
        {.name = "routing header with no room for its length",
         .dst = V6_PLAIN,
         .verdict = DROP_TRUNCATED,
         .patches = {{V6_NEXT, 1, {43}}, {V6_PAYLOAD_LENGTH, 2, {0, 7}}}},
        {.name = "destination options and no payload at all",
         .dst = V6_PLAIN,
         .verdict = DROP_TRUNCATED,
         .patches = {{V6_NEXT, 1, {60}}, {V6_PAYLOAD_LENGTH, 2, {0, 0}}}},
        {.name = "the second one is cut off",
         .dst = V6_PLAIN,
         .verdict = DROP_TRUNCATED,
         .patches = {{V6_NEXT, 1, {0}}, {V6_PAYLOAD, 2, {60, 3}}, {V6_PAYLOAD + 32, 2, {17, 1}}}},
        {.name = "the second one fits",
         .dst = V6_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V6_NEXT, 1, {0}}, {V6_PAYLOAD, 2, {60, 3}}, {V6_PAYLOAD + 32, 2, {59, 0}}}},
        {.name = "authentication header, in words of four bytes",
         .dst = V6_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V6_NEXT, 1, {51}}, {V6_PAYLOAD, 2, {17, 8}}}},
        {.name = "authentication header a word too long",
         .dst = V6_PLAIN,
         .verdict = DROP_TRUNCATED,
         .patches = {{V6_NEXT, 1, {51}}, {V6_PAYLOAD, 2, {17, 9}}}},
        {.name = "a first fragment with a header cut off",
         .dst = V6_PLAIN,
         .verdict = DROP_TRUNCATED,
         .patches = {{V6_NEXT, 1, {44}}, {V6_PAYLOAD, 8, {60, 0, 0, 1}}, {V6_PAYLOAD + 8, 2, {17, 9}}}},
        {.name = "a later fragment, where the same bytes are payload",
         .dst = V6_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V6_NEXT, 1, {44}}, {V6_PAYLOAD, 8, {60, 0, 0, 9}}, {V6_PAYLOAD + 8, 2, {17, 9}}}},
        {.name = "cut off, ours",
         .dst = "2001:db8:f::1",
         .verdict = DROP_TRUNCATED,
         .patches = {{V6_NEXT, 1, {0}}, {V6_PAYLOAD, 2, {59, 5}}}},
    };

    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        case_build(&cases[i], &frame);
        check_frame(&frame, NULL, cases[i].verdict);
        /* none of them is longer than 40 bytes: in one segment it is found, in two it is not searched */
        check_frame(&frame, (const unsigned int[]){V6_PAYLOAD + 40, 0}, cases[i].verdict);
        check_frame(&frame, (const unsigned int[]){V6_PAYLOAD + 7, 0}, DROP_TRUNCATED);
    }
}

/* The frame ends where the packet does: a byte too far is a byte of nobody's. */
static void extension_headers_are_not_read_beyond_the_frame(void **state)
{
    static const uint8_t extensions[] = {0, 43, 44, 51, 60};
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
        for (unsigned int payload = 0; payload <= 16; payload++) {
            case_build(&(struct packet_case){.dst = V6_PLAIN, .patches = {{V6_NEXT, 1, {extensions[i]}}}}, &frame);
            memcpy(frame.bytes + V6_PAYLOAD, (const uint8_t[16]){extensions[i], 0, 0, 0, 0, 0, 0, 0, 59}, 16);
            frame_set16(&frame, V6_PAYLOAD_LENGTH, (uint16_t)payload);
            frame.length = V6_PAYLOAD + payload;
            check_frame(&frame, NULL, payload < 16 ? DROP_TRUNCATED : SENT(TO_PLAIN));
        }
    }
}

static void more_extension_headers_than_anyone_needs_are_not_followed(void **state)
{
    static struct frame frame;

    (void)state;
    case_build(&(struct packet_case){.dst = V6_PLAIN, .payload = 100, .patches = {{V6_NEXT, 1, {60}}}}, &frame);
    for (unsigned int i = 0; i < 12; i++) {
        frame.bytes[V6_PAYLOAD + i * 8] = 60;
        frame.bytes[V6_PAYLOAD + i * 8 + 1] = 0;
    }
    check_frame(&frame, NULL, SENT(TO_PLAIN)); /* the thirteenth is cut off */
}

/* As told in RFC 1624: vectors that a wrong increment gets wrong. */
static void checksums_follow_the_hop_count_to_the_bit(void **state)
{
    static const struct {
        const char *src;
        const char *dst;
        uint8_t ttl;
        uint16_t in;
        uint16_t out;
    } vectors[] = {
        {"10.250.136.195", "10.156.94.34", 121, 0x0000, 0x0100},
        {"10.250.136.195", "10.156.94.34", 122, 0xfeff, 0x0000},
        {"10.250.40.40", "10.156.190.188", 122, 0xff00, 0x0001},
    };
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        struct rte_mbuf *mbuf;

        frame_build(&frame, world_mac(PORT_UP), vectors[i].src, vectors[i].dst, 1212);
        memcpy(frame.bytes + IP, (const uint8_t[]){0x45, 0x84, 0x04, 0xd0, 0, 0, 0x40, 0, vectors[i].ttl, 47}, 10);
        frame_set_checksum(&frame);
        assert_int_equal(frame_get16(&frame, V4_CHECKSUM), vectors[i].in);
        mbuf = world_packet(world, &frame, NULL);
        world_receive(world, PORT_UP, &mbuf, 1);
        assert_int_equal(world->outlets[PORT_WEST].count, 1);
        world_read(world->outlets[PORT_WEST].mbufs[0], &frame);
        assert_int_equal(frame_get16(&frame, V4_CHECKSUM), vectors[i].out);
        world_reset(world);
    }
}

/* Every checksum there is, by way of the id: the increment agrees with a sum from scratch. */
static void checksums_are_right_whatever_they_were(void **state)
{
    static struct frame frame;

    (void)state;
    for (unsigned int id = 0; id < 65536; id++) {
        struct rewrite rewrite = world_rewrite(TO_PLAIN, FAMILY_V4);
        static struct frame expected;
        static struct frame got;
        struct rte_mbuf *mbuf;

        frame_build(&frame, world_mac(PORT_UP), "198.51.100.7", V4_PLAIN, 8);
        frame_set16(&frame, V4_ID, (uint16_t)id);
        frame_set_checksum(&frame);
        mbuf = world_packet(world, &frame, NULL);
        world_receive(world, PORT_UP, &mbuf, 1);
        frame_forward(&frame, &rewrite, &expected);
        world_read(world->outlets[PORT_WEST].mbufs[0], &got);
        assert_memory_equal(got.bytes, expected.bytes, V4_PAYLOAD);
        world_clear(world);
    }
}

/* The two zeros of ones' complement: a sender may write either, as the kernel sees it. */
static void a_checksum_of_minus_zero_is_right_and_leaves_as_it_should(void **state)
{
    static struct frame frame;
    struct rewrite rewrite = world_rewrite(TO_PLAIN, FAMILY_V4);
    static struct frame expected;
    static struct frame got;
    struct rte_mbuf *mbuf;

    (void)state;
    frame_build(&frame, world_mac(PORT_UP), "10.250.136.195", "10.156.94.34", 1212);
    memcpy(frame.bytes + IP, (const uint8_t[]){0x45, 0x84, 0x04, 0xd0, 0, 0, 0x40, 0, 121, 47}, 10);
    frame_set_checksum(&frame);
    assert_int_equal(frame_get16(&frame, V4_CHECKSUM), 0);
    frame_forward(&frame, &rewrite, &expected);
    frame_set16(&frame, V4_CHECKSUM, 0xffff);
    mbuf = world_packet(world, &frame, NULL);
    world_receive(world, PORT_UP, &mbuf, 1);
    assert_int_equal(world->outlets[PORT_WEST].count, 1);
    world_read(world->outlets[PORT_WEST].mbufs[0], &got);
    assert_memory_equal(got.bytes, expected.bytes, expected.length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_test(hop_counts_are_taken_where_a_packet_is_forwarded),
        case_test(headers_that_lie_are_dropped_each_for_its_reason),
        case_test(padding_is_cut_off_and_counts_for_nothing),
        case_test(frames_of_every_length_are_judged_by_what_is_there),
        case_test(ports_beyond_the_packet_are_not_read),
        case_test(headers_in_a_second_segment_are_not_searched),
        case_test(extension_headers_are_whole_or_the_packet_is_dropped),
        case_test(extension_headers_are_not_read_beyond_the_frame),
        case_test(more_extension_headers_than_anyone_needs_are_not_followed),
        case_test(checksums_follow_the_hop_count_to_the_bit),
        case_test(checksums_are_right_whatever_they_were),
        case_test(a_checksum_of_minus_zero_is_right_and_leaves_as_it_should),
    };
    return cmocka_run_group_tests(tests, case_set_up_group, NULL);
}
