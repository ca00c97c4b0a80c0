/* SPDX-License-Identifier: BSD-3-Clause */
/* CANDIDATE of the API, from the RIB's form; into it: candidate_scan.h. */
#ifndef CANDIDATE_JSON_H
#define CANDIDATE_JSON_H

#include "methods.h"

/* A new reference; NULL: no memory. */
json_t *candidate_write(const struct control *control, const struct prefix *prefix, const struct candidate *candidate);

#endif
