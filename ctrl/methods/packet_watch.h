/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traces and captures that clients have started: records of the workers' rings, told as notifications. A watch belongs
 * to the connection that started it and ends with it, or at its count, bytes or time. A client that does not read makes
 * the ring full, no more: what is lost is counted, and told at the end.
 */
#ifndef PACKET_WATCH_H
#define PACKET_WATCH_H

#include "attributes.h"
#include <stdint.h>
#include <sys/queue.h>

#define PACKET_WATCHES_MAX 4 /* at a time; a further one is busy */

struct control;
struct packet_watch;
LIST_HEAD(packet_watch_list, packet_watch);

/* Every 10 ms. */
void packet_watches_tick(struct control *control, uint64_t now_ms);

#endif
