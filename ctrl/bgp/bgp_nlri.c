/* SPDX-License-Identifier: BSD-3-Clause */
#include "bgp_nlri.h"
#include <string.h>

bool bgp_nlri_next(struct bgp_nlri *nlri, struct prefix *prefix, uint32_t *path_id)
{
    struct span rest = nlri->bytes;
    struct span bits;
    uint8_t length;

    *path_id = 0;
    if (nlri->add_path && !span_u32(&rest, path_id)) {
        return false;
    }
    if (!span_u8(&rest, &length) || length > family_bits(nlri->family) ||
        !span_take(&rest, (size_t)(length + 7) / 8, &bits)) {
        return false;
    }
    *prefix = (struct prefix){.addr.family = nlri->family, .length = length};
    memcpy(prefix->addr.bytes, bits.at, span_left(&bits));
    if (length % 8 != 0) {
        prefix->addr.bytes[length / 8] &= (uint8_t)(0xff00 >> length % 8);
    }
    nlri->bytes = rest;
    return true;
}

bool bgp_nlri_valid(const struct bgp_nlri *nlri)
{
    struct bgp_nlri rest = *nlri;
    struct prefix prefix;
    uint32_t path_id;

    while (bgp_nlri_next(&rest, &prefix, &path_id)) {
    }
    return span_left(&rest.bytes) == 0;
}
