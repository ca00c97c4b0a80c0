/* SPDX-License-Identifier: BSD-3-Clause */
#include "select.h"

static struct selection select_among(const uint16_t *ids, unsigned int n, const struct adjacency *adjacencies)
{
    uint16_t suspect = ADJACENCY_NONE;

    for (unsigned int i = 0; i < n; i++) {
        uint32_t state = adjacency_state(&adjacencies[ids[i]]);

        if (state == 0) {
            return (struct selection){.adjacency = ids[i]};
        }
        if (suspect == ADJACENCY_NONE && adjacency_is_suspect(state)) {
            suspect = ids[i];
        }
    }
    return (struct selection){.adjacency = suspect, .failed_open = suspect != ADJACENCY_NONE};
}

struct selection select_backup(const struct path_list *list, row_t row, const struct adjacency *adjacencies)
{
    uint16_t ids[ROW_PLACES];
    struct selection in_row;
    struct selection in_list;

    for (unsigned int place = 0; place < ROW_PLACES; place++) {
        ids[place] = row_place(row, place);
    }
    in_row = select_among(ids, ROW_PLACES, adjacencies);
    if (in_row.adjacency != ADJACENCY_NONE && !in_row.failed_open) {
        return in_row;
    }
    in_list = select_among(list->ranked, list->ranked_count, adjacencies);
    /* among suspects the row's own: the list's first would get the flows of all rows */
    return in_list.failed_open && in_row.failed_open ? in_row : in_list;
}
