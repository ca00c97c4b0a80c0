/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The withdraw breaker: a source that takes away too large a part of what it had within some time has more likely
 * failed than changed its mind. It is judged by the prefixes that it has: what it withdraws and announces again, in
 * whatever way, is no loss. Pure; what to do with what is not let through is the caller's (session_breaker.c).
 */
#ifndef BREAKER_H
#define BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_PARTS 4

struct breaker_rules {
    uint32_t max_percent; /* of the most prefixes that it had within the window; 100: everything may go */
    uint32_t window_s;
    uint32_t min_prefixes; /* so many may go whatever part they are: a few prefixes are no judge of anybody */
};

#define BREAKER_OFF     ((struct breaker_rules){100, 60, 100})
#define BREAKER_OF_FEED ((struct breaker_rules){50, 60, 100})

struct breaker {
    struct breaker_rules rules;
    uint32_t peaks[BREAKER_PARTS]; /* the most prefixes in each part of the window, the latest first */
    uint64_t part_ms;              /* when the latest began */
    bool tripped;                  /* nothing more is let through */
    uint64_t tripped_ms;
    uint64_t let_until_ms; /* whatever it is */
};

/* Whether `lose` of the `has` prefixes may go now; else it trips. Called before each loss, so that it knows the peaks
 * between them. */
bool breaker_lets(struct breaker *breaker, uint32_t has, uint32_t lose, uint64_t now_ms);
/* A loss that was right, however large: judged from here on. */
void breaker_rebase(struct breaker *breaker, uint32_t has, uint64_t now_ms);
/* No longer tripped; and, if `let`, for the length of a window everything is let through. */
void breaker_reset(struct breaker *breaker, uint32_t has, uint64_t now_ms, bool let);

#endif
