/* SPDX-License-Identifier: BSD-3-Clause */
/* What is made here: ICMP errors about what may not go on, and fragments of what is too big. */
#include "attributes.h"
#include "cases.h"
#include "unit.h"
#include <string.h>

#define ICMP_HEADER 8
#define DEVICE      9 /* that received the packets */

/* An error about a packet: to whom, from whom, what, and how much of the packet is in it. */
struct error_case {
    struct packet_case packet;
    uint8_t type[FAMILIES];
    uint8_t code[FAMILIES];
    uint16_t mtu; /* 0: the field is zero */
};

static const char *const own[FAMILIES] = {"203.0.113.1", "2001:db8:f::1"};
static const char *const sender[FAMILIES] = {"198.51.100.7", "2001:db8:99::7"};

static uint32_t sum16(uint32_t sum, const uint8_t *bytes, unsigned int length)
{
    for (unsigned int i = 0; i < length; i++) {
        sum += (uint32_t)bytes[i] << (i % 2 == 0 ? 8 : 0);
    }
    return sum;
}

/* RFC 792: over the ICMP message; RFC 4443 2.3: with the pseudo-header. */
static bool icmp_checksum_is_right(const uint8_t *ip, enum family family, unsigned int length)
{
    uint32_t sum = family == FAMILY_V4 ? sum16(0, ip + 20, length) : sum16(58 + length, ip + 8, 32 + length);

    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum == 0xffff;
}

static void check_address(const uint8_t *bytes, const char *text)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text, &addr), 0);
    assert_memory_equal(bytes, addr.bytes, family_bytes(addr.family));
}

/* The error that lies in `got`, an untagged frame, about what was received as `in`. */
static void check_error(const struct frame *in, const struct frame *got, const struct error_case *test)
{
    enum family family = in->bytes[IP] >> 4 == 4 ? FAMILY_V4 : FAMILY_V6;
    unsigned int header = family == FAMILY_V4 ? 20 : 40;
    unsigned int packet = family == FAMILY_V4 ? frame_get16(in, V4_TOTAL) : 40u + frame_get16(in, V6_PAYLOAD_LENGTH);
    unsigned int room = (family == FAMILY_V4 ? 576u : 1280u) - header - ICMP_HEADER;
    unsigned int quoted = packet < room ? packet : room;
    const uint8_t *icmp = got->bytes + IP + header;

    assert_int_equal(got->length, IP + header + ICMP_HEADER + quoted);
    assert_true(frame_checksum_is_right(got->bytes + IP, got->length - IP));
    assert_int_equal(frame_get16(got, family == FAMILY_V4 ? V4_TOTAL : V6_PAYLOAD_LENGTH),
                     got->length - (family == FAMILY_V4 ? IP : V6_PAYLOAD));
    assert_int_equal(got->bytes[family == FAMILY_V4 ? V4_PROTOCOL : V6_NEXT], family == FAMILY_V4 ? 1 : 58);
    assert_int_equal(got->bytes[family == FAMILY_V4 ? V4_TTL : V6_HOPS], 64);
    check_address(got->bytes + (family == FAMILY_V4 ? V4_SRC : V6_SRC), own[family]);
    check_address(got->bytes + (family == FAMILY_V4 ? V4_DST : V6_DST),
                  test->packet.src != NULL ? test->packet.src : sender[family]);
    assert_int_equal(icmp[0], test->type[family]);
    assert_int_equal(icmp[1], test->code[family]);
    assert_int_equal(icmp[4] << 8 | icmp[5], 0);
    assert_int_equal(icmp[6] << 8 | icmp[7], test->mtu);
    assert_true(icmp_checksum_is_right(got->bytes + IP, family, ICMP_HEADER + quoted));
    assert_memory_equal(icmp + ICMP_HEADER, in->bytes + IP, quoted); /* as it was received: its TTL, too */
}

static void receive(const struct frame *frame, const unsigned int *cuts)
{
    struct rte_mbuf *mbuf = world_packet(world, frame, cuts);

    mbuf->port = DEVICE;
    world_receive(world, PORT_UP, &mbuf, 1);
}

static void check_errors(const struct error_case *cases, size_t n)
{
    static struct frame frame;
    static struct frame got;

    for (size_t i = 0; i < n; i++) {
        struct outlet *outlet = &world->outlets[PORT_UP];

        case_build(&cases[i].packet, &frame);
        world_speak(world, PORT_UP, 1);
        receive(&frame, NULL);
        assert_int_equal(world->counters.drops[cases[i].packet.verdict], 1);
        assert_int_equal(world->counters.created, 1);
        assert_int_equal(world->counters.icmp_sent, 1);
        assert_int_equal(outlet->count, 1); /* no route to the sender: back where it came from */
        world_read(outlet->mbufs[0], &got);
        assert_memory_equal(got.bytes + ETHER_DST, frame.bytes + ETHER_SRC, 6);
        assert_memory_equal(got.bytes + ETHER_SRC, world_mac(PORT_UP), 6);
        check_error(&frame, &got, &cases[i]);
        assert_true(world_adds_up(world));
        assert_int_equal(world_lost_mbufs(world), 0);
        world_reset(world);
    }
}

static void senders_hear_why_a_packet_goes_no_further(void **state)
{
    static const struct error_case cases[] = {
        {{.dst = V4_PLAIN, .verdict = DROP_TTL_EXPIRED, .patches = {{V4_TTL, 1, {1}}}}, {11, 3}, {0, 0}, 0},
        {{.dst = V6_PLAIN, .verdict = DROP_TTL_EXPIRED, .patches = {{V6_HOPS, 1, {1}}}}, {11, 3}, {0, 0}, 0},
        {{.dst = "9.9.9.9", .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        {{.dst = "2001:db9::1", .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        {{.dst = "10.67.0.1", .verdict = DROP_REJECT}, {3, 1}, {13, 1}, 0},
        {{.dst = "2001:db8:67::1", .verdict = DROP_REJECT}, {3, 1}, {13, 1}, 0},
        {{.dst = "10.69.0.1", .payload = 1261, .verdict = DROP_TOO_BIG}, {3, 2}, {4, 0}, NARROW_MTU},
        {{.dst = "2001:db8:69::1", .payload = 1241, .verdict = DROP_TOO_BIG}, {3, 2}, {4, 0}, NARROW_MTU},
        {{.dst = "10.68.0.1", .verdict = DROP_NO_INSTANCE}, {3, 1}, {1, 3}, 0},
        {{.dst = "2001:db8:68::1", .verdict = DROP_NO_INSTANCE}, {3, 1}, {1, 3}, 0},
        /* the smallest packet, and the largest that fits */
        {{.dst = "9.9.9.9", .payload = 8, .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        {{.dst = "9.9.9.9", .payload = 528, .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        {{.dst = "9.9.9.9", .payload = 529, .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        {{.dst = "2001:db9::1", .payload = 1192, .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        {{.dst = "2001:db9::1", .payload = 1193, .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        /* padding is no part of the packet */
        {{.dst = "9.9.9.9", .resize = 18, .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        /* an odd length has its own way to a checksum */
        {{.dst = "2001:db9::1", .payload = 33, .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        {{.dst = "9.9.9.9", .payload = 33, .verdict = DROP_NO_ROUTE}, {3, 1}, {0, 0}, 0},
        /* options are quoted; a first fragment, and ICMP that is no error, are answered */
        {{.dst = "9.9.9.9", .verdict = DROP_NO_ROUTE, .patches = {{V4_IHL, 1, {0x4f}}}}, {3, 1}, {0, 0}, 0},
        {{.dst = "9.9.9.9", .verdict = DROP_NO_ROUTE, .patches = {{V4_FRAGMENT, 2, {0x20, 0}}}}, {3, 1}, {0, 0}, 0},
        {{.dst = "9.9.9.9", .verdict = DROP_NO_ROUTE, .patches = {{V4_PROTOCOL, 1, {1}}, {V4_PAYLOAD, 1, {8}}}},
         {3, 1},
         {0, 0},
         0},
        {{.dst = "2001:db9::1", .verdict = DROP_NO_ROUTE, .patches = {{V6_NEXT, 1, {58}}, {V6_PAYLOAD, 1, {128}}}},
         {3, 1},
         {0, 0},
         0},
    };

    (void)state;
    check_errors(cases, ARRAY_SIZE(cases));
}

static void what_must_not_be_answered_is_not(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "TTL 0", .dst = V4_PLAIN, .verdict = DROP_TTL_EXPIRED, .patches = {{V4_TTL, 1, {0}}}},
        {.name = "hop limit 0", .dst = V6_PLAIN, .verdict = DROP_TTL_EXPIRED, .patches = {{V6_HOPS, 1, {0}}}},
        {.name = "blackhole", .dst = "10.66.0.1", .verdict = DROP_BLACKHOLE},
        {.name = "blackhole, v6", .dst = "2001:db8:66::1", .verdict = DROP_BLACKHOLE},
        {.name = "bad checksum",
         .dst = "9.9.9.9",
         .verdict = DROP_BAD_CHECKSUM,
         .bad_checksum = true,
         .patches = {{V4_CHECKSUM, 2, {1, 2}}}},
        {.name = "martian source", .src = "127.0.0.1", .dst = "9.9.9.9", .verdict = DROP_MARTIAN_SOURCE},
        {.name = "multicast source", .src = "224.0.0.1", .dst = "9.9.9.9", .verdict = DROP_MARTIAN_SOURCE},
        {.name = "unspecified source", .src = "::", .dst = "2001:db9::1", .verdict = DROP_MARTIAN_SOURCE},
        {.name = "a later fragment",
         .dst = "9.9.9.9",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V4_FRAGMENT, 2, {0x20, 1}}}},
        {.name = "the last fragment",
         .dst = "9.9.9.9",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V4_FRAGMENT, 2, {0, 7}}}},
        {.name = "a later fragment, v6",
         .dst = "2001:db9::1",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V6_NEXT, 1, {44}}, {V6_PAYLOAD, 4, {17, 0, 0, 9}}}},
        {.name = "about an unreachable",
         .dst = "9.9.9.9",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V4_PROTOCOL, 1, {1}}, {V4_PAYLOAD, 1, {3}}}},
        {.name = "about a time exceeded that expired itself",
         .dst = V4_PLAIN,
         .verdict = DROP_TTL_EXPIRED,
         .patches = {{V4_PROTOCOL, 1, {1}}, {V4_PAYLOAD, 1, {11}}, {V4_TTL, 1, {1}}}},
        {.name = "about a redirect",
         .dst = "9.9.9.9",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V4_PROTOCOL, 1, {1}}, {V4_PAYLOAD, 1, {5}}}},
        {.name = "about ICMP behind options",
         .dst = "9.9.9.9",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V4_IHL, 1, {0x46}}, {V4_PROTOCOL, 1, {1}}, {V4_PAYLOAD + 4, 1, {3}}}},
        {.name = "ICMP without a type",
         .dst = "9.9.9.9",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V4_PROTOCOL, 1, {1}}, {V4_TOTAL, 2, {0, 20}}}},
        {.name = "about an unreachable, v6",
         .dst = "2001:db9::1",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V6_NEXT, 1, {58}}, {V6_PAYLOAD, 1, {1}}}},
        {.name = "about a too big, v6",
         .dst = "2001:db9::1",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V6_NEXT, 1, {58}}, {V6_PAYLOAD, 1, {2}}}},
        {.name = "behind more headers than we follow",
         .dst = "2001:db9::1",
         .verdict = DROP_NO_ROUTE,
         .payload = 100,
         .patches = {{V6_NEXT, 1, {60}},
                     {V6_PAYLOAD, 16, {60, 0, 1, 4, 0, 0, 0, 0, 60, 0, 1, 4}},
                     {V6_PAYLOAD + 16, 16, {60, 0, 1, 4, 0, 0, 0, 0, 60, 0, 1, 4}},
                     {V6_PAYLOAD + 32, 16, {60, 0, 1, 4, 0, 0, 0, 0, 60, 0, 1, 4}},
                     {V6_PAYLOAD + 48, 16, {60, 0, 1, 4, 0, 0, 0, 0, 60, 0, 1, 4}},
                     {V6_PAYLOAD + 64, 2, {17, 0}}}},
        {.name = "about an unreachable behind a hop by hop header",
         .dst = "2001:db9::1",
         .verdict = DROP_NO_ROUTE,
         .patches = {{V6_NEXT, 1, {0}}, {V6_PAYLOAD, 2, {58, 0}}, {V6_PAYLOAD + 8, 1, {1}}}},
    };
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        case_build(&cases[i], &frame);
        world_speak(world, PORT_UP, 1);
        receive(&frame, NULL);
        assert_int_equal(world->counters.drops[cases[i].verdict], 1);
        assert_int_equal(world->counters.icmp_sent, 0);
        assert_true(world_adds_up(world));
        assert_int_equal(world_lost_mbufs(world), 0);
        world_reset(world);
    }
}

static void a_port_without_addresses_is_silent(void **state)
{
    static struct frame frame;

    (void)state;
    case_build(&(struct packet_case){.dst = "9.9.9.9"}, &frame);
    check_frame(&frame, NULL, DROP_NO_ROUTE);
}

/* A packet of which only the first segment is at hand quotes that. */
static void an_error_about_several_segments_quotes_the_first(void **state)
{
    static struct frame frame;
    static struct frame got;

    (void)state;
    case_build(&(struct packet_case){.dst = "9.9.9.9", .payload = 400}, &frame);
    world_speak(world, PORT_UP, 1);
    receive(&frame, (const unsigned int[]){74, 200, 0});
    assert_int_equal(world->outlets[PORT_UP].count, 1);
    world_read(world->outlets[PORT_UP].mbufs[0], &got);
    assert_int_equal(got.length, IP + 20 + ICMP_HEADER + 60);
    assert_memory_equal(got.bytes + IP + 28, frame.bytes + IP, 60);
    assert_true(icmp_checksum_is_right(got.bytes + IP, FAMILY_V4, ICMP_HEADER + 60));
    assert_int_equal(world_lost_mbufs(world), 0);
}

static void an_error_follows_the_route_to_the_sender(void **state)
{
    static const struct {
        const char *src;
        const char *dst;
        enum way way;
    } cases[] = {{"198.18.0.9", "9.9.9.9", TO_PLAIN},
                 {"2001:db8:b::9", "2001:db9::1", TO_PLAIN},
                 {"10.70.0.9", "9.9.9.9", TO_TAGGED}};
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum family family = strchr(cases[i].dst, ':') != NULL ? FAMILY_V6 : FAMILY_V4;
        struct rewrite rewrite = world_rewrite(cases[i].way, family);
        static struct frame got;

        case_build(&(struct packet_case){.src = cases[i].src, .dst = cases[i].dst}, &frame);
        world_speak(world, PORT_UP, 1);
        receive(&frame, NULL);
        assert_int_equal(world->outlets[rewrite.port].count, 1);
        world_read(world->outlets[rewrite.port].mbufs[0], &got);
        assert_memory_equal(got.bytes, rewrite.header, rewrite.header_length);
        assert_int_equal(got.bytes[rewrite.header_length + (family == FAMILY_V4 ? 8 : 7)], 64); /* no hop taken */
        assert_true(world_adds_up(world));
        world_reset(world);
    }
}

/* No answer to a sender that cannot be reached either, and no error about an error of ours. */
static void an_error_that_leads_nowhere_ends_there(void **state)
{
    static const struct {
        const char *src;
        enum drop_reason reason;
    } cases[] = {
        {"10.66.0.9", DROP_BLACKHOLE},
        {"10.67.0.9", DROP_REJECT},
        {"10.68.0.9", DROP_NO_INSTANCE},
        {"203.0.113.9", DROP_NO_NEIGHBOUR},
    };
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        case_build(&(struct packet_case){.src = cases[i].src, .dst = "9.9.9.9"}, &frame);
        world_speak(world, PORT_UP, 10);
        receive(&frame, NULL);
        assert_int_equal(world->counters.created, 1);
        assert_int_equal(world->counters.drops[DROP_NO_ROUTE], 1);
        assert_int_equal(world->counters.drops[cases[i].reason], 1);
        assert_int_equal(world->counters.sent, 0);
        assert_true(world_adds_up(world));
        assert_int_equal(world_lost_mbufs(world), 0);
        world_reset(world);
    }
}

/* Errors have no DF; those of IPv6 fit any link, but not any tunnel. */
static void an_error_is_no_larger_than_its_way_allows(void **state)
{
    static const char *const src[FAMILIES] = {"10.69.0.9", "2001:db8:69::9"};
    static const char *const dst[FAMILIES] = {"9.9.9.9", "2001:db9::1"};
    static struct frame frame;

    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        uint16_t id = world_adjacency(TO_NARROW, (enum family)family);
        struct rewrite usual = world_rewrite(TO_NARROW, (enum family)family);
        struct rewrite rewrite = usual;
        struct outlet *outlet = &world->outlets[rewrite.port];

        rewrite.mtu = family == FAMILY_V4 ? 300 : 1240;
        assert_int_equal(adjacency_set_rewrite(world->adjacencies, id, &rewrite), 0);
        case_build(&(struct packet_case){.src = src[family], .dst = dst[family], .payload = 1300}, &frame);
        world_speak(world, PORT_UP, 1);
        receive(&frame, NULL);
        assert_int_equal(world->counters.icmp_sent, 1);
        assert_int_equal(outlet->count, family == FAMILY_V4 ? 2 : 0);
        for (unsigned int i = 0; i < outlet->count; i++) {
            assert_in_range(outlet->mbufs[i]->pkt_len, 1, IP + rewrite.mtu);
        }
        assert_int_equal(world->counters.drops[DROP_TOO_BIG], family == FAMILY_V4 ? 0 : 1);
        assert_true(world_adds_up(world));
        assert_int_equal(world_lost_mbufs(world), 0);
        assert_int_equal(adjacency_set_rewrite(world->adjacencies, id, &usual), 0);
        world_reset(world);
    }
}

static void a_flood_gets_errors_at_the_rate_and_costs_forwarding_nothing(void **state)
{
    static struct frame expiring;
    static struct frame sound;

    (void)state;
    case_build(&(struct packet_case){.dst = V4_PLAIN, .patches = {{V4_TTL, 1, {1}}}}, &expiring);
    case_build(&(struct packet_case){.dst = V4_PLAIN}, &sound);
    world_speak(world, PORT_UP, 5);
    for (int i = 0; i < 100; i++) {
        receive(&expiring, NULL);
        receive(&sound, NULL);
    }
    assert_int_equal(world->counters.icmp_sent, 5);
    assert_int_equal(world->counters.drops[DROP_TTL_EXPIRED], 100);
    assert_int_equal(world->counters.sent, 105);
    assert_true(world_adds_up(world));
}

static void over_a_second_errors_come_at_the_configured_rate(void **state)
{
    enum { RATE = 1000, AT_ONCE = 50, PACKETS = 20000 };
    static const struct packet_case cases[] = {{.dst = V4_PLAIN, .patches = {{V4_TTL, 1, {1}}}},
                                               {.dst = V6_PLAIN, .patches = {{V6_HOPS, 1, {1}}}}};
    const uint64_t second = UINT64_C(1) << 31;
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t begin = world->pipe.now;

        case_build(&cases[i], &frame);
        world_speak(world, PORT_UP, 1);
        world->ports[PORT_UP].icmp_interval = second / RATE;
        world->ports[PORT_UP].icmp_burst = second / RATE * (AT_ONCE - 1);
        for (unsigned int n = 0; n < PACKETS; n++) {
            world->pipe.now = begin + second / PACKETS * n;
            receive(&frame, NULL);
            world_clear(world);
        }
        world->pipe.now = begin;
        assert_in_range(world->counters.icmp_sent, RATE + AT_ONCE - 1, RATE + AT_ONCE + 1);
        assert_int_equal(world->counters.drops[DROP_TTL_EXPIRED], PACKETS);
        assert_true(world_adds_up(world));
        world_reset(world);
    }
}

/* One fragment of the packet in `frame`, sound by itself, that begins at this offset. Its data goes to `data`; returns
 * how much that is. */
static unsigned int check_piece(const struct rte_mbuf *mbuf, const struct frame *frame, const struct rewrite *rewrite,
                                unsigned int offset, bool more, uint8_t *data)
{
    static struct frame got;
    unsigned int header = rewrite->header_length;
    unsigned int length;

    assert_int_equal(rte_mbuf_check(mbuf, 1, &(const char *){NULL}), 0);
    assert_int_equal(mbuf->nb_segs, 1);
    assert_int_equal(mbuf->port, DEVICE); /* whose it is, should it be dropped yet */
    world_read(mbuf, &got);
    assert_memory_equal(got.bytes, rewrite->header, header);
    length = frame_get16(&got, header + 2);
    assert_true(length <= rewrite->mtu);
    assert_int_equal(got.length, header + length);
    assert_true(frame_checksum_is_right(got.bytes + header, length));
    assert_int_equal(got.bytes[header + 8], frame->bytes[V4_TTL] - 1);
    assert_int_equal(frame_get16(&got, header + 4), frame_get16(frame, V4_ID));
    assert_int_equal(frame_get16(&got, header + 6), offset / 8 | (more ? 0x2000 : 0));
    length -= (got.bytes[header] & 0xfu) * 4;
    assert_true(!more || length % 8 == 0);
    memcpy(data, got.bytes + got.length - length, length);
    return length;
}

static void without_df_a_packet_leaves_in_pieces_that_make_it_whole(void **state)
{
    static const struct {
        const char *dst;
        enum way way;
        uint16_t payload;
        uint8_t header;    /* bytes, with options */
        uint16_t fragment; /* the received packet's own flags and offset */
        unsigned int pieces;
    } cases[] = {
        {"10.69.0.1", TO_NARROW, 1261, 20, 0, 2},
        {"10.69.0.1", TO_NARROW, 1480, 20, 0, 2},
        {"10.69.0.1", TO_NARROW, 4000, 20, 0, 4},
        {"10.69.0.1", TO_NARROW, 2 * 1256, 20, 0, 2},
        {"10.69.0.1", TO_NARROW, 2 * 1256 + 1, 20, 0, 3},
        {"10.70.0.1", TO_TAGGED, 1481, 20, 0, 2},
        {"10.69.0.1", TO_NARROW, 3000, 24, 0, 3},
        {"10.69.0.1", TO_NARROW, 1480, 20, 0x2000, 2},
        {"10.69.0.1", TO_NARROW, 1480, 20, 0x20b9, 2},
        {"10.69.0.1", TO_NARROW, 1480, 20, 0x00b9, 2},
        {V4_PLAIN, TO_PLAIN, 9200, 20, 0, 0}, /* of a large MTU: as many as the buffers take */
    };
    static struct frame frame;
    static uint8_t whole[FRAME_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rewrite rewrite = world_rewrite(cases[i].way, FAMILY_V4);
        struct outlet *outlet = &world->outlets[rewrite.port];
        unsigned int data = cases[i].payload + 20u - cases[i].header;
        unsigned int length = 0;

        case_build(&(struct packet_case){.dst = cases[i].dst, .payload = cases[i].payload}, &frame);
        frame.bytes[V4_IHL] = (uint8_t)(0x40 | cases[i].header / 4);
        memset(frame.bytes + V4_PAYLOAD, 1, cases[i].header - 20u); /* options: no-operation */
        frame_set16(&frame, V4_FRAGMENT, cases[i].fragment);
        frame_set_checksum(&frame);
        receive(&frame, i % 2 == 0 ? NULL : (const unsigned int[]){100, 1000, 0});
        assert_true(outlet->count >= 2);
        assert_true(cases[i].pieces == 0 || outlet->count == cases[i].pieces);
        assert_int_equal(world->counters.created, outlet->count - 1);
        for (unsigned int p = 0; p < outlet->count; p++) {
            bool more = p + 1 < outlet->count || (cases[i].fragment & 0x2000) != 0;

            length += check_piece(outlet->mbufs[p], &frame, &rewrite, (cases[i].fragment & 0x1fffu) * 8 + length, more,
                                  whole + length);
        }
        assert_int_equal(length, data);
        assert_memory_equal(whole, frame.bytes + IP + cases[i].header, data);
        assert_true(world_adds_up(world));
        assert_int_equal(world_lost_mbufs(world), 0);
        world_reset(world);
    }
}

static void pieces_for_which_there_is_no_buffer_are_counted(void **state)
{
    struct rte_mbuf *taken[4096];
    unsigned int n = 0;
    static struct frame frame;

    (void)state;
    while ((taken[n] = rte_pktmbuf_alloc(world->pipe.pool)) != NULL) {
        n++;
    }
    rte_pktmbuf_free(taken[--n]); /* one is not enough */
    case_build(&(struct packet_case){.dst = "10.69.0.1", .payload = 1480}, &frame);
    frame_set16(&frame, V4_FRAGMENT, 0);
    frame_set_checksum(&frame);
    receive(&frame, NULL);
    rte_pktmbuf_free_bulk(taken, n);
    assert_int_equal(world->counters.drops[DROP_NO_BUFFER], 1);
    assert_int_equal(world->counters.created, 0);
    assert_true(world_adds_up(world));
    assert_int_equal(world_lost_mbufs(world), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_test(senders_hear_why_a_packet_goes_no_further),
        case_test(what_must_not_be_answered_is_not),
        case_test(a_port_without_addresses_is_silent),
        case_test(an_error_about_several_segments_quotes_the_first),
        case_test(an_error_follows_the_route_to_the_sender),
        case_test(an_error_that_leads_nowhere_ends_there),
        case_test(an_error_is_no_larger_than_its_way_allows),
        case_test(a_flood_gets_errors_at_the_rate_and_costs_forwarding_nothing),
        case_test(over_a_second_errors_come_at_the_configured_rate),
        case_test(without_df_a_packet_leaves_in_pieces_that_make_it_whole),
        case_test(pieces_for_which_there_is_no_buffer_are_counted),
    };
    return cmocka_run_group_tests(tests, case_set_up_group, NULL);
}
