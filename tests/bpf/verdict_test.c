/* SPDX-License-Identifier: BSD-3-Clause */
/* The XDP program, frame by frame, through BPF_PROG_TEST_RUN: a table of {frame, verdict on either kind of port}. */
#include "lab.h"
#include "steer_loader.h"
#include "unit.h"
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VID 100 /* of a sub-interface */

static const char *object_path;

static const uint8_t broadcast_mac[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t v4_multicast_mac[6] = {0x01, 0x00, 0x5e, 0, 0, 1};
static const uint8_t foreign_mac[6] = {0x02, 0, 0, 0, 0, 0x99};

static const struct {
    const char *name;
    struct lab_frame frame;
    enum steer_verdict anycast;
    enum steer_verdict transit;
} cases[] = {
    {"anycast, first address", {.dst = "192.0.2.0"}, STEER_REDIRECTED, STEER_REDIRECTED},
    {"anycast, last address", {.dst = "192.0.2.255"}, STEER_REDIRECTED, STEER_REDIRECTED},
    {"just below the anycast prefix", {.dst = "192.0.1.255"}, STEER_BY_PREFIX, STEER_REDIRECTED},
    {"just above the anycast prefix", {.dst = "192.0.3.0"}, STEER_BY_PREFIX, STEER_REDIRECTED},
    {"own address inside the anycast prefix", {.dst = "192.0.2.254"}, STEER_BY_PREFIX, STEER_BY_PREFIX},
    {"own address", {.dst = "10.0.1.1"}, STEER_BY_PREFIX, STEER_BY_PREFIX},
    {"directed broadcast", {.dst = "10.0.1.255"}, STEER_BY_PREFIX, STEER_BY_PREFIX},
    {"neighbour's address", {.dst = "10.0.1.2"}, STEER_BY_PREFIX, STEER_REDIRECTED},
    {"class E is unicast to us", {.dst = "240.0.0.1"}, STEER_BY_PREFIX, STEER_REDIRECTED},
    {"TCP", {.dst = "192.0.2.1", .protocol = IPPROTO_TCP}, STEER_REDIRECTED, STEER_REDIRECTED},
    {"ping", {.dst = "192.0.2.1", .protocol = IPPROTO_ICMP, .icmp_type = 8}, STEER_REDIRECTED, STEER_REDIRECTED},
    {"IPv4 multicast", {.dst = "224.0.0.5"}, STEER_GROUP, STEER_GROUP},
    {"last IPv4 multicast", {.dst = "239.255.255.255"}, STEER_GROUP, STEER_GROUP},
    {"limited broadcast", {.dst = "255.255.255.255"}, STEER_GROUP, STEER_GROUP},
    {"unicast in a broadcast MAC", {.dst = "192.0.2.1", .to = broadcast_mac}, STEER_GROUP, STEER_GROUP},
    {"unicast in a multicast MAC", {.dst = "192.0.2.1", .to = v4_multicast_mac}, STEER_GROUP, STEER_GROUP},
    {"foreign MAC", {.dst = "192.0.2.1", .to = foreign_mac}, STEER_NOT_FOR_US, STEER_NOT_FOR_US},
    {"the sender's MAC", {.dst = "192.0.2.1", .to = LAB_PEER_MAC}, STEER_NOT_FOR_US, STEER_NOT_FOR_US},
    {"ARP", {.dst = "192.0.2.1", .ethertype = ETH_P_ARP}, STEER_NOT_IP, STEER_NOT_IP},
    {"broadcast ARP", {.dst = "192.0.2.1", .ethertype = ETH_P_ARP, .to = broadcast_mac}, STEER_NOT_IP, STEER_NOT_IP},
    {"VLAN tag", {.dst = "192.0.2.1", .ethertype = ETH_P_8021Q}, STEER_NOT_IP, STEER_NOT_IP},
    {"service VLAN tag", {.dst = "192.0.2.1", .ethertype = ETH_P_8021AD}, STEER_NOT_IP, STEER_NOT_IP},
    {"a VLAN of ours", {.dst = "192.0.2.1", .tagged = true, .tci = VID}, STEER_REDIRECTED, STEER_REDIRECTED},
    {"a VLAN of ours with a priority",
     {.dst = "192.0.2.1", .tagged = true, .tci = 0xf000 | VID},
     STEER_REDIRECTED,
     STEER_REDIRECTED},
    {"ARP in a VLAN of ours",
     {.dst = "192.0.2.1", .ethertype = ETH_P_ARP, .to = broadcast_mac, .tagged = true, .tci = VID},
     STEER_REDIRECTED,
     STEER_REDIRECTED},
    {"own address in a VLAN of ours",
     {.dst = "10.0.1.1", .tagged = true, .tci = VID},
     STEER_REDIRECTED,
     STEER_REDIRECTED},
    {"neighbour discovery in a VLAN of ours",
     {.dst = "2001:db8:a::1", .protocol = IPPROTO_ICMPV6, .icmp_type = 135, .tagged = true, .tci = VID},
     STEER_REDIRECTED,
     STEER_REDIRECTED},
    {"the VLAN below ours", {.dst = "192.0.2.1", .tagged = true, .tci = VID - 1}, STEER_NOT_IP, STEER_NOT_IP},
    {"the VLAN above ours", {.dst = "192.0.2.1", .tagged = true, .tci = VID + 1}, STEER_NOT_IP, STEER_NOT_IP},
    {"priority tag", {.dst = "192.0.2.1", .tagged = true, .tci = 0xe000}, STEER_REDIRECTED, STEER_REDIRECTED},
    {"priority tag, IPv6", {.dst = "2001:db8:a::1", .tagged = true}, STEER_REDIRECTED, STEER_REDIRECTED},
    {"priority tag, not anycast", {.dst = "192.0.3.0", .tagged = true}, STEER_BY_PREFIX, STEER_REDIRECTED},
    {"priority tag, own address", {.dst = "10.0.1.1", .tagged = true}, STEER_BY_PREFIX, STEER_BY_PREFIX},
    {"priority tag, ARP", {.dst = "192.0.2.1", .ethertype = ETH_P_ARP, .tagged = true}, STEER_NOT_IP, STEER_NOT_IP},
    {"priority tag before a tag",
     {.dst = "192.0.2.1", .ethertype = ETH_P_8021Q, .tagged = true},
     STEER_NOT_IP,
     STEER_NOT_IP},
    {"802.3 length", {.dst = "192.0.2.1", .ethertype = 64}, STEER_NOT_IP, STEER_NOT_IP},
    {"IPv6 anycast, first", {.dst = "2001:db8:a::"}, STEER_REDIRECTED, STEER_REDIRECTED},
    {"IPv6 anycast, last", {.dst = "2001:db8:a:ffff:ffff:ffff:ffff:ffff"}, STEER_REDIRECTED, STEER_REDIRECTED},
    {"IPv6, just above", {.dst = "2001:db8:b::"}, STEER_BY_PREFIX, STEER_REDIRECTED},
    {"IPv6 own address", {.dst = "fd00:1::1"}, STEER_BY_PREFIX, STEER_BY_PREFIX},
    {"IPv6 own address inside anycast", {.dst = "2001:db8:a::fe"}, STEER_BY_PREFIX, STEER_BY_PREFIX},
    {"IPv6 multicast", {.dst = "ff02::1"}, STEER_GROUP, STEER_GROUP},
    {"IPv6 multicast of global scope", {.dst = "ff0e::1"}, STEER_GROUP, STEER_GROUP},
    {"link-local destination", {.dst = "fe80::1"}, STEER_LINK_LOCAL, STEER_LINK_LOCAL},
    {"last link-local destination", {.dst = "febf:ffff::1"}, STEER_LINK_LOCAL, STEER_LINK_LOCAL},
    {"just above link-local", {.dst = "fec0::1"}, STEER_BY_PREFIX, STEER_REDIRECTED},
    {"link-local source", {.src = "fe80::2", .dst = "2001:db8:a::1"}, STEER_LINK_LOCAL, STEER_LINK_LOCAL},
    {"echo request",
     {.dst = "2001:db8:a::1", .protocol = IPPROTO_ICMPV6, .icmp_type = 128},
     STEER_REDIRECTED,
     STEER_REDIRECTED},
    {"MLD, below ND",
     {.dst = "2001:db8:a::1", .protocol = IPPROTO_ICMPV6, .icmp_type = 132},
     STEER_REDIRECTED,
     STEER_REDIRECTED},
    {"router solicitation",
     {.dst = "2001:db8:a::1", .protocol = IPPROTO_ICMPV6, .icmp_type = 133},
     STEER_NEIGHBOUR_DISCOVERY,
     STEER_NEIGHBOUR_DISCOVERY},
    {"neighbour solicitation",
     {.dst = "2001:db8:a::1", .protocol = IPPROTO_ICMPV6, .icmp_type = 135},
     STEER_NEIGHBOUR_DISCOVERY,
     STEER_NEIGHBOUR_DISCOVERY},
    {"ICMPv6 redirect",
     {.dst = "2001:db8:a::1", .protocol = IPPROTO_ICMPV6, .icmp_type = 137},
     STEER_NEIGHBOUR_DISCOVERY,
     STEER_NEIGHBOUR_DISCOVERY},
    {"above ND",
     {.dst = "2001:db8:a::1", .protocol = IPPROTO_ICMPV6, .icmp_type = 138},
     STEER_REDIRECTED,
     STEER_REDIRECTED},
    {"UDP that starts like ND", {.dst = "2001:db8:a::1", .icmp_type = 135}, STEER_REDIRECTED, STEER_REDIRECTED},
};

/* An attached program with the tables of a port, and optionally a socket on queue 0. */
struct bench {
    struct steer *steer;
    int program_fd;
    int socket_fd;
};

static void set(struct steer *steer, const char *text, enum steer_action action)
{
    struct prefix prefix;

    assert_int_equal(prefix_parse(text, &prefix), 0);
    assert_int_equal(steer_set(steer, &prefix, action), 0);
}

static void add_socket(struct bench *bench)
{
    struct bpf_prog_info info = {0};
    __u32 ids[16];
    __u32 size = sizeof(info);
    bool added = false;

    bench->socket_fd = socket(AF_XDP, SOCK_RAW, 0);
    assert_true(bench->socket_fd >= 0);
    info.nr_map_ids = ARRAY_SIZE(ids);
    info.map_ids = (__u64)(uintptr_t)ids;
    assert_int_equal(bpf_obj_get_info_by_fd(bench->program_fd, &info, &size), 0);
    for (unsigned int i = 0; i < info.nr_map_ids; i++) {
        struct bpf_map_info map = {0};
        __u32 map_size = sizeof(map);
        int fd = bpf_map_get_fd_by_id(ids[i]);

        assert_int_equal(bpf_obj_get_info_by_fd(fd, &map, &map_size), 0);
        if (strcmp(map.name, STEER_MAP_SOCKETS) == 0) {
            assert_int_equal(map.max_entries, STEER_MAX_QUEUES);
            assert_int_equal(bpf_map_update_elem(fd, &(__u32){0}, &bench->socket_fd, BPF_ANY), 0);
            added = true;
        }
        close(fd);
    }
    assert_true(added);
}

static struct bench bench_open(enum steer_mode mode)
{
    static const char *const own[] = {"10.0.1.1/32", "10.0.1.255/32", "192.0.2.254/32", "fd00:1::1/128",
                                      "2001:db8:a::fe/128"};
    struct bench bench = {.socket_fd = -1};
    struct error error;

    if (steer_attach(object_path, lab_ifindex(LAB_PORT), LAB_PORT, mode, &bench.steer, &error) != 0) {
        fail_msg("%s", error.text);
    }
    bench.program_fd = bpf_prog_get_fd_by_id(lab_program(LAB_PORT));
    assert_true(bench.program_fd >= 0);
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        set(bench.steer, own[i], STEER_PASS);
    }
    assert_int_equal(steer_set_vlan(bench.steer, VID, STEER_REDIRECT), 0);
    if (mode == STEER_ANYCAST) {
        set(bench.steer, "192.0.2.0/24", STEER_REDIRECT);
        set(bench.steer, "2001:db8:a::/48", STEER_REDIRECT);
    }
    return bench;
}

static void bench_close(struct bench *bench)
{
    if (bench->socket_fd >= 0) {
        close(bench->socket_fd);
    }
    close(bench->program_fd);
    steer_detach(bench->steer);
}

/* The verdict by the one counter that moved, which must agree with what the program returned. */
static enum steer_verdict verdict(struct bench *bench, const uint8_t *frame, unsigned int length)
{
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = length, .repeat = 1);
    struct steer_counters before;
    struct steer_counters after;
    int moved = -1;

    assert_int_equal(steer_counters_get(bench->steer, &before), 0);
    assert_int_equal(bpf_prog_test_run_opts(bench->program_fd, &run), 0);
    assert_int_equal(steer_counters_get(bench->steer, &after), 0);
    for (int i = 0; i < STEER_VERDICTS; i++) {
        if (after.packets[i] != before.packets[i]) {
            assert_int_equal(after.packets[i], before.packets[i] + 1);
            assert_int_equal(moved, -1);
            moved = i;
        }
    }
    assert_int_not_equal(moved, -1);
    assert_int_equal(run.retval, moved == STEER_REDIRECTED || moved == STEER_BFD ? XDP_REDIRECT : XDP_PASS);
    return (enum steer_verdict)moved;
}

static void check_all(enum steer_mode mode)
{
    struct bench bench = bench_open(mode);

    add_socket(&bench);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum steer_verdict expected = mode == STEER_ANYCAST ? cases[i].anycast : cases[i].transit;
        uint8_t frame[LAB_FRAME_SIZE];
        enum steer_verdict actual;

        lab_frame_build(&cases[i].frame, frame);
        actual = verdict(&bench, frame, sizeof(frame));
        if (actual != expected) {
            fail_msg("%s: %s instead of %s", cases[i].name, steer_verdict_name(actual), steer_verdict_name(expected));
        }
    }
    bench_close(&bench);
}

static void an_anycast_port_redirects_anycast_prefixes_alone(void **state)
{
    (void)state;
    check_all(STEER_ANYCAST);
}

static void a_transit_port_redirects_all_unicast_but_its_own(void **state)
{
    (void)state;
    check_all(STEER_TRANSIT);
}

/* Every frame of the table cut at every length. 14 is the shortest that the test run takes. */
static void a_truncated_frame_is_the_kernels_until_its_destination_is_complete(void **state)
{
    struct bench bench = bench_open(STEER_TRANSIT);

    (void)state;
    add_socket(&bench);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct lab_frame *kind = &cases[i].frame;
        bool of_vlan = kind->tagged && (kind->tci & 0xfff) != 0;
        bool tag = kind->tagged || kind->ethertype == ETH_P_8021Q;
        unsigned int link = ETH_HLEN + (tag ? 4 : 0);
        unsigned int complete = link + (strchr(kind->dst, ':') != NULL ? 40 : 20);
        uint8_t frame[LAB_FRAME_SIZE];

        lab_frame_build(kind, frame);
        for (unsigned int length = ETH_HLEN; length <= sizeof(frame); length++) {
            enum steer_verdict whole = cases[i].transit;
            bool early = of_vlan || whole == STEER_NOT_IP || whole == STEER_NOT_FOR_US || kind->to == broadcast_mac ||
                         kind->to == v4_multicast_mac;
            enum steer_verdict expected = length >= (early ? link : complete) ? whole : STEER_SHORT;

            if (whole == STEER_NEIGHBOUR_DISCOVERY && length == complete) {
                expected = STEER_REDIRECTED; /* the type is cut off: the worker's to drop */
            }
            if (verdict(&bench, frame, length) != expected) {
                fail_msg("%s cut to %u bytes: not %s", cases[i].name, length, steer_verdict_name(expected));
            }
        }
    }
    bench_close(&bench);
}

static void without_a_socket_everything_is_the_kernels(void **state)
{
    struct bench bench = bench_open(STEER_TRANSIT);
    uint8_t frame[LAB_FRAME_SIZE];

    (void)state;
    lab_frame_build(&(struct lab_frame){.dst = "192.0.2.1"}, frame);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_NO_SOCKET);
    add_socket(&bench);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_REDIRECTED);
    close(bench.socket_fd);
    bench.socket_fd = -1;
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_NO_SOCKET);
    bench_close(&bench);
}

static void prefixes_come_and_go_and_defaults_come_back(void **state)
{
    struct bench bench = bench_open(STEER_TRANSIT);
    uint8_t frame[LAB_FRAME_SIZE];
    struct prefix host;
    struct prefix all;

    (void)state;
    assert_int_equal(prefix_parse("203.0.113.7/32", &host), 0);
    assert_int_equal(prefix_parse("0.0.0.0/0", &all), 0);
    lab_frame_build(&(struct lab_frame){.dst = "203.0.113.7"}, frame);
    add_socket(&bench);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_REDIRECTED);
    assert_int_equal(steer_set(bench.steer, &host, STEER_PASS), 0);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_BY_PREFIX);
    assert_int_equal(steer_set(bench.steer, &host, STEER_REDIRECT), 0);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_REDIRECTED);
    assert_int_equal(steer_set(bench.steer, &all, STEER_PASS), 0);
    assert_int_equal(steer_del(bench.steer, &host), 0);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_BY_PREFIX);
    assert_int_equal(steer_del(bench.steer, &host), 0);
    assert_int_equal(steer_del(bench.steer, &all), 0);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_REDIRECTED);
    bench_close(&bench);
}

static void a_vlan_comes_and_goes(void **state)
{
    struct bench bench = bench_open(STEER_ANYCAST);
    uint8_t frame[LAB_FRAME_SIZE];

    (void)state;
    lab_frame_build(&(struct lab_frame){.dst = "203.0.113.7", .tagged = true, .tci = 4094}, frame);
    add_socket(&bench);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_NOT_IP);
    assert_int_equal(steer_set_vlan(bench.steer, 4094, STEER_REDIRECT), 0);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_REDIRECTED);
    assert_int_equal(steer_set_vlan(bench.steer, 4094, STEER_PASS), 0);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_NOT_IP);
    assert_true(steer_set_vlan(bench.steer, 4096, STEER_REDIRECT) < 0);
    bench_close(&bench);
}

static const struct {
    const char *name;
    bool v6;
    struct {
        uint16_t at; /* from the IP header of IPv4; IPv6 lies 20 bytes further from UDP on */
        uint8_t byte;
    } change;
    enum steer_verdict verdict;
} bfd_cases[] = {
    {"a session's", false, {0, 0x45}, STEER_BFD},
    {"a session's, IPv6", true, {1, 0}, STEER_BFD},
    {"by a neighbour that does not know us yet", false, {20 + 8 + 11, 0}, STEER_BFD},
    {"by a neighbour that does not know us yet, IPv6", true, {20 + 8 + 11, 0}, STEER_BFD},
    {"with another discriminator", false, {20 + 8 + 11, 3}, STEER_BY_PREFIX},
    {"with another discriminator, IPv6", true, {20 + 8 + 11, 3}, STEER_BY_PREFIX},
    {"from farther than the link", false, {8, 254}, STEER_BY_PREFIX},
    {"from farther than the link, IPv6", true, {7, 254}, STEER_BY_PREFIX},
    {"from another neighbour", false, {15, 9}, STEER_BY_PREFIX},
    {"to another port", false, {23, 0xc9}, STEER_BY_PREFIX},
    {"to another port, IPv6", true, {23, 0xc9}, STEER_BY_PREFIX},
    {"in TCP", false, {9, 6}, STEER_BY_PREFIX},
    {"in TCP, IPv6", true, {6, 6}, STEER_BY_PREFIX},
    {"with options", false, {0, 0x46}, STEER_BY_PREFIX},
    {"in a fragment", false, {6, 0x20}, STEER_BY_PREFIX},
};

/* BFD of 10.0.1.2 or fd00:1::2, with discriminators 1 and 2, up. */
static void build_bfd(uint8_t frame[LAB_FRAME_SIZE], bool v6)
{
    uint8_t *ip = frame + ETH_HLEN;
    uint8_t *udp = ip + (v6 ? 40 : 20);

    lab_frame_build(&(struct lab_frame){.src = v6 ? "fd00:1::2" : "10.0.1.2", .dst = v6 ? "fd00:1::1" : "10.0.1.1"},
                    frame);
    ip[v6 ? 7 : 8] = 255;
    udp[2] = 3784 >> 8;
    udp[3] = 3784 & 255;
    udp[8] = 0x20;
    udp[9] = 0xc0;
    udp[10] = 3;
    udp[11] = 24;
    memset(udp + 12, 0, 8);
    udp[15] = 1;
    udp[19] = 2;
}

static void only_bfd_of_our_sessions_is_ours(void **state)
{
    struct bench bench = bench_open(STEER_TRANSIT);
    struct ip_addr addrs[4];
    static const char *const texts[] = {"10.0.1.1", "10.0.1.2", "fd00:1::1", "fd00:1::2"};
    uint8_t frame[LAB_FRAME_SIZE];

    (void)state;
    add_socket(&bench);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ip_addr_parse(texts[i], &addrs[i]), 0);
    }
    for (int i = 0; i < 4; i += 2) {
        assert_int_equal(steer_set_bfd(bench.steer, &addrs[i], &addrs[i + 1], false, 2), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bfd_cases); i++) {
        unsigned int shift = bfd_cases[i].v6 && bfd_cases[i].change.at >= 20 ? 20 : 0;

        build_bfd(frame, bfd_cases[i].v6);
        frame[ETH_HLEN + bfd_cases[i].change.at + shift] = bfd_cases[i].change.byte;
        if (verdict(&bench, frame, sizeof(frame)) != bfd_cases[i].verdict) {
            fail_msg("BFD %s is not %s", bfd_cases[i].name, steer_verdict_name(bfd_cases[i].verdict));
        }
    }
    assert_int_equal(steer_set_bfd(bench.steer, &addrs[0], &addrs[1], false, 0), 0);
    assert_int_equal(steer_set_bfd(bench.steer, &addrs[0], &addrs[1], false, 0), 0);
    build_bfd(frame, false);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_BY_PREFIX);
    assert_int_equal(steer_set_bfd(bench.steer, &addrs[0], &addrs[1], true, 2), 0);
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_BY_PREFIX);
    frame[ETH_HLEN + 22] = 4784 >> 8;
    frame[ETH_HLEN + 23] = 4784 & 255;
    frame[ETH_HLEN + 8] = 60; /* several hops */
    assert_int_equal(verdict(&bench, frame, sizeof(frame)), STEER_BFD);
    bench_close(&bench);
}

static void a_new_mac_is_ours_and_the_old_one_is_not(void **state)
{
    struct bench bench = bench_open(STEER_TRANSIT);
    uint8_t to_old[LAB_FRAME_SIZE];
    uint8_t to_new[LAB_FRAME_SIZE];

    (void)state;
    lab_frame_build(&(struct lab_frame){.dst = "192.0.2.1"}, to_old);
    lab_frame_build(&(struct lab_frame){.dst = "192.0.2.1", .to = foreign_mac}, to_new);
    add_socket(&bench);
    assert_int_equal(steer_set_mac(bench.steer, foreign_mac), 0);
    assert_int_equal(verdict(&bench, to_old, sizeof(to_old)), STEER_NOT_FOR_US);
    assert_int_equal(verdict(&bench, to_new, sizeof(to_new)), STEER_REDIRECTED);
    bench_close(&bench);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_anycast_port_redirects_anycast_prefixes_alone),
        cmocka_unit_test(a_transit_port_redirects_all_unicast_but_its_own),
        cmocka_unit_test(a_truncated_frame_is_the_kernels_until_its_destination_is_complete),
        cmocka_unit_test(without_a_socket_everything_is_the_kernels),
        cmocka_unit_test(prefixes_come_and_go_and_defaults_come_back),
        cmocka_unit_test(a_vlan_comes_and_goes),
        cmocka_unit_test(only_bfd_of_our_sessions_is_ours),
        cmocka_unit_test(a_new_mac_is_ours_and_the_old_one_is_not),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s steer.bpf.o\n", argv[0]);
        return 2;
    }
    object_path = argv[1];
    lab_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
