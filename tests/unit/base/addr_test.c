/* SPDX-License-Identifier: BSD-3-Clause */
#include "addr.h"
#include "hash.h"
#include "unit.h"
#include <errno.h>
#include <string.h>

static void prefix_parse_accepts_and_refuses(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *back; /* how it is written again */
    } cases[] = {
        {"192.0.2.0/24", 0, "192.0.2.0/24"},
        {"192.0.2.1", 0, "192.0.2.1/32"},
        {"0.0.0.0/0", 0, "0.0.0.0/0"},
        {"2001:db8:a::/48", 0, "2001:db8:a::/48"},
        {"::/0", 0, "::/0"},
        {"2001:DB8::1", 0, "2001:db8::1/128"},
        {"192.0.2.1/24", -EDOM, NULL},
        {"2001:db8::1/64", -EDOM, NULL},
        {"192.0.2.0/33", -EINVAL, NULL},
        {"2001:db8::/129", -EINVAL, NULL},
        {"192.0.2.0/", -EINVAL, NULL},
        {"192.0.2.0/-1", -EINVAL, NULL},
        {"192.0.2.0/024", -EINVAL, NULL},
        {"192.0.2.0/24 ", -EINVAL, NULL},
        {"192.0.2/24", -EINVAL, NULL},
        {"", -EINVAL, NULL},
        {"/24", -EINVAL, NULL},
        {"1111111111111111111111111111111111111111111111111111", -EINVAL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct prefix prefix;
        char text[PREFIX_STRLEN];

        assert_int_equal(prefix_parse(cases[i].text, &prefix), cases[i].result);
        if (cases[i].result == 0) {
            assert_string_equal(prefix_format(&prefix, text), cases[i].back);
        }
    }
}

static struct prefix prefix(const char *text)
{
    struct prefix out;

    assert_int_equal(prefix_parse(text, &out), 0);
    return out;
}

static void covering_follows_family_length_and_bits(void **state)
{
    static const struct {
        const char *outer;
        const char *inner;
        bool covers;
    } cases[] = {
        {"0.0.0.0/0", "192.0.2.0/24", true},           {"192.0.2.0/24", "192.0.2.128/25", true},
        {"192.0.2.0/24", "192.0.2.0/24", true},        {"192.0.2.0/25", "192.0.2.0/24", false},
        {"192.0.2.0/24", "192.0.3.0/24", false},       {"::/0", "192.0.2.0/24", false},
        {"2001:db8::/33", "2001:db8:7fff::/48", true}, {"2001:db8::/33", "2001:db8:8000::/48", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct prefix outer = prefix(cases[i].outer);
        struct prefix inner = prefix(cases[i].inner);

        assert_int_equal(prefix_covers(&outer, &inner), cases[i].covers);
    }
}

static void prefixes_sort_covering_first(void **state)
{
    struct prefix wide = prefix("192.0.2.0/24");
    struct prefix narrow = prefix("192.0.2.0/25");
    struct prefix other = prefix("192.0.3.0/24");

    (void)state;
    assert_true(prefix_compare(&wide, &narrow) < 0);
    assert_true(prefix_compare(&narrow, &other) < 0);
    assert_int_equal(prefix_compare(&wide, &wide), 0);
}

static void u32_round_trip_is_host_order(void **state)
{
    struct ip_addr addr = ip_addr_v4(0xc0000201);
    char text[IP_ADDR_STRLEN];

    (void)state;
    assert_string_equal(ip_addr_format(&addr, text), "192.0.2.1");
    assert_int_equal(ip_addr_to_u32(&addr), 0xc0000201);
}

/* Rows on two forwarders agree only if these never change. */
static void hash_values_are_pinned(void **state)
{
    (void)state;
    assert_true(hash_mix64(1) == 0x5692161d100b05e5ULL);
    assert_true(hash_bytes("lon1", 4, 0) == hash_bytes("lon1", 4, 0));
    assert_true(hash_bytes("lon1", 4, 0) != hash_bytes("lon2", 4, 0));
    assert_true(hash_bytes("lon1", 4, 0) != hash_bytes("lon1", 4, 1));
    for (size_t length = 0; length < 20; length++) {
        assert_true(hash_table("01234567890123456789", length, 7) != hash_table("01234567890123456789", length + 1, 7));
        assert_true(hash_table("01234567890123456789", length, 7) != hash_table("01234567890123456789", length, 8));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefix_parse_accepts_and_refuses), cmocka_unit_test(covering_follows_family_length_and_bits),
        cmocka_unit_test(prefixes_sort_covering_first),     cmocka_unit_test(u32_round_trip_is_host_order),
        cmocka_unit_test(hash_values_are_pinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
