/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_value.h"
#include "config_memory.h"
#include "config_suggest.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits up to `end`, without a sign or a needless zero in front; -EINVAL, also if above max. */
static int digits_parse(const char *text, const char *end, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (text == end || (text[0] == '0' && text + 1 != end)) {
        return -EINVAL;
    }
    for (; text != end; text++) {
        uint64_t digit = (uint64_t)(*text - '0');

        if (*text < '0' || *text > '9' || value > max / 10 || digit > max - value * 10) {
            return -EINVAL;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return 0;
}

int config_digits_parse(const char *text, uint64_t max, uint64_t *out)
{
    return digits_parse(text, text + strlen(text), max, out);
}

static int number_parse(const struct config_scalar *in, void *out, struct error *why)
{
    uint64_t value;
    uint32_t narrow;

    (void)why;
    if (config_digits_parse(in->text, in->type->max, &value) != 0 || value < in->type->min) {
        return -EINVAL;
    }
    narrow = (uint32_t)value;
    memcpy(out, in->type->size == sizeof(narrow) ? (void *)&narrow : (void *)&value, in->type->size);
    return 0;
}

static int bool_parse(const struct config_scalar *in, void *out, struct error *why)
{
    bool value = strcmp(in->text, "true") == 0;

    (void)why;
    if (!value && strcmp(in->text, "false") != 0) {
        return -EINVAL;
    }
    memcpy(out, &value, sizeof(value));
    return 0;
}

static int mode_parse(const struct config_scalar *in, void *out, struct error *why)
{
    size_t length = strlen(in->text);
    uint32_t mode;

    (void)why;
    if (length != 4 || in->text[0] != '0' || strspn(in->text, "01234567") != length) {
        return -EINVAL;
    }
    mode = (uint32_t)strtoul(in->text, NULL, 8);
    memcpy(out, &mode, sizeof(mode));
    return 0;
}

static const char *mode_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    (void)type;
    snprintf(buffer, CONFIG_TEXT_MAX, "%04" PRIo32, *(const uint32_t *)value);
    return buffer;
}

static int choice_parse(const struct config_scalar *in, void *out, struct error *why)
{
    struct suggestion suggestion = {.word = in->text};
    struct error wanted, hint;

    for (uint32_t i = 0; in->type->names[i] != NULL; i++) {
        if (strcmp(in->text, in->type->names[i]) == 0) {
            memcpy(out, &i, sizeof(i));
            return 0;
        }
        suggestion_offer(&suggestion, in->type->names[i]);
    }
    return error_set(why, -EINVAL, "is not %.200s%.100s", config_value_wanted(in->type, &wanted),
                     suggestion_text(&suggestion, &hint));
}

static const char *choice_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    uint32_t index;

    (void)buffer;
    memcpy(&index, value, sizeof(index));
    return type->names[index];
}

bool config_url_valid(const char *text)
{
    const char *host = strstr(text, "://");
    size_t scheme = host != NULL ? (size_t)(host - text) : 0;
    bool known = (scheme == 4 && memcmp(text, "http", 4) == 0) || (scheme == 5 && memcmp(text, "https", 5) == 0);

    return known && strcspn(host + 3, "/?#@:") > 0 && strpbrk(text, " \t\"<>\\") == NULL;
}

bool config_domain_valid(const char *text)
{
    size_t length = strlen(text);

    if (length == 0 || length > 253 ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != length) {
        return false;
    }
    while (*text != '\0') {
        size_t label = strcspn(text, ".");

        if (label == 0 || label > 63) {
            return false;
        }
        text += label + (text[label] == '.');
    }
    return true;
}

uint16_t config_dns_type(const char *name)
{
    static const struct {
        const char *name;
        uint16_t type;
    } types[] = {{"A", 1},   {"NS", 2},   {"CNAME", 5}, {"SOA", 6}, {"PTR", 12},
                 {"MX", 15}, {"TXT", 16}, {"AAAA", 28}, {"SRV", 33}};

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            return types[i].type;
        }
    }
    return 0;
}

static int string_parse(const struct config_scalar *in, void *out, struct error *why)
{
    size_t length = strlen(in->text);
    const char *copy;

    (void)why;
    if (length < in->type->min || length > in->type->max || (in->type->valid != NULL && !in->type->valid(in->text))) {
        return -EINVAL;
    }
    copy = config_strdup(in->config, in->text);
    memcpy(out, &copy, sizeof(copy));
    return copy != NULL ? 0 : -ENOMEM;
}

static const char *string_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    const char *text;

    (void)type;
    (void)buffer;
    memcpy(&text, value, sizeof(text));
    return text;
}

static int addr_parse(const struct config_scalar *in, void *out, struct error *why)
{
    struct ip_addr addr;

    (void)why;
    if (ip_addr_parse(in->text, &addr) != 0 || (in->type->valid != NULL && !in->type->valid(&addr))) {
        return -EINVAL;
    }
    memcpy(out, &addr, sizeof(addr));
    return 0;
}

static const char *addr_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    (void)type;
    return ip_addr_format(value, buffer);
}

/* Names the prefix that was meant by one with host bits. */
static int host_bits_refuse(const char *text, struct error *why)
{
    const char *slash = strchr(text, '/'); /* there: prefix_parse() found bits beyond a length */
    char address[IP_ADDR_STRLEN] = "", right[PREFIX_STRLEN];
    struct ip_addr addr;
    struct prefix prefix;

    memcpy(address, text, (size_t)(slash - text));
    if (ip_addr_parse(address, &addr) != 0) {
        return -EINVAL;
    }
    prefix = prefix_of(&addr, (unsigned int)strtoul(slash + 1, NULL, 10));
    return error_set(why, -EINVAL, "has bits set beyond its length; %s would be right", prefix_format(&prefix, right));
}

static int prefix_value_parse(const struct config_scalar *in, void *out, struct error *why)
{
    struct prefix prefix;
    int result = prefix_parse(in->text, &prefix);

    if (result == -EDOM) {
        return host_bits_refuse(in->text, why);
    }
    if (result == 0) {
        memcpy(out, &prefix, sizeof(prefix));
    }
    return result;
}

static const char *prefix_value_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    (void)type;
    return prefix_format(value, buffer);
}

/* "1:2:3" into `count` numbers up to max. */
static int parts_parse(const char *text, unsigned int count, uint64_t max, uint32_t *parts)
{
    for (unsigned int i = 0; i < count; i++) {
        const char *end = i + 1 < count ? strchr(text, ':') : text + strlen(text);
        uint64_t value;

        if (end == NULL || digits_parse(text, end, max, &value) != 0) {
            return -EINVAL;
        }
        parts[i] = (uint32_t)value;
        text = end + 1;
    }
    return 0;
}

static int community_parse(const struct config_scalar *in, void *out, struct error *why)
{
    uint32_t parts[2];

    (void)why;
    if (parts_parse(in->text, 2, UINT16_MAX, parts) != 0) {
        return -EINVAL;
    }
    parts[0] = parts[0] << 16 | parts[1];
    memcpy(out, &parts[0], sizeof(parts[0]));
    return 0;
}

static const char *community_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    uint32_t community = *(const uint32_t *)value;

    (void)type;
    snprintf(buffer, CONFIG_TEXT_MAX, "%u:%u", community >> 16, community & 0xffff);
    return buffer;
}

static int large_parse(const struct config_scalar *in, void *out, struct error *why)
{
    struct config_large_community large;

    (void)why;
    if (parts_parse(in->text, 3, UINT32_MAX, large.part) != 0) {
        return -EINVAL;
    }
    memcpy(out, &large, sizeof(large));
    return 0;
}

static const char *large_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    const struct config_large_community *large = value;

    (void)type;
    snprintf(buffer, CONFIG_TEXT_MAX, "%u:%u:%u", large->part[0], large->part[1], large->part[2]);
    return buffer;
}

/* An address in brackets if it is IPv6, a colon, a port. */
static int endpoint_parse(const struct config_scalar *in, void *out, struct error *why)
{
    const char *colon = strrchr(in->text, ':');
    bool v6 = in->text[0] == '[';
    size_t length = colon != NULL ? (size_t)(colon - in->text) : 0;
    struct config_endpoint endpoint = {.zero = 0};
    char address[IP_ADDR_STRLEN] = "";
    uint64_t port;

    (void)why;
    if (length < 3 || length - 2 * v6 >= sizeof(address) || (v6 && colon[-1] != ']') ||
        digits_parse(colon + 1, in->text + strlen(in->text), UINT16_MAX, &port) != 0 || port == 0) {
        return -EINVAL;
    }
    memcpy(address, in->text + v6, length - 2 * v6);
    if (ip_addr_parse(address, &endpoint.address) != 0 || (endpoint.address.family == FAMILY_V6) != v6) {
        return -EINVAL;
    }
    endpoint.port = (uint16_t)port;
    memcpy(out, &endpoint, sizeof(endpoint));
    return 0;
}

static const char *endpoint_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    const struct config_endpoint *endpoint = value;
    char address[IP_ADDR_STRLEN];
    bool v6 = endpoint->address.family == FAMILY_V6;

    (void)type;
    snprintf(buffer, CONFIG_TEXT_MAX, "%s%s%s:%u", v6 ? "[" : "", ip_addr_format(&endpoint->address, address),
             v6 ? "]" : "", endpoint->port);
    return buffer;
}

static const char *device_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    (void)type;
    (void)buffer;
    return ((const struct config_device *)value)->text;
}

static const struct {
    int (*parse)(const struct config_scalar *in, void *out, struct error *why);
    const char *(*format)(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX]);
} scalars[KIND_SCALARS] = {
    [KIND_BOOL] = {bool_parse, NULL},
    [KIND_NUMBER] = {number_parse, NULL},
    [KIND_MODE] = {mode_parse, mode_format},
    [KIND_CHOICE] = {choice_parse, choice_format},
    [KIND_STRING] = {string_parse, string_format},
    [KIND_ADDR] = {addr_parse, addr_format},
    [KIND_PREFIX] = {prefix_value_parse, prefix_value_format},
    [KIND_COMMUNITY] = {community_parse, community_format},
    [KIND_LARGE] = {large_parse, large_format},
    [KIND_DEVICE] = {config_device_parse, device_format},
    [KIND_ENDPOINT] = {endpoint_parse, endpoint_format},
};

int config_value_parse(const struct config_scalar *scalar, void *out, struct error *why)
{
    struct error wanted;
    int result;

    why->text[0] = '\0';
    result = scalars[scalar->type->kind].parse(scalar, out, why);
    if (result == -EINVAL && why->text[0] == '\0') {
        error_set(why, 0, "is not %.300s", config_value_wanted(scalar->type, &wanted));
    }
    return result;
}

const char *config_value_format(const struct config_type *type, const void *value, char buffer[CONFIG_TEXT_MAX])
{
    return scalars[type->kind].format(type, value, buffer);
}

static const char *choice_wanted(const struct config_type *type, struct error *buffer)
{
    size_t used = 0;

    for (unsigned int i = 0; type->names[i] != NULL; i++) {
        const char *join = i == 0 ? "" : type->names[i + 1] == NULL ? " or " : ", ";

        used += (size_t)snprintf(buffer->text + used, sizeof(buffer->text) - used, "%s%s", join, type->names[i]);
    }
    return buffer->text;
}

const char *config_value_wanted(const struct config_type *type, struct error *buffer)
{
    if (type->kind == KIND_CHOICE) {
        return choice_wanted(type, buffer);
    }
    if (type->kind == KIND_NUMBER) {
        error_set(buffer, 0, "a number from %" PRIu64 " to %" PRIu64, type->min, type->max);
        return buffer->text;
    }
    return type->wanted;
}
