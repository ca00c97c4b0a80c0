/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "dns_message.h"
#include "unit.h"
#include <errno.h>
#include <string.h>

#define QNAME       "\3www\7example\3org\0"
#define A_IN        "\0\1\0\1"
#define POINTED     "\xc0\x0c" /* a name: the one at offset 12 */
#define RECORD      POINTED A_IN "\0\0\0\x3c\0\4\xc0\0\2\x50"
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static const struct dns_question question = {"www.example.org", 1, 0x1234};

/* clang-format off */
static const struct reply {
    const char *name;
    const uint8_t *bytes;
    size_t length;
    enum dns_answer answer;
    const char *why;
} replies[] = {
    {"a record", BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" QNAME A_IN RECORD), DNS_GOOD, NULL},
    {"case does not matter", BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" "\3WWW\7Example\3orG\0" A_IN RECORD), DNS_GOOD, NULL},
    {"cut off", BYTES("\x12\x34\x83\x80\0\1\0\0\0\0\0\0" QNAME A_IN), DNS_GOOD, NULL},
    {"no record", BYTES("\x12\x34\x81\x80\0\1\0\0\0\0\0\0" QNAME A_IN), DNS_BAD, "the server has no such record"},
    {"no such name", BYTES("\x12\x34\x81\x83\0\1\0\0\0\0\0\0" QNAME A_IN), DNS_BAD, "the server says NXDOMAIN"},
    {"failure", BYTES("\x12\x34\x81\x82\0\1\0\0\0\0\0\0" QNAME A_IN), DNS_BAD, "the server says SERVFAIL"},
    {"refusal", BYTES("\x12\x34\x81\x85\0\1\0\0\0\0\0\0" QNAME A_IN), DNS_BAD, "the server says REFUSED"},
    {"an error of later times", BYTES("\x12\x34\x81\x8f\0\1\0\0\0\0\0\0" QNAME A_IN), DNS_BAD,
     "the server reports an error"},
    {"another id", BYTES("\x12\x35\x81\x80\0\1\0\1\0\0\0\0" QNAME A_IN RECORD), DNS_NOT_OURS, NULL},
    {"a query", BYTES("\x12\x34\x01\0\0\1\0\1\0\0\0\0" QNAME A_IN RECORD), DNS_NOT_OURS, NULL},
    {"a notification", BYTES("\x12\x34\xa1\x80\0\1\0\1\0\0\0\0" QNAME A_IN RECORD), DNS_NOT_OURS, NULL},
    {"another name", BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" "\3ftp\7example\3org\0" A_IN RECORD), DNS_NOT_OURS, NULL},
    {"a part of the name", BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" "\7example\3org\0" A_IN RECORD), DNS_NOT_OURS, NULL},
    {"another type", BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" QNAME "\0\2\0\1" RECORD), DNS_NOT_OURS, NULL},
    {"another class", BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" QNAME "\0\1\0\3" RECORD), DNS_NOT_OURS, NULL},
    {"no question", BYTES("\x12\x34\x81\x80\0\0\0\0\0\0\0\0"), DNS_NOT_OURS, NULL},
    {"a record that is not whole", BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" QNAME A_IN POINTED "\0\1"), DNS_NOT_OURS, NULL},
    {"a name that points at itself", BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" POINTED A_IN RECORD), DNS_NOT_OURS, NULL},
    {"half a header", BYTES("\x12\x34\x81\x80\0\1"), DNS_NOT_OURS, NULL},
    {"nothing", BYTES(""), DNS_NOT_OURS, NULL},
};
/* clang-format on */

static void a_reply_is_judged_by_its_id_its_question_and_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        const char *why = NULL;
        enum dns_answer answer = dns_judge(&question, replies[i].bytes, replies[i].length, &why);

        if (answer != replies[i].answer || (why == NULL) != (replies[i].why == NULL) ||
            (why != NULL && strcmp(why, replies[i].why) != 0)) {
            fail_msg("%s: %d, %s", replies[i].name, answer, why != NULL ? why : "no reason");
        }
    }
}

static void a_query_asks_for_one_name(void **state)
{
    static const char wanted[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0" QNAME A_IN;
    struct dns_question dotted = {"www.example.org.", 1, 0x1234};
    uint8_t out[DNS_QUERY_MAX];

    (void)state;
    assert_int_equal(dns_query(&question, out), sizeof(wanted) - 1);
    assert_memory_equal(out, wanted, sizeof(wanted) - 1);
    assert_int_equal(dns_query(&dotted, out), sizeof(wanted) - 1);
    assert_memory_equal(out, wanted, sizeof(wanted) - 1);
}

static void the_longest_name_fits_and_a_longer_one_is_refused(void **state)
{
    static const struct dns_question empty = {"www..org", 1, 1};
    char name[300];
    struct dns_question longest = {name, 28, 1};
    uint8_t out[DNS_QUERY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(name); i++) {
        name[i] = i % 64 == 63 ? '.' : 'a';
    }
    name[253] = '\0';
    assert_int_equal(dns_query(&longest, out), 12 + 255 + 4);
    name[253] = 'a';
    name[254] = '\0';
    assert_int_equal(dns_query(&longest, out), -EINVAL);
    assert_int_equal(dns_query(&empty, out), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_judged_by_its_id_its_question_and_what_it_says),
        cmocka_unit_test(a_query_asks_for_one_name),
        cmocka_unit_test(the_longest_name_fits_and_a_longer_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
