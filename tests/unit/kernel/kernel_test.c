/* SPDX-License-Identifier: BSD-3-Clause */
/* The mirror against the real kernel, in a network namespace of the test's own. Skipped without root. */
#include "mirror.h"
#include "unit.h"
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

static void what_is_there_is_reported_and_found(void **state)
{
    struct mirror mirror;
    const struct kernel_link *link;
    const struct kernel_neighbour *neighbour;

    (void)state;
    mirror_open(&mirror);
    mirror_expect(&mirror, "new link v0 running mtu 1500\n");
    mirror_expect(&mirror, "new address 10.0.0.1 in 10.0.0.0/24\n");
    mirror_expect(&mirror, "new address fd00::1 in fd00::/64\n");
    mirror_expect(&mirror, "new neighbour 10.0.0.9 usable 09\n");
    link = kernel_link_by_name(mirror.kernel, "v0");
    assert_non_null(link);
    assert_int_equal(link->ifindex, mirror.v0);
    assert_memory_equal(link->mac, ((uint8_t[]){2, 0, 0, 0, 0, 1}), 6);
    assert_ptr_equal(kernel_link_get(mirror.kernel, mirror.v0), link);
    assert_null(kernel_link_get(mirror.kernel, 9999));
    assert_null(kernel_link_by_name(mirror.kernel, "v"));
    neighbour = kernel_neighbour_get(mirror.kernel, mirror.v0, &(struct ip_addr){.bytes = {10, 0, 0, 9}});
    assert_non_null(neighbour);
    assert_null(kernel_neighbour_get(mirror.kernel, mirror.v0 + 1, &neighbour->addr));
    mirror_close(&mirror);
}

static void changes_of_links_and_addresses_are_followed(void **state)
{
    struct mirror mirror;

    (void)state;
    mirror_open(&mirror);
    mirror_run("ip link set v0 mtu 1400");
    mirror_expect(&mirror, "changed link v0 running mtu 1400\n");
    mirror_run("ip link set v1 down");
    mirror_expect(&mirror, "changed link v0 up mtu 1400\n");
    mirror_run("ip link set v1 up");
    mirror_expect(&mirror, "changed link v0 running mtu 1400\n");
    mirror_run("ip link set v0 down");
    mirror_expect(&mirror, "changed link v0 mtu 1400\n");
    mirror_run("ip link set v0 name v9");
    mirror_expect(&mirror, "changed link v9 mtu 1400\n");
    assert_non_null(kernel_link_by_name(mirror.kernel, "v9"));
    assert_null(kernel_link_by_name(mirror.kernel, "v0"));
    mirror_run("ip address add 10.1.0.1/16 dev v9");
    mirror_expect(&mirror, "new address 10.1.0.1 in 10.1.0.0/16\n");
    mirror_run("ip address del 10.1.0.1/16 dev v9");
    mirror_expect(&mirror, "gone address 10.1.0.1 in 10.1.0.0/16\n");
    mirror_run("ip address add 10.2.0.1 peer 10.2.0.2/30 dev v9");
    mirror_expect(&mirror, "new address 10.2.0.1 in 10.2.0.0/30\n");
    mirror_close(&mirror);
}

static void a_link_that_goes_takes_its_addresses_and_neighbours_along(void **state)
{
    struct mirror mirror;
    const struct kernel_address *address = NULL;

    (void)state;
    mirror_open(&mirror);
    mirror_settle(&mirror);
    mirror.log.text[0] = '\0';
    mirror_run("ip link del v0");
    mirror_expect(&mirror, "gone link v0");
    mirror_settle(&mirror);
    assert_null(strstr(mirror.log.text, "address"));
    assert_null(strstr(mirror.log.text, "neighbour"));
    assert_null(kernel_link_get(mirror.kernel, mirror.v0));
    while ((address = kernel_address_next(mirror.kernel, address)) != NULL) {
        assert_int_not_equal(address->ifindex, mirror.v0);
    }
    mirror_close(&mirror);
}

static void nothing_is_said_of_what_did_not_change(void **state)
{
    struct mirror mirror;

    (void)state;
    mirror_open(&mirror);
    mirror_settle(&mirror);
    mirror.log.text[0] = '\0';
    mirror_run("ip link set v0 alias same && ip link set v0 txqueuelen 99 && ip address change 10.0.0.1/24 dev v0 &&"
               "ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 nud permanent dev v0");
    mirror_settle(&mirror);
    assert_string_equal(mirror.log.text, "");
    mirror_run("ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:0a nud reachable dev v0");
    mirror_expect(&mirror, "changed neighbour 10.0.0.9 usable 0a\n");
    mirror_run("ip neigh replace 10.0.0.9 nud failed dev v0");
    mirror_expect(&mirror, "changed neighbour 10.0.0.9 unusable 00\n");
    mirror_run("ip neigh del 10.0.0.9 dev v0");
    mirror_expect(&mirror, "gone neighbour 10.0.0.9 unusable 00\n");
    mirror_close(&mirror);
}

static void many_route_changes_are_one_event(void **state)
{
    struct mirror mirror;
    unsigned int before;

    (void)state;
    mirror_open(&mirror);
    mirror_settle(&mirror);
    before = mirror.log.routes;
    mirror_run("for i in $(seq 50); do echo route add 10.7.$i.0/24 via 10.0.0.9; done | ip -batch -");
    assert_int_equal(kernel_dispatch(mirror.kernel), 0);
    assert_int_equal(mirror.log.routes, before + 1);
    assert_int_equal(kernel_dispatch(mirror.kernel), 0);
    assert_int_equal(mirror.log.routes, before + 1);
    mirror_close(&mirror);
}

/* Drops on any rtnetlink socket of this namespace, from the last but one column of /proc/net/netlink. */
static unsigned int lost_messages(void)
{
    FILE *file = fopen("/proc/thread-self/net/netlink", "r");
    unsigned int sum = 0;
    unsigned int protocol;
    unsigned int drops;
    char line[256];

    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "%*s %u %*s %*s %*s %*s %*s %*s %u", &protocol, &drops) == 2 && protocol == 0) {
            sum += drops;
        }
    }
    fclose(file);
    return sum;
}

static unsigned int usable_neighbours(const struct kernel *kernel)
{
    const struct kernel_neighbour *neighbour = NULL;
    unsigned int n = 0;

    while ((neighbour = kernel_neighbour_next(kernel, neighbour)) != NULL) {
        n += neighbour->usable;
    }
    return n;
}

/* 10.20.0.0 and the n - 1 addresses after it, faster than mirror_ip(8) would. */
static void add_neighbours(uint32_t ifindex, uint32_t n)
{
    struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);

    assert_non_null(socket);
    for (uint32_t i = 0; i < n; i++) {
        alignas(struct nlmsghdr) char buffer[256];
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
        struct ip_addr addr = ip_addr_v4(0x0a140000 + i);
        struct ndmsg *header;

        message->nlmsg_type = RTM_NEWNEIGH;
        message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
        header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
        *header = (struct ndmsg){.ndm_family = AF_INET, .ndm_ifindex = (int)ifindex, .ndm_state = NUD_PERMANENT};
        mnl_attr_put(message, NDA_DST, 4, addr.bytes);
        mnl_attr_put(message, NDA_LLADDR, 6, "\2\0\0\0\0\7");
        assert_true(mnl_socket_sendto(socket, message, message->nlmsg_len) > 0);
    }
    mnl_socket_close(socket);
}

static void after_a_loss_the_mirror_is_read_anew(void **state)
{
    const uint32_t many = 30000; /* notifications are more than the buffer holds */
    struct mirror mirror;
    struct ip_addr kept = mirror_ip("10.20.1.1");
    struct ip_addr vanished = mirror_ip("10.0.0.9");
    struct ip_addr unconnected = mirror_ip("fd00::9");

    (void)state;
    mirror_open(&mirror);
    mirror_settle(&mirror);
    add_neighbours(mirror.v0, many);
    mirror_run("ip neigh del 10.0.0.9 dev v0 && ip address del fd00::1/64 dev v0 && ip link set v0 mtu 1400");
    assert_true(lost_messages() > 0);
    assert_non_null(kernel_neighbour_get(mirror.kernel, mirror.v0, &vanished));
    assert_non_null(kernel_connected(mirror.kernel, &unconnected, &mirror.v0, 1));
    mirror_settle(&mirror);
    assert_int_equal(kernel_link_get(mirror.kernel, mirror.v0)->mtu, 1400);
    assert_non_null(kernel_neighbour_get(mirror.kernel, mirror.v0, &kept));
    assert_null(kernel_neighbour_get(mirror.kernel, mirror.v0, &vanished));
    assert_null(kernel_connected(mirror.kernel, &unconnected, &mirror.v0, 1));
    assert_int_equal(usable_neighbours(mirror.kernel), many);
    mirror_close(&mirror);
}

static void connected_subnets_prefer_the_longest_and_the_first_link(void **state)
{
    struct mirror mirror;
    uint32_t v1;
    const struct {
        const char *addr;
        bool v1_first;
        const char *expected; /* the local address; NULL: none */
    } cases[] = {
        {"10.0.0.7", false, "10.0.0.1"}, {"10.0.0.130", false, "10.0.0.129"},
        {"10.9.0.1", false, NULL},       {"fd00::99", false, "fd00::1"},
        {"fd01::1", false, NULL},        {"10.5.0.9", false, "10.5.0.1"},
        {"10.5.0.9", true, "10.5.0.2"},
    };

    (void)state;
    mirror_open(&mirror);
    mirror_run(
        "ip address add 10.0.0.129/25 dev v1 && ip address add 10.5.0.1/24 dev v0 && ip address add 10.5.0.2/24 dev "
        "v1");
    mirror_expect(&mirror, "new address 10.5.0.2");
    v1 = if_nametoindex("v1");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t ifindexes[] = {cases[i].v1_first ? v1 : mirror.v0, cases[i].v1_first ? mirror.v0 : v1};
        struct ip_addr addr = mirror_ip(cases[i].addr);
        const struct kernel_address *found = kernel_connected(mirror.kernel, &addr, ifindexes, 2);
        char text[IP_ADDR_STRLEN];

        if (cases[i].expected == NULL) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_string_equal(ip_addr_format(&found->addr, text), cases[i].expected);
        }
    }
    assert_null(kernel_connected(mirror.kernel, &(struct ip_addr){.bytes = {10, 0, 0, 200}}, &mirror.v0, 0));
    mirror_close(&mirror);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_reported_and_found),
        cmocka_unit_test(changes_of_links_and_addresses_are_followed),
        cmocka_unit_test(a_link_that_goes_takes_its_addresses_and_neighbours_along),
        cmocka_unit_test(nothing_is_said_of_what_did_not_change),
        cmocka_unit_test(many_route_changes_are_one_event),
        cmocka_unit_test(connected_subnets_prefer_the_longest_and_the_first_link),
        cmocka_unit_test(after_a_loss_the_mirror_is_read_anew),
    };

    mirror_require();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
