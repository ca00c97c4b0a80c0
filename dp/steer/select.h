/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a row to the adjacency that gets the packet: the test that makes a failover take effect. Workers only.
 */
#ifndef SELECT_H
#define SELECT_H

#include "path_list.h"

struct selection {
    uint16_t adjacency; /* ADJACENCY_NONE: nothing is left */
    bool failed_open;   /* taken although it is suspect */
};

/* The first of the row that is alive; else the first of the whole path list that is; else the first of the row, then of
 * the list, that is but suspect. Out of line: taken when the row's first choice is not alive. */
struct selection select_backup(const struct path_list *list, row_t row, const struct adjacency *adjacencies);

#endif
