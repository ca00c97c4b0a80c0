/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane without its workers: the calling thread runs the pipe, packet by packet, at times that it chooses.
 * What comes out, it sees through a watch. Of one worker; instead of dp_start().
 */
#ifndef DP_REPLAY_H
#define DP_REPLAY_H

#include "dp.h"
#include "watch.h"

/* Starts the ports. From now on `watch`, which must outlive dp, is shown everything. 0 or -errno with a text. */
int dp_replay_start(struct dp *dp, struct watch *watch, struct error *error) MUST_USE;
/* A packet that `port` received, a copy of those bytes; NULL: no buffers for it. */
struct rte_mbuf *dp_replay_packet(const struct dp *dp, unsigned int port, const void *bytes, uint32_t length) MUST_USE;
/* One loop of the worker at that time, TSC cycles, never less than before: what waited long enough goes on, the port
 * receives the packet (NULL: nothing), which is taken over, and what is to leave leaves. */
void dp_replay_step(struct dp *dp, uint64_t now, unsigned int port, struct rte_mbuf *packet);

#endif
