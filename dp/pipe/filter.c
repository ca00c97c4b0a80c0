/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter.h"
#include "headers.h"

static bool headers_match(const struct filter *filter, const struct headers *headers)
{
    unsigned int met = 0;

    if (!headers->has_ip) {
        return false;
    }
    if (prefix_contains(&filter->address, &headers->source) ||
        prefix_contains(&filter->address, &headers->destination)) {
        met |= FILTER_ADDRESS;
    }
    if (prefix_contains(&filter->source, &headers->source)) {
        met |= FILTER_SOURCE;
    }
    if (prefix_contains(&filter->destination, &headers->destination)) {
        met |= FILTER_DESTINATION;
    }
    if (headers->protocol == filter->protocol) {
        met |= FILTER_PROTOCOL;
    }
    if (headers->has_ports && (headers->source_port == filter->port || headers->destination_port == filter->port)) {
        met |= FILTER_PORT;
    }
    return (filter->fields & ~met) == 0;
}

bool filter_matches(const struct filter *filter, const struct rte_mbuf *mbuf)
{
    const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
    struct headers headers;
    unsigned int inner;

    if (filter->fields == 0) {
        return true;
    }
    headers_read(frame, mbuf->data_len, &headers);
    if (headers_match(filter, &headers)) {
        return true;
    }
    inner = headers.inner;
    if (inner == 0) {
        return false;
    }
    headers_read_ip(frame + inner, mbuf->data_len - inner, &headers);
    return headers_match(filter, &headers);
}
