/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UPDATE messages of any bytes; the first one says what the session agreed on. What is to be used of a message must be
 * fit for the RIB: prefixes without host bits, lists within the message, attributes that can be interned.
 */
#include "bgp_update.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void walk(struct bgp_nlri nlri)
{
    struct prefix prefix;
    uint32_t path_id;

    while (bgp_nlri_next(&nlri, &prefix, &path_id)) {
        struct prefix clean = prefix_of(&prefix.addr, prefix.length);

        require(prefix_equal(&clean, &prefix));
    }
    require(span_left(&nlri.bytes) == 0);
}

static void intern(const struct attrs *attrs)
{
    struct attrs_table *table = attrs_table_create(0);
    const struct attrs *first = attrs_intern(table, attrs);
    const struct attrs *again = attrs_intern(table, first);

    require(first == again && first->origin <= ORIGIN_INCOMPLETE);
    attrs_table_destroy(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bgp_room room;
    struct bgp_session session;
    struct bgp_update update;

    if (size == 0 || size > BGP_MESSAGE_MAX) {
        return 0;
    }
    session =
        (struct bgp_session){data[0] & 1, {data[0] >> 1 & 1, data[0] >> 2 & 1}, data[0] >> 3 & 1, data[0] >> 4 & 1};
    bgp_update_parse(span_of(data + 1, size - 1), &session, &room, &update);
    if (update.attributes.fault == BGP_FAULT_MESSAGE) {
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        walk(update.withdrawn[i]);
        if (update.reach[i].present) {
            walk(update.reach[i].nlri);
        }
    }
    if (update.attributes.fault < BGP_FAULT_WITHDRAW) {
        require(!update.reach[1].present || bgp_next_hop_valid(&update.reach[1].next_hop));
        intern(&update.attributes.attrs);
    }
    return 0;
}
