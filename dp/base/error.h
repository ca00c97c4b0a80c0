/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What went wrong, in one line for a person. The caller owns the struct; a function that fails returns -errno (or the
 * code it was given) and leaves a text that names the thing and, where it can, what would be right.
 */
#ifndef ERROR_H
#define ERROR_H

#include "attributes.h"

struct error {
    char text[512];
};

/* Formats the text, cutting it if it is too long, and returns `code`, so that "return error_set(...)" reads well. */
int error_set(struct error *error, int code, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
