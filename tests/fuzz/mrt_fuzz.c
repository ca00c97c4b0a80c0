/* SPDX-License-Identifier: BSD-3-Clause */
/* MRT records of any bytes, over a bare RIB. */
#include "log.h"
#include "mrt.h"
#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bgp_room room;
    static struct table *table;
    struct span bytes = span_of(data, size);
    struct mrt *mrt;

    if (table == NULL) {
        table = table_create();
        log_set_level(LOG_ERROR);
    }
    mrt = mrt_create(&(struct mrt_settings){.sink = table_sink(table), .name = "fuzz", .room = &room, .remembered = 4});
    if (mrt_read(mrt, &bytes, 50) > 0) { /* fewer than the table has room for peers */
        mrt_finish(mrt);
    }
    mrt_destroy(mrt);
    table_reset(table);
    return 0;
}
