/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int syslog;
} levels[LOG_LEVELS] = {
    [LOG_ERROR] = {"error", 3}, [LOG_WARNING] = {"warning", 4}, [LOG_NOTICE] = {"notice", 5},
    [LOG_INFO] = {"info", 6},   [LOG_DEBUG] = {"debug", 7},
};

static enum log_level threshold = LOG_NOTICE;

int log_level_parse(const char *name)
{
    for (int i = 0; i < LOG_LEVELS; i++) {
        if (strcmp(name, levels[i].name) == 0) {
            return i;
        }
    }
    return -EINVAL;
}

void log_set_level(enum log_level level)
{
    threshold = level;
}

void log_message(enum log_level level, const char *format, ...)
{
    char line[1024];
    va_list args;
    int n;

    if (level > threshold) {
        return;
    }
    if (getenv("JOURNAL_STREAM") != NULL) {
        n = snprintf(line, sizeof(line), "<%d>", levels[level].syslog);
    } else {
        n = snprintf(line, sizeof(line), "anyfwd: %s: ", levels[level].name);
    }
    va_start(args, format);
    vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
    va_end(args);
    /* what came from outside must not forge a second line */
    for (char *c = line; *c != '\0'; c++) {
        *c = *c == '\n' || *c == '\r' ? ' ' : *c;
    }
    fprintf(stderr, "%s\n", line);
}
