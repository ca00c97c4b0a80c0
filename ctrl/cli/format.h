/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Results of the API as text for people. A result needs no entry here to be readable: a list of objects becomes a
 * table, an object becomes names and values. Pure.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <jansson.h>

/* The text, for the caller to free, in lines that end with a newline; empty if there is nothing to say. Whatever the
 * shape of `result`, it is shown. NULL: out of memory. */
char *format_result(const char *method, const json_t *result);

#endif
