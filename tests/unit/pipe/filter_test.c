/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "filter.h"
#include "headers.h"
#include "unit.h"
#include <string.h>

#define MACS 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2
#define V4   0x08, 0x00
#define V6   0x86, 0xdd
/* From 198.51.100.7 to 192.0.2.1, so many bytes in all, protocol. */
#define IP4(length, fragment, protocol) \
    0x45, 0, 0, length, 0, 1, (fragment) >> 8, (fragment)&0xff, 64, protocol, 0, 0, 198, 51, 100, 7, 192, 0, 2, 1
/* From 2001:db8::7 to 2001:db8:a::1. */
#define IP6(length, next)                                                                                             \
    0x60, 0, 0, 0, 0, length, next, 64, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0x20, 1, 0x0d, 0xb8, \
        0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define UDP(from, to) (from) >> 8, (from)&0xff, (to) >> 8, (to)&0xff, 0, 8, 0, 0

struct sample {
    const char *name;
    unsigned int length;
    uint8_t bytes[160];
};

#define SAMPLE(name, ...)                       \
    {                                           \
        name, sizeof((uint8_t[]){__VA_ARGS__}), \
        {                                       \
            __VA_ARGS__                         \
        }                                       \
    }

enum { UDP4, UDP6, TAGGED, LATER4, LATER6, ICMP4, ARP, IN_IPIP, IN_GRE, IN_GUE };

static const struct sample samples[] = {
    [UDP4] = SAMPLE("IPv4", MACS, V4, IP4(28, 0, 17), UDP(5000, 53)),
    [UDP6] = SAMPLE("IPv6", MACS, V6, IP6(8, 17), UDP(5000, 53)),
    [TAGGED] = SAMPLE("tagged", MACS, 0x81, 0, 0x20, 100, V4, IP4(28, 0, 17), UDP(5000, 53)),
    [LATER4] = SAMPLE("later fragment", MACS, V4, IP4(28, 100, 17), UDP(5000, 53)),
    [LATER6] = SAMPLE("later fragment, IPv6", MACS, V6, IP6(16, 44), 17, 0, 3, 32, 0, 0, 0, 1, UDP(5000, 53)),
    [ICMP4] = SAMPLE("ICMP", MACS, V4, IP4(28, 0, 1), 8, 0, 0, 0, 0, 1, 0, 1),
    [ARP] = SAMPLE("ARP", MACS, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1),
    [IN_IPIP] = SAMPLE("in IPIP", MACS, V4, 0x45, 0, 0, 68, 0, 1, 0, 0, 64, 41, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
                       IP6(8, 17), UDP(5000, 53)),
    [IN_GRE] = SAMPLE("in GRE", MACS, V6, 0x60, 0, 0, 0, 0, 32, 47, 64, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                      1, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 8, 0, IP4(28, 0, 17), UDP(5000, 53)),
    [IN_GUE] = SAMPLE("in GUE", MACS, V4, 0x45, 0, 0, 60, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
                      UDP(50000, 6080), 0, 4, 0, 0, IP4(28, 0, 17), UDP(5000, 53)),
};

static bool matches(const struct filter *filter, const uint8_t *bytes, unsigned int length)
{
    uint8_t copy[160];
    struct rte_mbuf mbuf = {.data_len = (uint16_t)length, .pkt_len = length, .nb_segs = 1};

    /* at the end of its memory, for AddressSanitizer */
    memcpy(copy + sizeof(copy) - length, bytes, length);
    mbuf.buf_addr = copy + sizeof(copy) - length;
    return filter_matches(filter, &mbuf);
}

static void a_filter_tells_packets_apart(void **state)
{
    static const struct {
        unsigned int fields;
        const char *prefix;
        uint8_t protocol;
        uint16_t port;
        unsigned int matched; /* bit i: samples[i] */
    } cases[] = {
        {0, NULL, 0, 0, (1 << ARRAY_SIZE(samples)) - 1},
        {FILTER_ADDRESS, "192.0.2.1/32", 0, 0,
         1 << UDP4 | 1 << TAGGED | 1 << LATER4 | 1 << ICMP4 | 1 << IN_GRE | 1 << IN_GUE},
        {FILTER_ADDRESS, "198.51.100.0/24", 0, 0,
         1 << UDP4 | 1 << TAGGED | 1 << LATER4 | 1 << ICMP4 | 1 << IN_GRE | 1 << IN_GUE},
        {FILTER_ADDRESS, "2001:db8:a::/48", 0, 0, 1 << UDP6 | 1 << LATER6 | 1 << IN_IPIP},
        {FILTER_SOURCE, "192.0.2.1/32", 0, 0, 0},
        {FILTER_DESTINATION, "192.0.2.1/32", 0, 0,
         1 << UDP4 | 1 << TAGGED | 1 << LATER4 | 1 << ICMP4 | 1 << IN_GRE | 1 << IN_GUE},
        {FILTER_DESTINATION, "10.0.0.2/32", 0, 0, 1 << IN_IPIP | 1 << IN_GUE},
        {FILTER_DESTINATION, "0.0.0.0/0", 0, 0,
         1 << UDP4 | 1 << TAGGED | 1 << LATER4 | 1 << ICMP4 | 1 << IN_IPIP | 1 << IN_GRE | 1 << IN_GUE},
        {FILTER_PROTOCOL, NULL, 1, 0, 1 << ICMP4},
        {FILTER_PROTOCOL, NULL, 17, 0,
         1 << UDP4 | 1 << UDP6 | 1 << TAGGED | 1 << LATER4 | 1 << LATER6 | 1 << IN_IPIP | 1 << IN_GRE | 1 << IN_GUE},
        {FILTER_PROTOCOL, NULL, 47, 0, 1 << IN_GRE},
        {FILTER_PORT, NULL, 0, 53, 1 << UDP4 | 1 << UDP6 | 1 << TAGGED | 1 << IN_IPIP | 1 << IN_GRE | 1 << IN_GUE},
        {FILTER_PORT, NULL, 0, 5000, 1 << UDP4 | 1 << UDP6 | 1 << TAGGED | 1 << IN_IPIP | 1 << IN_GRE | 1 << IN_GUE},
        {FILTER_PORT | FILTER_PROTOCOL, NULL, 6, 53, 0},
        {FILTER_PORT | FILTER_ADDRESS, "198.51.100.7/32", 0, 53, 1 << UDP4 | 1 << TAGGED | 1 << IN_GRE | 1 << IN_GUE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct filter filter = {.fields = cases[i].fields, .protocol = cases[i].protocol, .port = cases[i].port};
        struct prefix prefix;

        if (cases[i].prefix != NULL) {
            assert_int_equal(prefix_parse(cases[i].prefix, &prefix), 0);
            filter.address = filter.source = filter.destination = prefix;
        }
        for (size_t k = 0; k < ARRAY_SIZE(samples); k++) {
            if (matches(&filter, samples[k].bytes, samples[k].length) != (cases[i].matched >> k & 1)) {
                fail_msg("case %zu: %s", i, samples[k].name);
            }
        }
    }
}

static void a_truncated_frame_is_read_as_far_as_it_goes(void **state)
{
    const struct filter filter = {.fields = FILTER_PORT, .port = 53};

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(samples); k++) {
        for (unsigned int length = 0; length < samples[k].length; length++) {
            if (matches(&filter, samples[k].bytes, length)) {
                assert_true(samples[k].length - length <= 4); /* behind the ports */
            }
        }
    }
}

static void headers_say_what_is_there(void **state)
{
    struct headers headers;
    char text[IP_ADDR_STRLEN];

    (void)state;
    headers_read(samples[TAGGED].bytes, samples[TAGGED].length, &headers);
    assert_true(headers.has_vlan && headers.vlan == 100 && headers.ether_type == 0x0800);
    assert_true(headers.has_ip && headers.has_ports && !headers.fragment && !headers.has_icmp);
    assert_string_equal(ip_addr_format(&headers.source, text), "198.51.100.7");
    assert_int_equal(headers.source_port, 5000);
    assert_int_equal(headers.ttl, 64);
    assert_int_equal(headers.length, 28);
    headers_read(samples[ICMP4].bytes, samples[ICMP4].length, &headers);
    assert_true(headers.has_icmp && headers.icmp_type == 8 && headers.icmp_code == 0 && !headers.has_ports);
    headers_read(samples[LATER6].bytes, samples[LATER6].length, &headers);
    assert_true(headers.fragment && !headers.has_ports);
    assert_int_equal(headers.protocol, 17);
    headers_read(samples[IN_GUE].bytes, samples[IN_GUE].length, &headers);
    assert_int_equal(headers.inner, 14 + 20 + 12);
    headers_read(samples[ARP].bytes, samples[ARP].length, &headers);
    assert_true(!headers.has_ip && headers.ether_type == 0x0806);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_tells_packets_apart),
        cmocka_unit_test(a_truncated_frame_is_read_as_far_as_it_goes),
        cmocka_unit_test(headers_say_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
