/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is derived from a flow goes where the flow goes: its fragments, its packets with options or extension headers,
 * and ICMP errors about its answers. Random flows, always the same ones.
 */
#include "attributes.h"
#include "cases.h"
#include "hash.h"
#include "unit.h"
#include <netinet/in.h>
#include <string.h>

#define SUBJECTS   600
#define PIECES_MAX 5

/* A flow, and a datagram of it. */
struct subject {
    enum family family;
    uint8_t protocol;
    uint16_t ports[2]; /* source, destination */
    uint32_t id;
    char addresses[2][IP_ADDR_STRLEN]; /* client, anycast */
};

static const struct subject *under_way; /* when an assertion leaves it behind */
static uint64_t draws;

static uint32_t draw(uint32_t below)
{
    draws += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash_mix64(draws) >> 32) % below;
}

static int set_up(void **state)
{
    (void)state;
    world_reset(world);
    world->pipe.hash_seed = 0x5eed5eed5eedULL; /* whoever forgets it hashes differently */
    draws = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (under_way != NULL) {
        print_message("             protocol %u, %s:%u -> %s:%u, id %u\n", under_way->protocol, under_way->addresses[0],
                      under_way->ports[0], under_way->addresses[1], under_way->ports[1], under_way->id);
        under_way = NULL;
    }
    world_reset(world);
    world->pipe.hash_seed = 0;
    return 0;
}

/* Of the prefixes whose lists have several instances; by_ports: only of those hashed on ports. */
static void draw_subject(struct subject *subject, bool by_ports)
{
    static const char *const anycast[][FAMILIES] = {
        {"10.73.0.", "2001:db8:73::"}, {"192.0.2.", "2001:db8:a::"}, {"192.0.3.", "2001:db8:aa::"}};
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
    char *client = subject->addresses[0];

    subject->family = draw(2) == 0 ? FAMILY_V4 : FAMILY_V6;
    subject->protocol = protocols[draw(ARRAY_SIZE(protocols))];
    subject->ports[0] = (uint16_t)draw(65536);
    subject->ports[1] = (uint16_t)draw(65536);
    subject->id = draw(UINT32_MAX);
    if (subject->family == FAMILY_V4) {
        snprintf(client, IP_ADDR_STRLEN, "198.51.%u.%u", draw(256), draw(256));
    } else {
        snprintf(client, IP_ADDR_STRLEN, "2001:db8:99:%x::%x", draw(65536), draw(65536));
    }
    snprintf(subject->addresses[1], IP_ADDR_STRLEN, "%s%u",
             anycast[draw(by_ports ? 2 : ARRAY_SIZE(anycast))][subject->family], 1 + draw(250));
}

/* Where the payload of a frame without options begins. */
static unsigned int payload_begin(enum family family)
{
    return family == FAMILY_V4 ? V4_PAYLOAD : V6_PAYLOAD;
}

static void set_payload_length(struct frame *frame, enum family family, unsigned int length)
{
    frame_set16(frame, family == FAMILY_V4 ? V4_TOTAL : V6_PAYLOAD_LENGTH,
                (uint16_t)(length + (family == FAMILY_V4 ? 20 : 0)));
    frame->length = payload_begin(family) + length;
}

/* A whole packet of the flow, or of its answers. */
static void build(const struct subject *subject, bool answer, unsigned int payload, struct frame *frame)
{
    unsigned int begin = payload_begin(subject->family);

    frame_build(frame, world_mac(PORT_UP), subject->addresses[answer], subject->addresses[!answer], payload);
    frame_set16(frame, begin, subject->ports[answer]);
    frame_set16(frame, begin + 2, subject->ports[!answer]);
    frame->bytes[subject->family == FAMILY_V4 ? V4_PROTOCOL : V6_NEXT] = subject->protocol;
    if (subject->family == FAMILY_V4) {
        frame_set16(frame, V4_ID, (uint16_t)subject->id);
        frame_set16(frame, V4_FRAGMENT, 0);
    }
    frame_set_checksum(frame);
}

/* Puts an extension header (IPv6) or options (IPv4, at most once) in front of what is there. */
static void insert(struct frame *frame, enum family family, uint8_t protocol, const uint8_t *bytes, unsigned int length)
{
    unsigned int begin = payload_begin(family);

    memmove(frame->bytes + begin + length, frame->bytes + begin, frame->length - begin);
    memcpy(frame->bytes + begin, bytes, length);
    frame->length += length;
    if (family == FAMILY_V4) {
        frame->bytes[V4_IHL] = (uint8_t)(frame->bytes[V4_IHL] + length / 4);
        frame_set16(frame, V4_TOTAL, (uint16_t)(frame->length - IP));
        frame_set_checksum(frame);
    } else {
        frame->bytes[begin] = frame->bytes[V6_NEXT];
        frame->bytes[V6_NEXT] = protocol;
        frame_set16(frame, V6_PAYLOAD_LENGTH, (uint16_t)(frame->length - begin));
    }
}

/* Options or extension headers as they may be. */
static void dress(struct frame *frame, enum family family)
{
    static const uint8_t options[40] = {7, 11, 4, [11] = 1, 1, 0x94, 4, 0, 0, 1}; /* record route, router alert */
    static const struct {
        uint8_t protocol;
        uint8_t length;
        uint8_t bytes[24];
    } headers[] = {
        {IPPROTO_DSTOPTS, 8, {0, 0, 1, 4}},
        {IPPROTO_DSTOPTS, 24, {0, 2, 1, 20}},
        {IPPROTO_AH, 16, {0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}},
        {IPPROTO_ROUTING, 24, {0, 2, 2, 1}}, /* type 2, of mobile hosts */
        {IPPROTO_ROUTING, 24, {0, 2, 0, 0}}, /* type 0, at its end */
    };

    if (family == FAMILY_V4) {
        insert(frame, family, 0, options, 16 + 4 * draw(7));
        return;
    }
    for (unsigned int n = draw(3); n > 0; n--) {
        unsigned int i = draw(ARRAY_SIZE(headers));

        insert(frame, family, headers[i].protocol, headers[i].bytes, headers[i].length);
    }
    insert(frame, family, IPPROTO_HOPOPTS, (const uint8_t[8]){0, 0, 5, 2, 0, 0, 1}, 8);
}

/* `length` bytes of what the whole packet carries. */
static void cut_piece(const struct subject *subject, const struct frame *whole, unsigned int offset,
                      unsigned int length, struct frame *piece)
{
    unsigned int begin = payload_begin(subject->family);
    bool more = begin + offset + length < whole->length;
    uint16_t place = (uint16_t)offset;

    memcpy(piece->bytes, whole->bytes, begin);
    memcpy(piece->bytes + begin, whole->bytes + begin + offset, length);
    set_payload_length(piece, subject->family, length);
    if (subject->family == FAMILY_V4) {
        frame_set16(piece, V4_FRAGMENT, (uint16_t)(place / 8 | (more ? 0x2000 : 0)));
        frame_set_checksum(piece);
    } else {
        const uint32_t id = subject->id;
        const uint8_t header[8] = {0,
                                   0,
                                   (uint8_t)(place >> 8),
                                   (uint8_t)(place | more),
                                   (uint8_t)(id >> 24),
                                   (uint8_t)(id >> 16),
                                   (uint8_t)(id >> 8),
                                   (uint8_t)id};

        insert(piece, subject->family, IPPROTO_FRAGMENT, header, sizeof(header));
    }
}

/* A datagram of the flow, the first fragment at [0]; some with options in every fragment. Returns how many. */
static unsigned int cut(const struct subject *subject, struct frame *pieces)
{
    static struct frame whole;
    unsigned int n = 2 + draw(PIECES_MAX - 1);
    bool dressed = draw(2) == 0;
    unsigned int size = 8 + 8 * draw(20);
    unsigned int last = 1 + draw(size);

    build(subject, false, (n - 1) * size + last, &whole);
    for (unsigned int i = 0; i < n; i++) {
        cut_piece(subject, &whole, i * size, i + 1 < n ? size : last, &pieces[i]);
        if (dressed) {
            dress(&pieces[i], subject->family);
        }
    }
    return n;
}

/* An error about an answer of the flow's, from a router on the way to the client. */
static void build_error(const struct subject *subject, struct frame *frame)
{
    static const uint8_t types[FAMILIES][4][2] = {{{3, 4}, {3, 1}, {11, 0}, {12, 0}}, {{2, 0}, {1, 3}, {3, 0}, {4, 1}}};
    static const char *const router[FAMILIES] = {"203.0.114.1", "2001:db8:dead::1"};
    const uint8_t *type = types[subject->family][draw(4)];
    unsigned int begin = payload_begin(subject->family);
    static struct frame answer;
    unsigned int quoted;

    build(subject, true, 8 + draw(400), &answer);
    quoted = begin - IP + 8; /* RFC 792 promises no more */
    if (draw(2) == 0) {
        unsigned int before = answer.length;

        dress(&answer, subject->family);
        quoted += answer.length - before;
    }
    quoted += draw(answer.length - IP - quoted + 1);
    frame_build(frame, world_mac(PORT_UP), router[subject->family], subject->addresses[1], 8 + quoted);
    memset(frame->bytes + begin, 0, 8);
    memcpy(frame->bytes + begin, type, 2);
    memcpy(frame->bytes + begin + 8, answer.bytes + IP, quoted);
    frame->bytes[subject->family == FAMILY_V4 ? V4_PROTOCOL : V6_NEXT] =
        subject->family == FAMILY_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    frame_set_checksum(frame);
}

/* What this instance got since the last world_reset(). */
static uint64_t gone(const struct subject *subject, enum way way)
{
    return world->counters.adjacencies[world_adjacency(way, subject->family)].packets;
}

static void receive(const struct frame *frame)
{
    struct rte_mbuf *mbuf = world_packet(world, frame, NULL);

    world_receive(world, PORT_UP, &mbuf, 1);
    world_clear(world);
}

/* The instance of the flow: its plain packet's. */
static enum way instance(const struct subject *subject)
{
    static struct frame frame;
    uint64_t before[] = {gone(subject, TO_LON1), gone(subject, TO_LON2), gone(subject, TO_NY1)};

    build(subject, false, 40, &frame);
    receive(&frame);
    for (enum way way = TO_LON1; way <= TO_NY1; way++) {
        if (gone(subject, way) > before[way]) {
            return way;
        }
    }
    fail_msg("a plain packet reached no instance");
    return WAYS;
}

static void check_goes(const struct subject *subject, const struct frame *frame, enum way way)
{
    uint64_t before = gone(subject, way);

    receive(frame);
    assert_int_equal(gone(subject, way), before + 1);
}

static void shuffle(unsigned int *order, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        unsigned int other = draw(i + 1);

        order[i] = order[other];
        order[other] = i;
    }
}

/* Fragments in any order: nothing leaves before the first one is there, if ports matter, and then all do. */
static void check_fragments(const struct subject *subject, enum way way, bool by_ports)
{
    static struct frame pieces[PIECES_MAX];
    unsigned int order[PIECES_MAX];
    unsigned int n = cut(subject, pieces);
    uint64_t before = gone(subject, way);
    bool first_came = !by_ports;

    shuffle(order, n);
    for (unsigned int i = 0; i < n; i++) {
        receive(&pieces[order[i]]);
        first_came = first_came || order[i] == 0;
        assert_int_equal(world->counters.held, first_came ? 0 : i + 1);
        assert_int_equal(gone(subject, way), before + (first_came ? i + 1 : 0));
    }
    assert_int_equal(world->counters.fragments_unmatched, 0);
}

static void check_derived(const struct subject *subject, enum way way, bool by_ports)
{
    static struct frame frame;

    build(subject, false, 8 + draw(600), &frame);
    check_goes(subject, &frame, way);
    dress(&frame, subject->family);
    check_goes(subject, &frame, way);
    build_error(subject, &frame);
    check_goes(subject, &frame, way);
    check_fragments(subject, way, by_ports);
    assert_int_equal(world->counters.flows_incomplete, 0);
    assert_int_equal(world->counters.failed_open, 0);
}

static bool is_hashed_on_ports(const struct subject *subject)
{
    return strncmp(subject->addresses[1], "192.0.3.", 8) != 0 &&
           strncmp(subject->addresses[1], "2001:db8:aa:", 12) != 0;
}

static void what_is_derived_from_a_flow_reaches_its_instance_also_after_a_failover(void **state)
{
    unsigned int seen[WAYS] = {0};
    static struct subject subject;

    (void)state;
    for (int i = 0; i < SUBJECTS; i++) {
        enum way way;
        enum way heir;

        draw_subject(&subject, false);
        under_way = &subject;
        way = instance(&subject);
        check_derived(&subject, way, is_hashed_on_ports(&subject));
        seen[way]++;
        world_set_state(world, way, ADJACENCY_PROBE, ADJACENCY_DOWN);
        heir = instance(&subject);
        assert_int_not_equal(heir, way);
        subject.id++; /* another datagram */
        check_derived(&subject, heir, is_hashed_on_ports(&subject));
        seen[heir]++;
        world_set_state(world, way, ADJACENCY_PROBE, ADJACENCY_ALIVE);
        subject.id++;
        check_derived(&subject, way, is_hashed_on_ports(&subject));
        assert_true(world_adds_up(world));
        assert_int_equal(world_lost_mbufs(world), 0);
        world_reset(world);
    }
    under_way = NULL;
    for (enum way way = TO_LON1; way <= TO_NY1; way++) {
        assert_true(seen[way] > SUBJECTS / 10); /* or the property says little */
    }
}

/* What is remembered of a datagram, and what waits, is a hash and not an instance. */
static void a_datagram_whose_instance_dies_halfway_goes_on_where_its_flow_does(void **state)
{
    static struct frame pieces[PIECES_MAX];
    static struct subject subject;

    (void)state;
    for (int i = 0; i < SUBJECTS; i++) {
        bool first_is_last = draw(2) == 0;
        unsigned int half;
        enum way way;
        enum way heir;
        unsigned int n;

        draw_subject(&subject, true);
        under_way = &subject;
        way = instance(&subject);
        n = cut(&subject, pieces);
        half = 1 + draw(n - 1);
        for (unsigned int p = 0; p < half; p++) {
            receive(&pieces[first_is_last ? n - 1 - p : p]);
        }
        assert_int_equal(gone(&subject, way), first_is_last ? 1 : 1 + half); /* the plain packet as well */
        world_set_state(world, way, ADJACENCY_ADMIN, ADJACENCY_DOWN);
        heir = instance(&subject);
        for (unsigned int p = half; p < n; p++) {
            receive(&pieces[first_is_last ? n - 1 - p : p]);
        }
        assert_int_equal(gone(&subject, heir), 1 + (first_is_last ? n : n - half));
        assert_int_equal(world->counters.held, 0);
        assert_true(world_adds_up(world));
        world_reset(world);
    }
    under_way = NULL;
}

/* Better at one wrong instance than at several, or nowhere. */
static void fragments_that_waited_in_vain_go_together_and_are_counted(void **state)
{
    static struct frame pieces[PIECES_MAX];
    static struct subject subject;

    (void)state;
    for (int i = 0; i < SUBJECTS; i++) {
        unsigned int together = 0;
        enum way way;
        unsigned int n;

        draw_subject(&subject, true);
        under_way = &subject;
        n = cut(&subject, pieces);
        for (unsigned int p = 1; p < n; p++) {
            receive(&pieces[p]);
        }
        assert_int_equal(world->counters.held, n - 1);
        assert_int_equal(world->counters.sent, 0);
        world_wait(world);
        world_clear(world);
        for (way = TO_LON1; way <= TO_NY1; way++) {
            together += gone(&subject, way) == n - 1;
        }
        assert_int_equal(together, 1);
        assert_int_equal(world->counters.fragments_unmatched, n - 1);
        assert_int_equal(world->counters.held, 0);
        way = instance(&subject);
        check_goes(&subject, &pieces[0], way); /* late, and yet not lost */
        check_goes(&subject, &pieces[n - 1], way);
        assert_true(world_adds_up(world));
        world_reset(world);
    }
    under_way = NULL;
}

static const struct packet_case source_routes[] = {
    {.name = "loose source route",
     .dst = V4_PLAIN,
     .verdict = DROP_SOURCE_ROUTE,
     .patches = {{V4_IHL, 1, {0x47}}, {V4_PAYLOAD, 8, {131, 7, 4, 10, 0, 0, 1}}}},
    {.name = "strict source route behind other options",
     .dst = V4_PLAIN,
     .verdict = DROP_SOURCE_ROUTE,
     .patches = {{V4_IHL, 1, {0x49}}, {V4_PAYLOAD, 16, {1, 0x94, 4, 0, 0, 1, 1, 137, 7, 4, 10, 0, 0, 1}}}},
    {.name = "routing header of type 0",
     .dst = V6_PLAIN,
     .verdict = DROP_SOURCE_ROUTE,
     .patches = {{V6_NEXT, 1, {43}}, {V6_PAYLOAD, 4, {17, 2, 0, 1}}}},
    {.name = "routing header of type 0 behind another header",
     .dst = V6_PLAIN,
     .verdict = DROP_SOURCE_ROUTE,
     .patches = {{V6_NEXT, 1, {0}}, {V6_PAYLOAD, 12, {43, 0, 1, 4, 0, 0, 0, 0, 17, 2, 0, 1}}}},
};

static void source_routes_are_dropped(void **state)
{
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(source_routes); i++) {
        case_build(&source_routes[i], &frame);
        check_frame(&frame, NULL, source_routes[i].verdict);
    }
}

static void source_routes_are_forwarded_where_the_setting_says_so(void **state)
{
    static struct frame frame;

    (void)state;
    world->pipe.pass_source_route = true;
    for (size_t i = 0; i < ARRAY_SIZE(source_routes); i++) {
        case_build(&source_routes[i], &frame);
        check_frame(&frame, NULL, SENT(TO_PLAIN));
    }
    world->pipe.pass_source_route = false;
}

static void what_only_resembles_a_source_route_is_not_dropped(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "behind the end of the options",
         .dst = V4_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V4_IHL, 1, {0x48}}, {V4_PAYLOAD, 12, {1, 0, 131, 7, 4, 10, 0, 0, 1}}}},
        {.name = "within another option",
         .dst = V4_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V4_IHL, 1, {0x47}}, {V4_PAYLOAD, 8, {7, 7, 131, 7, 4, 0, 0}}}},
        {.name = "behind an option without a length",
         .dst = V4_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V4_IHL, 1, {0x48}}, {V4_PAYLOAD, 12, {7, 0, 131, 7, 4, 10, 0, 0, 1}}}},
        {.name = "behind an option longer than the header",
         .dst = V4_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V4_IHL, 1, {0x46}}, {V4_PAYLOAD, 12, {7, 5, 4, 0, 131, 7, 4, 10}}}},
        {.name = "payload",
         .dst = V4_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V4_IHL, 1, {0x46}}, {V4_PAYLOAD, 12, {1, 1, 1, 1, 131, 7, 4, 10}}}},
        {.name = "routing header of type 0 at its end",
         .dst = V6_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V6_NEXT, 1, {43}}, {V6_PAYLOAD, 4, {17, 2, 0, 0}}}},
        {.name = "routing header of type 4, a segment routing header",
         .dst = V6_PLAIN,
         .verdict = SENT(TO_PLAIN),
         .patches = {{V6_NEXT, 1, {43}}, {V6_PAYLOAD, 4, {17, 2, 4, 1}}}},
        {.name = "to the forwarder itself: the kernel's to judge",
         .dst = "203.0.113.1",
         .verdict = PUNTED,
         .patches = {{V4_IHL, 1, {0x47}}, {V4_PAYLOAD, 8, {131, 7, 4, 10, 0, 0, 1}}}},
        {.name = "to the forwarder itself, v6",
         .dst = "2001:db8:f::1",
         .verdict = PUNTED,
         .patches = {{V6_NEXT, 1, {43}}, {V6_PAYLOAD, 4, {17, 2, 0, 1}}}},
    };
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        case_build(&cases[i], &frame);
        check_frame(&frame, NULL, cases[i].verdict);
    }
}

#define derived_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        derived_test(what_is_derived_from_a_flow_reaches_its_instance_also_after_a_failover),
        derived_test(a_datagram_whose_instance_dies_halfway_goes_on_where_its_flow_does),
        derived_test(fragments_that_waited_in_vain_go_together_and_are_counted),
        case_test(source_routes_are_dropped),
        case_test(source_routes_are_forwarded_where_the_setting_says_so),
        case_test(what_only_resembles_a_source_route_is_not_dropped),
    };
    return cmocka_run_group_tests(tests, case_set_up_group, NULL);
}
