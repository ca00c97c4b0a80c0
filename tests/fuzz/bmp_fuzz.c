/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream of BMP messages of any bytes into a router's state, over a bare RIB. The first byte picks the view. */
#include "bmp_router.h"
#include "log.h"
#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bgp_room room;
    static struct table *table;
    struct bmp_router *router;
    struct span bytes;

    if (table == NULL) {
        table = table_create();
        log_set_level(LOG_ERROR);
    }
    if (size == 0) {
        return 0;
    }
    router = bmp_router_create(&(struct bmp_router_settings){
        .sink = table_sink(table), .name = "fuzz", .view = (enum bmp_view)(data[0] % BMP_OUT), .room = &room});
    bytes = span_of(data + 1, size - 1);
    bmp_router_connected(router);
    if (bmp_router_read(router, &bytes, 50) > 0 && bmp_router_state(router)->told_all) {
        bmp_router_synced(router);
    }
    bmp_router_destroy(router);
    table_reset(table);
    return 0;
}
