/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any JSON value as text for people: a list of objects becomes a table, an object becomes names and values, what lies
 * deeper gets a section of its own, with the name of what it belongs to. 0 or -ENOMEM.
 */
#ifndef VALUE_TEXT_H
#define VALUE_TEXT_H

#include "attributes.h"
#include <jansson.h>
#include <stdio.h>

int value_print(const json_t *value, FILE *out) MUST_USE;
/* As JSON, for what is too deep for tables. */
int value_print_json(const json_t *value, FILE *out) MUST_USE;

#endif
