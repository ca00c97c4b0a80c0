/* SPDX-License-Identifier: BSD-3-Clause */
/* The entries of route.update, read from JSON as it stands: CANDIDATE and {prefix, peer?, path_id?}. */
#ifndef CANDIDATE_SCAN_H
#define CANDIDATE_SCAN_H

#include "json_scan.h"
#include "methods.h"

/* Both read the next value and are past it then. 0; an API error with *error naming what is wrong with the entry; or
 * CANDIDATE_NOT_JSON, and scan->error says why. */
#define CANDIDATE_NOT_JSON 1

/* A candidate of the session, with a reference to its attributes for the caller. */
int candidate_scan(const struct control *control, uint16_t session, struct json_scan *scan, struct prefix *prefix,
                   struct candidate *out, struct error *error) MUST_USE;

/* A peer's candidates for a prefix, or one of them, or all. */
struct candidate_selection {
    struct prefix prefix;
    int peer; /* -1: any */
    bool any_path_id;
    uint32_t path_id;
};

int candidate_scan_selection(const struct control *control, struct json_scan *scan, struct candidate_selection *out,
                             struct error *error) MUST_USE;

#endif
