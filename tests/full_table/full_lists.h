/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a table of full size must answer: its routes in sorted lists, one for each length, searched from the longest
 * on. Shares nothing with dp/fib.
 */
#ifndef FULL_LISTS_H
#define FULL_LISTS_H

#include "full_table.h"

struct full_lists;

/* Ends the process if there is no memory. */
struct full_lists *full_lists_create(const struct table *table);
void full_lists_destroy(struct full_lists *lists);
/* Where the value of exactly this route is, one of the table's: 0 there means that it is not in, for now. */
uint32_t *full_lists_value(const struct full_lists *lists, table_key key, unsigned int length);
/* The value of the longest route that is in and covers the key; 0: none does. */
uint32_t full_lists_match(const struct full_lists *lists, table_key key);

#endif
