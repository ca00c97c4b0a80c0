/* SPDX-License-Identifier: BSD-3-Clause */
/* Methods to try the transport with. */
#ifndef TOY_METHODS_H
#define TOY_METHODS_H

#include "api_params.h"
#include "api_stream.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct toy {
    unsigned int calls; /* how many methods have run */
    unsigned int changes;
    struct api_stream stream; /* to the last one that has called "follow" */
    unsigned int gone;
};

static inline int toy_echo(struct api_call *call, const json_t *params, json_t **result)
{
    ((struct toy *)call->context)->calls++;
    *result = json_incref((json_t *)params);
    return 0;
}

/* A text of `size` bytes. */
static inline int toy_fill(struct api_call *call, const json_t *params, json_t **result)
{
    static const struct api_param table[] = {{"size", API_INTEGER, true, 0, 0, 1 << 24}};
    int64_t size = 0;
    int code = api_params_read(params, table, ARRAY_SIZE(table), &size, NULL, &call->error);
    char *text;

    ((struct toy *)call->context)->calls++;
    if (code != 0) {
        return code;
    }
    text = malloc((size_t)size + 1);
    if (text == NULL) {
        return api_fail(call, API_ERR_INTERNAL, "out of memory");
    }
    memset(text, 'x', (size_t)size);
    *result = json_stringn(text, (size_t)size);
    free(text);
    return 0;
}

static inline int toy_fail(struct api_call *call, const json_t *params, json_t **result)
{
    (void)params;
    (void)result;
    ((struct toy *)call->context)->calls++;
    call->data = json_pack("{s:[i]}", "errors", 7);
    return api_fail(call, API_ERR_NO_ROUTE, "no route to %s", "192.0.2.1");
}

static inline int toy_change(struct api_call *call, const json_t *params, json_t **result)
{
    (void)params;
    (void)result;
    ((struct toy *)call->context)->calls++;
    ((struct toy *)call->context)->changes++;
    return 0;
}

static inline void toy_gone(struct api_stream *stream)
{
    ((struct toy *)((char *)stream - offsetof(struct toy, stream)))->gone++;
}

static inline int toy_follow(struct api_call *call, const json_t *params, json_t **result)
{
    struct toy *toy = call->context;

    (void)params;
    (void)result;
    toy->stream.gone = toy_gone;
    return api_stream_open(call, &toy->stream);
}

static inline int toy_whoami(struct api_call *call, const json_t *params, json_t **result)
{
    (void)params;
    *result = json_pack("{s:i, s:i, s:i, s:i}", "uid", (int)call->peer->uid, "gid", (int)call->peer->gid, "pid",
                        (int)call->peer->pid, "groups", (int)call->peer->group_count);
    return 0;
}

static const struct api_method toy_methods[] = {
    {"echo", 0, toy_echo, NULL},     {"fill", 0, toy_fill, NULL},
    {"fail", 0, toy_fail, NULL},     {"change", API_CHANGES, toy_change, NULL},
    {"whoami", 0, toy_whoami, NULL}, {"follow", 0, toy_follow, NULL},
};

#endif
