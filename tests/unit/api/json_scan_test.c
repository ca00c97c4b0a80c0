/* SPDX-License-Identifier: BSD-3-Clause */
/* Every line of the table goes through the scanner and through jansson, whole and cut off at every byte. */
#include "attributes.h"
#include "json_scan.h"
#include "unit.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {
    "{}",
    "[]",
    " [ 1 , 2 ] ",
    "{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
    "[0,-0,-1,10,9223372036854775807,-9223372036854775808]",
    "9223372036854775808",
    "-9223372036854775809",
    "[1.5,1e9,1E+9,-1.5e-3]",
    "1e400",
    "01",
    "-",
    "1.",
    "1e",
    ".5",
    "+1",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{\"a\" 1}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{1:2}",
    "{\"a\":1",
    "\"\\u00e9\\ud83d\\ude00\\n\\t\\\\\\/\\\"\"",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800\\u0041\"",
    "\"\\u0000\"",
    "\"\\u00g0\"",
    "\"\\x\"",
    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
    "\"\xc3\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\x01\"",
    "\"a\tb\"",
    "tru",
    "trueish",
    "nul",
    "nan",
    "[] []",
    "",
    " ",
    "\xef\xbb\xbf{}",
};

/* Nothing behind the end may be read: AddressSanitizer sees to it. */
static bool scanner_accepts(const char *text, size_t length)
{
    char *copy = malloc(length + (length == 0));
    struct json_scan scan;
    bool accepted;

    assert_non_null(copy);
    memcpy(copy, text, length);
    scan = json_scan_of(copy, length);
    accepted = json_scan_skip(&scan) && json_scan_ends(&scan);
    free(copy);
    return accepted;
}

static bool jansson_accepts(const char *text, size_t length)
{
    json_t *value = json_loadb(text, length, JSON_DECODE_ANY, NULL);
    bool accepted = value != NULL;

    json_decref(value);
    return accepted;
}

static void check(const char *text, size_t length)
{
    if (scanner_accepts(text, length) != jansson_accepts(text, length)) {
        fail_msg("%.*s: jansson %s it", (int)length, text, jansson_accepts(text, length) ? "accepts" : "refuses");
    }
}

static void it_accepts_what_jansson_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        for (size_t length = 0; length <= strlen(texts[i]); length++) {
            check(texts[i], length);
        }
    }
}

static void it_goes_as_deep_as_jansson(void **state)
{
    char text[2 * (JSON_SCAN_DEPTH + 2)];

    (void)state;
    for (size_t depth = JSON_SCAN_DEPTH - 2; depth <= JSON_SCAN_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        check(text, 2 * depth);
        text[depth] = '1'; /* one less to close, but with a value inside */
        memset(text + depth + 1, ']', depth);
        check(text, 2 * depth + 1);
    }
}

static void values_are_read_where_they_are_asked_for(void **state)
{
    static const char text[] = "{\"name\":\"n\\u00e9\",\"list\":[1,-2,{}],\"flag\":true,\"rest\":{\"x\":[[]]}}";
    struct json_scan scan = json_scan_of(text, strlen(text));
    struct json_text word;
    bool first = true;
    bool inner = true;
    bool is_integer;
    bool flag;
    int64_t number = 0;

    (void)state;
    assert_true(json_scan_open(&scan, '{') && json_scan_key(&scan, &first, &word));
    assert_string_equal(word.bytes, "name");
    assert_true(json_scan_text(&scan, &word));
    assert_string_equal(word.bytes, "n\xc3\xa9");
    assert_int_equal(word.length, 3);
    assert_true(json_scan_key(&scan, &first, &word) && json_scan_open(&scan, '['));
    assert_true(json_scan_item(&scan, &inner) && json_scan_number(&scan, &is_integer, &number));
    assert_int_equal(number, 1);
    assert_true(json_scan_item(&scan, &inner) && json_scan_number(&scan, &is_integer, &number));
    assert_int_equal(number, -2);
    assert_true(json_scan_item(&scan, &inner) && json_scan_skip(&scan));
    assert_false(json_scan_item(&scan, &inner));
    assert_true(json_scan_key(&scan, &first, &word) && json_scan_bool(&scan, &flag) && flag);
    assert_true(json_scan_key(&scan, &first, &word) && json_scan_skip(&scan));
    assert_false(json_scan_key(&scan, &first, &word));
    assert_null(scan.error);
    assert_true(json_scan_ends(&scan));
}

static void a_long_text_is_cut_and_its_length_is_told(void **state)
{
    char text[1002] = "\"";
    struct json_text word;
    struct json_scan scan = json_scan_of(text, 1002);

    (void)state;
    memset(text + 1, 'x', 1000);
    text[1001] = '"';
    assert_true(json_scan_text(&scan, &word));
    assert_int_equal(word.length, 1000);
    assert_int_equal(strlen(word.bytes), JSON_TEXT_MAX - 1);
    assert_true(json_scan_ends(&scan));
}

static void nothing_moves_after_a_mistake(void **state)
{
    struct json_scan scan = json_scan_of("[1}", 3);
    bool first = true;
    struct json_text word;

    (void)state;
    assert_true(json_scan_open(&scan, '[') && json_scan_item(&scan, &first) && json_scan_skip(&scan));
    assert_false(json_scan_item(&scan, &first));
    assert_non_null(scan.error);
    assert_false(json_scan_item(&scan, &first));
    assert_false(json_scan_skip(&scan));
    assert_false(json_scan_text(&scan, &word));
    assert_int_equal(json_scan_peek(&scan), 0);
    assert_false(json_scan_ends(&scan));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_accepts_what_jansson_does),
        cmocka_unit_test(it_goes_as_deep_as_jansson),
        cmocka_unit_test(values_are_read_where_they_are_asked_for),
        cmocka_unit_test(a_long_text_is_cut_and_its_length_is_told),
        cmocka_unit_test(nothing_moves_after_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
