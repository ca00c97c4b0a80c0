/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of prefixes as UPDATE messages carry it: RFC 4271 4.3, with path identifiers RFC 7911 3. */
#ifndef BGP_NLRI_H
#define BGP_NLRI_H

#include "addr.h"
#include "span.h"

struct bgp_nlri {
    struct span bytes;
    uint8_t family; /* enum family */
    bool add_path;  /* each prefix has a path identifier before it */
};

/* Every prefix is whole and not longer than its family allows. */
bool bgp_nlri_valid(const struct bgp_nlri *nlri);
/* The next prefix, bits beyond its length cleared (RFC 4271 4.3: they are irrelevant), and its path id (0 where none is
 * sent). False: none is left, or what is left is not valid. */
bool bgp_nlri_next(struct bgp_nlri *nlri, struct prefix *prefix, uint32_t *path_id);

#endif
