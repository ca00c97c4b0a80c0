/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a lookup costs where it is used: a forwarder cut down to it. Receives a burst of 64-byte frames to the given
 * addresses, parses them, looks them up, and rewrites TTL and MAC addresses. All of that is the same for every engine
 * but the lookup and, where the engine has one, the prefetch in the parser.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include "engine.h"

#define BURST 64

/* A measurement takes this many addresses, the same for every engine. */
#define MEASURE_PARTS   256
#define MEASURE_EACH    4096
#define MEASURE_LOOKUPS ((size_t)MEASURE_PARTS * MEASURE_EACH)

/* TSC cycles a packet. */
double forward_measure(const struct engine *engine, void *fib, const struct engines *engines, const void *addresses);
/* The lookups alone. */
double bare_measure(const struct engine *engine, void *fib, const struct engines *engines, const void *addresses);

#endif
