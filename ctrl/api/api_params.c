/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_params.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_string(const struct api_param *param, const json_t *value, void *out, struct error *error)
{
    size_t length = json_string_length(value);

    if (!json_is_string(value)) {
        return error_set(error, API_ERR_PARAMS, "\"%s\" must be a string", param->name);
    }
    if (length < (size_t)param->min || (param->max > 0 && length > (size_t)param->max)) {
        return error_set(error, API_ERR_PARAMS, "\"%s\" must be %" PRId64 " to %" PRId64 " bytes long", param->name,
                         param->min, param->max);
    }
    *(const char **)out = json_string_value(value);
    return 0;
}

static int read_integer(const struct api_param *param, const json_t *value, void *out, struct error *error)
{
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < param->min || number > param->max) {
        return error_set(error, API_ERR_PARAMS, "\"%s\" must be an integer from %" PRId64 " to %" PRId64, param->name,
                         param->min, param->max);
    }
    *(int64_t *)out = number;
    return 0;
}

static int read_bool(const struct api_param *param, const json_t *value, void *out, struct error *error)
{
    if (!json_is_boolean(value)) {
        return error_set(error, API_ERR_PARAMS, "\"%s\" must be true or false", param->name);
    }
    *(bool *)out = json_is_true(value);
    return 0;
}

static int read_array(const struct api_param *param, const json_t *value, void *out, struct error *error)
{
    if (!json_is_array(value)) {
        return error_set(error, API_ERR_PARAMS, "\"%s\" must be an array", param->name);
    }
    *(const json_t **)out = value;
    return 0;
}

static int read_object(const struct api_param *param, const json_t *value, void *out, struct error *error)
{
    if (!json_is_object(value)) {
        return error_set(error, API_ERR_PARAMS, "\"%s\" must be an object", param->name);
    }
    *(const json_t **)out = value;
    return 0;
}

/* Names what the sender probably meant: the prefix without its host bits. The text is a prefix but for those. */
static int host_bits_error(const char *text, struct error *error)
{
    char address[IP_ADDR_STRLEN] = "";
    char meant_text[PREFIX_STRLEN];
    const char *slash = strchr(text, '/');
    struct ip_addr addr;
    struct prefix meant;

    memcpy(address, text, (size_t)(slash - text));
    if (ip_addr_parse(address, &addr) != 0) {
        return error_set(error, API_ERR_PREFIX, "%s has bits set beyond its length", text);
    }
    meant = prefix_of(&addr, (unsigned int)strtoul(slash + 1, NULL, 10));
    return error_set(error, API_ERR_PREFIX, "%s has bits set beyond its length; %s would be right", text,
                     prefix_format(&meant, meant_text));
}

int api_prefix_error(const char *key, const char *text, struct error *error)
{
    struct prefix prefix;

    return prefix_parse(text, &prefix) == -EDOM
               ? host_bits_error(text, error)
               : error_set(error, API_ERR_PREFIX,
                           "\"%s\": \"%.64s\" is not a prefix like 192.0.2.0/24 or 2001:db8::/32", key, text);
}

static int read_prefix(const struct api_param *param, const json_t *value, void *out, struct error *error)
{
    const char *text = json_string_value(value);

    if (text == NULL) {
        return error_set(error, API_ERR_PARAMS, "\"%s\" must be a prefix in a string, like \"192.0.2.0/24\"",
                         param->name);
    }
    return prefix_parse(text, out) == 0 ? 0 : api_prefix_error(param->name, text, error);
}

static int read_any(const struct api_param *param, const json_t *value, void *out, struct error *error)
{
    (void)param;
    (void)error;
    *(const json_t **)out = value;
    return 0;
}

static int read_address(const struct api_param *param, const json_t *value, void *out, struct error *error)
{
    const char *text = json_string_value(value);

    if (text == NULL) {
        return error_set(error, API_ERR_PARAMS, "\"%s\" must be an address in a string, like \"192.0.2.1\"",
                         param->name);
    }
    if (ip_addr_parse(text, out) != 0) {
        return error_set(error, API_ERR_PARAMS, "\"%s\": \"%.64s\" is not an address like 192.0.2.1 or 2001:db8::1",
                         param->name, text);
    }
    return 0;
}

static int read_addresses(const struct api_param *param, const json_t *value, void *out, struct error *error)
{
    struct api_addresses *addresses = out;
    size_t count = json_is_array(value) ? json_array_size(value) : 1;

    if (count < (size_t)param->min || count > (size_t)param->max) {
        return error_set(error, API_ERR_PARAMS, "\"%s\" must be an address or a list of %" PRId64 " to %" PRId64,
                         param->name, param->min, param->max);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        int result = read_address(param, item, &addresses->items[i], error);

        if (result != 0) {
            return result;
        }
    }
    addresses->count = (unsigned int)count;
    return 0;
}

static int (*const readers[API_KINDS])(const struct api_param *, const json_t *, void *, struct error *) = {
    [API_STRING] = read_string,   [API_INTEGER] = read_integer,     [API_BOOL] = read_bool,
    [API_ARRAY] = read_array,     [API_OBJECT] = read_object,       [API_PREFIX] = read_prefix,
    [API_ADDRESS] = read_address, [API_ADDRESSES] = read_addresses, [API_ANY] = read_any,
};

static int unknown_key_error(const char *key, const struct api_param *table, size_t n, struct error *error)
{
    char known[256] = "";

    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(known);

        snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : ", ", table[i].name);
    }
    return error_set(error, API_ERR_PARAMS, "unknown key \"%.64s\"; %s%s", key,
                     n == 0 ? "there are none" : "known: ", known);
}

static const struct api_param *param_of(const char *key, const struct api_param *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(table[i].name, key) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

int api_params_read(const json_t *object, const struct api_param *table, size_t n, void *out, uint64_t *given,
                    struct error *error)
{
    uint64_t seen = 0;
    const char *key;
    json_t *value;

    if (!json_is_object(object)) {
        return error_set(error, API_ERR_PARAMS, "must be an object");
    }
    json_object_foreach((json_t *)object, key, value)
    {
        const struct api_param *param = param_of(key, table, n);
        int result;

        if (param == NULL) {
            return unknown_key_error(key, table, n, error);
        }
        result = readers[param->kind](param, value, (char *)out + param->offset, error);
        if (result != 0) {
            return result;
        }
        seen |= UINT64_C(1) << (param - table);
    }
    for (size_t i = 0; i < n; i++) {
        if (table[i].required && (seen & UINT64_C(1) << i) == 0) {
            return error_set(error, API_ERR_PARAMS, "\"%s\" is missing", table[i].name);
        }
    }
    if (given != NULL) {
        *given = seen;
    }
    return 0;
}
