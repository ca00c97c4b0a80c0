/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes as text and back (RFC 4648 4). Pure. */
#ifndef BASE64_H
#define BASE64_H

#include "attributes.h"
#include <stddef.h>
#include <stdint.h>

#define BASE64_LENGTH(bytes) (((bytes) + 2) / 3 * 4)

/* Writes BASE64_LENGTH(length) characters and no more. */
void base64_encode(const void *bytes, size_t length, char *out);
/* Returns how many bytes it wrote, at most `room`, or -EINVAL: the text is no base64 with its padding, or there is more
 * in it. */
long base64_decode(const char *text, size_t length, uint8_t *out, size_t room) MUST_USE;

#endif
