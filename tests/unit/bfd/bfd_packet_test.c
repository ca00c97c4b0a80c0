/* SPDX-License-Identifier: BSD-3-Clause */
/* Control packets (RFC 5880 4.1) and the checks of 6.8.6 that need no session. */
#include "bfd_packet.h"
#include "unit.h"
#include <errno.h>
#include <string.h>

/* Up, diagnostic 1, P and C, multiplier 3, discriminators 1 and 2, 10 and 20 ms. */
static const uint8_t good[BFD_PACKET_SIZE] = {0x21, 0xe8, 3,    24,   0, 0, 0,    1,    0, 0, 0, 2,
                                              0,    0,    0x27, 0x10, 0, 0, 0x4e, 0x20, 0, 0, 0, 0};

static void a_packet_is_read_and_written_alike(void **state)
{
    struct bfd_packet packet;
    uint8_t bytes[BFD_PACKET_SIZE];

    (void)state;
    assert_int_equal(bfd_packet_parse(good, sizeof(good), &packet), 0);
    assert_int_equal(packet.state, BFD_UP);
    assert_int_equal(packet.diag, BFD_DIAG_EXPIRED);
    assert_true(packet.poll && !packet.final && packet.control_plane_independent && !packet.demand);
    assert_int_equal(packet.multiplier, 3);
    assert_int_equal(packet.my_discriminator, 1);
    assert_int_equal(packet.your_discriminator, 2);
    assert_int_equal(packet.min_tx_us, 10000);
    assert_int_equal(packet.min_rx_us, 20000);
    bfd_packet_write(&packet, bytes);
    assert_memory_equal(bytes, good, sizeof(good));
}

static const struct {
    const char *name;
    size_t at;
    uint8_t byte;
    int result;
} changes[] = {
    {"version 0", 0, 0x01, -EINVAL},
    {"version 2", 0, 0x41, -EINVAL},
    {"an authentication section", 1, 0xec, -EINVAL},
    {"multipoint", 1, 0xe9, -EINVAL},
    {"multiplier 0", 2, 0, -EINVAL},
    {"a length that is too short", 3, 23, -EINVAL},
    {"a length beyond the packet", 3, 25, -EINVAL},
    {"my discriminator 0", 7, 0, -EINVAL},
    {"your discriminator 0 when up", 11, 0, -EINVAL},
    {"final", 1, 0xd8, 0},
    {"demand", 1, 0xc2, 0},
    {"an unknown diagnostic", 0, 0x3f, 0},
};

static void what_must_be_discarded_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        struct bfd_packet packet;
        uint8_t bytes[BFD_PACKET_SIZE];

        memcpy(bytes, good, sizeof(bytes));
        bytes[changes[i].at] = changes[i].byte;
        if (bfd_packet_parse(bytes, sizeof(bytes), &packet) != changes[i].result) {
            fail_msg("%s", changes[i].name);
        }
    }
}

static void only_who_is_not_up_may_not_know_us(void **state)
{
    static const int results[BFD_STATES] = {[BFD_ADMIN_DOWN] = 0, [BFD_DOWN] = 0, [BFD_INIT] = -EINVAL, -EINVAL};

    (void)state;
    for (int of = 0; of < BFD_STATES; of++) {
        struct bfd_packet packet;
        uint8_t bytes[BFD_PACKET_SIZE];

        memcpy(bytes, good, sizeof(bytes));
        bytes[1] = (uint8_t)(of << 6);
        bytes[11] = 0;
        assert_int_equal(bfd_packet_parse(bytes, sizeof(bytes), &packet), results[of]);
    }
}

static void a_packet_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(good); n++) {
        struct bfd_packet packet;
        uint8_t *exact = test_malloc(n + 1); /* its end is watched */

        memcpy(exact, good, n);
        assert_int_equal(bfd_packet_parse(exact, n, &packet), -EINVAL);
        test_free(exact);
    }
}

static void every_state_and_diagnostic_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(bfd_state_name(BFD_ADMIN_DOWN), "admin_down");
    assert_string_equal(bfd_state_name(BFD_UP), "up");
    for (uint8_t diag = 0; diag < 32; diag++) {
        assert_non_null(bfd_diag_name(diag));
    }
    assert_string_equal(bfd_diag_name(31), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_is_read_and_written_alike),    cmocka_unit_test(what_must_be_discarded_is),
        cmocka_unit_test(only_who_is_not_up_may_not_know_us),    cmocka_unit_test(a_packet_cut_anywhere_is_refused),
        cmocka_unit_test(every_state_and_diagnostic_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
