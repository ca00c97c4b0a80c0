/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rows from weighted rendezvous hashing (Thaler, Ravishankar: highest random weight, 1998; the weighted form after
 * Schindelhauer, Schomaker 2005), in integers, because libm differs between CPUs.
 *
 * Each member of a tier draws a number for each row from its name's hash and the row's index; the order of the draws is
 * the order in which the row tries them. So every forwarder with the same names computes the same rows, removing a
 * member moves only its own rows, and adding one takes only its share.
 */
#ifndef ROWS_H
#define ROWS_H

#include "path_list.h"

/* How many rows these tiers need: 1 if no tier has a choice, else ROWS_SHARED. A number that followed the count of
 * members would move flows of survivors when it changed: a flow's row is its hash modulo the number of rows. */
uint32_t rows_count(const struct path_list_spec *spec);

/* Fills `count` rows. A row takes its first three places from the tiers in order, and the fourth from the next tier
 * where there is one, so that the death of a whole tier leaves it a place to go. Pure. */
void rows_build(const struct path_list_spec *spec, row_t *rows, uint32_t count);

#endif
