/* SPDX-License-Identifier: BSD-3-Clause */
/* CANDIDATE of the API, to and from the RIB's form. */
#ifndef CANDIDATE_JSON_H
#define CANDIDATE_JSON_H

#include "methods.h"

/* Reads one candidate of the session. 0 with a reference to its attributes for the caller, or an API error
 * with *error naming what is wrong. */
int candidate_read(const struct control *control, uint16_t session, const json_t *object, struct prefix *prefix,
                   struct candidate *out, struct error *error) MUST_USE;
/* A new reference; NULL: no memory. */
json_t *candidate_write(const struct control *control, const struct prefix *prefix, const struct candidate *candidate);

#endif
