/* SPDX-License-Identifier: BSD-3-Clause */
/* Tunnels to remote instances (packets.md 14): both families outside, both inside, against bytes written by hand. */
#include "attributes.h"
#include "cases.h"
#include "tunnel.h"
#include "unit.h"
#include <stdio.h>
#include <string.h>

#define LINK_MTU   1500
#define OUTER      14 /* the outer IP header in an untagged frame */
#define HEADER_MAX 52 /* IPv6, UDP, GUE */

/* The ends of the tunnels, outside. */
static const struct {
    const char *source;
    const char *destination;
    unsigned int ip_length;
} ends[FAMILIES] = {{"10.0.0.1", "198.51.100.11", 20}, {"2001:db8:1::1", "2001:db8:2::b", 40}};

static const char *const inside[FAMILIES] = {V4_PLAIN, V6_PLAIN};

static const enum tunnel_type types[] = {TUNNEL_IPIP, TUNNEL_GRE, TUNNEL_GUE};

static struct tunnel tunnel_to(enum tunnel_type type, enum family outer)
{
    struct tunnel tunnel = {.type = (uint8_t)type};

    assert_int_equal(ip_addr_parse(ends[outer].source, &tunnel.source), 0);
    assert_int_equal(ip_addr_parse(ends[outer].destination, &tunnel.destination), 0);
    return tunnel;
}

/* From now on a way leads through a tunnel; its link-layer header and port stay. */
static void lead(enum way way, enum tunnel_type type, enum family outer)
{
    struct tunnel tunnel = tunnel_to(type, outer);

    for (int family = 0; family < FAMILIES; family++) {
        struct rewrite rewrite = world_rewrite(way, (enum family)family);

        rewrite.mtu = LINK_MTU;
        tunnel_add_header(&tunnel, (enum family)family, &rewrite);
        assert_int_equal(adjacency_set_rewrite(world->adjacencies, world_adjacency(way, (enum family)family), &rewrite),
                         0);
    }
}

static const char *current; /* row under way */

static int tell(void **state)
{
    if (current != NULL) { /* an assertion left it behind */
        print_message("             in case: %s\n", current);
        current = NULL;
    }
    return case_tell(state);
}

static int reset(void **state)
{
    for (int way = 0; way < WAYS; way++) {
        for (int family = 0; family < FAMILIES; family++) {
            struct rewrite rewrite = world_rewrite((enum way)way, (enum family)family);

            if (adjacency_set_rewrite(world->adjacencies, world_adjacency((enum way)way, (enum family)family),
                                      &rewrite) != 0) {
                return -1;
            }
        }
    }
    world->pipe.tunnel_id = 0;
    return case_reset(state);
}

static const struct frame *received_at(unsigned int port, unsigned int index)
{
    static struct frame got;

    assert_true(index < world->outlets[port].count);
    world_read(world->outlets[port].mbufs[index], &got);
    return &got;
}

/* What leaves when this is received for V4_PLAIN or V6_PLAIN. */
static const struct frame *pass(const struct frame *frame, const unsigned int *cuts)
{
    struct rte_mbuf *mbuf = world_packet(world, frame, cuts);

    world_clear(world);
    world_receive(world, PORT_UP, &mbuf, 1);
    assert_int_equal(world->outlets[PORT_WEST].count, 1);
    assert_int_equal(rte_mbuf_check(world->outlets[PORT_WEST].mbufs[0], 1, &(const char *){NULL}), 0);
    return received_at(PORT_WEST, 0);
}

static struct frame *packet_to(const char *dst, unsigned int payload)
{
    static struct frame frame;

    case_build(&(struct packet_case){.dst = dst, .payload = (uint16_t)payload}, &frame);
    return &frame;
}

static unsigned int from_hex(const char *hex, uint8_t *out)
{
    unsigned int n = 0;

    while (sscanf(hex + 2 * n, "%2hhx", &out[n]) == 1) {
        n++;
    }
    return n;
}

static uint8_t traffic_class(const uint8_t *ip)
{
    return ip[0] >> 4 == 4 ? ip[1] : (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}

/* What only the hash knows: taken from `got` once it is in range. */
static void take_flow(struct frame *expected, const struct frame *got, enum tunnel_type type, enum family outer)
{
    if (outer == FAMILY_V6) {
        expected->bytes[OUTER + 1] |= got->bytes[OUTER + 1] & 0x0f;
        memcpy(expected->bytes + OUTER + 2, got->bytes + OUTER + 2, 2);
    }
    if (type == TUNNEL_GUE) {
        uint16_t port = frame_get16(got, OUTER + ends[outer].ip_length);

        assert_in_range(port, 49152, 65535);
        frame_set16(expected, OUTER + ends[outer].ip_length, port);
    }
}

#define V4_ENDS "0a000001c633640b"
#define V6_ENDS "20010db800010000000000000000000120010db800020000000000000000000b"

/* A packet of 60 or 80 bytes with traffic class 0xb9, and DF if it is IPv4. */
static const struct header_case {
    const char *name;
    enum tunnel_type type;
    enum family outer;
    enum family inner;
    const char *header; /* flow label and UDP source port aside */
} headers[] = {
    {"IPIP over IPv4, IPv4", TUNNEL_IPIP, FAMILY_V4, FAMILY_V4, "45b9005000004000400405b2" V4_ENDS},
    {"IPIP over IPv4, IPv6", TUNNEL_IPIP, FAMILY_V4, FAMILY_V6, "45b900640000400040290579" V4_ENDS},
    {"IPIP over IPv6, IPv4", TUNNEL_IPIP, FAMILY_V6, FAMILY_V4, "6b900000003c0440" V6_ENDS},
    {"IPIP over IPv6, IPv6", TUNNEL_IPIP, FAMILY_V6, FAMILY_V6, "6b90000000502940" V6_ENDS},
    {"GRE over IPv4, IPv4", TUNNEL_GRE, FAMILY_V4, FAMILY_V4, "45b9005400004000402f0583" V4_ENDS "00000800"},
    {"GRE over IPv4, IPv6", TUNNEL_GRE, FAMILY_V4, FAMILY_V6, "45b9006800004000402f056f" V4_ENDS "000086dd"},
    {"GRE over IPv6, IPv4", TUNNEL_GRE, FAMILY_V6, FAMILY_V4, "6b90000000402f40" V6_ENDS "00000800"},
    {"GRE over IPv6, IPv6", TUNNEL_GRE, FAMILY_V6, FAMILY_V6, "6b90000000542f40" V6_ENDS "000086dd"},
    {"GUE over IPv4, IPv4", TUNNEL_GUE, FAMILY_V4, FAMILY_V4,
     "45b9005c0000400040110599" V4_ENDS "000017c00048000000040000"},
    {"GUE over IPv4, IPv6", TUNNEL_GUE, FAMILY_V4, FAMILY_V6,
     "45b900700000400040110585" V4_ENDS "000017c0005c000000290000"},
    {"GUE over IPv6, IPv4", TUNNEL_GUE, FAMILY_V6, FAMILY_V4, "6b90000000481140" V6_ENDS "000017c00048000000040000"},
    {"GUE over IPv6, IPv6", TUNNEL_GUE, FAMILY_V6, FAMILY_V6, "6b900000005c1140" V6_ENDS "000017c0005c000000290000"},
};

static void check_header(const struct header_case *test, struct frame *frame, const unsigned int *cuts)
{
    struct rewrite rewrite = world_rewrite(TO_PLAIN, test->outer); /* the EtherType is the outer family's */
    struct traffic *traffic = &world->counters.adjacencies[world_adjacency(TO_PLAIN, test->inner)];
    static struct frame expected;
    const struct frame *got;

    current = test->name;
    lead(TO_PLAIN, test->type, test->outer);
    rewrite.header_length = (uint8_t)(OUTER + from_hex(test->header, rewrite.header + OUTER));
    *traffic = (struct traffic){0};
    got = pass(frame, cuts);
    frame_forward(frame, &rewrite, &expected);
    take_flow(&expected, got, test->type, test->outer);
    assert_int_equal(got->length, expected.length);
    assert_memory_equal(got->bytes, expected.bytes, expected.length);
    assert_int_equal(traffic->bytes, expected.length - rewrite.header_length); /* the packet's own */
    current = NULL;
}

static void every_tunnel_puts_its_header_before_the_packet(void **state)
{
    static const unsigned int cuts[][3] = {{0}, {74}, {74, 80}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        for (size_t c = 0; c < ARRAY_SIZE(cuts); c++) {
            check_header(&headers[i], packet_to(inside[headers[i].inner], 40), cuts[c]);
        }
    }
}

static void padding_is_no_part_of_what_a_tunnel_carries(void **state)
{
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        case_build(&(struct packet_case){.dst = inside[headers[i].inner], .resize = 7}, &frame);
        check_header(&headers[i], &frame, NULL);
    }
}

static void a_tagged_link_carries_the_longest_header(void **state)
{
    struct frame *frame = packet_to("10.70.0.1", 40);
    struct rte_mbuf *mbuf = world_packet(world, frame, NULL);
    static const uint8_t types_on_the_wire[6] = {0x81, 0x00, 0x00, 0x64, 0x86, 0xdd};
    const struct frame *got;

    (void)state;
    lead(TO_TAGGED, TUNNEL_GUE, FAMILY_V6);
    world_receive(world, PORT_UP, &mbuf, 1);
    got = received_at(PORT_EAST, 0);
    assert_int_equal(got->length, 18 + HEADER_MAX + 60);
    assert_memory_equal(got->bytes + 12, types_on_the_wire, 6);
    assert_int_equal(got->bytes[18] >> 4, 6);
    assert_int_equal(frame_get16(got, 18 + 4), 12 + 60);
    assert_int_equal(got->bytes[18 + HEADER_MAX], 0x45);
}

/* RFC 6040 4.1, normal mode: each of the four ECN codepoints is; RFC 2983, uniform model: so is every DSCP. */
static void traffic_class_and_congestion_are_copied_outside(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        const struct header_case *test = &headers[i];

        lead(TO_PLAIN, test->type, test->outer);
        for (unsigned int class = 0; class < 256; class ++) {
            struct frame *frame = packet_to(inside[test->inner], 40);
            const struct frame *got;

            if (test->inner == FAMILY_V4) {
                frame->bytes[IP + 1] = (uint8_t) class;
            } else {
                frame->bytes[IP] = (uint8_t)(0x60 | class >> 4);
                frame->bytes[IP + 1] = (uint8_t)(class << 4);
            }
            frame_set_checksum(frame);
            got = pass(frame, NULL);
            assert_int_equal(traffic_class(got->bytes + OUTER), class);
            assert_int_equal(traffic_class(got->bytes + got->length - (test->inner == FAMILY_V4 ? 60 : 80)), class);
            assert_true(frame_checksum_is_right(got->bytes + OUTER, got->length - OUTER));
        }
    }
}

/* RFC 6864: an id means something only where a router may fragment. */
static void the_outer_header_may_be_fragmented_as_the_packet_may(void **state)
{
    static const struct {
        const char *dst;
        uint16_t fragment; /* of the packet */
        uint16_t outer;
    } rows[] = {
        {V4_PLAIN, 0x4000, 0x4000},                             /* DF */
        {V4_PLAIN, 0x0000, 0x0000}, {V4_PLAIN, 0x2000, 0x0000}, /* a first fragment: the outer packet is whole */
        {V4_PLAIN, 0x20ff, 0x0000},                             /* a later one */
        {V4_PLAIN, 0x6000, 0x4000}, {V6_PLAIN, 0, 0x4000},
    };

    (void)state;
    for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
        uint16_t id = 0xfffe; /* goes round, too */

        lead(TO_PLAIN, types[t], FAMILY_V4);
        world->pipe.tunnel_id = id;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            struct frame *frame = packet_to(rows[i].dst, 40);
            const struct frame *got;

            if (strcmp(rows[i].dst, V4_PLAIN) == 0) {
                frame_set16(frame, V4_FRAGMENT, rows[i].fragment);
                frame_set_checksum(frame);
            }
            got = pass(frame, NULL);
            assert_int_equal(frame_get16(got, V4_FRAGMENT), rows[i].outer);
            assert_int_equal(frame_get16(got, V4_ID), rows[i].outer == 0 ? id++ : 0);
            assert_true(frame_checksum_is_right(got->bytes + OUTER, got->length - OUTER));
        }
    }
}

/* Some of them let the sum carry twice. */
static void the_outer_checksum_is_right_with_every_id(void **state)
{
    struct frame *frame = packet_to(V4_PLAIN, 40);

    (void)state;
    frame_set16(frame, V4_FRAGMENT, 0);
    frame_set_checksum(frame);
    lead(TO_PLAIN, TUNNEL_IPIP, FAMILY_V4);
    for (unsigned int id = 0; id <= UINT16_MAX; id++) {
        const struct frame *got = pass(frame, NULL);

        assert_int_equal(frame_get16(got, V4_ID), id);
        assert_true(frame_checksum_is_right(got->bytes + OUTER, got->length - OUTER));
    }
}

static void the_packet_loses_one_hop_and_the_tunnel_starts_anew(void **state)
{
    static const uint8_t hops[] = {2, 64, 255};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        const struct header_case *test = &headers[i];
        bool v4 = test->inner == FAMILY_V4;
        struct frame *frame = packet_to(inside[test->inner], 40);

        lead(TO_PLAIN, test->type, test->outer);
        for (size_t h = 0; h < ARRAY_SIZE(hops); h++) {
            const struct frame *got;

            frame->bytes[v4 ? V4_TTL : V6_HOPS] = hops[h];
            frame_set_checksum(frame);
            got = pass(frame, NULL);
            assert_int_equal(got->bytes[test->outer == FAMILY_V4 ? V4_TTL : V6_HOPS], 64);
            assert_int_equal(got->bytes[got->length - (v4 ? 60 : 80) + (v4 ? 8 : 7)], hops[h] - 1);
        }
        world_clear(world);
        frame->bytes[v4 ? V4_TTL : V6_HOPS] = 1;
        frame_set_checksum(frame);
        world_receive(world, PORT_UP, (struct rte_mbuf *[]){world_packet(world, frame, NULL)}, 1);
        assert_int_equal(world->outlets[PORT_WEST].count, 0);
        assert_int_equal(world->counters.drops[DROP_TTL_EXPIRED], i + 1);
    }
}

/* The MTU that the sender hears of. */
static unsigned int told_mtu(enum family inner)
{
    const struct frame *got = received_at(PORT_UP, 0);

    if (inner == FAMILY_V4) {
        assert_int_equal(frame_get16(got, V4_PAYLOAD), 3 << 8 | 4);
        return frame_get16(got, V4_PAYLOAD + 6);
    }
    assert_int_equal(got->bytes[V6_PAYLOAD], 2);
    assert_int_equal(frame_get16(got, V6_PAYLOAD + 4), 0);
    return frame_get16(got, V6_PAYLOAD + 6);
}

static void what_does_not_fit_with_its_header_is_refused_with_the_mtu_inside(void **state)
{
    (void)state;
    world_speak(world, PORT_UP, ARRAY_SIZE(headers));
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        const struct header_case *test = &headers[i];
        unsigned int room = LINK_MTU - (unsigned int)strlen(test->header) / 2;
        unsigned int ip = test->inner == FAMILY_V4 ? 20 : 40;
        struct frame *frame = packet_to(inside[test->inner], room - ip);
        struct rte_mbuf *mbuf;

        lead(TO_PLAIN, test->type, test->outer);
        memset(frame->bytes + frame->length, 0xee, 4);
        frame->length += 4; /* padding: still fits */
        assert_int_equal(pass(frame, NULL)->length, OUTER + LINK_MTU);
        world_clear(world);
        mbuf = world_packet(world, packet_to(inside[test->inner], room - ip + 1), NULL);
        world_receive(world, PORT_UP, &mbuf, 1);
        assert_int_equal(world->outlets[PORT_WEST].count, 0);
        assert_int_equal(world->counters.drops[DROP_TOO_BIG], i + 1);
        assert_int_equal(told_mtu(test->inner), room);
        assert_true(world_adds_up(world));
    }
}

static void a_packet_that_may_be_fragmented_is_before_it_is_tunnelled(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        const struct header_case *test = &headers[i];
        unsigned int header = OUTER + (unsigned int)strlen(test->header) / 2;
        struct frame *frame = packet_to(V4_PLAIN, 3000);
        struct rte_mbuf *mbuf;
        unsigned int offset = 0;

        lead(TO_PLAIN, test->type, test->outer);
        world_clear(world);
        frame_set16(frame, V4_FRAGMENT, 0);
        frame_set_checksum(frame);
        mbuf = world_packet(world, frame, NULL);
        world_receive(world, PORT_UP, &mbuf, 1);
        assert_int_equal(world->outlets[PORT_WEST].count, 3);
        for (unsigned int n = 0; n < 3; n++) {
            const struct frame *got = received_at(PORT_WEST, n);
            unsigned int payload = got->length - header - 20;

            assert_true(got->length <= OUTER + LINK_MTU);
            assert_true(frame_checksum_is_right(got->bytes + OUTER, got->length - OUTER));
            assert_true(frame_checksum_is_right(got->bytes + header, got->length - header));
            assert_int_equal(frame_get16(got, header + 6), (n < 2 ? 0x2000 : 0) | offset / 8);
            assert_memory_equal(got->bytes + header + 20, frame->bytes + V4_PAYLOAD + offset, payload);
            if (test->outer == FAMILY_V4) {
                assert_int_equal(frame_get16(got, V4_FRAGMENT), 0);
                assert_int_equal(frame_get16(got, V4_TOTAL), got->length - OUTER);
            }
            offset += payload;
        }
        assert_int_equal(offset, 3000);
        assert_true(world_adds_up(world));
    }
    assert_int_equal(world_lost_mbufs(world), 0);
}

/* UDP source port, or flow label without UDP. */
static uint32_t path_key(const struct frame *got, enum tunnel_type type, enum family outer)
{
    return type == TUNNEL_GUE ? frame_get16(got, OUTER + ends[outer].ip_length)
                              : (got->bytes[OUTER + 1] & 0xfu) << 16 | frame_get16(got, OUTER + 2);
}

/* 500 flows in the tunnel of one of two instances: routers on the way see all of them apart, and each as one. */
static void flows_of_one_instance_take_different_ways_to_it(void **state)
{
    static const struct {
        enum tunnel_type type;
        enum family outer;
    } rows[] = {{TUNNEL_GUE, FAMILY_V4}, {TUNNEL_GUE, FAMILY_V6}, {TUNNEL_IPIP, FAMILY_V6}, {TUNNEL_GRE, FAMILY_V6}};
    static const char *const anycast[FAMILIES] = {"192.0.2.1", "2001:db8:a::1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        lead(TO_LON1, rows[i].type, rows[i].outer);
        for (int inner = 0; inner < FAMILIES; inner++) {
            static bool seen[1 << 20];
            unsigned int n = 0;
            unsigned int distinct = 0;

            memset(seen, 0, sizeof(seen));
            for (uint16_t flow = 0; flow < 1000; flow++) {
                struct frame *frame = packet_to(anycast[inner], 40);
                struct rte_mbuf *mbufs[2];

                frame_set16(frame, inner == FAMILY_V4 ? V4_PAYLOAD : V6_PAYLOAD, flow);
                mbufs[0] = world_packet(world, frame, NULL);
                frame_set16(frame, ETHER_SRC + 4, 0x1234); /* the same flow by another router */
                mbufs[1] = world_packet(world, frame, NULL);
                world_clear(world);
                world_receive(world, PORT_UP, mbufs, 2);
                if (world->outlets[PORT_EAST].count > 0) {
                    uint32_t key = path_key(received_at(PORT_EAST, 0), rows[i].type, rows[i].outer);

                    assert_int_equal(world->outlets[PORT_EAST].count, 2);
                    assert_int_equal(path_key(received_at(PORT_EAST, 1), rows[i].type, rows[i].outer), key);
                    n++;
                    distinct += !seen[key];
                    seen[key] = true;
                }
            }
            assert_in_range(n, 420, 580);
            assert_true(distinct > n * 95 / 100);
        }
    }
}

static void a_packet_without_room_before_it_is_dropped(void **state)
{
    struct rte_mbuf *mbuf = world_packet(world, packet_to(V4_PLAIN, 40), NULL);

    (void)state;
    lead(TO_PLAIN, TUNNEL_IPIP, FAMILY_V4);
    memmove((uint8_t *)mbuf->buf_addr + 19, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
    mbuf->data_off = 19;
    world_receive(world, PORT_UP, &mbuf, 1);
    assert_int_equal(world->counters.drops[DROP_NO_HEADROOM], 1);
    assert_int_equal(world->counters.sent, 0);
    assert_true(world_adds_up(world));
    assert_int_equal(world_lost_mbufs(world), 0);

    mbuf = world_packet(world, packet_to(V4_PLAIN, 40), NULL);
    memmove((uint8_t *)mbuf->buf_addr + 20, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
    mbuf->data_off = 20; /* just enough */
    world_receive(world, PORT_UP, &mbuf, 1);
    assert_int_equal(world->counters.sent, 1);
}

#define tunnel_case(name) cmocka_unit_test_setup_teardown(name, reset, tell)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        tunnel_case(every_tunnel_puts_its_header_before_the_packet),
        tunnel_case(padding_is_no_part_of_what_a_tunnel_carries),
        tunnel_case(a_tagged_link_carries_the_longest_header),
        tunnel_case(traffic_class_and_congestion_are_copied_outside),
        tunnel_case(the_outer_header_may_be_fragmented_as_the_packet_may),
        tunnel_case(the_outer_checksum_is_right_with_every_id),
        tunnel_case(the_packet_loses_one_hop_and_the_tunnel_starts_anew),
        tunnel_case(what_does_not_fit_with_its_header_is_refused_with_the_mtu_inside),
        tunnel_case(a_packet_that_may_be_fragmented_is_before_it_is_tunnelled),
        tunnel_case(flows_of_one_instance_take_different_ways_to_it),
        tunnel_case(a_packet_without_room_before_it_is_dropped),
    };

    return cmocka_run_group_tests(tests, case_set_up_group, NULL);
}
