/* SPDX-License-Identifier: BSD-3-Clause */
#include "drop.h"
#include "attributes.h"
#include <assert.h>

static const char *const names[] = {
    [DROP_TRUNCATED] = "truncated",
    [DROP_NOT_FOR_US] = "not_for_us",
    [DROP_BAD_SOURCE_MAC] = "bad_source_mac",
    [DROP_UNKNOWN_VLAN] = "unknown_vlan",
    [DROP_BAD_VERSION] = "bad_version",
    [DROP_BAD_HEADER_LENGTH] = "bad_header_length",
    [DROP_BAD_TOTAL_LENGTH] = "bad_total_length",
    [DROP_BAD_CHECKSUM] = "bad_checksum",
    [DROP_MARTIAN_SOURCE] = "martian_source",
    [DROP_MARTIAN_DESTINATION] = "martian_destination",
    [DROP_SOURCE_ROUTE] = "source_route",
    [DROP_NO_ROUTE] = "no_route",
    [DROP_NO_INSTANCE] = "no_instance",
    [DROP_BLACKHOLE] = "blackhole",
    [DROP_REJECT] = "reject",
    [DROP_TTL_EXPIRED] = "ttl_expired",
    [DROP_TOO_BIG] = "too_big",
    [DROP_NO_NEIGHBOUR] = "no_neighbour",
    [DROP_NO_BUFFER] = "no_buffer",
    [DROP_NO_HEADROOM] = "no_headroom",
    [DROP_NO_TWIN] = "no_twin",
    [DROP_TX_FULL] = "tx_full",
    [DROP_PUNT_FULL] = "punt_full",
};
static_assert(ARRAY_SIZE(names) == DROP_REASONS, "a name for each reason");

const char *drop_reason_name(enum drop_reason reason)
{
    return names[reason];
}
