/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel_parse.h"
#include "unit.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ATTRIBUTES 4

/* clang-format off */
/* An attribute, and the families' own headers, for the table below. */
#define LINK(...)      &(const struct ifinfomsg){__VA_ARGS__}, sizeof(struct ifinfomsg)
#define ADDRESS(...)   &(const struct ifaddrmsg){__VA_ARGS__}, sizeof(struct ifaddrmsg)
#define NEIGHBOUR(...) &(const struct ndmsg){__VA_ARGS__}, sizeof(struct ndmsg)
#define V4(state)      NEIGHBOUR(.ndm_family = AF_INET, .ndm_ifindex = 7, .ndm_state = state)
#define V0             {IFLA_IFNAME, 3, "v0"}
#define HOST           {NDA_DST, 4, "\12\0\0\2"}
#define MAC            "\2\0\0\0\0\1"
#define FE80_1         "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1"

/* One message as bytes, and what it says, written as text. */
static const struct {
    const char *name;
    uint16_t type;
    const void *header;
    size_t header_size;
    struct {
        uint16_t type;
        uint16_t size;
        const char *bytes;
    } attributes[ATTRIBUTES];
    int result;
    const char *text;
} cases[] = {
    {"a running link", RTM_NEWLINK, LINK(.ifi_index = 7, .ifi_flags = IFF_UP | IFF_RUNNING), {V0, {IFLA_MTU, 4,
     "\xdc\5\0\0"}, {IFLA_ADDRESS, 6, MAC}}, 0, "link 7 v0 mtu 1500 02:01 up running"},
    {"a link without carrier", RTM_NEWLINK, LINK(.ifi_index = 7, .ifi_flags = IFF_UP), {V0}, 0,
     "link 7 v0 mtu 0 00:00 up"},
    {"a link that is down but calls itself running", RTM_NEWLINK, LINK(.ifi_index = 7, .ifi_flags = IFF_RUNNING),
     {V0}, 0, "link 7 v0 mtu 0 00:00"},
    {"a tunnel's IP address is no MAC", RTM_NEWLINK, LINK(.ifi_index = 7), {V0, {IFLA_ADDRESS, 4, "\12\0\0\1"}}, 0,
     "link 7 v0 mtu 0 00:00"},
    {"a link that goes", RTM_DELLINK, LINK(.ifi_index = 7), {V0}, 0, "del link 7 v0 mtu 0 00:00"},
    {"a port that leaves its bridge", RTM_DELLINK, LINK(.ifi_family = AF_BRIDGE, .ifi_index = 7), {V0}, -ENOMSG, NULL},
    {"a wireless event without a name", RTM_NEWLINK, LINK(.ifi_index = 7), {{0}}, -ENOMSG, NULL},
    {"a name of 16 letters", RTM_NEWLINK, LINK(.ifi_index = 7), {{IFLA_IFNAME, 17, "abcdefghijklmnop"}}, -ENOMSG,
     NULL},
    {"a name without an end", RTM_NEWLINK, LINK(.ifi_index = 7), {{IFLA_IFNAME, 4, "abcd"}}, -ENOMSG, NULL},
    {"an MTU of two bytes", RTM_NEWLINK, LINK(.ifi_index = 7), {V0, {IFLA_MTU, 2, "\1\1"}}, -EBADMSG, NULL},
    {"an IPv4 address", RTM_NEWADDR, ADDRESS(.ifa_family = AF_INET, .ifa_index = 7, .ifa_prefixlen = 24),
     {{IFA_ADDRESS, 4, "\12\0\0\1"}, {IFA_LOCAL, 4, "\12\0\0\1"}, {IFA_BROADCAST, 4, "\12\0\0\376"}}, 0,
     "address 7 10.0.0.1 in 10.0.0.0/24 broadcast 10.0.0.254"},
    {"a broadcast address not told", RTM_NEWADDR, ADDRESS(.ifa_family = AF_INET, .ifa_index = 7, .ifa_prefixlen = 20),
     {{IFA_ADDRESS, 4, "\12\0\0\1"}, {IFA_LOCAL, 4, "\12\0\0\1"}}, 0,
     "address 7 10.0.0.1 in 10.0.0.0/20 broadcast 10.0.15.255"},
    {"a subnet without broadcast", RTM_NEWADDR, ADDRESS(.ifa_family = AF_INET, .ifa_index = 7, .ifa_prefixlen = 31),
     {{IFA_ADDRESS, 4, "\12\0\0\1"}, {IFA_LOCAL, 4, "\12\0\0\1"}}, 0,
     "address 7 10.0.0.1 in 10.0.0.0/31 broadcast 0.0.0.0"},
    {"a point-to-point link", RTM_NEWADDR, ADDRESS(.ifa_family = AF_INET, .ifa_index = 7, .ifa_prefixlen = 32),
     {{IFA_ADDRESS, 4, "\12\0\0\2"}, {IFA_LOCAL, 4, "\12\0\0\1"}}, 0,
     "address 7 10.0.0.1 in 10.0.0.2/32 broadcast 0.0.0.0"},
    {"an IPv6 address", RTM_DELADDR, ADDRESS(.ifa_family = AF_INET6, .ifa_index = 7, .ifa_prefixlen = 64),
     {{IFA_ADDRESS, 16, FE80_1}}, 0, "del address 7 fe80::1 in fe80::/64 broadcast 0.0.0.0"},
    {"an IPv4 address of 16 bytes", RTM_NEWADDR, ADDRESS(.ifa_family = AF_INET, .ifa_prefixlen = 24), {{IFA_ADDRESS,
     16, FE80_1}}, -EBADMSG, NULL},
    {"an IPv6 address of 4 bytes", RTM_NEWADDR, ADDRESS(.ifa_family = AF_INET6, .ifa_prefixlen = 64), {{IFA_ADDRESS,
     4, "\12\0\0\1"}}, -EBADMSG, NULL},
    {"a prefix of 33 bits", RTM_NEWADDR, ADDRESS(.ifa_family = AF_INET, .ifa_prefixlen = 33), {{IFA_ADDRESS, 4,
     "\12\0\0\1"}}, -EBADMSG, NULL},
    {"no address", RTM_NEWADDR, ADDRESS(.ifa_family = AF_INET), {{0}}, -EBADMSG, NULL},
    {"an address of another family", RTM_NEWADDR, ADDRESS(.ifa_family = AF_MPLS), {{IFA_ADDRESS, 4, "\12\0\0\1"}},
     -ENOMSG, NULL},
    {"reachable", RTM_NEWNEIGH, V4(NUD_REACHABLE), {HOST, {NDA_LLADDR, 6, MAC}}, 0,
     "neighbour 7 10.0.0.2 02:01 usable"},
    {"stale", RTM_NEWNEIGH, V4(NUD_STALE), {HOST, {NDA_LLADDR, 6, MAC}}, 0, "neighbour 7 10.0.0.2 02:01 usable"},
    {"delay", RTM_NEWNEIGH, V4(NUD_DELAY), {HOST, {NDA_LLADDR, 6, MAC}}, 0, "neighbour 7 10.0.0.2 02:01 usable"},
    {"probe", RTM_NEWNEIGH, V4(NUD_PROBE), {HOST, {NDA_LLADDR, 6, MAC}}, 0, "neighbour 7 10.0.0.2 02:01 usable"},
    {"permanent", RTM_NEWNEIGH, V4(NUD_PERMANENT), {HOST, {NDA_LLADDR, 6, MAC}}, 0,
     "neighbour 7 10.0.0.2 02:01 usable"},
    {"no ARP", RTM_NEWNEIGH, V4(NUD_NOARP), {HOST, {NDA_LLADDR, 6, MAC}}, 0, "neighbour 7 10.0.0.2 02:01 usable"},
    {"incomplete", RTM_NEWNEIGH, V4(NUD_INCOMPLETE), {HOST}, 0, "neighbour 7 10.0.0.2 00:00"},
    {"failed, with the MAC it had", RTM_NEWNEIGH, V4(NUD_FAILED), {HOST, {NDA_LLADDR, 6, MAC}}, 0,
     "neighbour 7 10.0.0.2 00:00"},
    {"no state", RTM_NEWNEIGH, V4(NUD_NONE), {HOST, {NDA_LLADDR, 6, MAC}}, 0, "neighbour 7 10.0.0.2 00:00"},
    {"the entry of a broadcast address", RTM_NEWNEIGH, V4(NUD_NOARP), {HOST, {NDA_LLADDR, 6,
     "\xff\xff\xff\xff\xff\xff"}}, 0, "neighbour 7 10.0.0.2 00:00"},
    {"the entry of loopback", RTM_NEWNEIGH, V4(NUD_NOARP), {HOST, {NDA_LLADDR, 6, "\0\0\0\0\0\0"}}, 0,
     "neighbour 7 10.0.0.2 00:00"},
    {"reachable without a MAC", RTM_NEWNEIGH, V4(NUD_REACHABLE), {HOST}, 0, "neighbour 7 10.0.0.2 00:00"},
    {"a neighbour that goes", RTM_DELNEIGH, V4(NUD_STALE), {HOST}, 0, "del neighbour 7 10.0.0.2 00:00"},
    {"a bridge's forwarding entry", RTM_NEWNEIGH, NEIGHBOUR(.ndm_family = AF_BRIDGE, .ndm_state = NUD_PERMANENT),
     {{NDA_LLADDR, 6, MAC}}, -ENOMSG, NULL},
    {"a proxy entry", RTM_NEWNEIGH, NEIGHBOUR(.ndm_family = AF_INET, .ndm_flags = NTF_PROXY), {HOST}, -ENOMSG, NULL},
    {"a neighbour without an address", RTM_NEWNEIGH, V4(NUD_STALE), {{NDA_LLADDR, 6, MAC}}, -EBADMSG, NULL},
    {"a neighbour's address of 3 bytes", RTM_NEWNEIGH, V4(NUD_STALE), {{NDA_DST, 3, "\12\0\0"}}, -EBADMSG, NULL},
    {"another type", RTM_NEWRULE, V4(NUD_STALE), {HOST}, -ENOMSG, NULL},
};
/* clang-format on */

static void describe(const struct kernel_event *event, char *out, size_t size)
{
    const union kernel_record *record = &event->record;
    const char *del = event->deleted ? "del " : "";
    char addr[IP_ADDR_STRLEN];
    char subnet[PREFIX_STRLEN];
    char broadcast[IP_ADDR_STRLEN];

    if (event->kind == KERNEL_LINK) {
        snprintf(out, size, "%slink %u %s mtu %u %02x:%02x%s%s", del, record->link.ifindex, record->link.name,
                 record->link.mtu, record->link.mac[0], record->link.mac[5], record->link.up ? " up" : "",
                 record->link.running ? " running" : "");
    } else if (event->kind == KERNEL_ADDRESS) {
        snprintf(out, size, "%saddress %u %s in %s broadcast %s", del, record->address.ifindex,
                 ip_addr_format(&record->address.addr, addr), prefix_format(&record->address.subnet, subnet),
                 ip_addr_format(&record->address.broadcast, broadcast));
    } else {
        snprintf(out, size, "%sneighbour %u %s %02x:%02x%s", del, record->neighbour.ifindex,
                 ip_addr_format(&record->neighbour.addr, addr), record->neighbour.mac[0], record->neighbour.mac[5],
                 record->neighbour.usable ? " usable" : "");
    }
}

static struct nlmsghdr *build(size_t i, char *buffer)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = cases[i].type;
    memcpy(mnl_nlmsg_put_extra_header(message, cases[i].header_size), cases[i].header, cases[i].header_size);
    for (size_t j = 0; j < ATTRIBUTES && cases[i].attributes[j].size > 0; j++) {
        mnl_attr_put(message, cases[i].attributes[j].type, cases[i].attributes[j].size, cases[i].attributes[j].bytes);
    }
    return message;
}

static void messages_say_what_the_kernel_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        alignas(struct nlmsghdr) char buffer[512];
        struct kernel_event event;
        char text[256] = "";
        int result = kernel_event_parse(build(i, buffer), &event);

        if (result == 0) {
            describe(&event, text, sizeof(text));
        }
        if (result != cases[i].result || (result == 0 && strcmp(text, cases[i].text) != 0)) {
            fail_msg("%s: %d \"%s\"", cases[i].name, result, text);
        }
    }
}

/* Cut at every length, in memory of just that length and its padding: the sanitizer judges. */
static void a_cut_message_is_read_to_its_end_and_no_further(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        alignas(struct nlmsghdr) char buffer[512];
        uint32_t whole = build(i, buffer)->nlmsg_len;

        for (uint32_t length = sizeof(struct nlmsghdr); length < whole; length++) {
            struct nlmsghdr *cut = calloc(1, NLMSG_ALIGN(length));
            struct kernel_event event;
            int result;

            memcpy(cut, buffer, length);
            cut->nlmsg_len = length;
            result = kernel_event_parse(cut, &event);
            assert_true(result == 0 || result == -EBADMSG || result == -ENOMSG);
            if (length < NLMSG_LENGTH(cases[i].header_size)) {
                assert_int_not_equal(result, 0);
            }
            free(cut);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_say_what_the_kernel_means),
        cmocka_unit_test(a_cut_message_is_read_to_its_end_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
