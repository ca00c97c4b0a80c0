/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that wait for their neighbour, and what becomes of them (packets.md 18). */
#include "attributes.h"
#include "cases.h"
#include "unit.h"
#include <stdio.h>
#include <string.h>

#define WAIT 1000 /* cycles */

static const char *const neighbours[FAMILIES] = {"203.0.113.9", "2001:db8:f::9"};
static const char *const others[FAMILIES] = {"203.0.113.10", "2001:db8:f::a"};
static const char *const plain[FAMILIES] = {V4_PLAIN, V6_PLAIN};
static const char *const blackhole[FAMILIES] = {"10.66.0.1", "2001:db8:66::1"};
static const char *const anycast[FAMILIES] = {"192.0.2.1", "2001:db8:a::1"};

/* Packet `number` to there, as it is received. */
static const struct frame *packet_to(const char *dst, unsigned int number)
{
    static struct frame frame;

    case_build(&(struct packet_case){.dst = dst}, &frame);
    frame_set16(&frame, frame.length - 2, (uint16_t)number);
    return &frame;
}

static void receive(const struct frame *frame)
{
    struct rte_mbuf *mbuf =
        world_packet(world, frame, frame->bytes[frame->length - 1] % 2 == 0 ? NULL : (const unsigned int[]){74, 0});

    world_receive(world, PORT_UP, &mbuf, 1);
}

static void receive_some(const char *dst, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        receive(packet_to(dst, i));
    }
}

/* A way changes: the neighbour is known now, or no longer. */
static void set_rewrite(enum way way, enum family family, const struct rewrite *rewrite)
{
    assert_int_equal(adjacency_set_rewrite(world->adjacencies, world_adjacency(way, family), rewrite), 0);
}

static void lead_like(enum way way, enum way other)
{
    for (int family = 0; family < FAMILIES; family++) {
        struct rewrite rewrite = world_rewrite(other, (enum family)family);

        set_rewrite(way, (enum family)family, &rewrite);
    }
}

static void lose(enum way way)
{
    const struct rewrite unresolved = {.kind = REWRITE_UNRESOLVED};

    set_rewrite(way, FAMILY_V4, &unresolved);
    set_rewrite(way, FAMILY_V6, &unresolved);
}

/* A host route that goes where another address goes; NULL: none any more. */
static void route_like(const char *host, const char *other)
{
    struct ip_addr addr;
    struct ip_addr to;
    uint32_t v4;
    uint32_t list;

    assert_int_equal(ip_addr_parse(host, &addr), 0);
    v4 = addr.family == FAMILY_V4 ? ip_addr_to_u32(&addr) : 0;
    if (other == NULL) {
        assert_int_equal(
            addr.family == FAMILY_V4 ? fib4_del(world->fib4, v4, 32) : fib6_del(world->fib6, addr.bytes, 128), 0);
        return;
    }
    assert_int_equal(ip_addr_parse(other, &to), 0);
    if (addr.family == FAMILY_V4) {
        uint32_t dst = ip_addr_to_u32(&to);

        fib4_lookup(world->fib4, &dst, &list, 1);
        assert_int_equal(fib4_set(world->fib4, v4, 32, list), 0);
    } else {
        fib6_lookup(world->fib6, (const uint8_t(*)[16])to.bytes, &list, 1);
        assert_int_equal(fib6_set(world->fib6, addr.bytes, 128, list), 0);
    }
}

static void check_held(unsigned int held, unsigned int dropped)
{
    assert_int_equal(world->counters.held, held);
    assert_int_equal(world->counters.drops[DROP_NO_NEIGHBOUR], dropped);
    assert_true(world_adds_up(world));
    assert_int_equal(world_lost_mbufs(world), 0);
}

/* Packets 0 to n - 1, in this order, as that way makes them. */
static void check_sent(const char *dst, enum way way, unsigned int n)
{
    struct rewrite rewrite = world_rewrite(way, strchr(dst, ':') != NULL ? FAMILY_V6 : FAMILY_V4);
    const struct outlet *outlet = &world->outlets[rewrite.port];

    assert_int_equal(outlet->count, n);
    for (unsigned int i = 0; i < n; i++) {
        static struct frame expected;
        static struct frame got;

        frame_forward(packet_to(dst, i), &rewrite, &expected);
        world_read(outlet->mbufs[i], &got);
        assert_int_equal(got.length, expected.length);
        assert_memory_equal(got.bytes, expected.bytes, expected.length);
        assert_int_equal(rte_mbuf_check(outlet->mbufs[i], 1, &(const char *){NULL}), 0);
    }
}

static void eight_packets_wait_and_leave_in_order_when_the_neighbour_is_known(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        world_hold(world, WAIT);
        receive_some(neighbours[family], PENDING_DEPTH + 2);
        check_held(PENDING_DEPTH, 2);
        world_later(world, WAIT / 2);
        check_held(PENDING_DEPTH, 2);
        lead_like(TO_NEIGHBOUR, TO_PLAIN);
        world_later(world, 1);
        check_held(0, 2);
        check_sent(neighbours[family], TO_PLAIN, PENDING_DEPTH);
        lead_like(TO_NEIGHBOUR, TO_NEIGHBOUR);
        world_reset(world);
    }
}

static void a_packet_waits_so_long_and_is_dropped(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        world_hold(world, WAIT);
        receive_some(neighbours[family], 3);
        world_later(world, WAIT);
        check_held(3, 0);
        world_later(world, 1);
        check_held(0, 3);
        assert_int_equal(world->counters.sent, 0);
        receive_some(neighbours[family], 1); /* there is room again, and time */
        world_later(world, WAIT);
        check_held(1, 3);
        world_reset(world);
    }
}

static void each_neighbour_of_a_subnet_is_waited_for_by_itself(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        world_hold(world, WAIT);
        receive_some(neighbours[family], PENDING_DEPTH);
        receive_some(others[family], PENDING_DEPTH + 1);
        check_held(2 * PENDING_DEPTH, 1);
        route_like(others[family], plain[family]); /* as the kernel told of it */
        world_later(world, 1);
        check_held(PENDING_DEPTH, 1);
        check_sent(others[family], TO_PLAIN, PENDING_DEPTH);
        route_like(others[family], NULL);
        world_reset(world);
    }
}

/* Whatever they are for, the next hop is one neighbour. */
static void packets_for_one_next_hop_wait_together(void **state)
{
    static const char *const far[FAMILIES][2] = {{V4_PLAIN, "198.19.0.1"}, {V6_PLAIN, "2001:db8:b:1::1"}};

    (void)state;
    lose(TO_PLAIN);
    for (int family = 0; family < FAMILIES; family++) {
        world_hold(world, WAIT);
        receive_some(far[family][0], PENDING_DEPTH - 1);
        receive_some(far[family][1], 2);
        check_held(PENDING_DEPTH, 1);
        world_reset(world);
    }
    lead_like(TO_PLAIN, TO_PLAIN);
}

static void what_waited_is_judged_anew(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        world_hold(world, WAIT);
        receive_some(neighbours[family], 2);
        route_like(neighbours[family], blackhole[family]);
        world_later(world, 1);
        check_held(0, 0);
        assert_int_equal(world->counters.drops[DROP_BLACKHOLE], 2);
        route_like(neighbours[family], NULL);
        world_reset(world);
    }
}

/* Every instance is alive, but none has a neighbour yet; the one that the flow goes to dies first. */
static void an_instance_that_dies_leaves_what_waits_for_it_to_another(void **state)
{
    (void)state;
    lose(TO_LON1);
    lose(TO_LON2);
    for (int family = 0; family < FAMILIES; family++) {
        world_hold(world, WAIT);
        receive_some(anycast[family], 3);
        check_held(3, 0);
        world_set_state(world, TO_LON1, ADJACENCY_PROBE, ADJACENCY_DOWN);
        world_set_state(world, TO_LON2, ADJACENCY_PROBE, ADJACENCY_DOWN);
        world_later(world, 1);
        check_held(0, 0);
        check_sent(anycast[family], TO_NY1, 3);
        world_reset(world);
    }
    lead_like(TO_LON1, TO_LON1);
    lead_like(TO_LON2, TO_LON2);
}

static void an_error_of_ours_waits_as_well_and_keeps_its_hops(void **state)
{
    static const char *const nowhere[FAMILIES] = {"9.9.9.9", "2001:db9::1"};
    static struct frame frame;
    static struct frame got;

    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        case_build(&(struct packet_case){.src = neighbours[family], .dst = nowhere[family]}, &frame);
        world_speak(world, PORT_UP, 1);
        world_hold(world, WAIT);
        receive(&frame);
        assert_int_equal(world->counters.icmp_sent, 1);
        check_held(1, 0);
        lead_like(TO_NEIGHBOUR, TO_PLAIN);
        world_later(world, 1);
        check_held(0, 0);
        assert_int_equal(world->outlets[PORT_WEST].count, 1);
        world_read(world->outlets[PORT_WEST].mbufs[0], &got);
        assert_int_equal(got.bytes[family == FAMILY_V4 ? V4_TTL : V6_HOPS], 64);
        assert_true(frame_checksum_is_right(got.bytes + IP, got.length - IP));
        lead_like(TO_NEIGHBOUR, TO_NEIGHBOUR);
        world_reset(world);
    }
}

static void what_has_no_hop_left_does_not_wait(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        static struct frame frame;
        const uint16_t ttl = family == FAMILY_V4 ? V4_TTL : V6_HOPS;

        case_build(&(struct packet_case){.dst = neighbours[family], .patches = {{ttl, 1, {1}}}}, &frame);
        world_speak(world, PORT_UP, 1);
        world_hold(world, WAIT);
        receive(&frame);
        check_held(0, 0);
        assert_int_equal(world->counters.drops[DROP_TTL_EXPIRED], 1);
        assert_int_equal(world->counters.icmp_sent, 1);
        world_reset(world);
    }
}

static void a_spray_waits_within_bounds_and_costs_resolved_flows_nothing(void **state)
{
    enum { ADDRESSES = 10000 };

    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        world_hold(world, WAIT);
        for (unsigned int i = 0; i < ADDRESSES; i++) {
            char neighbour[IP_ADDR_STRLEN];

            snprintf(neighbour, sizeof(neighbour), family == FAMILY_V4 ? "203.0.113.%u" : "2001:db8:f::%x",
                     2 + (family == FAMILY_V4 ? i % 253 : i));
            receive(packet_to(neighbour, 0));
            receive(packet_to(plain[family], 0));
            assert_true(world->counters.held <= PENDING_MAX * PENDING_DEPTH);
            world_clear(world);
        }
        assert_int_equal(world->counters.sent, ADDRESSES);
        assert_int_equal(world->counters.held + world->counters.drops[DROP_NO_NEIGHBOUR], ADDRESSES);
        assert_true(world->counters.held >= PENDING_MAX / 2);
        world_wait(world);
        check_held(0, ADDRESSES);
        world_reset(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_test(eight_packets_wait_and_leave_in_order_when_the_neighbour_is_known),
        case_test(a_packet_waits_so_long_and_is_dropped),
        case_test(each_neighbour_of_a_subnet_is_waited_for_by_itself),
        case_test(packets_for_one_next_hop_wait_together),
        case_test(what_waited_is_judged_anew),
        case_test(an_instance_that_dies_leaves_what_waits_for_it_to_another),
        case_test(an_error_of_ours_waits_as_well_and_keeps_its_hops),
        case_test(what_has_no_hop_left_does_not_wait),
        case_test(a_spray_waits_within_bounds_and_costs_resolved_flows_nothing),
    };

    return cmocka_run_group_tests(tests, case_set_up_group, NULL);
}
