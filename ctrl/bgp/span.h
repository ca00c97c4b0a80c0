/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes from outside, read from the front: every read checks that they are there. Numbers are in network byte order. */
#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct span span_of(const void *data, size_t length)
{
    const uint8_t *at = data;

    return (struct span){at, at + length};
}

static inline size_t span_left(const struct span *span)
{
    return (size_t)(span->end - span->at);
}

/* The next n bytes, now behind; false: there are fewer, and nothing has moved. */
static inline bool span_take(struct span *span, size_t n, struct span *out)
{
    if (span_left(span) < n) {
        return false;
    }
    *out = (struct span){span->at, span->at + n};
    span->at += n;
    return true;
}

static inline bool span_skip(struct span *span, size_t n)
{
    struct span skipped;

    return span_take(span, n, &skipped);
}

static inline bool span_u8(struct span *span, uint8_t *out)
{
    if (span_left(span) < 1) {
        return false;
    }
    *out = *span->at++;
    return true;
}

static inline bool span_u16(struct span *span, uint16_t *out)
{
    if (span_left(span) < 2) {
        return false;
    }
    *out = (uint16_t)(span->at[0] << 8 | span->at[1]);
    span->at += 2;
    return true;
}

static inline bool span_u32(struct span *span, uint32_t *out)
{
    if (span_left(span) < 4) {
        return false;
    }
    *out = (uint32_t)span->at[0] << 24 | (uint32_t)span->at[1] << 16 | (uint32_t)span->at[2] << 8 | span->at[3];
    span->at += 4;
    return true;
}

#endif
