/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON read in one pass, without a tree: for parameters that hold a hundred thousand routes. Whoever knows what should
 * come next asks for it; what else comes is skipped, and checked all the same. Accepts what jansson does (RFC 8259,
 * numbers in range, no U+0000, at most JSON_SCAN_DEPTH values inside one another), but for keys that occur twice, which
 * are the reader's to notice.
 *
 *     if (json_scan_open(scan, '{')) {
 *         for (bool first = true; json_scan_key(scan, &first, &key);) {
 *             ... json_scan_text(scan, &text), json_scan_integer(scan, &n) or json_scan_skip(scan) ...
 *         }
 *     }
 *
 * Functions return false at a mistake, which is then in scan->error; nothing moves any more after one. The text must
 * stay in place. Pure.
 */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_SCAN_DEPTH 2048
#define JSON_TEXT_MAX   256

struct json_scan {
    const char *at;
    const char *end;
    const char *error;  /* NULL: none yet; else a few words */
    unsigned int depth; /* open objects and arrays */
};

/* A string's value: UTF-8, ended by NUL. Of a longer one the first JSON_TEXT_MAX - 1 bytes. */
struct json_text {
    char bytes[JSON_TEXT_MAX];
    size_t length; /* of the whole value */
};

static inline struct json_scan json_scan_of(const char *text, size_t length)
{
    return (struct json_scan){.at = text, .end = text + length};
}

/* The first character of what comes next: one of {["tfn-0123456789 if it is a value; 0: nothing, or a mistake. */
char json_scan_peek(struct json_scan *scan);
/* Enters an object '{' or an array '[', which must come next. */
bool json_scan_open(struct json_scan *scan, char bracket);
/* The next key of an object that was entered; its value must be read then. False at its end, which is left, too. *first
 * is true at the start, and the function's own. */
bool json_scan_key(struct json_scan *scan, bool *first, struct json_text *key);
/* The same for an array: an item is there to be read. */
bool json_scan_item(struct json_scan *scan, bool *first);
/* A string. */
bool json_scan_text(struct json_scan *scan, struct json_text *out);
/* A number: *is_integer, and then *out. */
bool json_scan_number(struct json_scan *scan, bool *is_integer, int64_t *out);
/* true or false */
bool json_scan_bool(struct json_scan *scan, bool *out);
/* Any value. */
bool json_scan_skip(struct json_scan *scan);
/* Nothing but white space is left. */
bool json_scan_ends(struct json_scan *scan);

#endif
