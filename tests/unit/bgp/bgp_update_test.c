/* SPDX-License-Identifier: BSD-3-Clause */
#include "bgp_update.h"
#include "hex.h"
#include "unit.h"

#define AS4   "4"
#define BASIC "40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a5d000c" /* igp, 65001, 10.93.0.12 */
#define NET   "18 c00002"                                               /* 192.0.2.0/24 */
#define ROUTE "192.0.2.0/24 via 10.93.0.12 "
#define LOST  "fault 2 "
#define MP6   "80 0e 1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db8000a0000"

static struct bgp_room room;

/* session: 4 = four octets, p = path ids, x = external. Bytes: withdrawn | attributes | prefixes. */
static const struct {
    const char *name;
    const char *session;
    const char *bytes;
    const char *text;
} cases[] = {
    {"an announcement", AS4, "|" BASIC "|" NET, ROUTE "igp (65001)"},
    {"all attributes", AS4,
     "|" BASIC "80 04 04 0000000a  40 05 04 000000c8  c0 08 08 fde80002 fde80001  80 09 04 01010101"
     "80 0a 08 02020202 03030303  c0 20 0c 0000fde8 00000001 00000002  c0 10 08 0002fde800000001  c0 63 02 abcd"
     "40 06 00  c0 07 08 0000fde9 0a000001|" NET,
     ROUTE "igp (65001) pref 200 med 10 c 65000:2 65000:1 l 65000:1:2 orig 1010101 cl 2020202 3030303"},
    {"two prefixes, bits beyond their length", AS4,
     "|" BASIC "|" NET "0c ac1f"
     "00",
     "192.0.2.0/24 172.16.0.0/12 0.0.0.0/0 via 10.93.0.12 igp (65001)"},
    {"a withdrawal", AS4, "08 0a  20 0a000001||", "del 10.0.0.0/8 10.0.0.1/32 igp ()"},
    {"path ids", "4p", "00000007 08 0a|" BASIC "|00000001" NET "00000002" NET,
     "del 10.0.0.0/8#7 192.0.2.0/24#1 192.0.2.0/24#2 via 10.93.0.12 igp (65001)"},
    {"two octets", "", "|40 01 01 02  40 02 06 02 02 fde9 fdea  40 03 04 0a5d000c|" NET,
     ROUTE "incomplete (65001 65002)"},
    {"AS4_PATH reaches back to the last", "",
     "|40 01 01 00  40 02 08 02 03 fde9 5ba0 5ba0  40 03 04 0a5d000c  c0 11 0a 02 02 00010001 00010002|" NET,
     ROUTE "igp (65001 65537 65538)"},
    {"AS4_PATH that is longer than AS_PATH", "",
     "|40 01 01 00  40 02 04 02 01 5ba0  40 03 04 0a5d000c  c0 11 0a 02 02 00010001 00010002|" NET,
     ROUTE "igp (23456)"},
    {"an aggregator of two octets voids AS4_PATH", "",
     "|40 01 01 00  40 02 04 02 01 5ba0  40 03 04 0a5d000c  c0 07 06 fde9 0a000001  c0 11 06 02 01 00010001|" NET,
     ROUTE "igp (23456)"},
    {"an aggregator AS_TRANS does not", "",
     "|40 01 01 00  40 02 04 02 01 5ba0  40 03 04 0a5d000c  c0 07 06 5ba0 0a000001  c0 11 06 02 01 00010001|" NET,
     ROUTE "igp (65537)"},
    {"AS4_PATH among those of four octets is ignored", AS4, "|" BASIC "c0 11 06 02 01 00010001|" NET,
     ROUTE "igp (65001)"},
    {"a malformed AS4_PATH is left out", "",
     "|40 01 01 00  40 02 04 02 01 5ba0  40 03 04 0a5d000c  c0 11 05 02 01 000100|" NET,
     "fault 1 " ROUTE "igp (23456)"},
    {"sets and confederations", AS4,
     "|40 01 01 01  40 02 16 03 01 0000fe01 02 01 0000fde9 01 02 00000002 00000001  40 03 04 0a5d000c|" NET,
     ROUTE "egp (3:65025 65001 1:2,1)"},
    {"IPv6", AS4, "|40 01 01 00 40 02 00" MP6 "|", "2001:db8:a::/64 via 2001:db8::1 igp ()"},
    {"IPv6 with a link-local next hop behind", AS4,
     "|40 01 01 00 40 02 00 80 0e 2e 0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 40"
     "20010db8000a0000|",
     "2001:db8:a::/64 via 2001:db8::1 igp ()"},
    {"IPv6 with nothing but a link-local next hop", AS4,
     "|40 01 01 00 40 02 00 80 0e 2e 0002 01 20 00000000000000000000000000000000 fe800000000000000000000000000001 00 40"
     "20010db8000a0000|",
     "2001:db8:a::/64 via fe80::1 igp ()"},
    {"IPv4 with an IPv6 next hop", AS4,
     "|40 01 01 00 40 02 00 80 0e 19 0001 01 10 20010db8000000000000000000000001 00" NET "|",
     "192.0.2.0/24 via 2001:db8::1 igp ()"},
    {"another family", AS4, "|40 01 01 00 40 02 00 80 0e 05 0019 41 00 00|", "igp ()"},
    {"IPv6 withdrawn", AS4, "|80 0f 0c 0002 01 40 20010db8000a0000|", "del 2001:db8:a::/64 igp ()"},
    {"end of IPv4", AS4, "||", "end 0 igp ()"},
    {"end of IPv6", AS4, "|80 0f 03 0002 01|", "end 1 igp ()"},
    {"end of a family of no interest", AS4, "|80 0f 03 0019 41|", "igp ()"},

    /* RFC 7606 */
    {"ORIGIN of two octets", AS4, "|40 01 02 0000 40 02 00 40 03 04 0a5d000c|" NET, LOST ROUTE "igp ()"},
    {"ORIGIN with an unknown value", AS4, "|40 01 01 03 40 02 00 40 03 04 0a5d000c|" NET, LOST ROUTE "? ()"},
    {"no ORIGIN", AS4, "|40 02 00 40 03 04 0a5d000c|" NET, LOST ROUTE "igp ()"},
    {"no AS_PATH", AS4, "|40 01 01 00 40 03 04 0a5d000c|" NET, LOST ROUTE "igp ()"},
    {"no NEXT_HOP", AS4, "|40 01 01 00 40 02 00|" NET, LOST "192.0.2.0/24 via 0.0.0.0 igp ()"},
    {"withdrawals need no attributes", AS4, "08 0a|40 01 01 00|", "del 10.0.0.0/8 igp ()"},
    {"AS_PATH with an unknown kind of segment", AS4, "|40 01 01 00 40 02 06 05 01 00000001 40 03 04 0a5d000c|" NET,
     LOST ROUTE "igp ()"},
    {"AS_PATH with an empty segment", AS4, "|40 01 01 00 40 02 02 02 00 40 03 04 0a5d000c|" NET, LOST ROUTE "igp ()"},
    {"AS_PATH with an octet too many", AS4, "|40 01 01 00 40 02 07 02 01 00000001 02 40 03 04 0a5d000c|" NET,
     LOST ROUTE "igp (1)"},
    {"AS_PATH of two octets where four are agreed", AS4, "|40 01 01 00 40 02 04 02 01 fde9 40 03 04 0a5d000c|" NET,
     LOST ROUTE "igp ()"},
    {"NEXT_HOP of five octets", AS4, "|40 01 01 00 40 02 00 40 03 05 0a5d000c00|" NET,
     LOST "192.0.2.0/24 via 0.0.0.0 igp ()"},
    {"NEXT_HOP multicast", AS4, "|40 01 01 00 40 02 00 40 03 04 e0000001|" NET,
     LOST "192.0.2.0/24 via 224.0.0.1 igp ()"},
    {"MED of three octets", AS4, "|" BASIC "80 04 03 000001|" NET, LOST ROUTE "igp (65001)"},
    {"LOCAL_PREF of an external neighbour", "4x", "|" BASIC "40 05 04 000000c8|" NET, ROUTE "igp (65001)"},
    {"a broken LOCAL_PREF of an external neighbour", "4x", "|" BASIC "40 05 03 0000c8|" NET, ROUTE "igp (65001)"},
    {"a broken LOCAL_PREF of an internal one", AS4, "|" BASIC "40 05 03 0000c8|" NET, LOST ROUTE "igp (65001)"},
    {"no communities in the list", AS4, "|" BASIC "c0 08 00|" NET, LOST ROUTE "igp (65001)"},
    {"a community and a half", AS4, "|" BASIC "c0 08 06 fde80001 fde8|" NET, LOST ROUTE "igp (65001)"},
    {"a large community and a half", AS4, "|" BASIC "c0 20 0e 0000fde8 00000001 00000002 fde8|" NET,
     LOST ROUTE "igp (65001)"},
    {"extended communities of seven octets", AS4, "|" BASIC "c0 10 07 0002fde8000001|" NET, LOST ROUTE "igp (65001)"},
    {"ATOMIC_AGGREGATE with a value", AS4, "|" BASIC "40 06 01 00|" NET, "fault 1 " ROUTE "igp (65001)"},
    {"AGGREGATOR of six octets where eight are agreed", AS4, "|" BASIC "c0 07 06 fde9 0a000001|" NET,
     "fault 1 " ROUTE "igp (65001)"},
    {"wrong flags", AS4, "|" BASIC "00 04 04 0000000a|" NET, LOST ROUTE "igp (65001) med 10"},
    {"the first of two counts", AS4, "|" BASIC "80 04 04 00000001 80 04 04 00000002|" NET, ROUTE "igp (65001) med 1"},
    {"unknown and well-known", AS4, "|" BASIC "40 63 00|" NET, LOST ROUTE "igp (65001)"},
    {"an attribute that goes on beyond the end", AS4, "|" BASIC "80 04 05 0000000a|" NET, LOST ROUTE "igp (65001)"},
    {"an attribute without a length", AS4, "|" BASIC "80 04|" NET, LOST ROUTE "igp (65001)"},
    {"MP_REACH twice", AS4, "|40 01 01 00 40 02 00" MP6 MP6 "|", "fault 3 "},
    {"an IPv6 prefix of 129 bits", AS4,
     "|40 01 01 00 40 02 00 80 0e 1e 0002 01 10 20010db8000000000000000000000001 00 81 20010db8000a0000|", "fault 3 "},
    {"a next hop of five octets", AS4, "|40 01 01 00 40 02 00 80 0e 0b 0002 01 05 2001000000 00 00|", "fault 3 "},
    {"an IPv6 next hop of all zero", AS4,
     "|40 01 01 00 40 02 00 80 0e 1e 0002 01 10 00000000000000000000000000000000 00 40 20010db8000a0000|",
     LOST "2001:db8:a::/64 via :: igp ()"},
    {"a prefix of 33 bits", AS4, "|" BASIC "|21 c000020000", "fault 3 "},
    {"a prefix cut off", AS4, "|" BASIC "|18 c000", "fault 3 "},
    {"a withdrawn prefix cut off", AS4, "18 c000|" BASIC "|", "fault 3 "},
};

static size_t put_part(uint8_t *out, const char *from, const char *to, bool counted)
{
    size_t n = hex_read(from, to, out + (counted ? 2 : 0), 1024);

    if (counted) {
        out[0] = (uint8_t)(n >> 8);
        out[1] = (uint8_t)n;
    }
    return n + (counted ? 2 : 0);
}

static size_t build(const char *text, uint8_t *out)
{
    const char *attributes = strchr(text, '|');
    const char *prefixes = strchr(attributes + 1, '|');
    size_t n = put_part(out, text, attributes, true);

    n += put_part(out + n, attributes + 1, prefixes, true);
    return n + put_part(out + n, prefixes + 1, NULL, false);
}

static struct bgp_session session_of(const char *text)
{
    bool add_path = strchr(text, 'p') != NULL;

    return (struct bgp_session){strchr(text, '4') != NULL, {add_path, add_path}, strchr(text, 'x') != NULL, false};
}

struct text {
    char bytes[1024];
    size_t n;
};

static void say(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct text *text, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    text->n += (size_t)vsnprintf(text->bytes + text->n, sizeof(text->bytes) - text->n, format, list);
    va_end(list);
    assert_true(text->n < sizeof(text->bytes));
}

static void say_nlri(struct text *text, struct bgp_nlri nlri)
{
    struct prefix prefix;
    uint32_t path_id;
    char buffer[PREFIX_STRLEN];

    while (bgp_nlri_next(&nlri, &prefix, &path_id)) {
        say(text, "%s", prefix_format(&prefix, buffer));
        say(text, path_id != 0 ? "#%u " : " ", path_id);
    }
    assert_int_equal(span_left(&nlri.bytes), 0);
}

static void say_path(struct text *text, const struct as_path *path)
{
    const uint32_t *asn = path->asns;

    for (uint32_t i = 0; i < path->n_segments; i++) {
        if (path->segments[i].kind != AS_SEQUENCE) {
            say(text, "%s%u:", i > 0 ? " " : "", path->segments[i].kind);
        }
        for (uint32_t j = 0; j < path->segments[i].n; j++) {
            bool first = i == 0 ? j == 0 : false;
            const char *gap = path->segments[i].kind == AS_SEQUENCE ? " " : ",";

            say(text, "%s%u", first || (j == 0 && path->segments[i].kind != AS_SEQUENCE) ? "" : gap, *asn++);
        }
    }
}

static void say_attrs(struct text *text, const struct attrs *attrs)
{
    static const char *const origins[] = {"igp", "egp", "incomplete"};

    say(text, "%s (", attrs->origin < 3 ? origins[attrs->origin] : "?");
    say_path(text, &attrs->as_path);
    say(text, ")");
    if (attrs->has_local_pref) {
        say(text, " pref %u", attrs->local_pref);
    }
    if (attrs->has_med) {
        say(text, " med %u", attrs->med);
    }
    for (uint32_t i = 0; i < attrs->n_communities; i++) {
        say(text, "%s %u:%u", i == 0 ? " c" : "", attrs->communities[i] >> 16, attrs->communities[i] & 0xffff);
    }
    for (uint32_t i = 0; i < attrs->n_large_communities; i++) {
        const struct large_community *large = &attrs->large_communities[i];

        say(text, "%s %u:%u:%u", i == 0 ? " l" : "", large->global, large->local[0], large->local[1]);
    }
    if (attrs->has_originator_id) {
        say(text, " orig %x", attrs->originator_id);
    }
    for (uint32_t i = 0; i < attrs->n_cluster_list; i++) {
        say(text, "%s %x", i == 0 ? " cl" : "", attrs->cluster_list[i]);
    }
}

/* What would be done with the message. */
static void describe(const struct bgp_update *update, struct text *text)
{
    char buffer[IP_ADDR_STRLEN];

    *text = (struct text){0};
    if (update->attributes.fault != BGP_FAULT_NONE) {
        say(text, "fault %d ", (int)update->attributes.fault);
    }
    if (update->attributes.fault == BGP_FAULT_MESSAGE) {
        return;
    }
    if (update->end_of_rib) {
        say(text, "end %u ", update->end_of_family);
    }
    for (int i = 0; i < 2; i++) {
        if (span_left(&update->withdrawn[i].bytes) > 0) {
            say(text, "del ");
            say_nlri(text, update->withdrawn[i]);
        }
    }
    for (int i = 0; i < 2; i++) {
        if (update->reach[i].present) {
            say_nlri(text, update->reach[i].nlri);
            say(text, "via %s ", ip_addr_format(&update->reach[i].next_hop, buffer));
        }
    }
    say_attrs(text, &update->attributes.attrs);
}

static void updates_say_what_the_rfcs_mean(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bgp_session session = session_of(cases[i].session);
        uint8_t bytes[2048];
        size_t n = build(cases[i].bytes, bytes);
        struct bgp_update update;
        struct text text;

        bgp_update_parse(span_of(bytes, n), &session, &room, &update);
        describe(&update, &text);
        if (strcmp(text.bytes, cases[i].text) != 0) {
            fail_msg("%s: \"%s\" (%s)", cases[i].name, text.bytes,
                     update.attributes.fault_text != NULL ? update.attributes.fault_text : "");
        }
    }
}

/* In memory of just that length, so that the sanitizer sees a read beyond it. A fault that the whole message has
 * not must be found, or what is left is a message of its own: then without its last prefixes. */
static void a_cut_update_is_read_to_its_end_and_no_further(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bgp_session session = session_of(cases[i].session);
        uint8_t bytes[2048];
        size_t n = build(cases[i].bytes, bytes);

        for (size_t length = 0; length < n; length++) {
            uint8_t *cut = malloc(length + (length == 0));
            struct bgp_update update;
            struct text text;

            memcpy(cut, bytes, length);
            bgp_update_parse(span_of(cut, length), &session, &room, &update);
            describe(&update, &text);
            if (length < 4 + (size_t)(bytes[0] << 8 | bytes[1])) {
                assert_int_equal(update.attributes.fault, BGP_FAULT_MESSAGE);
            }
            free(cut);
        }
    }
}

static void a_message_of_the_largest_size_fits(void **state)
{
    enum { ASNS = 32000 };
    static uint8_t bytes[BGP_MESSAGE_MAX];
    struct bgp_session session = {0};
    struct bgp_attributes attributes;
    size_t n = 4;

    (void)state;
    memcpy(bytes, "\x50\x02", 2);
    for (unsigned int i = 0; i < ASNS / 250; i++) { /* sequences of 250 numbers of two octets */
        bytes[n++] = AS_SEQUENCE;
        bytes[n++] = 250;
        for (unsigned int j = 0; j < 250; j++) {
            bytes[n++] = (uint8_t)i;
            bytes[n++] = (uint8_t)j;
        }
    }
    bytes[2] = (uint8_t)((n - 4) >> 8);
    bytes[3] = (uint8_t)(n - 4);
    bgp_attributes_parse(span_of(bytes, n), &session, &room, &attributes);
    assert_int_equal(attributes.fault, BGP_FAULT_NONE);
    assert_int_equal(as_path_length(&attributes.attrs.as_path), ASNS);
    assert_int_equal(attributes.attrs.as_path.asns[ASNS - 1], (ASNS / 250 - 1) << 8 | 249);
}

static void messages_are_taken_one_by_one(void **state)
{
    uint8_t bytes[60] = {0};
    struct span span = span_of(bytes, 46);
    struct span body;
    uint8_t type;

    (void)state;
    bytes[17] = 23;
    bytes[18] = BGP_UPDATE;
    bytes[23 + 17] = 19;
    bytes[23 + 18] = BGP_KEEPALIVE;
    assert_true(bgp_message_take(&span, &type, &body));
    assert_int_equal(type, BGP_UPDATE);
    assert_int_equal(span_left(&body), 4);
    assert_true(bgp_message_take(&span, &type, &body));
    assert_int_equal(type, BGP_KEEPALIVE);
    assert_int_equal(span_left(&body), 0);
    assert_false(bgp_message_take(&span, &type, &body)); /* four bytes are left */
    bytes[17] = 18;                                      /* shorter than its header */
    span = span_of(bytes, 46);
    assert_false(bgp_message_take(&span, &type, &body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_say_what_the_rfcs_mean),
        cmocka_unit_test(a_cut_update_is_read_to_its_end_and_no_further),
        cmocka_unit_test(a_message_of_the_largest_size_fits),
        cmocka_unit_test(messages_are_taken_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
