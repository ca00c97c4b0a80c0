/* SPDX-License-Identifier: BSD-3-Clause */
/* VLAN tags: what comes in with one, what leaves with one, and that nothing between knows of it. */
#include "attributes.h"
#include "cases.h"
#include "unit.h"
#include <string.h>

#define TPID   0x8100 /* 802.1Q */
#define S_TPID 0x88a8 /* 802.1ad */
#define TAG    4

static const char *const plain[FAMILIES] = {V4_PLAIN, V6_PLAIN};
static const char *const behind_vlan[FAMILIES] = {"10.72.0.1", "2001:db8:72::1"};
static const char *const own[FAMILIES] = {"203.0.113.1", "2001:db8:f::1"};
static const char *const sender[FAMILIES] = {"198.51.100.7", "2001:db8:99::7"};

/* Puts a tag in front of what is there. */
static void tag(struct frame *frame, uint16_t tpid, uint16_t tci)
{
    memmove(frame->bytes + ETHER_TYPE + TAG, frame->bytes + ETHER_TYPE, frame->length - ETHER_TYPE);
    frame->length += TAG;
    frame_set16(frame, ETHER_TYPE, tpid);
    frame_set16(frame, ETHER_TYPE + 2, tci);
}

static void receive(unsigned int port, const struct frame *frame, const unsigned int *cuts)
{
    struct rte_mbuf *mbuf = world_packet(world, frame, cuts);

    world_receive(world, port, &mbuf, 1);
}

/* All is accounted for; begins anew. */
static void finish(void)
{
    assert_true(world_adds_up(world));
    assert_int_equal(world_lost_mbufs(world), 0);
    world_reset(world);
}

/* The one frame that came out of a lane. */
static void check_out(unsigned int lane, const struct frame *expected)
{
    static struct frame got;

    assert_int_equal(world->outlets[lane].count, 1);
    world_read(world->outlets[lane].mbufs[0], &got);
    assert_int_equal(got.length, expected->length);
    assert_memory_equal(got.bytes, expected->bytes, expected->length);
    assert_int_equal(world->outlets[lane].mbufs[0]->pkt_len, expected->length);
    assert_int_equal(rte_mbuf_check(world->outlets[lane].mbufs[0], 1, &(const char *){NULL}), 0);
}

static void a_tag_that_comes_in_says_which_port_the_packet_belongs_to(void **state)
{
    static const struct {
        const char *name;
        uint16_t tci;
        bool of_vlan; /* else of the port itself */
    } cases[] = {
        {"ours", WORLD_VID, true},
        {"ours, priority 7", 0xe000 | WORLD_VID, true},
        {"ours, eligible", 0x1064, true},
        {"no VLAN, priority 0", 0, false},
        {"no VLAN, priority 5", 0xa000, false},
        {"no VLAN, eligible", 0x1000, false},
    };
    /* the tag lies in the first segment */
    static const unsigned int cuts[][3] = {{0}, {78}, {78, 80}};
    static struct frame in;
    static struct frame out;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases) * FAMILIES * ARRAY_SIZE(cuts); i++) {
        size_t test = i % ARRAY_SIZE(cases);
        enum family family = (enum family)(i / ARRAY_SIZE(cases) % FAMILIES);
        struct rewrite rewrite = world_rewrite(TO_PLAIN, family);

        frame_build(&in, world_mac(PORT_UP), sender[family], plain[family], 40);
        frame_forward(&in, &rewrite, &out);
        tag(&in, TPID, cases[test].tci);
        receive(PORT_UP, &in, cuts[i / ARRAY_SIZE(cases) / FAMILIES]);
        check_out(rewrite.port, &out);
        assert_int_equal(world->counters.received, 1);
        assert_int_equal(world->counters.rx[PORT_UP].packets, 1);
        assert_int_equal(world->counters.rx[PORT_UP].bytes, in.length);
        assert_int_equal(world->counters.rx[PORT_VLAN].packets, cases[test].of_vlan);
        assert_int_equal(world->counters.rx[PORT_VLAN].bytes, cases[test].of_vlan ? in.length : 0);
        finish();
    }
}

static void other_tags_and_second_tags_are_dropped(void **state)
{
    static const struct {
        const char *name;
        uint16_t tpid;
        uint16_t tci;
        uint16_t inner_tpid; /* 0: one tag */
        uint16_t inner_tci;
    } cases[] = {
        {"the VLAN below", TPID, WORLD_VID - 1, 0, 0},
        {"the VLAN above", TPID, WORLD_VID + 1, 0, 0},
        {"the last VID", TPID, 0xfff, 0, 0},
        {"a service tag", S_TPID, WORLD_VID, 0, 0},
        {"a service priority tag", S_TPID, 0, 0, 0},
        {"in a service tag", S_TPID, 7, TPID, WORLD_VID},
        {"two tags", TPID, WORLD_VID, TPID, 7},
        {"the same tag twice", TPID, WORLD_VID, TPID, WORLD_VID},
        {"ours in a priority tag", TPID, 0, TPID, WORLD_VID},
        {"a priority tag in ours", TPID, WORLD_VID, TPID, 0},
        {"two priority tags", TPID, 0, TPID, 0},
        {"a service tag in ours", TPID, WORLD_VID, S_TPID, 7},
    };
    static struct frame frame;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases) * FAMILIES; i++) {
        size_t test = i % ARRAY_SIZE(cases);
        enum family family = (enum family)(i / ARRAY_SIZE(cases));

        frame_build(&frame, world_mac(PORT_UP), sender[family], plain[family], 40);
        if (cases[test].inner_tpid != 0) {
            tag(&frame, cases[test].inner_tpid, cases[test].inner_tci);
        }
        tag(&frame, cases[test].tpid, cases[test].tci);
        check_frame(&frame, NULL, DROP_UNKNOWN_VLAN);
    }
}

static void a_port_without_sub_interfaces_knows_priority_tags_alone(void **state)
{
    struct rewrite rewrite = world_rewrite(TO_PLAIN, FAMILY_V4);
    static struct frame frame;
    static struct frame out;

    (void)state;
    frame_build(&frame, world_mac(PORT_EAST), sender[FAMILY_V4], V4_PLAIN, 40);
    frame_forward(&frame, &rewrite, &out);
    tag(&frame, TPID, WORLD_VID);
    receive(PORT_EAST, &frame, NULL);
    assert_int_equal(world->counters.drops[DROP_UNKNOWN_VLAN], 1);
    finish();
    frame_set16(&frame, ETHER_TYPE + 2, 0x6000);
    receive(PORT_EAST, &frame, NULL);
    check_out(rewrite.port, &out);
    finish();
}

static void a_tag_or_a_tagged_packet_that_is_cut_off_is_dropped(void **state)
{
    static struct frame frame;

    (void)state;
    for (int i = 0; i < FAMILIES * 2; i++) {
        unsigned int header = i % FAMILIES == FAMILY_V4 ? 20 : 40;

        for (unsigned int length = IP; length < IP + TAG + header; length++) {
            frame_build(&frame, world_mac(PORT_UP), sender[i % FAMILIES], plain[i % FAMILIES], 40);
            tag(&frame, TPID, i < FAMILIES ? WORLD_VID : 0);
            frame.length = length;
            check_frame(&frame, NULL, DROP_TRUNCATED);
        }
    }
}

static void what_is_wrong_with_a_packet_is_wrong_in_a_vlan(void **state)
{
    static struct frame frame;
    uint8_t foreign[6] = {0x02, 0, 0, 0, 0, 0x99};

    (void)state;
    frame_build(&frame, foreign, sender[FAMILY_V4], V4_PLAIN, 40);
    tag(&frame, TPID, WORLD_VID);
    check_frame(&frame, NULL, DROP_NOT_FOR_US);
    frame_build(&frame, world_mac(PORT_UP), sender[FAMILY_V4], V4_PLAIN, 40);
    frame.bytes[V4_CHECKSUM] ^= 1;
    tag(&frame, TPID, WORLD_VID);
    check_frame(&frame, NULL, DROP_BAD_CHECKSUM);
    /* unicast in a broadcast frame */
    frame_build(&frame, (const uint8_t[6]){0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, sender[FAMILY_V4], V4_PLAIN, 40);
    tag(&frame, TPID, WORLD_VID);
    check_frame(&frame, NULL, DROP_NOT_FOR_US);
}

static void what_leaves_by_a_sub_interface_gets_its_tag(void **state)
{
    static const int tcis[] = {-1, 0xe000, WORLD_VID, 0xe000 | WORLD_VID}; /* on the way in; -1: none */
    static struct frame in;
    static struct frame out;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(tcis) * FAMILIES; i++) {
        enum family family = (enum family)(i / ARRAY_SIZE(tcis));
        int tci = tcis[i % ARRAY_SIZE(tcis)];
        struct rewrite rewrite = world_rewrite(TO_VLAN, family);

        frame_build(&in, world_mac(PORT_UP), sender[family], behind_vlan[family], 1400);
        frame_forward(&in, &rewrite, &out);
        tag(&out, TPID, WORLD_VID); /* and no priority */
        if (tci >= 0) {
            tag(&in, TPID, (uint16_t)tci);
        }
        receive(PORT_UP, &in, i % 2 == 0 ? NULL : (const unsigned int[]){100, 200, 0});
        check_out(PORT_VLAN, &out);
        finish();
    }
}

static void the_tag_is_no_part_of_the_mtu(void **state)
{
    static struct frame frame;
    struct rewrite rewrite = world_rewrite(TO_VLAN, FAMILY_V4);
    static struct frame out;

    (void)state;
    frame_build(&frame, world_mac(PORT_UP), sender[FAMILY_V4], "10.72.0.1", 1480);
    frame_forward(&frame, &rewrite, &out);
    tag(&frame, TPID, WORLD_VID);
    tag(&out, TPID, WORLD_VID);
    receive(PORT_UP, &frame, NULL);
    check_out(PORT_VLAN, &out);
    assert_int_equal(out.length, 1518);
    finish();
    frame_build(&frame, world_mac(PORT_UP), sender[FAMILY_V4], "10.72.0.1", 1481); /* with DF */
    tag(&frame, TPID, WORLD_VID);
    check_frame(&frame, NULL, DROP_TOO_BIG);
}

static void without_headroom_for_the_tag_a_packet_is_dropped(void **state)
{
    static struct frame frame;
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(world->pipe.pool);

    (void)state;
    assert_non_null(mbuf);
    frame_build(&frame, world_mac(PORT_UP), sender[FAMILY_V4], "10.72.0.1", 40);
    mbuf->data_off = TAG - 1;
    memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame.length), frame.bytes, frame.length);
    world_receive(world, PORT_UP, &mbuf, 1);
    assert_int_equal(world->counters.drops[DROP_NO_HEADROOM], 1);
    assert_int_equal(world->outlets[PORT_VLAN].count, 0);
    finish();
}

static void the_kernels_part_of_a_vlan_comes_without_a_tag_out_of_its_own_twin(void **state)
{
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static struct frame cases[3];
    static struct frame frame;

    (void)state;
    frame_build(&cases[0], world_mac(PORT_UP), sender[FAMILY_V4], own[FAMILY_V4], 40);
    frame_build(&cases[1], world_mac(PORT_UP), sender[FAMILY_V6], own[FAMILY_V6], 40);
    frame_build(&cases[2], broadcast, sender[FAMILY_V4], V4_PLAIN, 40);
    frame_set16(&cases[2], ETHER_TYPE, 0x0806); /* ARP: its body is the kernel's to read */
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        frame = cases[i];
        tag(&frame, TPID, WORLD_VID);
        receive(PORT_UP, &frame, NULL);
        check_out(LANE_VLAN_TWIN, &cases[i]);
        finish();
        frame_set16(&frame, ETHER_TYPE + 2, 0xe000);
        receive(PORT_UP, &frame, NULL);
        check_out(LANE_UP_TWIN, &cases[i]);
        finish();
    }
}

static void what_the_kernel_sends_into_a_sub_interface_leaves_with_the_tag(void **state)
{
    static struct frame frame;
    struct rte_mbuf *mbuf;

    (void)state;
    frame_build(&frame, world_mac(PORT_WEST), own[FAMILY_V4], sender[FAMILY_V4], 40);
    mbuf = world_packet(world, &frame, NULL);
    pipe_from_twin(&world->pipe, PORT_VLAN, &mbuf, 1);
    pipe_flush(&world->pipe, WORLD_LANES);
    world_collect(world);
    tag(&frame, TPID, WORLD_VID);
    check_out(PORT_VLAN, &frame);
    finish();
}

static void an_icmp_error_about_a_vlans_packet_goes_back_into_the_vlan(void **state)
{
    static struct frame frame;
    static struct frame got;

    (void)state;
    for (int family = 0; family < FAMILIES; family++) {
        frame_build(&frame, world_mac(PORT_UP), sender[family], plain[family], 40);
        frame.bytes[family == FAMILY_V4 ? V4_TTL : V6_HOPS] = 1;
        frame_set_checksum(&frame);
        tag(&frame, TPID, WORLD_VID);
        world_speak(world, PORT_VLAN, 1); /* and PORT_UP has no address */
        receive(PORT_UP, &frame, NULL);
        assert_int_equal(world->counters.drops[DROP_TTL_EXPIRED], 1);
        assert_int_equal(world->counters.icmp_sent, 1);
        assert_int_equal(world->outlets[PORT_VLAN].count, 1);
        world_read(world->outlets[PORT_VLAN].mbufs[0], &got);
        assert_memory_equal(got.bytes + ETHER_DST, frame.bytes + ETHER_SRC, 6);
        assert_int_equal(frame_get16(&got, ETHER_TYPE), TPID);
        assert_int_equal(frame_get16(&got, ETHER_TYPE + 2), WORLD_VID);
        assert_int_equal(got.bytes[IP + TAG + (family == FAMILY_V4 ? 20 : 40)], family == FAMILY_V4 ? 11 : 3);
        finish();
    }
}

/* Full bursts in which untagged frames, VLANs and priority tags take turns, in turns of every length. */
static void a_burst_may_be_of_several_ports(void **state)
{
    static const int tcis[] = {-1, WORLD_VID, 0, WORLD_VID + 1};
    struct rte_mbuf *mbufs[BURST_MAX];
    static struct frame frame;

    (void)state;
    for (unsigned int turn = 1; turn <= BURST_MAX; turn++) {
        unsigned int count[ARRAY_SIZE(tcis)] = {0};

        for (unsigned int i = 0; i < BURST_MAX; i++) {
            unsigned int kind = i / turn % ARRAY_SIZE(tcis);

            frame_build(&frame, world_mac(PORT_UP), sender[i % FAMILIES], plain[i % FAMILIES], 40);
            if (tcis[kind] >= 0) {
                tag(&frame, TPID, (uint16_t)tcis[kind]);
            }
            mbufs[i] = world_packet(world, &frame, NULL);
            count[kind]++;
        }
        world_receive(world, PORT_UP, mbufs, BURST_MAX);
        assert_int_equal(world->counters.received, BURST_MAX);
        assert_int_equal(world->counters.rx[PORT_UP].packets, BURST_MAX);
        assert_int_equal(world->counters.rx[PORT_VLAN].packets, count[1]);
        assert_int_equal(world->counters.drops[DROP_UNKNOWN_VLAN], count[3]);
        assert_int_equal(world->outlets[PORT_WEST].count, BURST_MAX - count[3]);
        finish();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_test(a_tag_that_comes_in_says_which_port_the_packet_belongs_to),
        case_test(other_tags_and_second_tags_are_dropped),
        case_test(a_port_without_sub_interfaces_knows_priority_tags_alone),
        case_test(a_tag_or_a_tagged_packet_that_is_cut_off_is_dropped),
        case_test(what_is_wrong_with_a_packet_is_wrong_in_a_vlan),
        case_test(what_leaves_by_a_sub_interface_gets_its_tag),
        case_test(the_tag_is_no_part_of_the_mtu),
        case_test(without_headroom_for_the_tag_a_packet_is_dropped),
        case_test(the_kernels_part_of_a_vlan_comes_without_a_tag_out_of_its_own_twin),
        case_test(what_the_kernel_sends_into_a_sub_interface_leaves_with_the_tag),
        case_test(an_icmp_error_about_a_vlans_packet_goes_back_into_the_vlan),
        case_test(a_burst_may_be_of_several_ports),
    };
    return cmocka_run_group_tests(tests, case_set_up_group, NULL);
}
