/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions as the runner has them: adjacencies, events, whose packet it is. The clock is in microseconds. */
#include "bfd.h"
#include "unit.h"
#include <errno.h>
#include <string.h>

#define HZ 1000000

static struct world {
    struct rcu *rcu;
    struct adjacency_table *table;
    struct adjacency *adjacencies;
    struct bfd *bfd;
    uint64_t now;
    unsigned int sent;
    struct bfd_packet last;
    uint16_t source_port;
} world;

static void sent(void *owner, const struct bfd_spec *spec, uint16_t source_port, const uint8_t packet[BFD_PACKET_SIZE])
{
    assert_ptr_equal(owner, &world);
    assert_int_equal(spec->via, 7);
    world.sent++;
    world.source_port = source_port;
    assert_int_equal(bfd_packet_parse(packet, BFD_PACKET_SIZE, &world.last), 0);
}

static int open_world(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    world.now = 10 * HZ;
    world.rcu = rcu_create(1);
    world.table = adjacency_table_create(world.rcu);
    world.adjacencies = adjacency_array(world.table);
    world.bfd = bfd_create(world.rcu, world.adjacencies, 2, HZ);
    bfd_set_sender(world.bfd, sent, &world);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    rcu_synchronize(world.rcu);
    bfd_destroy(world.bfd);
    adjacency_table_destroy(world.table);
    rcu_destroy(world.rcu);
    return 0;
}

static struct bfd_spec spec_to(const char *peer)
{
    struct bfd_spec spec = {.timers = {10000, 10000, 3}, .port = 2, .via = 7, .targets = {3, 4}, .target_count = 2};

    assert_int_equal(ip_addr_parse(peer, &spec.path.peer), 0);
    assert_int_equal(ip_addr_parse(spec.path.peer.family == FAMILY_V4 ? "10.0.0.1" : "fd00::1", &spec.path.local), 0);
    return spec;
}

static struct bfd_arrival arrival(int id, const struct bfd_spec *of, enum bfd_state state)
{
    return (struct bfd_arrival){.path = of->path,
                                .port = of->port,
                                .ttl = 255,
                                .packet = {.state = state,
                                           .multiplier = 3,
                                           .my_discriminator = 99,
                                           .your_discriminator = bfd_discriminator(world.bfd, (uint32_t)id),
                                           .min_tx_us = 10000,
                                           .min_rx_us = 10000}};
}

static void receive(unsigned int worker, const struct bfd_arrival *packet)
{
    const struct bfd_member *member = bfd_match(world.bfd, packet);

    assert_non_null(member);
    bfd_arrive(world.bfd, worker, member, &packet->packet, world.now);
}

/* As a worker's loop, every 50 us. */
static void pass(uint64_t us)
{
    for (uint64_t end = world.now + us; world.now < end; world.now += 50) {
        if (bfd_is_due(world.bfd, world.now) && bfd_run(world.bfd, world.now)) {
            bfd_judge(world.bfd, world.now, false);
        }
    }
}

static void expect_bytes(enum adjacency_health health)
{
    assert_int_equal(world.adjacencies[3].state.bytes[ADJACENCY_BFD], health);
    assert_int_equal(world.adjacencies[4].state.bytes[ADJACENCY_BFD], health);
}

static int bring_up(const struct bfd_spec *of)
{
    int id = bfd_add(world.bfd, of);
    struct bfd_arrival packet;

    assert_true(id >= 0);
    packet = arrival(id, of, BFD_DOWN);
    packet.packet.your_discriminator = 0;
    pass(1000);
    receive(0, &packet);
    packet = arrival(id, of, BFD_INIT);
    receive(0, &packet);
    pass(100);
    return id;
}

static void expect_event(bool usable, uint8_t diag)
{
    struct bfd_event event;

    assert_true(bfd_event(world.bfd, &event));
    assert_int_equal(event.usable, usable);
    assert_int_equal(event.diag, diag);
}

static void a_silent_neighbour_is_suspect_after_the_detection_time_and_alive_when_it_is_back(void **state)
{
    struct bfd_spec of = spec_to("10.0.0.2");
    int id = bring_up(&of);
    struct bfd_arrival packet = arrival(id, &of, BFD_UP);
    struct bfd_status status;
    struct bfd_event event;
    uint64_t heard;

    (void)state;
    for (int i = 0; i < 100; i++) {
        pass(10000);
        receive(0, &packet);
    }
    heard = world.now;
    pass(29900);
    expect_bytes(ADJACENCY_ALIVE);
    pass(300);
    expect_bytes(ADJACENCY_SUSPECT);
    assert_true(bfd_event(world.bfd, &event));
    assert_false(event.usable);
    assert_int_equal(event.heard, heard);
    assert_in_range(event.flipped, heard + 30000, heard + 30200);
    assert_int_equal(event.diag, BFD_DIAG_EXPIRED);
    bfd_status(world.bfd, (uint32_t)id, &status);
    assert_int_equal(status.state, BFD_DOWN);
    assert_int_equal(status.failures, 1);
    assert_int_equal(world.last.state, BFD_DOWN); /* and the neighbour was told */

    packet.packet.state = BFD_DOWN;
    receive(0, &packet);
    expect_bytes(ADJACENCY_SUSPECT);
    packet.packet.state = BFD_INIT;
    receive(0, &packet);
    expect_bytes(ADJACENCY_ALIVE);
    expect_event(true, BFD_DIAG_NONE);
}

static void a_neighbour_that_says_goodbye_is_suspect_at_once(void **state)
{
    struct bfd_spec of = spec_to("fd00::2");
    struct bfd_arrival packet = arrival(bring_up(&of), &of, BFD_ADMIN_DOWN);

    (void)state;
    receive(0, &packet);
    expect_bytes(ADJACENCY_SUSPECT);
    expect_event(false, BFD_DIAG_NEIGHBOUR);
}

static void a_session_that_never_came_up_counts_as_failed_after_the_grace(void **state)
{
    struct bfd_spec of = spec_to("10.0.0.2");

    (void)state;
    assert_true(bfd_add(world.bfd, &of) >= 0);
    pass(BFD_GRACE_MS * 1000 - 1000);
    expect_bytes(ADJACENCY_ALIVE);
    pass(15000);
    expect_bytes(ADJACENCY_SUSPECT);
    expect_event(false, BFD_DIAG_NONE);
    assert_in_range(world.sent, 3, 6);
    assert_in_range(world.source_port, 49152, 65535);
}

static void a_late_loop_judges_only_after_another_millisecond(void **state)
{
    struct bfd_spec of = spec_to("10.0.0.2");
    struct bfd_arrival packet = arrival(bring_up(&of), &of, BFD_UP);

    (void)state;
    receive(0, &packet);
    world.now += 60000; /* the worker was kept from its CPU */
    assert_true(bfd_run(world.bfd, world.now));
    bfd_judge(world.bfd, world.now, true);
    pass(500);
    expect_bytes(ADJACENCY_ALIVE);
    receive(0, &packet); /* it was on its way */
    pass(10000);
    expect_bytes(ADJACENCY_ALIVE);
    world.now += 60000;
    assert_true(bfd_run(world.bfd, world.now));
    bfd_judge(world.bfd, world.now, true);
    pass(1200);
    expect_bytes(ADJACENCY_SUSPECT); /* nothing was */
}

static void a_packet_is_a_sessions_only_if_all_fits(void **state)
{
    struct bfd_spec near = spec_to("10.0.0.2"), far = spec_to("10.0.0.3");
    struct bfd_arrival packet, other;
    int id, far_id;

    (void)state;
    far.path.multihop = true;
    id = bfd_add(world.bfd, &near);
    far_id = bfd_add(world.bfd, &far);
    packet = arrival(id, &near, BFD_DOWN);
    assert_non_null(bfd_match(world.bfd, &packet));
    other = packet, other.ttl = 254;
    assert_null(bfd_match(world.bfd, &other));
    other = packet, other.port = 1;
    assert_null(bfd_match(world.bfd, &other));
    other = packet, other.packet.your_discriminator++;
    assert_null(bfd_match(world.bfd, &other));
    other = packet, other.packet.your_discriminator = bfd_discriminator(world.bfd, (uint32_t)far_id);
    assert_null(bfd_match(world.bfd, &other));
    other = packet, other.path.multihop = true;
    assert_null(bfd_match(world.bfd, &other));
    other = packet, other.path.peer.bytes[3] = 9, other.packet.your_discriminator = 0;
    assert_null(bfd_match(world.bfd, &other));
    packet = arrival(far_id, &far, BFD_DOWN);
    packet.ttl = 60; /* several hops */
    packet.port = 0;
    assert_non_null(bfd_match(world.bfd, &packet));
    packet.packet.your_discriminator = 0;
    assert_non_null(bfd_match(world.bfd, &packet));
    assert_int_equal(bfd_add(world.bfd, &near), -EEXIST);
}

static void what_another_worker_received_reaches_the_runner(void **state)
{
    struct bfd_spec of = spec_to("10.0.0.2");
    struct bfd_arrival packet = arrival(bring_up(&of), &of, BFD_UP);

    (void)state;
    for (int i = 0; i < 100; i++) {
        pass(10000);
        receive(1, &packet);
    }
    pass(29000);
    expect_bytes(ADJACENCY_ALIVE);
    for (int i = 0; i < 1000; i++) {
        receive(1, &packet); /* more than fit are lost, no worse */
    }
    pass(29000);
    expect_bytes(ADJACENCY_ALIVE);
    pass(2000);
    expect_bytes(ADJACENCY_SUSPECT);
}

static void a_held_session_leaves_its_adjacencies_alive(void **state)
{
    struct bfd_spec of = spec_to("10.0.0.2");
    uint32_t id = (uint32_t)bring_up(&of);

    (void)state;
    bfd_hold(world.bfd, id, true);
    pass(50000);
    expect_event(false, BFD_DIAG_EXPIRED);
    expect_bytes(ADJACENCY_ALIVE);
    bfd_hold(world.bfd, id, false);
    pass(100);
    expect_bytes(ADJACENCY_SUSPECT);
    bfd_hold(world.bfd, id, true);
    pass(100);
    expect_bytes(ADJACENCY_ALIVE);
}

static void a_session_that_goes_leaves_nothing_behind(void **state)
{
    struct bfd_spec of = spec_to("10.0.0.2");
    int id = bring_up(&of);
    struct bfd_arrival packet = arrival(id, &of, BFD_UP);

    (void)state;
    pass(50000);
    expect_bytes(ADJACENCY_SUSPECT);
    bfd_del(world.bfd, (uint32_t)id); /* no runner is online: nobody to wait for */
    expect_bytes(ADJACENCY_ALIVE);
    assert_null(bfd_match(world.bfd, &packet));
    pass(50000);
    expect_bytes(ADJACENCY_ALIVE);
    assert_int_equal(bfd_add(world.bfd, &of), id);
}

static void a_stopping_runner_says_goodbye_to_all(void **state)
{
    struct bfd_spec one = spec_to("10.0.0.2"), two = spec_to("10.0.0.3");
    unsigned int before;

    (void)state;
    bring_up(&one);
    bring_up(&two);
    bfd_runner_online(world.bfd);
    before = world.sent;
    bfd_runner_stop(world.bfd);
    assert_int_equal(world.sent, before + 2);
    assert_int_equal(world.last.state, BFD_ADMIN_DOWN);
    assert_int_equal(world.last.diag, BFD_DIAG_ADMIN_DOWN);
}

static void there_is_room_for_so_many_sessions_and_no_more(void **state)
{
    struct bfd_spec of = spec_to("10.0.0.2");

    (void)state;
    for (int i = 0; i < BFD_SESSIONS_MAX; i++) {
        of.path.peer.bytes[2] = (uint8_t)(i >> 8);
        of.path.peer.bytes[3] = (uint8_t)i;
        assert_int_equal(bfd_add(world.bfd, &of), i);
    }
    of.path.peer.bytes[1] = 1;
    assert_int_equal(bfd_add(world.bfd, &of), -ENOSPC);
    bfd_del(world.bfd, 500);
    assert_int_equal(bfd_add(world.bfd, &of), 500);
}

#define in_world(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_world(a_silent_neighbour_is_suspect_after_the_detection_time_and_alive_when_it_is_back),
        in_world(a_neighbour_that_says_goodbye_is_suspect_at_once),
        in_world(a_session_that_never_came_up_counts_as_failed_after_the_grace),
        in_world(a_late_loop_judges_only_after_another_millisecond),
        in_world(a_packet_is_a_sessions_only_if_all_fits),
        in_world(what_another_worker_received_reaches_the_runner),
        in_world(a_held_session_leaves_its_adjacencies_alive),
        in_world(a_session_that_goes_leaves_nothing_behind),
        in_world(a_stopping_runner_says_goodbye_to_all),
        in_world(there_is_room_for_so_many_sessions_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
