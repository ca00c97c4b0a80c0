/* SPDX-License-Identifier: BSD-3-Clause */
/* What the table of verbs says about itself: usage, and what was probably meant. */
#include "command.h"
#include <string.h>

#define LINE_WIDTH  100
#define PHRASE_SIZE 64

/* The first `count` words of a phrase. */
static size_t phrase_head(const char *phrase, size_t count)
{
    size_t length = 0;

    while (count > 0 && phrase[length] != '\0') {
        length += length > 0;
        length += strcspn(phrase + length, " ");
        count--;
    }
    return length;
}

static bool phrase_join(char *const *words, size_t count, char *out)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count && used < PHRASE_SIZE; i++) {
        used += (size_t)snprintf(out + used, PHRASE_SIZE - used, "%s%s", i > 0 ? " " : "", words[i]);
    }
    return used < PHRASE_SIZE;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's: how many letters to insert, delete or change. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[PHRASE_SIZE];

    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            row[j] = smaller(changed, 1 + smaller(row[j], row[j - 1]));
        }
    }
    return row[b_length];
}

static size_t word_count(const char *phrase)
{
    size_t count = 1;

    for (; *phrase != '\0'; phrase++) {
        count += *phrase == ' ';
    }
    return count;
}

const struct verb *verb_suggest(char *const *words, size_t count)
{
    const struct verb *best = NULL;
    size_t best_distance = 3;

    for (size_t i = 0; i < verb_count; i++) {
        size_t heads = smaller(word_count(verbs[i].words), count);
        size_t length = phrase_head(verbs[i].words, heads);
        char phrase[PHRASE_SIZE];
        size_t distance;

        if (heads == 0 || !phrase_join(words, heads, phrase)) {
            continue;
        }
        distance = edit_distance(phrase, strlen(phrase), verbs[i].words, length);
        if (distance < best_distance && distance < length) {
            best = &verbs[i];
            best_distance = distance;
        }
    }
    return best;
}

/* Prints a piece of usage, on a new line if this one is full; returns the column after it. */
static int print_piece(const char *piece, int column, FILE *out)
{
    if (column + 1 + (int)strlen(piece) > LINE_WIDTH) {
        column = fprintf(out, "\n       ") - 1;
    }
    return column + fprintf(out, " %s", piece);
}

static void print_verb(const struct verb *verb, FILE *out)
{
    int column = fprintf(out, "  %s", verb->words);

    for (const struct argument *argument = verb->arguments; argument->kind != ARGUMENT_NONE; argument++) {
        char piece[PHRASE_SIZE];

        snprintf(piece, sizeof(piece), "%s%s%s%s%s", argument->required ? "" : "[",
                 argument->keyword != NULL ? argument->keyword : "", argument->keyword != NULL ? " " : "",
                 argument->shown, argument->required ? "" : "]");
        column = print_piece(piece, column, out);
    }
    fprintf(out, "\n      %s\n", verb->help);
}

size_t verb_print_usage(char *const *words, size_t count, FILE *out)
{
    char phrase[PHRASE_SIZE];
    size_t printed = 0;

    if (!phrase_join(words, count, phrase)) {
        return 0;
    }
    for (size_t i = 0; i < verb_count; i++) {
        size_t length = strlen(phrase);

        if (length == 0 ||
            (phrase_head(verbs[i].words, count) == length && strncmp(verbs[i].words, phrase, length) == 0)) {
            print_verb(&verbs[i], out);
            printed++;
        }
    }
    return printed;
}
