/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes as tables: what wins, what it is made of, and why the others lost. 0; -ENOMEM; or -EINVAL: the result has not
 * the expected shape, and nothing is printed. */
#ifndef ROUTES_TEXT_H
#define ROUTES_TEXT_H

#include "attributes.h"
#include <jansson.h>
#include <stdio.h>

/* route.get: {prefix, candidates, best, generation} */
int routes_print_candidates(const json_t *result, FILE *out) MUST_USE;
/* route.explain: {best, candidates} */
int routes_print_explanation(const json_t *result, FILE *out) MUST_USE;
/* fib.lookup: {prefix, tiers: [[{instance | next_hop | action, port, alive, why}]]} */
int routes_print_lookup(const json_t *result, FILE *out) MUST_USE;

#endif
