/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Monitors: clients that are told what changes. Each has a sequence of events of its own, and a bounded queue: what
 * finds no room is lost, and told as "event_lost" with its range of numbers when there is room again.
 *
 * A change of a best path is told from within the commit. The other topics are looked at every MONITOR_POLL_MS while
 * somebody has subscribed to them, and told where they differ from the last look.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include "methods.h"

#define MONITOR_BUFFER_MAX ((size_t)4 << 20)
#define MONITOR_POLL_MS    20

enum monitor_topic {
    TOPIC_BEST,
    TOPIC_INSTANCE,
    TOPIC_SESSION,
    TOPIC_PORT,
    TOPIC_NEIGHBOUR,
    TOPIC_FAILOVER,
    TOPICS,
};

/* Every 10 ms. */
void monitors_tick(struct control *control, uint64_t now_ms);
/* The site is about to go. */
void monitors_free(struct control *control);
/* True: somebody wants to be told, and has room. Those who have none count it as lost. */
bool monitors_want(struct control *control, enum monitor_topic topic);
/* Tells those who had room in monitors_want(), which must have been true. Takes the object. */
void monitors_tell(struct control *control, enum monitor_topic topic, json_t *params);

/* monitor_poll.c: what there is now of a topic: {key: object}, without counters. */
json_t *monitor_look(const struct control *control, enum monitor_topic topic);

#endif
