/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Columns of text, aligned: numbers to the right, the rest to the left. All zero is an empty table.
 *
 * Names are other people's input and terminals obey escape sequences, so control characters are printed as '?'.
 */
#ifndef TEXT_TABLE_H
#define TEXT_TABLE_H

#include "attributes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TEXT_TABLE_COLUMNS 24

struct text_table {
    size_t columns;
    char **cells; /* row after row */
    size_t count;
    size_t capacity;
};

/* Adds a copy of a cell to the row, and begins the next one after `columns` of them. 0 or -ENOMEM. */
int text_table_add(struct text_table *table, const char *cell) MUST_USE;
/* Prints the complete rows. The first is the heading, if `heading`. A column whose cells, but for the heading, are all
 * numbers or "-" is aligned to the right. */
void text_table_print(const struct text_table *table, bool heading, FILE *out);
void text_table_free(struct text_table *table);
/* For text outside of tables. */
void text_print(const char *text, FILE *out);

#endif
