/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes written as "0a 0b  0c0d": blanks are for the reader. */
#ifndef HEX_H
#define HEX_H

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to `end` (NULL: the text's end), as many bytes as fit in `room`; returns how many. */
static inline size_t hex_read(const char *text, const char *end, uint8_t *out, size_t room)
{
    size_t n = 0;

    end = end != NULL ? end : text + strlen(text);
    while (text < end) {
        char digits[3] = "";

        if (isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        assert(n < room && end - text >= 2 && isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1]));
        memcpy(digits, text, 2);
        out[n++] = (uint8_t)strtoul(digits, NULL, 16);
        text += 2;
    }
    return n;
}

#endif
