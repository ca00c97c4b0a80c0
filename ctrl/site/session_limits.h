/* SPDX-License-Identifier: BSD-3-Clause */
/* What a session may do, whatever its client or its router says: where its routes may lie, and how many there may be.
 */
#ifndef SESSION_LIMITS_H
#define SESSION_LIMITS_H

#include "session.h"

struct site_limits {
    const struct prefix *prefixes; /* within one of which each of its routes lies */
    uint32_t prefix_count;         /* 0: anywhere */
    uint32_t max_prefixes;         /* 0: as many as it likes */
    struct breaker_rules breaker;
};

/* From now on: what it has already stays. Keeps a copy. 0 or -ENOMEM, which changes nothing. */
int site_session_limit(struct site *site, uint16_t id, const struct site_limits *limits) MUST_USE;
/* The session may have no route to the prefix, wherever it leads. */
bool site_session_forbids(const struct site *site, uint16_t id, const struct prefix *prefix);
/* Why site_route_set() has refused a route, for people: "192.0.2.0/24: ...". Another failure's has no text here. */
void site_limit_text(const struct site *site, uint16_t id, const struct prefix *prefix, int result,
                     struct error *error);

#endif
