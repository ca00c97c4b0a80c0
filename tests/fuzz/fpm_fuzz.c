/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream of FPM frames of any bytes, over a bare RIB. The first byte: whether metrics tell routes apart, and whether
 * everything is told anew half-way. In the end nothing must be left but what the table says it has. */
#include "fpm.h"
#include "log.h"
#include "table.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct table *table;
    const struct feed_sink *sink;
    struct nl_table *routes;
    struct span bytes;

    if (table == NULL) {
        table = table_create();
        log_set_level(LOG_ERROR);
    }
    if (size == 0) {
        return 0;
    }
    sink = table_sink(table);
    routes = nl_table_create(&(struct nl_table_settings){
        .sink = sink, .peer = sink->peer_set(sink->owner, &(struct feed_peer){0}), .by_metric = (data[0] & 1) != 0});
    bytes = span_of(data + 1, (size - 1) / 2);
    nl_table_sync_begin(routes);
    if (fpm_read(routes, &bytes, 100) > 0 && (data[0] & 2) != 0) {
        nl_table_sync_end(routes);
        nl_table_sync_begin(routes);
    }
    bytes.end = data + size;
    if (fpm_read(routes, &bytes, 100) > 0) {
        nl_table_sync_end(routes);
    }
    if (nl_table_counts(routes)->routes == 0 && table_count(table) > 0) {
        abort();
    }
    nl_table_destroy(routes);
    table_reset(table);
    return 0;
}
