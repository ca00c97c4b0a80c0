/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of anyfwd(8). */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "attributes.h"
#include <stdbool.h>

struct options {
    const char *config; /* required */
    const char *socket; /* NULL: the configuration's */
    bool check;
};

#define OPTIONS_DONE  1 /* help or version were asked for, and printed */
#define OPTIONS_WRONG 2 /* told on stderr */

/* Sets the log level, too. 0, OPTIONS_DONE or OPTIONS_WRONG. */
int options_parse(int argc, char **argv, struct options *out) MUST_USE;

#endif
