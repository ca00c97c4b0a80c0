/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who takes over: the first packet that went elsewhere after an adjacency died. Whoever is about to flip a state byte
 * arms the adjacency; the worker that first steers one of its packets to another one says so, off the ordinary way
 * (select_backup); the control thread takes what was said. A handful of failovers at a time is watched, the others go
 * without. Any thread may arm, any worker note; the control thread alone takes.
 */
#ifndef TAKEOVER_H
#define TAKEOVER_H

#include "path_list.h"
#include <stdbool.h>
#include <stdint.h>

#define TAKEOVERS 32

struct takeover {
    uint64_t first; /* when, by the TSC; 0: not yet */
    uint64_t gap;   /* from the begin of the worker's loop before until then */
    uint16_t heir;
};

struct takeovers {
    uint32_t armed; /* atomic: slots in use */
    struct {
        uint32_t dead;  /* atomic: the adjacency; 0: free */
        uint32_t heir;  /* atomic */
        uint64_t first; /* atomic: written once, before gap and heir */
        uint64_t gap;   /* atomic: before heir */
    } slots[TAKEOVERS];
};

/* From now on, until it is taken. Again while it is: nothing new. */
void takeover_arm(struct takeovers *takeovers, uint16_t dead);
/* A packet of this row goes to `heir`, for all before it are not alive. before: when the worker's loop before this one
 * began. */
void takeover_note(struct takeovers *takeovers, row_t row, uint16_t heir, uint64_t now, uint64_t before);
/* What was noted; false: it is not armed. With `end` it is not any more. */
bool takeover_take(struct takeovers *takeovers, uint16_t dead, bool end, struct takeover *out);

/* Whether takeover_note() is of use to anybody. */
static inline bool takeover_is_armed(const struct takeovers *takeovers)
{
    return takeovers != NULL && __atomic_load_n(&takeovers->armed, __ATOMIC_RELAXED) != 0;
}

#endif
