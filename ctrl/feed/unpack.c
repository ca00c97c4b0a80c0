/* SPDX-License-Identifier: BSD-3-Clause */
#include "unpack.h"
#include <bzlib.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define INPUT_SIZE (16 << 10)
#define ROUNDS     4 /* inputs of one call, if they give nothing out */
#define MAGIC_SIZE 3 /* bytes that tell the kind */

enum kind { UNKNOWN, PLAIN, GZIP, BZIP2 };

struct unpack {
    int fd;
    enum kind kind;
    bool end;   /* of the file */
    bool whole; /* between two compressed streams: where a file may end, or the next one begin */
    uint64_t position;
    size_t at; /* the bytes not used yet are input[at] to input[n - 1] */
    size_t n;
    z_stream gzip;
    bz_stream bzip2;
    uint8_t input[INPUT_SIZE];
};

struct unpack *unpack_create(int fd)
{
    struct unpack *unpack = calloc(1, sizeof(*unpack));

    if (unpack != NULL) {
        unpack->fd = fd;
        unpack->whole = true;
    }
    return unpack;
}

static void end_stream(struct unpack *unpack)
{
    if (unpack->kind == GZIP) {
        inflateEnd(&unpack->gzip);
    } else if (unpack->kind == BZIP2) {
        BZ2_bzDecompressEnd(&unpack->bzip2);
    }
}

void unpack_destroy(struct unpack *unpack)
{
    if (unpack != NULL) {
        if (!unpack->whole) {
            end_stream(unpack);
        }
        free(unpack);
    }
}

uint64_t unpack_position(const struct unpack *unpack)
{
    return unpack->position - (unpack->n - unpack->at);
}

/* 0 or -errno. */
static int fill(struct unpack *unpack)
{
    ssize_t n;

    if (unpack->at > 0) {
        memmove(unpack->input, unpack->input + unpack->at, unpack->n - unpack->at);
        unpack->n -= unpack->at;
        unpack->at = 0;
    }
    n = read(unpack->fd, unpack->input + unpack->n, INPUT_SIZE - unpack->n);
    if (n < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    unpack->end = n == 0;
    unpack->n += (size_t)n;
    unpack->position += (uint64_t)n;
    return 0;
}

static enum kind kind_of(const uint8_t *input, size_t n)
{
    if (n >= 2 && input[0] == 0x1f && input[1] == 0x8b) {
        return GZIP;
    }
    return n >= 3 && memcmp(input, "BZh", 3) == 0 ? BZIP2 : PLAIN;
}

/* 0 or -ENOMEM. */
static int begin_stream(struct unpack *unpack)
{
    int result;

    if (unpack->kind == GZIP) {
        unpack->gzip = (z_stream){0};
        result = inflateInit2(&unpack->gzip, 16 + MAX_WBITS); /* 16: with a gzip header */
    } else {
        unpack->bzip2 = (bz_stream){0};
        result = BZ2_bzDecompressInit(&unpack->bzip2, 0, 0);
    }
    unpack->whole = result != 0;
    return result == 0 ? 0 : -ENOMEM;
}

static int run_gzip(struct unpack *unpack, uint8_t *out, size_t size, size_t *made)
{
    z_stream *stream = &unpack->gzip;
    int result;

    stream->next_in = unpack->input + unpack->at;
    stream->avail_in = (unsigned int)(unpack->n - unpack->at);
    stream->next_out = out;
    stream->avail_out = (unsigned int)size;
    result = inflate(stream, Z_NO_FLUSH);
    unpack->at = unpack->n - stream->avail_in;
    *made = size - stream->avail_out;
    if (result == Z_STREAM_END) {
        end_stream(unpack);
        unpack->whole = true;
    }
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ? 0 : -EBADMSG;
}

static int run_bzip2(struct unpack *unpack, uint8_t *out, size_t size, size_t *made)
{
    bz_stream *stream = &unpack->bzip2;
    int result;

    stream->next_in = (char *)unpack->input + unpack->at;
    stream->avail_in = (unsigned int)(unpack->n - unpack->at);
    stream->next_out = (char *)out;
    stream->avail_out = (unsigned int)size;
    result = BZ2_bzDecompress(stream);
    unpack->at = unpack->n - stream->avail_in;
    *made = size - stream->avail_out;
    if (result == BZ_STREAM_END) {
        end_stream(unpack);
        unpack->whole = true;
    }
    return result == BZ_OK || result == BZ_STREAM_END ? 0 : result == BZ_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

/* One step of decompression. 0, with *made bytes, or -errno. */
static int run(struct unpack *unpack, uint8_t *out, size_t size, size_t *made)
{
    int result = unpack->whole ? begin_stream(unpack) : 0;

    if (result != 0) {
        return result;
    }
    return unpack->kind == GZIP ? run_gzip(unpack, out, size, made) : run_bzip2(unpack, out, size, made);
}

static ssize_t copy_plain(struct unpack *unpack, void *out, size_t size)
{
    size_t left = unpack->n - unpack->at;
    size_t n = left < size ? left : size;

    memcpy(out, unpack->input + unpack->at, n);
    unpack->at += n;
    return (ssize_t)n;
}

/* Another stream may follow the one that has ended; what is no stream is padding. */
static bool is_over(const struct unpack *unpack)
{
    return unpack->whole && kind_of(unpack->input + unpack->at, unpack->n - unpack->at) != unpack->kind;
}

ssize_t unpack_read(struct unpack *unpack, void *out, size_t size)
{
    size = size < INT_MAX ? size : INT_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        bool idle;
        size_t made = 0;
        int result = unpack->n - unpack->at < MAGIC_SIZE && !unpack->end ? fill(unpack) : 0;

        if (result != 0) {
            return result;
        }
        if (unpack->n - unpack->at < MAGIC_SIZE && !unpack->end && unpack->whole) {
            continue; /* a short read */
        }
        if (unpack->kind == UNKNOWN) {
            unpack->kind = kind_of(unpack->input, unpack->n);
        }
        if (unpack->kind == PLAIN) {
            return copy_plain(unpack, out, size);
        }
        if (is_over(unpack)) {
            return 0;
        }
        idle = unpack->at == unpack->n && unpack->end;
        result = run(unpack, out, size, &made);
        if (result != 0 || made > 0) {
            return result != 0 ? result : (ssize_t)made;
        }
        if (idle && !unpack->whole) {
            return -EBADMSG;
        }
    }
    return -EAGAIN;
}
