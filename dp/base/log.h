/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One line a message to stderr. Under systemd (JOURNAL_STREAM) a line starts with "<N>", the syslog level that the
 * journal reads (sd-daemon(3)); elsewhere with the level's name. Control thread and start-up only, never a worker.
 */
#ifndef LOG_H
#define LOG_H

#include "attributes.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

/* The level by its name ("error" ... "debug"), or -EINVAL. */
int log_level_parse(const char *name) MUST_USE;
/* Messages above this level are dropped; LOG_NOTICE at the start. */
void log_set_level(enum log_level level);
void log_message(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...)   log_message(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_message(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_message(LOG_DEBUG, __VA_ARGS__)

#endif
