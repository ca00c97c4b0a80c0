/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that somebody follows, or has copied, on their way. */
#include "attributes.h"
#include "capture.h"
#include "cases.h"
#include "trace.h"
#include "unit.h"
#include <string.h>

#define RING (256u << 10)

static const char *const anycast[FAMILIES] = {"192.0.2.1", "2001:db8:a::1"};
static const char *const plain[FAMILIES] = {V4_PLAIN, V6_PLAIN};
static const char *const nowhere[FAMILIES] = {"9.9.9.9", "2001:db9::1"};
static const unsigned int hops[FAMILIES] = {V4_TTL, V6_HOPS};

static struct trace trace;
static struct capture capture;
static struct record_ring *ring;

static void follow(const struct trace_settings *settings)
{
    ring = record_ring_create(RING);
    assert_non_null(ring);
    memset(&trace, 0, sizeof(trace));
    trace_set_up(&trace, settings, ring);
    watch_publish(&world->pipe.watches, &trace.watch);
}

static void copy(const struct capture_settings *settings)
{
    ring = record_ring_create(RING);
    assert_non_null(ring);
    capture_set_up(&capture, settings, ring);
    watch_publish(&world->pipe.watches, &capture.watch);
}

static void look_away(struct watch *watch)
{
    assert_null(record_ring_peek(ring));
    watch_withdraw(&world->pipe.watches, watch);
    record_ring_destroy(ring);
}

static struct trace_record next_record(void)
{
    const struct trace_record *record = record_ring_peek(ring);
    struct trace_record copied;

    assert_non_null(record);
    copied = *record;
    record_ring_consume(ring);
    return copied;
}

static void receive(const struct packet_case *test)
{
    static struct frame frame;
    struct rte_mbuf *mbuf;

    case_build(test, &frame);
    mbuf = world_packet(world, &frame, NULL);
    world_receive(world, PORT_UP, &mbuf, 1);
}

static void receive_to(const char *dst, unsigned int payload, unsigned int ttl)
{
    const uint16_t at = (uint16_t)hops[strchr(dst, ':') != NULL ? FAMILY_V6 : FAMILY_V4];

    receive(&(struct packet_case){.dst = dst, .payload = (uint16_t)payload, .patches = {{at, 1, {(uint8_t)ttl}}}});
}

static void check_points(const struct trace_record *record, const enum watch_point *points, unsigned int n)
{
    assert_int_equal(record->count, n);
    for (unsigned int i = 0; i < n; i++) {
        assert_int_equal(record->steps[i].point, points[i]);
    }
}

#define check_way(record, ...)                                    \
    check_points(record, (const enum watch_point[]){__VA_ARGS__}, \
                 sizeof((const enum watch_point[]){__VA_ARGS__}) / sizeof(enum watch_point))

/* What came out of the lane is what the record says. */
static void check_last(const struct trace_record *record, unsigned int lane)
{
    static struct frame got;

    assert_int_equal(world->outlets[lane].count, 1);
    world_read(world->outlets[lane].mbufs[0], &got);
    assert_int_equal(record->last.length, got.length);
    assert_int_equal(record->last.captured, got.length < TRACE_BYTES ? got.length : TRACE_BYTES);
    assert_memory_equal(record->last.bytes, got.bytes, record->last.captured);
}

static void a_packet_is_followed_from_port_to_port(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        const struct watch_choice *choice;
        struct trace_record record;

        follow(&(struct trace_settings){.reason = DROP_REASONS, .limit = 1});
        receive_to(plain[family], 40, 64);
        receive_to(plain[family], 40, 64); /* beyond the limit */
        record = next_record();
        check_way(&record, WATCH_RECEIVED, WATCH_STEERED, WATCH_PASSED);
        assert_int_equal(record.id, 1);
        assert_int_equal(record.origin, 0);
        assert_int_equal(record.first.bytes[hops[family]], 64);
        assert_int_equal(record.last.bytes[hops[family]], 63);
        assert_int_equal(record.steps[0].lane, PORT_UP);
        assert_int_equal(record.steps[2].lane, world_rewrite(TO_PLAIN, family).port);
        choice = &record.steps[1].choice;
        assert_int_equal(choice->adjacency, world_adjacency(TO_PLAIN, family));
        assert_int_equal(choice->places[0], choice->adjacency);
        assert_int_equal(choice->row_mask, 0);
        assert_int_not_equal(choice->path_list, PATH_LIST_NONE);
        look_away(&trace.watch);
        world_reset(world);
    }
}

static void the_choice_of_an_instance_is_told_with_those_that_were_dead(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        struct trace_record before;
        struct trace_record after;
        enum way first;

        follow(&(struct trace_settings){.reason = DROP_REASONS, .limit = 10});
        receive_to(anycast[family], 40, 64);
        before = next_record();
        first = before.steps[1].choice.adjacency == world_adjacency(TO_LON1, family) ? TO_LON1 : TO_LON2;
        assert_int_equal(before.steps[1].choice.places[0], world_adjacency(first, family));
        assert_int_equal(before.steps[1].choice.states[0], 0);
        world_set_state(world, first, ADJACENCY_ADMIN, ADJACENCY_DOWN);
        receive_to(anycast[family], 40, 64);
        after = next_record();
        assert_int_equal(after.steps[1].choice.hash, before.steps[1].choice.hash);
        assert_int_equal(after.steps[1].choice.row, before.steps[1].choice.row);
        assert_int_equal(after.steps[1].choice.row, after.steps[1].choice.hash & after.steps[1].choice.row_mask);
        assert_int_equal(after.steps[1].choice.places[0], world_adjacency(first, family));
        assert_int_equal(after.steps[1].choice.states[0] & 0xff, ADJACENCY_DOWN);
        assert_int_equal(after.steps[1].choice.adjacency, after.steps[1].choice.places[1]);
        assert_int_equal(after.steps[1].choice.state, 0);
        look_away(&trace.watch);
        world_reset(world);
    }
}

static void a_packet_without_an_instance_tells_who_is_dead(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        struct trace_record record;

        follow(&(struct trace_settings){.reason = DROP_REASONS, .limit = 10});
        world_set_state(world, TO_LON1, ADJACENCY_ADMIN, ADJACENCY_DOWN);
        world_set_state(world, TO_LON2, ADJACENCY_ADMIN, ADJACENCY_DOWN);
        world_set_state(world, TO_NY1, ADJACENCY_ADMIN, ADJACENCY_DOWN);
        receive_to(anycast[family], 40, 64);
        record = next_record();
        check_way(&record, WATCH_RECEIVED, WATCH_STEERED, WATCH_DROPPED);
        assert_int_equal(record.steps[1].choice.adjacency, ADJACENCY_NONE);
        for (int place = 0; place < 3; place++) {
            assert_int_equal(record.steps[1].choice.states[place] & 0xff, ADJACENCY_DOWN);
        }
        assert_int_equal(record.steps[2].reason, DROP_NO_INSTANCE);
        look_away(&trace.watch);
        world_reset(world);
    }
}

static void drops_of_each_stage_and_punts_end_where_they_end(void **state)
{
    static const struct {
        const char *dst[FAMILIES];
        unsigned int ttl;
        unsigned int count;
        enum watch_point last;
        enum drop_reason reason;
    } cases[] = {
        {{"127.0.0.1", "::1"}, 64, 2, WATCH_DROPPED, DROP_MARTIAN_DESTINATION},
        {{"9.9.9.9", "2001:db9::1"}, 64, 2, WATCH_DROPPED, DROP_NO_ROUTE},
        {{"10.66.0.1", "2001:db8:66::1"}, 64, 3, WATCH_DROPPED, DROP_BLACKHOLE},
        {{"10.67.0.1", "2001:db8:67::1"}, 64, 3, WATCH_DROPPED, DROP_REJECT},
        {{V4_PLAIN, V6_PLAIN}, 0, 3, WATCH_DROPPED, DROP_TTL_EXPIRED},
        {{"203.0.113.9", "2001:db8:f::9"}, 64, 3, WATCH_DROPPED, DROP_NO_NEIGHBOUR},
        {{"203.0.113.1", "2001:db8:f::1"}, 1, 3, WATCH_PASSED, DROP_REASONS},
        {{"224.0.0.5", "ff02::5"}, 1, 2, WATCH_PASSED, DROP_REASONS},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (int family = 0; family < FAMILIES; family++) {
            struct trace_record record;

            follow(&(struct trace_settings){.reason = DROP_REASONS, .limit = 10});
            receive_to(cases[i].dst[family], 40, cases[i].ttl);
            record = next_record();
            assert_int_equal(record.count, cases[i].count);
            assert_int_equal(record.steps[record.count - 1].point, cases[i].last);
            assert_int_equal(record.steps[record.count - 1].reason, cases[i].reason);
            look_away(&trace.watch);
            world_reset(world);
        }
    }
}

static void the_error_about_a_packet_is_followed_with_its_origin(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        struct trace_record packet;
        struct trace_record error;

        world_speak(world, PORT_UP, 1);
        follow(&(struct trace_settings){.reason = DROP_REASONS, .limit = 1});
        receive_to(plain[family], 40, 1);
        packet = next_record();
        error = next_record();
        check_way(&packet, WATCH_RECEIVED, WATCH_STEERED, WATCH_DROPPED);
        assert_int_equal(packet.steps[2].reason, DROP_TTL_EXPIRED);
        check_way(&error, WATCH_MADE, WATCH_PASSED); /* no route to the sender: back where it came from */
        assert_int_equal(error.origin, packet.id);
        assert_int_equal(error.first.bytes[family == FAMILY_V4 ? V4_PROTOCOL : V6_NEXT], family == FAMILY_V4 ? 1 : 58);
        check_last(&error, PORT_UP);
        look_away(&trace.watch);
        world_reset(world);
    }
}

static void the_pieces_of_a_packet_are_followed_with_their_origin(void **state)
{
    struct trace_record whole;

    (void)state;
    follow(&(struct trace_settings){.reason = DROP_REASONS, .limit = 1});
    receive(&(struct packet_case){.dst = "10.69.0.1", .payload = 2600, .patches = {{V4_FRAGMENT, 2, {0, 0}}}});
    whole = next_record();
    check_way(&whole, WATCH_RECEIVED, WATCH_STEERED, WATCH_MADE);
    assert_int_equal(world->outlets[world_rewrite(TO_NARROW, FAMILY_V4).port].count, 3);
    for (unsigned int i = 0; i < 3; i++) {
        struct trace_record piece = next_record();

        check_way(&piece, WATCH_MADE, WATCH_PASSED);
        assert_int_equal(piece.origin, whole.id);
        assert_int_equal(piece.last.length, world->outlets[world_rewrite(TO_NARROW, FAMILY_V4).port].mbufs[i]->pkt_len);
    }
    look_away(&trace.watch);
}

static void a_fragment_that_waits_is_told_and_told_again(void **state)
{
    const struct patch later[FAMILIES][2] = {{{V4_FRAGMENT, 2, {0, 100}}},
                                             {{V6_NEXT, 1, {44}}, {V6_PAYLOAD, 8, {17, 0, 3, 33, 0, 0, 0, 7}}}};

    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        struct packet_case test = {.dst = anycast[family]};
        struct trace_record waits;
        struct trace_record gone;

        memcpy(test.patches, later[family], sizeof(later[family]));
        follow(&(struct trace_settings){.reason = DROP_REASONS, .limit = 1});
        receive(&test);
        waits = next_record();
        check_way(&waits, WATCH_RECEIVED, WATCH_HELD_FRAGMENT);
        assert_int_equal(waits.last.length, 0);
        world_wait(world);
        world_collect(world);
        gone = next_record();
        check_way(&gone, WATCH_RECEIVED, WATCH_HELD_FRAGMENT, WATCH_STEERED, WATCH_PASSED);
        assert_int_equal(gone.id, waits.id);
        assert_int_equal(gone.steps[3].lane,
                         gone.steps[2].choice.adjacency == world_adjacency(TO_LON2, family) ? PORT_WEST : PORT_EAST);
        look_away(&trace.watch);
        world_reset(world);
    }
}

static void what_the_device_does_not_take_is_told_again(void **state)
{
    unsigned int dropped = 0;
    static struct frame frame;
    struct rte_mbuf *mbufs[BURST_MAX];
    struct packet_case test = {.dst = "10.71.0.1"};

    (void)state;
    case_build(&test, &frame);
    for (unsigned int i = 0; i < BURST_MAX; i++) {
        mbufs[i] = world_packet(world, &frame, NULL);
    }
    follow(&(struct trace_settings){.reason = DROP_TX_FULL, .limit = 100});
    world_receive(world, PORT_UP, mbufs, BURST_MAX); /* one more than there is room for */
    while (record_ring_peek(ring) != NULL) {
        struct trace_record record = next_record();

        check_way(&record, WATCH_RECEIVED, WATCH_STEERED, WATCH_PASSED, WATCH_DROPPED);
        assert_int_equal(record.steps[3].reason, DROP_TX_FULL);
        dropped++;
    }
    assert_int_equal(dropped, world->counters.drops[DROP_TX_FULL]);
    assert_true(dropped > 0);
    look_away(&trace.watch);
}

static void only_what_matches_is_followed(void **state)
{
    struct trace_settings settings = {.filter = {.fields = FILTER_DESTINATION}, .reason = DROP_REASONS, .limit = 10};
    struct trace_record record;

    (void)state;
    assert_int_equal(prefix_parse("9.0.0.0/8", &settings.filter.destination), 0);
    follow(&settings);
    receive_to(plain[FAMILY_V4], 40, 64);
    receive_to(plain[FAMILY_V6], 40, 64);
    receive_to("9.9.9.9", 40, 64);
    record = next_record();
    assert_int_equal(record.steps[1].reason, DROP_NO_ROUTE);
    look_away(&trace.watch);
}

static void a_reason_picks_out_the_packets_dropped_for_it(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        follow(&(struct trace_settings){.reason = DROP_NO_ROUTE, .limit = 2});
        for (int i = 0; i < 5; i++) {
            receive_to(plain[family], 40, 64);
            receive_to(plain[family], 40, 0);
            receive_to(nowhere[family], 40, 64);
        }
        for (int i = 0; i < 2; i++) {
            struct trace_record record = next_record();

            check_way(&record, WATCH_RECEIVED, WATCH_DROPPED);
            assert_int_equal(record.steps[1].reason, DROP_NO_ROUTE);
        }
        assert_int_equal(record_ring_lost(ring), 0);
        look_away(&trace.watch);
        world_reset(world);
    }
}

static void what_finds_no_room_is_counted(void **state)
{
    unsigned int told = 0;

    (void)state;
    follow(&(struct trace_settings){.reason = DROP_REASONS, .limit = 1000});
    for (int i = 0; i < 600; i++) {
        receive_to(nowhere[FAMILY_V4], 40, 64);
    }
    while (record_ring_peek(ring) != NULL) {
        (void)next_record();
        told++;
    }
    assert_int_equal(told + record_ring_lost(ring), 600);
    assert_true(told > 100 && told < 600);
    look_away(&trace.watch);
}

static void a_capture_has_the_bytes_at_each_point_that_was_asked_for(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        const struct capture_record *record;
        unsigned int seen[WATCH_POINTS] = {0};

        copy(&(struct capture_settings){.points = 1 << WATCH_RECEIVED | 1 << WATCH_PASSED | 1 << WATCH_DROPPED,
                                        .reason = DROP_REASONS,
                                        .snaplen = 60,
                                        .limit = 100});
        receive_to(plain[family], 200, 64);
        receive_to(nowhere[family], 200, 64);
        while ((record = record_ring_peek(ring)) != NULL) {
            assert_int_equal(record->length, 214 + (family == FAMILY_V4 ? 20 : 40));
            assert_int_equal(record->captured, 60);
            assert_int_equal(record->reason, record->point == WATCH_DROPPED ? DROP_NO_ROUTE : DROP_REASONS);
            assert_int_equal(record->bytes[hops[family]], record->point == WATCH_PASSED ? 63 : 64);
            seen[record->point]++;
            record_ring_consume(ring);
        }
        assert_int_equal(seen[WATCH_RECEIVED], 2);
        assert_int_equal(seen[WATCH_PASSED], 1);
        assert_int_equal(seen[WATCH_DROPPED], 1);
        look_away(&capture.watch);
        world_reset(world);
    }
}

static void a_capture_joins_segments_and_stops_at_its_limit(void **state)
{
    const unsigned int cuts[] = {20, 33, 100, 0};
    struct packet_case test = {.dst = V4_PLAIN, .payload = 500};
    static struct frame frame;
    const struct capture_record *record;

    (void)state;
    case_build(&test, &frame);
    copy(
        &(struct capture_settings){.points = 1 << WATCH_RECEIVED, .reason = DROP_REASONS, .snaplen = 9000, .limit = 1});
    for (int i = 0; i < 2; i++) {
        struct rte_mbuf *mbuf = world_packet(world, &frame, cuts);

        world_receive(world, PORT_UP, &mbuf, 1);
    }
    record = record_ring_peek(ring);
    assert_non_null(record);
    assert_int_equal(record->captured, frame.length);
    assert_memory_equal(record->bytes, frame.bytes, frame.length);
    record_ring_consume(ring);
    look_away(&capture.watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_test(a_packet_is_followed_from_port_to_port),
        case_test(the_choice_of_an_instance_is_told_with_those_that_were_dead),
        case_test(a_packet_without_an_instance_tells_who_is_dead),
        case_test(drops_of_each_stage_and_punts_end_where_they_end),
        case_test(the_error_about_a_packet_is_followed_with_its_origin),
        case_test(the_pieces_of_a_packet_are_followed_with_their_origin),
        case_test(a_fragment_that_waits_is_told_and_told_again),
        case_test(what_the_device_does_not_take_is_told_again),
        case_test(only_what_matches_is_followed),
        case_test(a_reason_picks_out_the_packets_dropped_for_it),
        case_test(what_finds_no_room_is_counted),
        case_test(a_capture_has_the_bytes_at_each_point_that_was_asked_for),
        case_test(a_capture_joins_segments_and_stops_at_its_limit),
    };
    return cmocka_run_group_tests(tests, case_set_up_group, NULL);
}
