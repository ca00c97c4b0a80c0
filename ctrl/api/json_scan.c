/* SPDX-License-Identifier: BSD-3-Clause */
#include "json_scan.h"
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct json_scan *scan, const char *why)
{
    if (scan->error == NULL) {
        scan->error = why;
    }
    return false;
}

static inline bool skip_space(struct json_scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r')) {
        scan->at++;
    }
    return scan->at < scan->end;
}

char json_scan_peek(struct json_scan *scan)
{
    if (scan->error != NULL || !skip_space(scan)) {
        return 0;
    }
    return *scan->at;
}

static bool take(struct json_scan *scan, char wanted, const char *why)
{
    if (json_scan_peek(scan) != wanted || wanted == 0) {
        return fail(scan, why);
    }
    scan->at++;
    return true;
}

/* A value that begins here must not be too deep. */
static bool check_depth(struct json_scan *scan)
{
    return scan->depth < JSON_SCAN_DEPTH || fail(scan, "too deep");
}

bool json_scan_open(struct json_scan *scan, char bracket)
{
    if (!check_depth(scan) || !take(scan, bracket, bracket == '{' ? "an object expected" : "an array expected")) {
        return false;
    }
    scan->depth++;
    return true;
}

/* True: another member comes; false: the closing bracket came, or a mistake. */
static bool next_member(struct json_scan *scan, bool *first, char closing)
{
    char next = json_scan_peek(scan);

    if (next == closing && next != 0) {
        scan->at++;
        scan->depth--;
        return false;
    }
    if (*first) {
        *first = false;
        return next != 0 || fail(scan, "it ends too early");
    }
    if (!take(scan, ',', "',' or the end expected")) {
        return false;
    }
    next = json_scan_peek(scan);
    return (next != closing && next != 0) || fail(scan, "something expected after ','");
}

bool json_scan_item(struct json_scan *scan, bool *first)
{
    return next_member(scan, first, ']');
}

bool json_scan_key(struct json_scan *scan, bool *first, struct json_text *key)
{
    if (!next_member(scan, first, '}')) {
        return false;
    }
    if (json_scan_peek(scan) != '"') {
        return fail(scan, "a key expected");
    }
    return json_scan_text(scan, key) && take(scan, ':', "':' expected");
}

static void put(struct json_text *out, const char *bytes, size_t n)
{
    if (out == NULL) {
        return;
    }
    if (out->length + n < JSON_TEXT_MAX) {
        memcpy(out->bytes + out->length, bytes, n);
    } else if (out->length < JSON_TEXT_MAX - 1) {
        memcpy(out->bytes + out->length, bytes, JSON_TEXT_MAX - 1 - out->length);
    }
    out->length += n;
}

/* The length of the UTF-8 sequence (RFC 3629) at the front, 0 for none. */
static size_t utf8_length(const uint8_t *bytes, size_t room)
{
    static const struct {
        uint8_t mask, lead, length;
        uint32_t least;
    } kinds[] = {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        uint32_t code = bytes[0] & (uint8_t)~kinds[k].mask;

        if ((bytes[0] & kinds[k].mask) != kinds[k].lead || room < kinds[k].length) {
            continue;
        }
        for (size_t i = 1; i < kinds[k].length; i++) {
            if ((bytes[i] & 0xc0) != 0x80) {
                return 0;
            }
            code = code << 6 | (bytes[i] & 0x3f);
        }
        return code >= kinds[k].least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? kinds[k].length : 0;
    }
    return 0;
}

static int hex4(const struct json_scan *scan)
{
    int value = 0;

    if (scan->end - scan->at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char c = scan->at[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

static size_t utf8_write(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* After "\u". */
static bool read_unicode(struct json_scan *scan, struct json_text *out)
{
    int high = hex4(scan);
    uint32_t code = (uint32_t)high;
    char bytes[4];

    if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff)) {
        return fail(scan, high == 0 ? "U+0000 in a string" : "not a character");
    }
    scan->at += 4;
    if (high >= 0xd800 && high <= 0xdbff) {
        int low = -1;

        if (scan->end - scan->at >= 2 && scan->at[0] == '\\' && scan->at[1] == 'u') {
            scan->at += 2;
            low = hex4(scan);
        }
        if (low < 0xdc00 || low > 0xdfff) {
            return fail(scan, "half of a character");
        }
        scan->at += 4;
        code = 0x10000 + (((uint32_t)high & 0x3ff) << 10 | ((uint32_t)low & 0x3ff));
    }
    put(out, bytes, utf8_write(code, bytes));
    return true;
}

static bool read_escape(struct json_scan *scan, struct json_text *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *known;

    if (scan->at == scan->end) {
        return fail(scan, "a string without its end");
    }
    if (*scan->at == 'u') {
        scan->at++;
        return read_unicode(scan, out);
    }
    known = *scan->at != '\0' ? strchr(from, *scan->at) : NULL;
    if (known == NULL) {
        return fail(scan, "an unknown escape in a string");
    }
    put(out, &to[known - from], 1);
    scan->at++;
    return true;
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The high bit of the lowest byte that is no plain character of a string: a control character, not ASCII, a quote or a
 * backslash. Bits above it may be wrong (Hacker's Delight 6-1). */
static inline uint64_t find_special(uint64_t word)
{
    uint64_t quote = word ^ EACH_BYTE('"');
    uint64_t backslash = word ^ EACH_BYTE('\\');

    return (((quote - EACH_BYTE(1)) & ~quote) | ((backslash - EACH_BYTE(1)) & ~backslash) |
            ((word - EACH_BYTE(0x20)) & ~word) | word) &
           EACH_BYTE(0x80);
}

static inline bool is_plain(char c)
{
    return (uint8_t)c >= 0x20 && (uint8_t)c < 0x80 && c != '"' && c != '\\';
}

static inline void skip_plain(struct json_scan *scan)
{
    uint64_t word;

    while (scan->end - scan->at >= (ptrdiff_t)sizeof(word)) {
        uint64_t special;

        memcpy(&word, scan->at, sizeof(word));
        special = find_special(le64toh(word));
        if (special != 0) {
            scan->at += __builtin_ctzll(special) / 8;
            return;
        }
        scan->at += sizeof(word);
    }
    while (scan->at < scan->end && is_plain(*scan->at)) {
        scan->at++;
    }
}

/* A string, from behind its opening quote. out: NULL to skip it. */
static bool read_string(struct json_scan *scan, struct json_text *out)
{
    while (scan->at < scan->end) {
        const char *start = scan->at;
        size_t n;

        skip_plain(scan);
        put(out, start, (size_t)(scan->at - start));
        if (scan->at == scan->end) {
            break;
        }
        if (*scan->at == '"') {
            scan->at++;
            return true;
        }
        if (*scan->at == '\\') {
            scan->at++;
            if (!read_escape(scan, out)) {
                return false;
            }
            continue;
        }
        n = utf8_length((const uint8_t *)scan->at, (size_t)(scan->end - scan->at));
        if (n == 0) {
            return fail(scan, "not UTF-8, or a control character in a string");
        }
        put(out, scan->at, n);
        scan->at += n;
    }
    return fail(scan, "a string without its end");
}

bool json_scan_text(struct json_scan *scan, struct json_text *out)
{
    bool read;

    out->length = 0;
    read = check_depth(scan) && take(scan, '"', "a string expected") && read_string(scan, out);
    out->bytes[out->length < JSON_TEXT_MAX ? out->length : JSON_TEXT_MAX - 1] = '\0';
    return read;
}

static inline bool is_digit(const struct json_scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool digits(struct json_scan *scan)
{
    if (!is_digit(scan)) {
        return fail(scan, "a digit expected");
    }
    while (is_digit(scan)) {
        scan->at++;
    }
    return true;
}

/* The fraction and the exponent of a number. */
static bool read_rest_of_real(struct json_scan *scan)
{
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!digits(scan)) {
            return false;
        }
    }
    if (scan->at < scan->end && (*scan->at | 32) == 'e') {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-')) {
            scan->at++;
        }
        return digits(scan);
    }
    return true;
}

static bool real_in_range(struct json_scan *scan, const char *start)
{
    char *copy = strndup(start, (size_t)(scan->at - start));
    double value;

    if (copy == NULL) {
        return fail(scan, "no memory");
    }
    value = strtod(copy, NULL);
    free(copy);
    return !isinf(value) || fail(scan, "a number that is too big");
}

static bool integer_value(struct json_scan *scan, const char *start, int64_t *out)
{
    bool negative = *start == '-';
    uint64_t limit = (uint64_t)INT64_MAX + negative;
    uint64_t value = 0;

    for (const char *c = start + negative; c < scan->at; c++) {
        uint64_t digit = (uint64_t)(*c - '0');

        if (value > (limit - digit) / 10) {
            return fail(scan, "an integer that is too big");
        }
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool json_scan_number(struct json_scan *scan, bool *is_integer, int64_t *out)
{
    const char *start;

    if (!check_depth(scan) || json_scan_peek(scan) == 0) {
        return fail(scan, "it ends too early");
    }
    start = scan->at;
    scan->at += *scan->at == '-';
    if (scan->at < scan->end && *scan->at == '0') {
        scan->at++;
    } else if (!digits(scan)) {
        return false;
    }
    if (is_digit(scan)) {
        return fail(scan, "a number with a leading 0");
    }
    *is_integer = scan->at == scan->end || (*scan->at != '.' && (*scan->at | 32) != 'e');
    if (*is_integer) {
        return integer_value(scan, start, out);
    }
    return read_rest_of_real(scan) && real_in_range(scan, start);
}

static bool take_word(struct json_scan *scan, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(scan->end - scan->at) < n || memcmp(scan->at, word, n) != 0) {
        return fail(scan, "an unknown word");
    }
    scan->at += n;
    /* letters right after it would be part of it */
    return scan->at == scan->end || !((*scan->at | 32) >= 'a' && (*scan->at | 32) <= 'z') ||
           fail(scan, "an unknown word");
}

bool json_scan_bool(struct json_scan *scan, bool *out)
{
    *out = json_scan_peek(scan) == 't';
    return check_depth(scan) && take_word(scan, *out ? "true" : "false");
}

static bool skip_scalar(struct json_scan *scan, char kind)
{
    bool is_integer;
    int64_t integer;

    switch (kind) {
    case '"':
        scan->at++;
        return read_string(scan, NULL);
    case 't':
        return take_word(scan, "true");
    case 'f':
        return take_word(scan, "false");
    case 'n':
        return take_word(scan, "null");
    case 0:
        return fail(scan, "it ends too early");
    default:
        return json_scan_number(scan, &is_integer, &integer);
    }
}

/* Not by recursion: how deep it goes is the sender's to choose. */
bool json_scan_skip(struct json_scan *scan)
{
    uint8_t objects[JSON_SCAN_DEPTH / 8 + 1]; /* which of the open ones are: a bit for each depth */
    unsigned int outside = scan->depth;
    bool first = true;
    struct json_text key;

    for (;;) {
        char kind = json_scan_peek(scan);
        bool object = kind == '{';

        if (!check_depth(scan)) {
            return false;
        }
        if (object || kind == '[') {
            objects[scan->depth / 8] = (uint8_t)((objects[scan->depth / 8] & ~(1u << scan->depth % 8)) |
                                                 (unsigned int)object << scan->depth % 8);
            scan->at++;
            scan->depth++;
            first = true;
        } else if (!skip_scalar(scan, kind)) {
            return false;
        }
        for (;;) { /* to the next value inside, or out of what ends here */
            if (scan->depth == outside) {
                return true;
            }
            object = (objects[(scan->depth - 1) / 8] >> (scan->depth - 1) % 8 & 1) != 0;
            if (object ? json_scan_key(scan, &first, &key) : json_scan_item(scan, &first)) {
                break;
            }
            if (scan->error != NULL) {
                return false;
            }
            first = false; /* what was inside was a value of this one */
        }
    }
}

bool json_scan_ends(struct json_scan *scan)
{
    return scan->error == NULL && (!skip_space(scan) || fail(scan, "something comes after the end"));
}
