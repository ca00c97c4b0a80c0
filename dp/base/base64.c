/* SPDX-License-Identifier: BSD-3-Clause */
#include "base64.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t length, char *out)
{
    const uint8_t *from = bytes;

    for (size_t i = 0; i < length; i += 3) {
        uint32_t word = (uint32_t)from[i] << 16;

        word |= i + 1 < length ? (uint32_t)from[i + 1] << 8 : 0;
        word |= i + 2 < length ? from[i + 2] : 0;
        *out++ = alphabet[word >> 18];
        *out++ = alphabet[word >> 12 & 63];
        *out++ = i + 1 < length ? alphabet[word >> 6 & 63] : '=';
        *out++ = i + 2 < length ? alphabet[word & 63] : '=';
    }
}

/* The value of four characters, of which `pad` at the end are padding; -EINVAL. */
static long decode_four(const char *text, unsigned int pad)
{
    long word = 0;

    for (unsigned int i = 0; i < 4; i++) {
        const char *at = text[i] != '\0' ? strchr(alphabet, text[i]) : NULL;

        if (i >= 4 - pad) {
            word <<= 6;
        } else if (at == NULL) {
            return -EINVAL;
        } else {
            word = word << 6 | (at - alphabet);
        }
    }
    return word;
}

long base64_decode(const char *text, size_t length, uint8_t *out, size_t room)
{
    size_t written = 0;

    if (length % 4 != 0) {
        return -EINVAL;
    }
    for (size_t i = 0; i < length; i += 4) {
        bool last = i + 4 == length;
        unsigned int pad = last && text[i + 3] == '=' ? 1 + (text[i + 2] == '=') : 0;
        long word = decode_four(text + i, pad);

        if (word < 0 || written + 3 - pad > room) {
            return -EINVAL;
        }
        for (unsigned int k = 0; k < 3 - pad; k++) {
            out[written++] = (uint8_t)(word >> (16 - 8 * k));
        }
    }
    return (long)written;
}
