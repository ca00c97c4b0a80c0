/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * "Did you mean": the nearest of the words that would have been right. Private to this folder.
 */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include "error.h"

struct suggestion {
    const char *word;
    const char *nearest; /* NULL: nothing near enough yet */
    unsigned int distance;
};

/* {.word = what was written} at first. Keeps the candidate if it is the nearest so far. */
void suggestion_offer(struct suggestion *suggestion, const char *candidate);
/* `; did you mean "x"?`, or "" where nothing is near. */
const char *suggestion_text(const struct suggestion *suggestion, struct error *buffer);

#endif
