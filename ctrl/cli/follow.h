/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that go on: their call is answered, and then its notifications come until the end. Blocks. */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "error.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct follow_options {
    const char *socket;
    bool json;         /* notifications as the API gives them, one a line */
    const char *write; /* captures: the file, "-" for the standard output; NULL: none */
};

/* Whether a method is answered by notifications. */
bool follow_is_for(const char *method);
/* Calls it and prints or writes what it tells, until it ends, or SIGINT or SIGTERM comes. 0 and the answer, a new
 * reference, with a "result" or an "error"; or -errno with a text: -ECONNRESET and the like, -EINVAL for options that
 * do not fit the method, -EIO for what cannot be written. */
int follow(const struct follow_options *options, const char *method, json_t *params, json_t **answer,
           struct error *error) MUST_USE;

/* What trace.packet tells, as text. */
void trace_print(const json_t *params, FILE *out);
/* What an event of a monitor tells, as a line of text. */
void event_print(const json_t *params, FILE *out);

#endif
