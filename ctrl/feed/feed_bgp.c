/* SPDX-License-Identifier: BSD-3-Clause */
#include "feed_bgp.h"
#include "log.h"

/* Powers of two: what goes on being broken is told less and less often. */
static bool is_worth_a_line(uint64_t count)
{
    return (count & (count - 1)) == 0;
}

static void note_fault(const struct bgp_attributes *attributes, struct feed_counts *counts, const char *source,
                       const char *peer_name)
{
    uint64_t *const count[] = {NULL, &counts->discarded, &counts->treated_as_lost, &counts->unusable};
    static const char *const costs[] = {NULL, "left out", "its routes count as withdrawn", "nothing of it is used"};

    if (attributes->fault == BGP_FAULT_NONE || !is_worth_a_line(++*count[attributes->fault])) {
        return;
    }
    log_warning("%s: an update of %s is broken (attribute %u: %s): %s; %llu so far", source, peer_name,
                attributes->fault_at, attributes->fault_text, costs[attributes->fault],
                (unsigned long long)*count[attributes->fault]);
}

static void withdraw_all(const struct feed_sink *sink, int peer, struct bgp_nlri nlri, struct feed_counts *counts)
{
    struct prefix prefix;
    uint32_t path_id;

    while (bgp_nlri_next(&nlri, &prefix, &path_id)) {
        sink->withdraw(sink->owner, peer, &prefix, path_id);
        counts->withdrawals++;
    }
}

static void upsert_all(const struct feed_sink *sink, int peer, const struct bgp_reach *reach, const struct attrs *attrs,
                       struct feed_counts *counts)
{
    struct feed_route route = {.target = {.kind = TARGET_NEXT_HOP, .next_hop = reach->next_hop}, .attrs = attrs};
    struct bgp_nlri nlri = reach->nlri;

    while (bgp_nlri_next(&nlri, &route.prefix, &route.path_id)) {
        if (attrs == NULL || sink->upsert(sink->owner, peer, &route) < 0) {
            counts->refused++;
        } else {
            counts->upserts++;
        }
    }
}

void feed_apply_update(const struct feed_sink *sink, int peer, const struct bgp_update *update,
                       struct feed_counts *counts, const char *source, const char *peer_name)
{
    enum bgp_fault fault = update->attributes.fault;
    const struct attrs *attrs = NULL;

    note_fault(&update->attributes, counts, source, peer_name);
    if (fault == BGP_FAULT_MESSAGE) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        withdraw_all(sink, peer, update->withdrawn[i], counts);
    }
    for (int i = 0; i < 2; i++) {
        const struct bgp_reach *reach = &update->reach[i];

        if (reach->present && fault == BGP_FAULT_WITHDRAW) {
            withdraw_all(sink, peer, reach->nlri, counts);
        } else if (reach->present) {
            attrs = attrs != NULL ? attrs : attrs_intern(sink->attrs, &update->attributes.attrs);
            upsert_all(sink, peer, reach, attrs, counts);
        }
    }
    attrs_unref(sink->attrs, attrs);
}
