/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scalars of the schema: text to value and back. Private to this folder.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config_schema.h"

#define CONFIG_TEXT_MAX 64 /* bytes that config_value_format() needs at most */

/* A scalar as it is written, and whose memory its value may use. */
struct config_scalar {
    const struct config_type *type;
    const char *text;
    struct config *config;
};

/* 0; -EINVAL and in *why what follows the quoted text ("is not true or false"); or -ENOMEM. */
int config_value_parse(const struct config_scalar *scalar, void *out, struct error *why) MUST_USE;
/* How the value is written: config_value_parse() of it gives an equal one. Not for BOOL and NUMBER, which JSON has
 * itself. The result lies in `buffer` or is the value's own. */
const char *config_value_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX]);
/* What is right for any type: "a number from 1 to 64". */
const char *config_value_wanted(const struct config_type *type, struct error *buffer);

/* Digits, without a sign or a needless zero in front, of at most `max`. 0 or -EINVAL. */
int config_digits_parse(const char *text, uint64_t max, uint64_t *out) MUST_USE;
/* What follows "memif:". As config_value_parse(). */
int config_memif_parse(struct config *config, const char *argument, const struct config_memif **out,
                       struct error *why) MUST_USE;
/* "af_xdp:eth0"; a scalar of KIND_DEVICE as config_value_parse(). */
int config_device_parse(const struct config_scalar *scalar, void *out, struct error *why) MUST_USE;
/* A name that Linux accepts for an interface. */
bool config_ifname_valid(const char *text);

#endif
