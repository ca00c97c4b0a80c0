/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_suggest.h"
#include <string.h>
#include <strings.h>

enum { WORD_MAX = 64 };

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
    unsigned int least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein distance with swaps of neighbours as one step (optimal string alignment); case is free. */
static unsigned int distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned int rows[3][WORD_MAX + 1];
    unsigned int *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_length; j++) {
        above[j] = (unsigned int)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        unsigned int *spare = before;

        row[0] = (unsigned int)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned int differ = strncasecmp(&a[i - 1], &b[j - 1], 1) != 0;

            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + differ);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[b_length];
}

void suggestion_offer(struct suggestion *suggestion, const char *candidate)
{
    size_t length = strlen(suggestion->word);
    size_t other = strlen(candidate);
    unsigned int d;

    if (length > WORD_MAX || other > WORD_MAX) {
        return;
    }
    d = distance(suggestion->word, length, candidate, other);
    /* at most a third of the word may be wrong, but one letter always */
    if (d > 1 + length / 4 || d >= other) {
        return;
    }
    if (suggestion->nearest == NULL || d < suggestion->distance) {
        suggestion->nearest = candidate;
        suggestion->distance = d;
    }
}

const char *suggestion_text(const struct suggestion *suggestion, struct error *buffer)
{
    buffer->text[0] = '\0';
    if (suggestion->nearest != NULL) {
        error_set(buffer, 0, "; did you mean \"%s\"?", suggestion->nearest);
    }
    return buffer->text;
}
