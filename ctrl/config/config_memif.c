/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows "memif:": a socket, and keys. */
#include "config_memory.h"
#include "config_suggest.h"
#include "config_value.h"
#include <errno.h>
#include <string.h>

#define PATH_BYTES_MAX   107 /* of a Unix socket; an abstract name and its leading zero byte fit as well */
#define SECRET_BYTES_MAX 23  /* the driver's array and the protocol's */
#define RING_MIN         2
#define RING_MAX         16384

static int id_parse(const char *value, struct config_memif *memif)
{
    uint64_t id;

    if (config_digits_parse(value, UINT32_MAX, &id) != 0) {
        return -EINVAL;
    }
    memif->id = (uint32_t)id;
    return 0;
}

static int role_parse(const char *value, struct config_memif *memif)
{
    memif->client = strcmp(value, "client") == 0;
    return memif->client || strcmp(value, "server") == 0 ? 0 : -EINVAL;
}

static int ring_parse(const char *value, struct config_memif *memif)
{
    uint64_t ring;

    if (config_digits_parse(value, RING_MAX, &ring) != 0 || ring < RING_MIN || (ring & (ring - 1)) != 0) {
        return -EINVAL;
    }
    memif->ring = (uint32_t)ring;
    return 0;
}

static int secret_parse(const char *value, struct config_memif *memif)
{
    memif->secret = value;
    return value[0] != '\0' && strlen(value) <= SECRET_BYTES_MAX ? 0 : -EINVAL;
}

static const struct memif_key {
    const char *name;
    int (*parse)(const char *value, struct config_memif *memif);
    const char *wanted;
} keys[] = {
    {"id", id_parse, "a number from 0 to 4294967295"},
    {"role", role_parse, "server or client"},
    {"ring", ring_parse, "a power of two from 2 to 16384"},
    {"secret", secret_parse, "1 to 23 bytes"},
};

static int key_refuse(const char *name, struct error *why)
{
    struct suggestion suggestion = {.word = name};
    struct error hint;

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        suggestion_offer(&suggestion, keys[i].name);
    }
    return error_set(why, -EINVAL, "has \"%.30s\" after the socket, where id=, role=, ring= or secret= may be%.100s",
                     name, suggestion_text(&suggestion, &hint));
}

/* "key=value", of which the text stays. */
static int pair_parse(char *pair, struct config_memif *memif, struct error *why)
{
    char *equals = strchr(pair, '=');

    if (equals == NULL) {
        return key_refuse(pair, why);
    }
    *equals = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(pair, keys[i].name) != 0) {
            continue;
        }
        return keys[i].parse(equals + 1, memif) == 0
                   ? 0
                   : error_set(why, -EINVAL, "has a wrong %s: it takes %s", keys[i].name, keys[i].wanted);
    }
    return key_refuse(pair, why);
}

static int socket_parse(const char *text, struct config_memif *memif, struct error *why)
{
    if ((text[0] != '/' && text[0] != '@') || text[1] == '\0' || strlen(text) > PATH_BYTES_MAX) {
        return error_set(why, -EINVAL,
                         "is wrong after \"memif\": it takes a socket first, an absolute path or @NAME of at most %d "
                         "bytes, like memif:/run/lan.sock,id=0,role=server",
                         PATH_BYTES_MAX);
    }
    memif->abstract = text[0] == '@';
    memif->socket = memif->abstract ? text + 1 : text;
    return 0;
}

int config_memif_parse(struct config *config, const char *argument, const struct config_memif **out, struct error *why)
{
    struct config_memif *memif = config_alloc(config, sizeof(*memif));
    char *rest = config_strdup(config, argument);
    int result;

    if (memif == NULL || rest == NULL) {
        return -ENOMEM;
    }
    result = socket_parse(strsep(&rest, ","), memif, why);
    while (result == 0 && rest != NULL) {
        result = pair_parse(strsep(&rest, ","), memif, why);
    }
    *out = memif;
    return result;
}
