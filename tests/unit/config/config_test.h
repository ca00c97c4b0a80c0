/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of ctrl/config share. */
#ifndef CONFIG_TEST_H
#define CONFIG_TEST_H

#include "config.h"
#include "unit.h"
#include <string.h>

/* The least that is a configuration; one line, so that what a case adds starts on line 2. */
#define SITE "site: {name: lon, asn: 65000}\n"

/* Parses a text that must be right. */
static inline struct config *config_of(const char *text)
{
    struct config *config = NULL;
    struct error error;
    int result = config_parse(text, strlen(text), "f", &config, &error);

    if (result != 0) {
        fail_msg("%s\n%s", error.text, text);
    }
    return config;
}

#endif
