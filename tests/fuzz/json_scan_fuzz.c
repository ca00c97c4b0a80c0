/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes go through the scanner, once skipped and once read value by value, and through jansson: both accept the
 * same, and what is read is what jansson has read. Cut off anywhere, the scanner says so and reads nothing behind the
 * end.
 */
#include "json_scan.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void compare(struct json_scan *scan, const json_t *value);

static void compare_object(struct json_scan *scan, const json_t *object)
{
    struct json_text key;
    size_t n = 0;

    require(json_is_object(object) && json_scan_open(scan, '{'));
    for (bool first = true; json_scan_key(scan, &first, &key); n++) {
        const json_t *value = key.length < JSON_TEXT_MAX ? json_object_get(object, key.bytes) : NULL;

        require(value != NULL || key.length >= JSON_TEXT_MAX);
        if (value != NULL) {
            compare(scan, value);
        } else {
            require(json_scan_skip(scan));
        }
    }
    require(n == json_object_size(object));
}

static void compare_array(struct json_scan *scan, const json_t *array)
{
    size_t n = 0;

    require(json_is_array(array) && json_scan_open(scan, '['));
    for (bool first = true; json_scan_item(scan, &first); n++) {
        compare(scan, json_array_get(array, n));
    }
    require(n == json_array_size(array));
}

static void compare_text(struct json_scan *scan, const json_t *string)
{
    struct json_text text;

    require(json_is_string(string) && json_scan_text(scan, &text));
    require(text.length == json_string_length(string));
    require(memcmp(text.bytes, json_string_value(string),
                   text.length < JSON_TEXT_MAX ? text.length + 1 : JSON_TEXT_MAX - 1) == 0);
}

static void compare_number(struct json_scan *scan, const json_t *number)
{
    bool is_integer = false;
    int64_t integer = 0;

    require(json_is_number(number) && json_scan_number(scan, &is_integer, &integer));
    require(is_integer == json_is_integer(number));
    require(!is_integer || integer == json_integer_value(number));
}

static void compare(struct json_scan *scan, const json_t *value)
{
    bool flag;

    switch (json_scan_peek(scan)) {
    case '{':
        compare_object(scan, value);
        break;
    case '[':
        compare_array(scan, value);
        break;
    case '"':
        compare_text(scan, value);
        break;
    case 't':
    case 'f':
        require(json_scan_bool(scan, &flag) && json_is_boolean(value) && flag == json_is_true(value));
        break;
    case 'n':
        require(json_is_null(value) && json_scan_skip(scan));
        break;
    default:
        compare_number(scan, value);
    }
}

/* Without a byte behind it that may be read. */
static bool accepts(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + (size == 0));
    struct json_scan scan;
    bool accepted;

    require(copy != NULL);
    memcpy(copy, data, size);
    scan = json_scan_of(copy, size);
    accepted = json_scan_skip(&scan) && json_scan_ends(&scan);
    require(accepted == (scan.error == NULL) && scan.at >= copy && scan.at <= copy + size);
    free(copy);
    return accepted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *value = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
    json_t *strict = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

    bool accepted = accepts(data, size);

    /* jansson takes a NUL right after a number for the end of the text */
    require(accepted == (value != NULL) || memchr(data, '\0', size) != NULL);
    for (size_t n = 0; n < size && size < 256; n++) {
        (void)accepts(data, n);
    }
    if (strict != NULL && accepted) {
        struct json_scan scan = json_scan_of((const char *)data, size);

        compare(&scan, strict);
        require(json_scan_ends(&scan));
    }
    json_decref(strict);
    json_decref(value);
    return 0;
}
