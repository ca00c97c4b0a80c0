/* SPDX-License-Identifier: BSD-3-Clause */
/* Bursts: what packets do together, and what the control thread's stores do to the next ones. */
#include "attributes.h"
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

static int reset(void **state)
{
    (void)state;
    world_reset(world);
    return 0;
}

/* Nothing is lost, nothing is counted twice, whatever a test did. */
static int check_accounts(void **state)
{
    (void)state;
    if (!world_adds_up(world) || world_lost_mbufs(world) != 0) {
        print_message("received + created != sent + punted + drops, or %u buffers lost\n", world_lost_mbufs(world));
        return -1;
    }
    world_reset(world);
    return 0;
}

static const char *const sources[FAMILIES] = {"198.51.100.7", "2001:db8:99::7"};

/* One packet of a flow, told apart by its source port. */
static struct rte_mbuf *flow_packet(const char *dst, uint16_t flow)
{
    static struct frame frame;
    bool v6 = strchr(dst, ':') != NULL;

    frame_build(&frame, world_mac(PORT_UP), sources[v6], dst, 40);
    frame_set16(&frame, v6 ? V6_PAYLOAD : V4_PAYLOAD, flow);
    return world_packet(world, &frame, NULL);
}

static void receive_flows(const char *dst, unsigned int first, unsigned int n)
{
    struct rte_mbuf *mbufs[BURST_MAX];

    for (unsigned int done = 0; done < n; done += BURST_MAX) {
        unsigned int burst = n - done < BURST_MAX ? n - done : BURST_MAX;

        for (unsigned int i = 0; i < burst; i++) {
            mbufs[i] = flow_packet(dst, (uint16_t)(first + done + i));
        }
        world_receive(world, PORT_UP, mbufs, burst);
    }
}

/* What went this way since the last reset. */
static unsigned int gone(enum way way, enum family family)
{
    return (unsigned int)world->counters.adjacencies[world_adjacency(way, family)].packets;
}

static const char *const anycast[FAMILIES] = {"192.0.2.1", "2001:db8:a::1"};
static const char *const hashed_on_addresses[FAMILIES] = {"192.0.3.1", "2001:db8:aa::1"};

static void flows_spread_over_the_best_instances(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        receive_flows(anycast[family], 1000, 1000);
        assert_in_range(gone(TO_LON1, (enum family)family), 420, 580);
        assert_int_equal(gone(TO_LON1, (enum family)family) + gone(TO_LON2, (enum family)family), 1000);
        assert_int_equal(gone(TO_NY1, (enum family)family), 0);
        world_clear(world);
    }
}

static void a_flow_stays_where_it_is(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        for (unsigned int i = 0; i < 500; i++) {
            receive_flows(anycast[family], 77, 1);
        }
        assert_true(gone(TO_LON1, (enum family)family) == 500 || gone(TO_LON2, (enum family)family) == 500);
        world_clear(world);
    }
}

static void a_prefix_hashed_on_addresses_keeps_a_client_together(void **state)
{
    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        receive_flows(hashed_on_addresses[family], 1, 500);
        assert_true(gone(TO_LON1, (enum family)family) == 500 || gone(TO_LON2, (enum family)family) == 500);
        world_clear(world);
    }
}

/* Fragments carry no ports, or ports that are payload. */
static void fragments_of_a_flow_are_hashed_alike(void **state)
{
    static struct frame frame;

    (void)state;
    for (unsigned int i = 0; i < 256; i++) {
        struct rte_mbuf *mbuf;

        frame_build(&frame, world_mac(PORT_UP), sources[FAMILY_V4], anycast[FAMILY_V4], 40);
        frame_set16(&frame, V4_FRAGMENT, i == 0 ? 0x2000 : (uint16_t)i);
        frame_set16(&frame, V4_PAYLOAD, (uint16_t)(i * 977));
        frame_set_checksum(&frame);
        mbuf = world_packet(world, &frame, NULL);
        world_receive(world, PORT_UP, &mbuf, 1);
    }
    assert_true(gone(TO_LON1, FAMILY_V4) == 256 || gone(TO_LON2, FAMILY_V4) == 256);
}

/* The seed is the site group's: another one is another spread. */
static void the_seed_changes_the_spread(void **state)
{
    unsigned int moved = 0;

    (void)state;
    for (uint16_t flow = 0; flow < 200; flow++) {
        unsigned int before;

        world_reset(world);
        receive_flows(anycast[FAMILY_V4], flow, 1);
        before = gone(TO_LON1, FAMILY_V4);
        world->pipe.hash_seed = 0x5eed;
        receive_flows(anycast[FAMILY_V4], flow, 1);
        world->pipe.hash_seed = 0;
        moved += gone(TO_LON1, FAMILY_V4) - before != before;
    }
    assert_in_range(moved, 60, 140);
}

/* One store in one adjacency, and the next burst is elsewhere. */
static void the_next_burst_leaves_a_dead_instance(void **state)
{
    static const struct {
        enum adjacency_source source;
        enum adjacency_health health;
    } deaths[] = {
        {ADJACENCY_ADMIN, ADJACENCY_DOWN},    {ADJACENCY_LINK, ADJACENCY_DOWN},   {ADJACENCY_LINK, ADJACENCY_SUSPECT},
        {ADJACENCY_PROBE, ADJACENCY_SUSPECT}, {ADJACENCY_BFD, ADJACENCY_SUSPECT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(deaths); i++) {
        for (int f = 0; f < FAMILIES; f++) {
            enum family family = (enum family)f;

            world_reset(world);
            receive_flows(anycast[f], 0, 640);
            assert_true(gone(TO_LON1, family) > 0);
            world_reset(world);
            world_set_state(world, TO_LON1, deaths[i].source, deaths[i].health);
            receive_flows(anycast[f], 0, 640);
            assert_int_equal(gone(TO_LON2, family), 640);
            world_set_state(world, TO_LON2, deaths[i].source, deaths[i].health);
            world_clear(world);
            receive_flows(anycast[f], 0, 640);
            assert_int_equal(gone(TO_NY1, family), 640);
            world_set_state(world, TO_LON1, deaths[i].source, ADJACENCY_ALIVE);
            world_clear(world);
            receive_flows(anycast[f], 0, 640);
            assert_int_equal(gone(TO_LON1, family), 640);
            assert_int_equal(world->counters.failed_open, 0);
        }
    }
}

/* Flows of a survivor stay when another instance dies, and come back to where they were. */
static void a_death_moves_only_the_flows_of_the_dead(void **state)
{
    (void)state;
    for (uint16_t flow = 0; flow < 300; flow++) {
        bool on_lon2;

        world_reset(world);
        receive_flows(anycast[FAMILY_V4], flow, 1);
        on_lon2 = gone(TO_LON2, FAMILY_V4) == 1;
        world_set_state(world, TO_LON1, ADJACENCY_PROBE, ADJACENCY_SUSPECT);
        receive_flows(anycast[FAMILY_V4], flow, 1);
        assert_int_equal(gone(TO_LON2, FAMILY_V4), on_lon2 ? 2 : 1);
        world_set_state(world, TO_LON1, ADJACENCY_PROBE, ADJACENCY_ALIVE);
        receive_flows(anycast[FAMILY_V4], flow, 1);
        assert_int_equal(gone(TO_LON2, FAMILY_V4), on_lon2 ? 3 : 1);
    }
}

static void all_suspect_means_that_the_probes_are_wrong(void **state)
{
    (void)state;
    world_set_state(world, TO_LON1, ADJACENCY_PROBE, ADJACENCY_SUSPECT);
    world_set_state(world, TO_LON2, ADJACENCY_BFD, ADJACENCY_SUSPECT);
    world_set_state(world, TO_NY1, ADJACENCY_PROBE, ADJACENCY_SUSPECT);
    receive_flows(anycast[FAMILY_V4], 0, 640);
    assert_in_range(gone(TO_LON1, FAMILY_V4), 250, 390); /* still spread */
    assert_int_equal(gone(TO_LON1, FAMILY_V4) + gone(TO_LON2, FAMILY_V4), 640);
    assert_int_equal(world->counters.failed_open, 640);
}

static void the_operators_word_is_not_failed_open(void **state)
{
    (void)state;
    for (enum way way = TO_LON1; way <= TO_NY1; way++) {
        world_set_state(world, way, ADJACENCY_ADMIN, ADJACENCY_DOWN);
    }
    receive_flows(anycast[FAMILY_V4], 0, 100);
    receive_flows(anycast[FAMILY_V6], 0, 100);
    assert_int_equal(world->counters.drops[DROP_NO_INSTANCE], 200);
    assert_int_equal(world->counters.failed_open, 0);
}

static void a_packet_for_an_unresolved_neighbour_wishes_for_it_once(void **state)
{
    static const char *const neighbours[] = {"203.0.113.9", "203.0.113.9", "2001:db8:f::9", "203.0.113.10",
                                             "2001:db8:f::9"};
    struct rte_mbuf *mbufs[ARRAY_SIZE(neighbours)];
    struct request request;
    char text[IP_ADDR_STRLEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(neighbours); i++) {
        mbufs[i] = flow_packet(neighbours[i], 1);
    }
    world_receive(world, PORT_UP, mbufs, ARRAY_SIZE(neighbours));
    assert_int_equal(world->counters.drops[DROP_NO_NEIGHBOUR], ARRAY_SIZE(neighbours));
    assert_true(request_take(&world->requests, &request));
    assert_string_equal(ip_addr_format(&request.destination, text), "203.0.113.9");
    assert_int_equal(request.adjacency, world_adjacency(TO_NEIGHBOUR, FAMILY_V4));
    assert_true(request_take(&world->requests, &request));
    assert_string_equal(ip_addr_format(&request.destination, text), "203.0.113.10");
    assert_true(request_take(&world->requests, &request));
    assert_string_equal(ip_addr_format(&request.destination, text), "2001:db8:f::9");
    assert_int_equal(request.adjacency, world_adjacency(TO_NEIGHBOUR, FAMILY_V6));
    assert_false(request_take(&world->requests, &request));
}

static void a_spray_over_unresolved_neighbours_costs_resolved_flows_nothing(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < 10000; i++) {
        char neighbour[32];
        struct rte_mbuf *mbufs[2];

        snprintf(neighbour, sizeof(neighbour), "2001:db8:f::%x", 2 + i);
        mbufs[0] = flow_packet(neighbour, 1);
        mbufs[1] = flow_packet("198.18.0.1", 1);
        world_receive(world, PORT_UP, mbufs, 2);
        world_clear(world);
    }
    assert_int_equal(world->counters.drops[DROP_NO_NEIGHBOUR], 10000);
    assert_int_equal(world->counters.sent, 10000);
}

static void a_new_rewrite_takes_effect_at_the_next_packet(void **state)
{
    uint16_t id = world_adjacency(TO_NEIGHBOUR, FAMILY_V4);
    struct rewrite unresolved = world_rewrite(TO_NEIGHBOUR, FAMILY_V4);
    struct rewrite resolved = world_rewrite(TO_LON2, FAMILY_V4);

    (void)state;
    assert_int_equal(adjacency_set_rewrite(world->adjacencies, id, &resolved), 0);
    receive_flows("203.0.113.9", 0, 1);
    assert_int_equal(world->outlets[PORT_WEST].count, 1);
    assert_int_equal(adjacency_set_rewrite(world->adjacencies, id, &unresolved), 0);
    receive_flows("203.0.113.9", 0, 1);
    assert_int_equal(world->counters.drops[DROP_NO_NEIGHBOUR], 1);
}

static void packets_of_a_flow_leave_in_the_order_of_arrival(void **state)
{
    struct rte_mbuf *mbufs[BURST_MAX];
    unsigned int next[FAMILIES] = {0};

    (void)state;
    for (unsigned int i = 0; i < BURST_MAX; i++) {
        /* both families, and some that are dropped or punted in between */
        mbufs[i] = flow_packet(i % 5 == 3   ? "9.9.9.9"
                               : i % 7 == 2 ? "203.0.113.1"
                               : i % 2      ? "2001:db8:b::1"
                                            : "198.18.0.1",
                               (uint16_t)i);
    }
    world_receive(world, PORT_UP, mbufs, BURST_MAX);
    assert_true(world->outlets[PORT_WEST].count > BURST_MAX / 2);
    for (unsigned int i = 0; i < world->outlets[PORT_WEST].count; i++) {
        static struct frame frame;
        bool v6;
        unsigned int number;

        world_read(world->outlets[PORT_WEST].mbufs[i], &frame);
        v6 = frame.bytes[IP] >> 4 == 6;
        number = frame_get16(&frame, v6 ? V6_PAYLOAD : V4_PAYLOAD);
        assert_true(number >= next[v6]);
        next[v6] = number + 1;
    }
}

static void a_lane_flushes_itself_when_it_is_full(void **state)
{
    struct rte_mbuf *mbufs[BURST_MAX];

    (void)state;
    for (unsigned int burst = 0; burst < 5; burst++) { /* 320 packets, a lane holds 128 */
        for (unsigned int i = 0; i < BURST_MAX; i++) {
            mbufs[i] = flow_packet("198.18.0.1", (uint16_t)i);
        }
        pipe_burst(&world->pipe, PORT_UP, mbufs, BURST_MAX);
    }
    world_collect(world);
    assert_int_equal(world->counters.sent, 320 / TX_LANE_MAX * TX_LANE_MAX);
    pipe_flush(&world->pipe, WORLD_LANES);
    world_collect(world);
    assert_int_equal(world->counters.sent, 320);
}

/* The packet in two buffers, the first of which has room for all of it, or none. */
static struct rte_mbuf *chained_packet(struct frame *frame, bool roomy)
{
    static const unsigned int cuts[] = {80, 0};
    struct rte_mbuf *first;
    struct rte_mbuf *second;

    frame_build(frame, world_mac(PORT_UP), "192.0.2.77", "198.18.0.1", 400);
    if (!roomy) {
        return world_packet(world, frame, cuts);
    }
    first = rte_pktmbuf_alloc(world->pipe.pool);
    second = rte_pktmbuf_alloc(world->pipe.pool);
    memcpy(rte_pktmbuf_append(first, 80), frame->bytes, 80);
    memcpy(rte_pktmbuf_append(second, (uint16_t)(frame->length - 80)), frame->bytes + 80, frame->length - 80);
    assert_int_equal(rte_pktmbuf_chain(first, second), 0);
    return first;
}

static void a_device_that_wants_one_segment_gets_one(void **state)
{
    struct rewrite rewrite = world_rewrite(TO_PLAIN, FAMILY_V4);
    struct rte_mbuf *mbufs[2];
    struct frame sent;
    struct frame expected;
    struct frame got;

    (void)state;
    world->pipe.lanes[PORT_WEST].one_segment = true;
    mbufs[0] = chained_packet(&sent, true);
    mbufs[1] = chained_packet(&sent, false);
    world_receive(world, PORT_UP, mbufs, 2);
    world->pipe.lanes[PORT_WEST].one_segment = false;
    assert_int_equal(world->outlets[PORT_WEST].count, 1);
    assert_int_equal(world->outlets[PORT_WEST].mbufs[0]->nb_segs, 1);
    assert_int_equal(world->counters.drops[DROP_NO_BUFFER], 1);
    frame_forward(&sent, &rewrite, &expected);
    world_read(world->outlets[PORT_WEST].mbufs[0], &got);
    assert_int_equal(got.length, expected.length);
    assert_memory_equal(got.bytes, expected.bytes, got.length);
}

static void what_the_egress_has_no_room_for_is_counted(void **state)
{
    static struct rte_mbuf *mbufs[TX_LANE_MAX];

    (void)state;
    for (unsigned int i = 0; i < TX_LANE_MAX; i++) {
        mbufs[i] = flow_packet("10.71.0.1", (uint16_t)i);
    }
    pipe_burst(&world->pipe, PORT_UP, mbufs, BURST_MAX);
    pipe_burst(&world->pipe, PORT_UP, mbufs + BURST_MAX, BURST_MAX);
    pipe_flush(&world->pipe, WORLD_LANES);
    world_collect(world);
    assert_int_equal(world->counters.sent, CROWDED_ROOM);
    assert_int_equal(world->counters.drops[DROP_TX_FULL], TX_LANE_MAX - CROWDED_ROOM);
    assert_int_equal(world->counters.tx_dropped[PORT_CROWDED], TX_LANE_MAX - CROWDED_ROOM);
}

static void a_full_punt_lane_drops_as_punt_full(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < OUTLET_MAX + BURST_MAX; i += BURST_MAX) {
        struct rte_mbuf *mbufs[BURST_MAX];

        for (unsigned int k = 0; k < BURST_MAX; k++) {
            mbufs[k] = flow_packet(k % 2 == 0 ? "203.0.113.1" : "2001:db8:f::1", (uint16_t)k);
        }
        pipe_burst(&world->pipe, PORT_UP, mbufs, BURST_MAX); /* and nobody collects */
    }
    pipe_flush(&world->pipe, WORLD_LANES);
    world_collect(world);
    assert_int_equal(world->counters.punted, OUTLET_MAX - 1);
    assert_int_equal(world->counters.drops[DROP_PUNT_FULL], BURST_MAX + 1);
    assert_int_equal(world->counters.drops[DROP_TX_FULL], 0);
}

static void what_the_kernel_sends_through_a_twin_leaves_unchanged(void **state)
{
    static struct frame frame;
    static struct frame got;
    struct rte_mbuf *mbuf;

    (void)state;
    frame_build(&frame, world_mac(PORT_WEST), "127.0.0.1", "224.0.0.5", 40); /* nothing that we would forward */
    frame.bytes[V4_TTL] = 1;
    mbuf = world_packet(world, &frame, NULL);
    pipe_from_twin(&world->pipe, PORT_UP, &mbuf, 1);
    pipe_flush(&world->pipe, WORLD_LANES);
    world_collect(world);
    assert_int_equal(world->counters.created, 1);
    assert_int_equal(world->counters.received, 0);
    assert_int_equal(world->outlets[PORT_UP].count, 1);
    world_read(world->outlets[PORT_UP].mbufs[0], &got);
    assert_int_equal(got.length, frame.length);
    assert_memory_equal(got.bytes, frame.bytes, frame.length);
}

#define burst_test(name) cmocka_unit_test_setup_teardown(name, reset, check_accounts)

int main(void)
{
    const struct CMUnitTest tests[] = {
        burst_test(flows_spread_over_the_best_instances),
        burst_test(a_flow_stays_where_it_is),
        burst_test(a_prefix_hashed_on_addresses_keeps_a_client_together),
        burst_test(fragments_of_a_flow_are_hashed_alike),
        burst_test(the_seed_changes_the_spread),
        burst_test(the_next_burst_leaves_a_dead_instance),
        burst_test(a_death_moves_only_the_flows_of_the_dead),
        burst_test(all_suspect_means_that_the_probes_are_wrong),
        burst_test(the_operators_word_is_not_failed_open),
        burst_test(a_packet_for_an_unresolved_neighbour_wishes_for_it_once),
        burst_test(a_spray_over_unresolved_neighbours_costs_resolved_flows_nothing),
        burst_test(a_new_rewrite_takes_effect_at_the_next_packet),
        burst_test(packets_of_a_flow_leave_in_the_order_of_arrival),
        burst_test(a_lane_flushes_itself_when_it_is_full),
        burst_test(a_device_that_wants_one_segment_gets_one),
        burst_test(what_the_egress_has_no_room_for_is_counted),
        burst_test(a_full_punt_lane_drops_as_punt_full),
        burst_test(what_the_kernel_sends_through_a_twin_leaves_unchanged),
    };
    return cmocka_run_group_tests(tests, set_up_group, NULL);
}
