/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that lives as long as a configuration: config_free() frees it all. Private to this folder.
 */
#ifndef CONFIG_MEMORY_H
#define CONFIG_MEMORY_H

#include "config.h"

/* Zeroed; NULL: none left. */
void *config_alloc(struct config *config, size_t size);
char *config_strdup(struct config *config, const char *text);

#endif
