/* SPDX-License-Identifier: BSD-3-Clause */
/* Which addresses are looked up. */
#ifndef PATTERN_H
#define PATTERN_H

#include "engine.h"

enum pattern {
    PATTERN_UNIFORM,  /* over all addresses; IPv4 alone */
    PATTERN_PREFIXES, /* over the routes, then within the route */
    PATTERN_ZIPF,     /* the same, but the n-th route 1/n as often as the first */
    PATTERN_FEW,      /* within four /24s or /48s */
    PATTERN_ONE,      /* within one */
    PATTERNS
};

extern const char *const pattern_names[PATTERNS];

/* `n` addresses, address_bytes each, for routes of this family. Not NULL; the caller's to free(). */
void *pattern_create(enum pattern pattern, const struct engines *engines, const struct table_route *routes,
                     size_t count, size_t n);

#endif
