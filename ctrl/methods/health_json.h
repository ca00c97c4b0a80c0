/* SPDX-License-Identifier: BSD-3-Clause */
/* The health of an instance, to and from JSON. */
#ifndef HEALTH_JSON_H
#define HEALTH_JSON_H

#include "methods.h"

/* Reads `health` of instance.set; NULL: no checks. 0 or an API error with its text in the call. */
int health_read(struct api_call *call, const json_t *object, struct health_settings *out) MUST_USE;
/* A new reference. */
json_t *json_health(const struct control *control, const struct site_instance *instance);

#endif
