/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "punt.h"
#include "tx.h"
#include "unit.h"
#include <string.h>

#define FRAME 96
#define HZ    UINT64_C(20000000)

struct frame_case {
    const char *name;
    uint16_t ether_type;
    uint8_t ip[41]; /* the bytes behind the Ethernet header, as far as they matter */
    uint16_t cut;   /* length of the frame, if not whole */
    enum punt_class class;
};

#define V4(protocol)                 \
    {                                \
        [0] = 0x45, [9] = (protocol) \
    }
#define V4_FRAGMENT(offset)                 \
    {                                       \
        [0] = 0x45, [7] = (offset), [9] = 6 \
    }
#define V6(next)                 \
    {                            \
        [0] = 0x60, [6] = (next) \
    }
#define ICMPV6(type, hop_limit)                                \
    {                                                          \
        [0] = 0x60, [6] = 58, [7] = (hop_limit), [40] = (type) \
    }

static const struct frame_case cases[] = {
    {"ARP", 0x0806, {0}, 0, PUNT_NEIGHBOURS},
    {"TCP", 0x0800, V4(6), 0, PUNT_SESSIONS},
    {"TCP, first fragment", 0x0800, V4_FRAGMENT(0), 0, PUNT_SESSIONS},
    {"TCP, later fragment", 0x0800, V4_FRAGMENT(1), 0, PUNT_REST},
    {"OSPF", 0x0800, V4(89), 0, PUNT_SESSIONS},
    {"UDP", 0x0800, V4(17), 0, PUNT_REST},
    {"ICMP", 0x0800, V4(1), 0, PUNT_REST},
    {"IPv4 header cut off", 0x0800, V4(6), 33, PUNT_REST},
    {"TCP over IPv6", 0x86dd, V6(6), 0, PUNT_SESSIONS},
    {"UDP over IPv6", 0x86dd, V6(17), 0, PUNT_REST},
    {"router solicitation", 0x86dd, ICMPV6(133, 255), 0, PUNT_NEIGHBOURS},
    {"neighbour solicitation", 0x86dd, ICMPV6(135, 255), 0, PUNT_NEIGHBOURS},
    {"redirect", 0x86dd, ICMPV6(137, 255), 0, PUNT_NEIGHBOURS},
    {"neighbour solicitation from afar", 0x86dd, ICMPV6(135, 254), 0, PUNT_REST},
    {"echo request over IPv6", 0x86dd, ICMPV6(128, 255), 0, PUNT_REST},
    {"ICMPv6 type cut off", 0x86dd, ICMPV6(135, 255), 54, PUNT_REST},
    {"IPv6 header cut off", 0x86dd, V6(6), 53, PUNT_REST},
    {"LLDP", 0x88cc, {0}, 0, PUNT_REST},
    {"no Ethernet header", 0x0806, {0}, 13, PUNT_REST},
};

/* A packet of which only what classification reads is there. */
static struct rte_mbuf mbuf_of(const struct frame_case *test, uint8_t frame[FRAME])
{
    uint16_t length = test->cut != 0 ? test->cut : FRAME;

    memset(frame, 0, FRAME);
    frame[12] = (uint8_t)(test->ether_type >> 8);
    frame[13] = (uint8_t)test->ether_type;
    memcpy(frame + 14, test->ip, sizeof(test->ip));
    return (struct rte_mbuf){.buf_addr = frame, .data_len = length, .pkt_len = length};
}

static void each_kind_of_packet_has_its_quota(void **state)
{
    uint8_t frame[FRAME] __attribute__((aligned(4)));

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rte_mbuf mbuf = mbuf_of(&cases[i], frame);

        if (punt_classify(&mbuf) != cases[i].class) {
            fail_msg("%s: %d", cases[i].name, punt_classify(&mbuf));
        }
    }
}

/* How many of n equal packets get through at that time. */
static unsigned int admit(struct punt_quota *quota, const struct frame_case *test, unsigned int n, uint64_t now)
{
    uint8_t frame[FRAME] __attribute__((aligned(4)));
    struct rte_mbuf mbuf = mbuf_of(test, frame);
    unsigned int admitted = 0;

    for (unsigned int i = 0; i < n; i++) {
        struct rte_mbuf *one = &mbuf;

        admitted += punt_admit(quota, &one, 1, now);
    }
    return admitted;
}

static void a_flood_gets_its_rate_and_starves_no_other_kind(void **state)
{
    static const struct frame_case *const arp = &cases[0], *const tcp = &cases[1], *const udp = &cases[5];
    struct punt_quota quota;
    unsigned int rest = 0;

    (void)state;
    punt_quota_set_up(&quota, HZ);
    for (uint64_t now = HZ; now < 3 * HZ; now += HZ / 1000) {
        rest += admit(&quota, udp, 100, now);
        assert_int_equal(admit(&quota, tcp, 15, now), 15);
        assert_int_equal(admit(&quota, arp, 1, now), 1);
    }
    assert_in_range(rest, 2 * 2000, 2 * 2000 + 2000 / 10 + 1);
}

static void a_pause_earns_no_more_than_a_burst(void **state)
{
    struct punt_quota quota;

    (void)state;
    punt_quota_set_up(&quota, HZ);
    assert_in_range(admit(&quota, &cases[5], 10000, 1), 200, 201);
    assert_in_range(admit(&quota, &cases[5], 10000, 100 * HZ), 200, 201);
}

static void what_may_go_keeps_its_order_and_what_may_not_is_behind_it(void **state)
{
    uint8_t frames[2][FRAME] __attribute__((aligned(4)));
    struct rte_mbuf tcp = mbuf_of(&cases[1], frames[0]);
    struct rte_mbuf udp = mbuf_of(&cases[5], frames[1]);
    struct rte_mbuf packets[4] = {udp, tcp, udp, tcp};
    struct rte_mbuf *mbufs[] = {&packets[0], &packets[1], &packets[2], &packets[3]};
    struct punt_quota quota;

    (void)state;
    punt_quota_set_up(&quota, HZ);
    admit(&quota, &cases[5], 10000, 1);
    assert_int_equal(punt_admit(&quota, mbufs, 4, 1), 2);
    assert_ptr_equal(mbufs[0], &packets[1]);
    assert_ptr_equal(mbufs[1], &packets[3]);
    assert_ptr_equal(mbufs[2], &packets[0]);
    assert_ptr_equal(mbufs[3], &packets[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_packet_has_its_quota),
        cmocka_unit_test(a_flood_gets_its_rate_and_starves_no_other_kind),
        cmocka_unit_test(a_pause_earns_no_more_than_a_burst),
        cmocka_unit_test(what_may_go_keeps_its_order_and_what_may_not_is_behind_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
