/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traces and captures of all workers, read by the control thread. Control thread only.
 *
 * A watch sees packets from each worker's next packet on, and costs them nothing once it is closed. Its memory is
 * bounded, whatever passes and however seldom it is read: what finds no room is counted as lost.
 */
#ifndef DP_WATCH_H
#define DP_WATCH_H

#include "capture.h"
#include "dp.h"
#include "trace.h"

struct dp_watch;

/* Records are struct trace_record and struct capture_record; the limit is each worker's. 0 or -ENOMEM. */
int dp_trace_open(struct dp *dp, const struct trace_settings *settings, struct dp_watch **out) MUST_USE;
int dp_capture_open(struct dp *dp, const struct capture_settings *settings, struct dp_watch **out) MUST_USE;
/* Frees it when no worker looks any more. */
void dp_watch_close(struct dp *dp, struct dp_watch *watch);
/* The oldest record of the next worker that has any, until dp_watch_consume(); NULL: there is none. */
const void *dp_watch_peek(struct dp_watch *watch, unsigned int *worker);
void dp_watch_consume(struct dp_watch *watch);
/* What found no room so far. */
uint64_t dp_watch_lost(const struct dp_watch *watch);

/* Nanoseconds since 1970 at that reading of the TSC, of late. */
uint64_t dp_time_ns(uint64_t tsc);
/* The port that the lane of a struct watch_event, or the DPDK port `device`, belongs to; -ENOENT: none. */
int dp_port_of_lane(const struct dp *dp, uint16_t lane) MUST_USE;
int dp_port_of_device(const struct dp *dp, uint16_t device) MUST_USE;

#endif
