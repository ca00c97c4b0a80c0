/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a sound packet goes: by its addresses, its frame, and the route. */
#include "attributes.h"
#include "cases.h"
#include "unit.h"
#include <string.h>

static void martians_are_dropped_but_the_kernel_judges_what_is_ours(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "from 0/8", .src = "0.1.2.3", .dst = V4_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from 0.0.0.0", .src = "0.0.0.0", .dst = V4_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from 127/8", .src = "127.255.0.1", .dst = V4_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from 224/4", .src = "224.0.0.1", .dst = V4_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from 239/8", .src = "239.255.255.255", .dst = V4_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from 255.255.255.255", .src = "255.255.255.255", .dst = V4_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from 240/4", .src = "240.0.0.1", .dst = V4_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from 223/8", .src = "223.255.255.255", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN)},
        {.name = "from 128/8", .src = "128.0.0.0", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN)},
        {.name = "from 1/8", .src = "1.0.0.0", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN)},
        {.name = "to 0/8", .dst = "0.1.2.3", .verdict = DROP_MARTIAN_DESTINATION},
        {.name = "to 127/8", .dst = "127.0.0.1", .verdict = DROP_MARTIAN_DESTINATION},
        {.name = "to 240/4, though routed", .dst = "240.1.2.3", .verdict = DROP_MARTIAN_DESTINATION},
        {.name = "to 255.255.255.254", .dst = "255.255.255.254", .verdict = DROP_MARTIAN_DESTINATION},
        {.name = "martian both ways", .src = "127.0.0.1", .dst = "127.0.0.1", .verdict = DROP_MARTIAN_DESTINATION},
        {.name = "from 127/8, ours", .src = "127.0.0.1", .dst = "203.0.113.1", .verdict = PUNTED},
        {.name = "from 0.0.0.0, ours", .src = "0.0.0.0", .dst = "203.0.113.1", .verdict = PUNTED},
        {.name = "from 224/4, ours", .src = "224.0.0.5", .dst = "203.0.113.1", .verdict = PUNTED},
        {.name = "from 127/8, without instance",
         .src = "127.0.0.1",
         .dst = "10.68.0.1",
         .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from 127/8, no route", .src = "127.0.0.1", .dst = "9.9.9.9", .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from ::", .src = "::", .dst = V6_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from ::1", .src = "::1", .dst = V6_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from ff02::1", .src = "ff02::1", .dst = V6_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from ff0e::1", .src = "ff0e::1", .dst = V6_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from fe80::/10", .src = "fe80::7", .dst = V6_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from the end of fe80::/10", .src = "febf:ffff::7", .dst = V6_PLAIN, .verdict = DROP_MARTIAN_SOURCE},
        {.name = "from beyond fe80::/10", .src = "fec0::7", .dst = V6_PLAIN, .verdict = SENT(TO_PLAIN)},
        {.name = "from ::2", .src = "::2", .dst = V6_PLAIN, .verdict = SENT(TO_PLAIN)},
        {.name = "from 0:0:0:1::", .src = "0:0:0:1::", .dst = V6_PLAIN, .verdict = SENT(TO_PLAIN)},
        {.name = "to ::", .dst = "::", .verdict = DROP_MARTIAN_DESTINATION},
        {.name = "to ::1", .dst = "::1", .verdict = DROP_MARTIAN_DESTINATION},
        {.name = "to fe80::2", .dst = "fe80::2", .verdict = DROP_MARTIAN_DESTINATION},
        {.name = "to fe80::1, ours", .dst = "fe80::1", .src = "fe80::7", .verdict = PUNTED},
        {.name = "from fe80::/10, ours", .src = "fe80::7", .dst = "2001:db8:f::1", .verdict = PUNTED},
        {.name = "from ::, ours", .src = "::", .dst = "2001:db8:f::1", .verdict = PUNTED},
        {.name = "from ::1, without instance", .src = "::1", .dst = "2001:db8:68::1", .verdict = DROP_MARTIAN_SOURCE},
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void class_e_is_forwarded_where_the_setting_says_so(void **state)
{
    static const struct {
        const char *src;
        const char *dst;
        int verdict;
    } cases[] = {
        {"240.0.0.1", V4_PLAIN, SENT(TO_PLAIN)},
        {"198.51.100.7", "240.1.2.3", SENT(TO_PLAIN)},
        {"255.255.255.255", V4_PLAIN, DROP_MARTIAN_SOURCE},
        {"198.51.100.7", "255.255.255.255", PUNTED},
    };
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        frame_build(&frame, world_mac(PORT_UP), cases[i].src, cases[i].dst, 40);
        world->pipe.drop_class_e = false;
        check_frame(&frame, NULL, cases[i].verdict);
    }
}

static void link_layer_addresses_say_whether_a_frame_is_ours_to_forward(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "another MAC", .dst = V4_PLAIN, .verdict = DROP_NOT_FOR_US, .patches = {{5, 1, {0x09}}}},
        {.name = "the MAC of another port", .dst = V6_PLAIN, .verdict = DROP_NOT_FOR_US, .patches = {{5, 1, {0x02}}}},
        {.name = "MAC differs in its first byte",
         .dst = V4_PLAIN,
         .verdict = DROP_NOT_FOR_US,
         .patches = {{0, 1, {6}}}},
        {.name = "unicast in broadcast",
         .dst = V4_PLAIN,
         .verdict = DROP_NOT_FOR_US,
         .patches = {{ETHER_DST, 6, {255, 255, 255, 255, 255, 255}}}},
        {.name = "unicast in multicast",
         .dst = V4_PLAIN,
         .verdict = DROP_NOT_FOR_US,
         .patches = {{ETHER_DST, 6, {1, 0, 0x5e, 0, 0, 1}}}},
        {.name = "unicast v6 in multicast",
         .dst = V6_PLAIN,
         .verdict = DROP_NOT_FOR_US,
         .patches = {{ETHER_DST, 6, {0x33, 0x33, 0, 0, 0, 1}}}},
        {.name = "our own address in broadcast",
         .dst = "203.0.113.1",
         .verdict = DROP_NOT_FOR_US,
         .patches = {{ETHER_DST, 6, {255, 255, 255, 255, 255, 255}}}},
        {.name = "source multicast", .dst = V4_PLAIN, .verdict = DROP_BAD_SOURCE_MAC, .patches = {{ETHER_SRC, 1, {3}}}},
        {.name = "source broadcast",
         .dst = V6_PLAIN,
         .verdict = DROP_BAD_SOURCE_MAC,
         .patches = {{ETHER_SRC, 6, {255, 255, 255, 255, 255, 255}}}},
        {.name = "source equal to destination",
         .dst = V4_PLAIN,
         .verdict = DROP_BAD_SOURCE_MAC,
         .patches = {{ETHER_SRC, 6, {2, 0, 0, 0, 0, 1}}}},
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void what_the_kernel_alone_can_answer_is_punted(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "ARP request",
         .dst = V4_PLAIN,
         .verdict = PUNTED,
         .patches = {{ETHER_DST, 6, {255, 255, 255, 255, 255, 255}}, {ETHER_TYPE, 2, {0x08, 0x06}}}},
        {.name = "ARP reply", .dst = V4_PLAIN, .verdict = PUNTED, .patches = {{ETHER_TYPE, 2, {0x08, 0x06}}}},
        {.name = "LLDP",
         .dst = V4_PLAIN,
         .verdict = PUNTED,
         .patches = {{ETHER_DST, 6, {1, 0x80, 0xc2, 0, 0, 0x0e}}, {ETHER_TYPE, 2, {0x88, 0xcc}}}},
        {.name = "multicast",
         .dst = "224.0.0.5",
         .verdict = PUNTED,
         .patches = {{ETHER_DST, 6, {1, 0, 0x5e, 0, 0, 5}}, {V4_TTL, 1, {1}}}},
        {.name = "multicast to our MAC", .dst = "224.0.0.5", .verdict = PUNTED},
        {.name = "multicast of any scope to our MAC", .dst = "239.1.2.3", .verdict = PUNTED},
        {.name = "DHCP",
         .src = "0.0.0.0",
         .dst = "255.255.255.255",
         .verdict = PUNTED,
         .patches = {{ETHER_DST, 6, {255, 255, 255, 255, 255, 255}}}},
        {.name = "neighbour solicitation",
         .src = "fe80::7",
         .dst = "ff02::1:ff00:1",
         .verdict = PUNTED,
         .patches = {{ETHER_DST, 6, {0x33, 0x33, 0xff, 0, 0, 1}}, {V6_NEXT, 1, {58}}, {V6_HOPS, 1, {255}}}},
        {.name = "duplicate address detection",
         .src = "::",
         .dst = "ff02::1:ff00:1",
         .verdict = PUNTED,
         .patches = {{ETHER_DST, 6, {0x33, 0x33, 0xff, 0, 0, 1}}, {V6_NEXT, 1, {58}}, {V6_HOPS, 1, {255}}}},
        {.name = "multicast v6 to our MAC", .dst = "ff02::2", .verdict = PUNTED},
        {.name = "BGP", .dst = "203.0.113.1", .verdict = PUNTED, .patches = {{V4_PROTOCOL, 1, {6}}}},
        {.name = "echo request to ours", .dst = "203.0.113.1", .verdict = PUNTED, .patches = {{V4_PROTOCOL, 1, {1}}}},
        {.name = "echo request to ours, v6",
         .dst = "2001:db8:f::1",
         .verdict = PUNTED,
         .patches = {{V6_NEXT, 1, {58}}}},
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void tags_are_of_no_sub_interface(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "802.1Q", .dst = V4_PLAIN, .verdict = DROP_UNKNOWN_VLAN, .patches = {{ETHER_TYPE, 2, {0x81, 0x00}}}},
        {.name = "802.1ad", .dst = V4_PLAIN, .verdict = DROP_UNKNOWN_VLAN, .patches = {{ETHER_TYPE, 2, {0x88, 0xa8}}}},
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void routes_lead_where_they_say(void **state)
{
    static const struct packet_case cases[] = {
        {.name = "no route", .dst = "9.9.9.9", .verdict = DROP_NO_ROUTE},
        {.name = "no route, v6", .dst = "2001:db9::1", .verdict = DROP_NO_ROUTE},
        {.name = "blackhole", .dst = "10.66.1.2", .verdict = DROP_BLACKHOLE},
        {.name = "blackhole, v6", .dst = "2001:db8:66::1", .verdict = DROP_BLACKHOLE},
        {.name = "reject", .dst = "10.67.1.2", .verdict = DROP_REJECT},
        {.name = "reject, v6", .dst = "2001:db8:67::1", .verdict = DROP_REJECT},
        {.name = "without any instance", .dst = "10.68.1.2", .verdict = DROP_NO_INSTANCE},
        {.name = "without any instance, v6", .dst = "2001:db8:68::1", .verdict = DROP_NO_INSTANCE},
        {.name = "neighbour not resolved", .dst = "203.0.113.9", .verdict = DROP_NO_NEIGHBOUR},
        {.name = "neighbour not resolved, v6", .dst = "2001:db8:f::9", .verdict = DROP_NO_NEIGHBOUR},
        {.name = "as large as the MTU", .dst = "10.69.0.1", .verdict = SENT(TO_NARROW), .payload = 1260},
        {.name = "larger than the MTU", .dst = "10.69.0.1", .verdict = DROP_TOO_BIG, .payload = 1261},
        {.name = "as large as the MTU, v6", .dst = "2001:db8:69::1", .verdict = SENT(TO_NARROW), .payload = 1240},
        {.name = "larger than the MTU, v6", .dst = "2001:db8:69::1", .verdict = DROP_TOO_BIG, .payload = 1241},
        {.name = "jumbo", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN), .payload = 8980},
        {.name = "more than jumbo", .dst = V4_PLAIN, .verdict = DROP_TOO_BIG, .payload = 8981},
        {.name = "into a VLAN", .dst = "10.70.0.1", .verdict = SENT(TO_TAGGED)},
        {.name = "into a VLAN, v6", .dst = "2001:db8:70::1", .verdict = SENT(TO_TAGGED)},
        {.name = "the tag is outside of the MTU", .dst = "10.70.0.1", .verdict = SENT(TO_TAGGED), .payload = 1480},
        {.name = "a fragment", .dst = V4_PLAIN, .verdict = SENT(TO_PLAIN), .patches = {{V4_FRAGMENT, 2, {0x20, 0x10}}}},
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void a_port_whose_kernel_only_xdp_reaches_drops_what_it_would_punt(void **state)
{
    static struct frame frame;
    struct rte_mbuf *mbuf;

    (void)state;
    frame_build(&frame, world_mac(PORT_WEST), "198.51.100.7", "203.0.113.1", 40);
    mbuf = world_packet(world, &frame, NULL);
    world_receive(world, PORT_WEST, &mbuf, 1);
    assert_int_equal(world->counters.drops[DROP_NO_TWIN], 1);
    assert_true(world_adds_up(world));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_test(martians_are_dropped_but_the_kernel_judges_what_is_ours),
        case_test(class_e_is_forwarded_where_the_setting_says_so),
        case_test(link_layer_addresses_say_whether_a_frame_is_ours_to_forward),
        case_test(what_the_kernel_alone_can_answer_is_punted),
        case_test(tags_are_of_no_sub_interface),
        case_test(routes_lead_where_they_say),
        case_test(a_port_whose_kernel_only_xdp_reaches_drops_what_it_would_punt),
    };
    return cmocka_run_group_tests(tests, case_set_up_group, NULL);
}
