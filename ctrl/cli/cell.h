/* SPDX-License-Identifier: BSD-3-Clause */
/* A JSON value as the text of one table cell. */
#ifndef CELL_H
#define CELL_H

#include "attributes.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* For the caller to free. Strings and numbers are themselves, true and false are yes and no, null and NULL are "-"; a
 * list is "a,b", a path (key "as_path") "a b", a list inside either "{a,b}"; an object is "name value, name value".
 * NULL: out of memory. */
char *cell_text(const char *key, const json_t *value) MUST_USE;
/* Whether cell_text() is readable for it: no lists or objects of objects. */
bool cell_is_flat(const json_t *value);

#endif
