/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The floor under the number of instances that are alive. Checks can be wrong, and all of them at once when it is the
 * checker that has lost its way; an instance that is taken for dead serves better than none.
 *
 * When the failures would leave fewer than `min_alive`, the last good set is kept in use: the failed ones that failed
 * together with the last of them (within together_ms, in which all checks of a blind checker fail), and then the most
 * recent failures, until there are enough. What is kept stays so until enough others are alive. The operator's word is
 * not a failure: who is down by it is neither counted nor kept. Pure.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include "health.h"

/* Sets `kept` of each. An instance without checks counts as alive while it is reachable. True: the floor is what keeps
 * some in use ("failopen"), which somebody should look at. */
bool health_floor(struct health *const *instances, size_t n, uint32_t min_alive, uint32_t together_ms);

#endif
