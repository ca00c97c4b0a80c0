/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes, cut into lines, go through the request decoder; what comes out must be lines of well-formed answers. */
#include "jsonrpc.h"
#include "log.h"
#include "toy_methods.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_answer(const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");

    require(json_object_get(answer, "jsonrpc") != NULL && json_object_get(answer, "id") != NULL);
    require((error == NULL) != (json_object_get(answer, "result") == NULL));
    require(error == NULL || json_integer_value(json_object_get(error, "code")) < 0);
    require(error == NULL || json_is_string(json_object_get(error, "message")));
}

static void check_line(const char *line, size_t length)
{
    json_t *json = json_loadb(line, length, 0, NULL);
    size_t i;
    const json_t *answer;

    require(json != NULL && memchr(line, '\n', length) == NULL);
    require(json_is_object(json) || json_array_size(json) > 0);
    if (json_is_object(json)) {
        check_answer(json);
    }
    json_array_foreach(json, i, answer)
    {
        check_answer(answer);
    }
    json_decref(json);
}

static void answer_line(const char *line, size_t length)
{
    static const struct api_peer peer = {.text = "nobody"};
    struct toy toy = {0};
    const struct jsonrpc_methods methods = {toy_methods, ARRAY_SIZE(toy_methods), &toy, false, NULL, NULL};
    struct jsonrpc_work work = {0};
    struct byte_queue out = {0};

    require(jsonrpc_begin(&work, line, length, &out) == 0);
    while (jsonrpc_pending(&work)) {
        require(jsonrpc_step(&work, &methods, &peer, &out) == 0);
    }
    if (byte_queue_length(&out) > 0) {
        require(out.data[out.end - 1] == '\n');
        check_line(byte_queue_front(&out), byte_queue_length(&out) - 1);
    }
    byte_queue_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *line = (const char *)data;
    const char *newline;

    log_set_level(LOG_ERROR);
    while (size > 0 && (newline = memchr(line, '\n', size)) != NULL) {
        answer_line(line, (size_t)(newline - line));
        size -= (size_t)(newline - line) + 1;
        line = newline + 1;
    }
    answer_line(line, size);
    return 0;
}
