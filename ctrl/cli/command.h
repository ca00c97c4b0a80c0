/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the words of a command line to a method and its parameters, by the table in verbs.c. Pure, but for "-", which
 * reads JSON from the standard input.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "error.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum argument_kind {
    ARGUMENT_NONE, /* ends the table */
    ARGUMENT_TEXT,
    ARGUMENT_NUMBER,    /* a decimal integer */
    ARGUMENT_LIST,      /* A,B -> ["A", "B"] */
    ARGUMENT_ADDRESSES, /* A -> "A"; A,B -> ["A", "B"] */
    ARGUMENT_AS_PATH,   /* "65001 {1,2}" or 65001,65010 -> [65001, [1, 2]] */
    ARGUMENT_JSON,      /* "-": from the standard input */
};

struct argument {
    enum argument_kind kind;
    const char *keyword; /* comes before the value; NULL: by its place, before all that have keywords */
    const char *shown;   /* the value in the usage: "PREFIX" */
    const char *key;     /* where the value goes; "tunnel.type" is inside an object */
    bool required;
};

struct verb {
    const char *words;  /* "route explain" */
    const char *method; /* NULL: the first argument names it, the second holds the parameters */
    const char *help;
    const char *fixed; /* parameters that are always sent, in JSON; NULL: none */
    const char *list;  /* "add": the parameters are {"add": [OBJECT]}; NULL: they are the object */
    struct argument arguments[17];
};

extern const struct verb verbs[];
extern const size_t verb_count;

/* The verb that the words begin with, the longest; *used is how many words it takes. NULL: none. */
const struct verb *verb_find(char *const *words, size_t count, size_t *used);
/* The method and the parameters (a new reference; NULL: none) for the words that follow the verb's own. 0, or -EINVAL
 * with *error saying which word is wrong, or -ENOMEM. *method points into the verb or the words. */
int verb_read(const struct verb *verb, char *const *words, size_t count, const char **method, json_t **params,
              struct error *error) MUST_USE;
/* The verb that was probably meant, or NULL. */
const struct verb *verb_suggest(char *const *words, size_t count);
/* Prints the usage of all verbs that begin with these words, and returns how many they are. */
size_t verb_print_usage(char *const *words, size_t count, FILE *out);

#endif
