/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"
#include "unpack.h"
#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define SIZE 3000000

static uint8_t plain[SIZE];
static uint8_t packed[2 * SIZE];
static uint8_t back[SIZE + 1];

/* Neither all the same nor random. */
static int fill_plain(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < SIZE; i++) {
        x = x * 1664525 + 1013904223;
        plain[i] = (uint8_t)(i % 7 == 0 ? x >> 24 : i / 100);
    }
    return 0;
}

static size_t gzip(const uint8_t *in, size_t n, uint8_t *out)
{
    z_stream stream = {0};
    size_t made;

    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (uint8_t *)(uintptr_t)in;
    stream.avail_in = (unsigned int)n;
    stream.next_out = out;
    stream.avail_out = SIZE;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    made = stream.total_out;
    deflateEnd(&stream);
    return made;
}

static size_t bzip2(const uint8_t *in, size_t n, uint8_t *out)
{
    unsigned int made = SIZE;

    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out, &made, (char *)(uintptr_t)in, (unsigned int)n, 1, 0, 0),
                     BZ_OK);
    return made;
}

static int file_of(const void *data, size_t n)
{
    int fd = memfd_create("packed", 0);

    assert_int_equal(write(fd, data, n), (ssize_t)n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Reads all; returns how many bytes, or the error. */
static ssize_t read_all(int fd, size_t part)
{
    struct unpack *unpack = unpack_create(fd);
    ssize_t total = 0;
    ssize_t n;

    assert_non_null(unpack);
    do {
        n = unpack_read(unpack, back + total,
                        part < sizeof(back) - (size_t)total ? part : sizeof(back) - (size_t)total);
        total += n > 0 ? n : 0;
    } while (n > 0 || n == -EAGAIN);
    if (n == 0) {
        assert_true(unpack_position(unpack) <= (uint64_t)lseek(fd, 0, SEEK_END));
    }
    unpack_destroy(unpack);
    close(fd);
    return n < 0 ? n : total;
}

static void expect_plain(const void *data, size_t n, size_t part)
{
    memset(back, 0, sizeof(back));
    assert_int_equal(read_all(file_of(data, n), part), SIZE);
    assert_memory_equal(back, plain, SIZE);
}

static void what_was_packed_comes_back(void **state)
{
    size_t n;

    (void)state;
    expect_plain(plain, SIZE, 100000);
    n = gzip(plain, SIZE, packed);
    expect_plain(packed, n, 100000);
    n = bzip2(plain, SIZE, packed);
    expect_plain(packed, n, 100000);
    expect_plain(packed, n, 777);
}

static void streams_one_after_the_other_are_one_file(void **state)
{
    size_t half = SIZE / 2;
    size_t n;

    (void)state;
    n = gzip(plain, half, packed);
    n += gzip(plain + half, SIZE - half, packed + n);
    memset(packed + n, 0, 512); /* as tapes have it */
    expect_plain(packed, n + 512, 65536);
    n = bzip2(plain, half, packed);
    n += bzip2(plain + half, SIZE - half, packed + n);
    expect_plain(packed, n, 65536);
}

static void an_empty_file_has_nothing_in_it(void **state)
{
    (void)state;
    assert_int_equal(read_all(file_of("", 0), 100), 0);
    assert_int_equal(read_all(file_of("x", 1), 100), 1);
    assert_int_equal(read_all(file_of(packed, gzip(plain, 0, packed)), 100), 0);
}

static void what_is_cut_or_damaged_is_told(void **state)
{
    size_t n = gzip(plain, 10000, packed);

    (void)state;
    for (size_t cut = 3; cut < n; cut += 97) {
        assert_int_equal(read_all(file_of(packed, cut), 100), -EBADMSG);
    }
    packed[n / 2] ^= 0x55;
    assert_int_equal(read_all(file_of(packed, n), 100), -EBADMSG);
    n = bzip2(plain, 10000, packed);
    for (size_t cut = 3; cut < n; cut += 97) {
        assert_int_equal(read_all(file_of(packed, cut), 100), -EBADMSG);
    }
    packed[n / 2] ^= 0x55;
    assert_int_equal(read_all(file_of(packed, n), 100), -EBADMSG);
}

static void a_descriptor_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    assert_int_equal(read_all(open("/", O_RDONLY | O_DIRECTORY), 100), -EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(streams_one_after_the_other_are_one_file),
        cmocka_unit_test(an_empty_file_has_nothing_in_it),
        cmocka_unit_test(what_is_cut_or_damaged_is_told),
        cmocka_unit_test(a_descriptor_that_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests(tests, fill_plain, NULL);
}
