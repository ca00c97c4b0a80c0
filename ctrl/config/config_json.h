/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONFIG_JSON_H
#define CONFIG_JSON_H

#include "config.h"
#include <jansson.h>

/* The effective configuration, defaults included, in the file's own shape: every key is there, null where it is absent
 * and without a default, and config_parse() of the text gives an equal configuration. A new reference; NULL: no memory.
 */
json_t *config_to_json(const struct config *config) MUST_USE;

#endif
