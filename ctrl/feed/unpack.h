/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that may be compressed (gzip RFC 1952, bzip2), read in parts: its first bytes say which. */
#ifndef UNPACK_H
#define UNPACK_H

#include "attributes.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct unpack;

/* Reads the descriptor from its position on; it stays the caller's. NULL: no memory. */
struct unpack *unpack_create(int fd);
void unpack_destroy(struct unpack *unpack);
/* Up to `size` bytes of what is in the file; 0 at its end. -EAGAIN: nothing yet, though some 64 KiB of the file were
 * used; -errno of reading; -EBADMSG: the compressed data is damaged, or ends in the middle; -ENOMEM. */
ssize_t unpack_read(struct unpack *unpack, void *out, size_t size) MUST_USE;
/* Bytes of the file that were used. */
uint64_t unpack_position(const struct unpack *unpack);

#endif
