/* SPDX-License-Identifier: BSD-3-Clause */
/* The state machine and the timers of RFC 5880 6.8, in microseconds. */
#include "bfd_session.h"
#include "unit.h"
#include <string.h>

#define HZ     1000000
#define OURS   77
#define THEIRS 99
#define START  5000000

static const struct bfd_timers timers = {.min_tx_us = 10000, .min_rx_us = 10000, .multiplier = 3};

static struct bfd_packet packet(enum bfd_state state)
{
    return (struct bfd_packet){.state = state,
                               .multiplier = 3,
                               .my_discriminator = THEIRS,
                               .your_discriminator = OURS,
                               .min_tx_us = 10000,
                               .min_rx_us = 10000};
}

static bool receive(struct bfd_session *session, enum bfd_state state, uint64_t now)
{
    struct bfd_packet in = packet(state);

    return bfd_session_receive(session, &in, now);
}

static struct bfd_session session_in(enum bfd_state state)
{
    struct bfd_session session;
    struct bfd_packet out;

    bfd_session_init(&session, &timers, OURS, HZ, 1, START);
    if (state == BFD_ADMIN_DOWN) {
        bfd_session_stop(&session, &out);
        return session;
    }
    if (state == BFD_INIT || state == BFD_UP) {
        receive(&session, BFD_DOWN, START);
    }
    if (state == BFD_UP) {
        receive(&session, BFD_INIT, START);
    }
    assert_int_equal(session.state, state);
    return session;
}

/* 6.2 and 6.8.6: our state, the neighbour's, ours afterwards and why. */
static const struct {
    enum bfd_state before, received, after;
    enum bfd_diag diag;
} transitions[] = {
    {BFD_DOWN, BFD_ADMIN_DOWN, BFD_DOWN, BFD_DIAG_NONE},
    {BFD_DOWN, BFD_DOWN, BFD_INIT, BFD_DIAG_NONE},
    {BFD_DOWN, BFD_INIT, BFD_UP, BFD_DIAG_NONE},
    {BFD_DOWN, BFD_UP, BFD_DOWN, BFD_DIAG_NONE},
    {BFD_INIT, BFD_ADMIN_DOWN, BFD_DOWN, BFD_DIAG_NEIGHBOUR},
    {BFD_INIT, BFD_DOWN, BFD_INIT, BFD_DIAG_NONE},
    {BFD_INIT, BFD_INIT, BFD_UP, BFD_DIAG_NONE},
    {BFD_INIT, BFD_UP, BFD_UP, BFD_DIAG_NONE},
    {BFD_UP, BFD_ADMIN_DOWN, BFD_DOWN, BFD_DIAG_NEIGHBOUR},
    {BFD_UP, BFD_DOWN, BFD_DOWN, BFD_DIAG_NEIGHBOUR},
    {BFD_UP, BFD_INIT, BFD_UP, BFD_DIAG_NONE},
    {BFD_UP, BFD_UP, BFD_UP, BFD_DIAG_NONE},
    {BFD_ADMIN_DOWN, BFD_DOWN, BFD_ADMIN_DOWN, BFD_DIAG_ADMIN_DOWN},
    {BFD_ADMIN_DOWN, BFD_INIT, BFD_ADMIN_DOWN, BFD_DIAG_ADMIN_DOWN},
    {BFD_ADMIN_DOWN, BFD_UP, BFD_ADMIN_DOWN, BFD_DIAG_ADMIN_DOWN},
};

static void each_packet_does_to_each_state_what_the_rfc_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(transitions); i++) {
        struct bfd_session session = session_in(transitions[i].before);
        bool changed = receive(&session, transitions[i].received, START + 1);

        if (session.state != transitions[i].after || session.diag != transitions[i].diag ||
            changed != (transitions[i].before != transitions[i].after)) {
            fail_msg("%s and %s make %s, %s", bfd_state_name(transitions[i].before),
                     bfd_state_name(transitions[i].received), bfd_state_name(session.state),
                     bfd_diag_name(session.diag));
        }
    }
}

static void the_detection_time_is_the_neighbours_multiplier_times_the_slower_interval(void **state)
{
    static const struct {
        uint8_t multiplier;
        uint32_t min_tx_us;
        uint64_t detection_us;
    } cases[] = {{3, 10000, 30000}, {3, 5000, 30000}, {5, 20000, 100000}, {1, 60000000, 60000000}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bfd_session session = session_in(BFD_UP);
        struct bfd_packet in = packet(BFD_UP);

        in.multiplier = cases[i].multiplier;
        in.min_tx_us = cases[i].min_tx_us;
        bfd_session_receive(&session, &in, START);
        assert_int_equal(bfd_session_detection_us(&session), cases[i].detection_us);
        assert_false(bfd_session_expire(&session, START + cases[i].detection_us - 1));
        assert_int_equal(session.state, BFD_UP);
        assert_true(bfd_session_expire(&session, START + cases[i].detection_us));
        assert_int_equal(session.state, BFD_DOWN);
        assert_int_equal(session.diag, BFD_DIAG_EXPIRED);
        assert_int_equal(session.remote_discriminator, 0);
        assert_false(bfd_session_expire(&session, START + 10 * cases[i].detection_us));
    }
}

static void a_session_that_is_down_does_not_go_down(void **state)
{
    struct bfd_session session = session_in(BFD_DOWN);

    (void)state;
    receive(&session, BFD_UP, START);
    assert_int_equal(session.remote_discriminator, THEIRS);
    assert_false(bfd_session_expire(&session, START + 30000));
    assert_int_equal(session.diag, BFD_DIAG_NONE);
    assert_int_equal(session.remote_discriminator, 0); /* 6.8.1 */
}

/* Sends all that is due in the time; returns how many, and the gaps between them. */
static unsigned int send_for(struct bfd_session *session, uint64_t us, uint64_t *shortest, uint64_t *longest)
{
    struct bfd_packet out;
    unsigned int n = 0;
    uint64_t last = 0;

    *shortest = UINT64_MAX;
    *longest = 0;
    for (uint64_t now = START; now < START + us; now += 10) {
        if (bfd_session_send(session, now, &out)) {
            if (n > 1) { /* the first comes at once */
                uint64_t gap = now - last;

                *shortest = gap < *shortest ? gap : *shortest;
                *longest = gap > *longest ? gap : *longest;
            }
            last = now;
            n++;
        }
    }
    return n;
}

static void packets_go_out_jittered_and_slowly_until_the_session_is_up(void **state)
{
    struct bfd_session session = session_in(BFD_DOWN);
    uint64_t shortest, longest;

    (void)state;
    assert_in_range(send_for(&session, 100 * HZ, &shortest, &longest), 100, 134);
    assert_in_range(shortest, 750000, 1000000);
    assert_in_range(longest, shortest + 50000, 1000010);

    session = session_in(BFD_UP);
    assert_in_range(send_for(&session, HZ, &shortest, &longest), 100, 134);
    assert_in_range(shortest, 7500, 8000);
    assert_in_range(longest, 9500, 10010);

    session = session_in(BFD_UP);
    session.timers.multiplier = 1;
    assert_in_range(send_for(&session, HZ, &shortest, &longest), 100, 134);
    assert_in_range(longest, 8500, 9010); /* a tenth early at least: one loss is all it takes (6.8.7) */
}

static void the_neighbour_may_ask_for_fewer_packets_or_none(void **state)
{
    struct bfd_session session = session_in(BFD_UP);
    struct bfd_packet in = packet(BFD_UP);
    uint64_t shortest, longest;

    (void)state;
    in.min_rx_us = 50000;
    bfd_session_receive(&session, &in, START);
    assert_in_range(send_for(&session, HZ, &shortest, &longest), 20, 28);
    assert_in_range(shortest, 37500, 50000);

    session = session_in(BFD_UP);
    in.min_rx_us = 0;
    bfd_session_receive(&session, &in, START);
    assert_int_equal(bfd_session_tx_us(&session), 0);

    session = session_in(BFD_UP);
    in = packet(BFD_UP);
    in.demand = true;
    in.final = true; /* ends our poll sequence */
    bfd_session_receive(&session, &in, START);
    assert_int_equal(bfd_session_tx_us(&session), 0);
}

static void a_poll_is_answered_at_once_and_ours_ends_with_a_final(void **state)
{
    struct bfd_session session = session_in(BFD_UP);
    struct bfd_packet in = packet(BFD_UP);
    struct bfd_packet out;

    (void)state;
    assert_true(bfd_session_send(&session, START, &out)); /* the interval is new with the session */
    assert_true(out.poll && !out.final);
    assert_false(bfd_session_send(&session, START + 1, &out));
    in.poll = true;
    bfd_session_receive(&session, &in, START + 2);
    assert_true(bfd_session_send(&session, START + 2, &out));
    assert_true(out.final && !out.poll);
    assert_true(bfd_session_send(&session, START + 20000, &out));
    assert_true(out.poll && !out.final);
    in.poll = false;
    in.final = true;
    bfd_session_receive(&session, &in, START + 20001);
    assert_true(bfd_session_send(&session, START + 40000, &out));
    assert_false(out.poll || out.final);
    assert_int_equal(out.my_discriminator, OURS);
    assert_int_equal(out.your_discriminator, THEIRS);
    assert_int_equal(out.min_tx_us, 10000);
}

static void a_change_is_told_at_once(void **state)
{
    struct bfd_session session = session_in(BFD_UP);
    struct bfd_packet out;

    (void)state;
    assert_true(bfd_session_send(&session, START, &out));
    receive(&session, BFD_DOWN, START + 1);
    assert_int_equal(bfd_session_due(&session), START + 1);
    assert_true(bfd_session_send(&session, START + 1, &out));
    assert_int_equal(out.state, BFD_DOWN);
    assert_int_equal(out.min_tx_us, BFD_SLOW_US);
}

static void a_planned_stop_says_admin_down_and_nothing_more(void **state)
{
    struct bfd_session session = session_in(BFD_UP);
    struct bfd_packet out;

    (void)state;
    bfd_session_stop(&session, &out);
    assert_int_equal(out.state, BFD_ADMIN_DOWN);
    assert_int_equal(out.diag, BFD_DIAG_ADMIN_DOWN);
    assert_int_equal(out.your_discriminator, THEIRS);
    assert_false(receive(&session, BFD_UP, START + 1));
    assert_false(bfd_session_send(&session, START + HZ, &out));
    assert_true(bfd_session_due(&session) == BFD_NEVER);
}

/* Two sessions, each the other's neighbour, over a link that is cut a second after they came up. */
static void two_sessions_come_up_and_notice_a_cut_in_time(void **state)
{
    struct bfd_session ends[2];
    uint64_t up = 0, cut = 0, noticed[2] = {0};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        bfd_session_init(&ends[i], &timers, i + 1, HZ, i, START);
    }
    for (uint64_t now = START; now < START + 10 * HZ && (noticed[0] == 0 || noticed[1] == 0); now += 50) {
        for (int i = 0; i < 2; i++) {
            struct bfd_packet out;

            if (bfd_session_send(&ends[i], now, &out) && cut == 0) {
                bfd_session_receive(&ends[1 - i], &out, now);
            }
            if (bfd_session_expire(&ends[i], now) && cut != 0) {
                noticed[i] = now;
            }
        }
        up = up == 0 && ends[0].state == BFD_UP && ends[1].state == BFD_UP ? now : up;
        if (up != 0 && cut == 0 && now >= up + HZ) {
            assert_int_equal(ends[0].state, BFD_UP);
            assert_int_equal(ends[1].state, BFD_UP);
            cut = now;
        }
    }
    assert_in_range(up, START, START + 2 * BFD_SLOW_US);
    for (int i = 0; i < 2; i++) {
        assert_in_range(noticed[i], cut + 20000, cut + 30050);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_packet_does_to_each_state_what_the_rfc_says),
        cmocka_unit_test(the_detection_time_is_the_neighbours_multiplier_times_the_slower_interval),
        cmocka_unit_test(a_session_that_is_down_does_not_go_down),
        cmocka_unit_test(packets_go_out_jittered_and_slowly_until_the_session_is_up),
        cmocka_unit_test(the_neighbour_may_ask_for_fewer_packets_or_none),
        cmocka_unit_test(a_poll_is_answered_at_once_and_ours_ends_with_a_final),
        cmocka_unit_test(a_change_is_told_at_once),
        cmocka_unit_test(a_planned_stop_says_admin_down_and_nothing_more),
        cmocka_unit_test(two_sessions_come_up_and_notice_a_cut_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
