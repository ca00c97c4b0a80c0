/* SPDX-License-Identifier: BSD-3-Clause */
/* Enumerations and the words that the API has for them. */
#ifndef WORD_H
#define WORD_H

#include "attributes.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* The index of the word, or -EINVAL. */
static inline int word_find(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(words[i], word) == 0) {
            return (int)i;
        }
    }
    return -EINVAL;
}

#endif
