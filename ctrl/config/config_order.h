/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An order of the schema's values and of the items of a list. Private to this folder.
 */
#ifndef CONFIG_ORDER_H
#define CONFIG_ORDER_H

#include "config_schema.h"

/* A total order: negative, 0 if equal, positive. What it sorts by is nobody's business but strings', which sort as
 * strcmp() has them. */
int config_compare(const struct config_type *type, const void *a, const void *b);
/* The same for what names an item in its list: of a mapping its identity fields, of anything else all of it. */
int config_identity_compare(const struct config_type *type, const void *a, const void *b);

/* Pointers to the items of a list by identity, equal ones as they stand in the list; for free(). NULL: no memory. */
const void **config_sort(const struct config_type *list, const void *value);

#endif
