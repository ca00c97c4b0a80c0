/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The probes of all instances, as the site has them: begun, changed and ended with their entries. Each asks the anycast
 * address at that one instance: its packets carry a mark, by which the kernel routes them to the instance's next hop.
 * Answers come back to the port's own address, which is the kernel's. Control thread only.
 */
#ifndef PROBES_H
#define PROBES_H

#include "loop.h"
#include "site.h"

struct probes;

/* Takes away what a killed process left in the kernel. NULL: no memory. */
struct probes *probes_create(struct loop *loop, struct install *install, struct site *site);
/* NULL is fine. */
void probes_destroy(struct probes *probes);
/* Every 10 ms: follows the site and its next hops. */
void probes_tick(struct probes *probes);

#endif
