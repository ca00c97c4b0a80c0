/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members of a request come in any order. Up to "params" they are looked at when the line has come; then the reader
 * reads, and what comes behind is looked at before anything is run. A line whose "params" come before its "method" is
 * looked through first, and then again.
 */
#include "jsonrpc_stream.h"
#include "json_scan.h"
#include <stdlib.h>
#include <string.h>

enum stage { READING, RUNNING };

struct jsonrpc_stream {
    enum stage stage;
    const struct api_method *method;
    void *state; /* the reader's; NULL: not begun */
    char *text;  /* the line, or the parameters alone */
    size_t length;
    bool alone;
    struct json_scan scan;
    bool skipped;
    const char *params; /* NULL: there are none */
    bool first;         /* of json_scan_key() */
    bool has_version, has_id, has_method, has_params;
    bool malformed;
    const char *id_text; /* the value of "id" as it stands */
    size_t id_length;
    json_t *id;
};

static const struct api_method *find_reader(const struct jsonrpc_methods *methods, const char *name)
{
    for (size_t i = 0; i < methods->count; i++) {
        if (strcmp(methods->table[i].name, name) == 0) {
            return methods->table[i].reader != NULL ? &methods->table[i] : NULL;
        }
    }
    return NULL;
}

/* A value that is of no interest, or will be later. */
static bool keep_span(struct json_scan *scan, const char **text, size_t *length)
{
    if (json_scan_peek(scan) == 0) {
        return false;
    }
    *text = scan->at;
    if (!json_scan_skip(scan)) {
        return false;
    }
    *length = (size_t)(scan->at - *text);
    return true;
}

static bool take_version(struct jsonrpc_stream *stream)
{
    struct json_text text;

    if (stream->has_version || json_scan_peek(&stream->scan) != '"' || !json_scan_text(&stream->scan, &text)) {
        return false;
    }
    stream->has_version = true;
    return strcmp(text.bytes, "2.0") == 0;
}

static bool take_method(struct jsonrpc_stream *stream, const struct jsonrpc_methods *methods)
{
    struct json_text text;

    if (stream->has_method || json_scan_peek(&stream->scan) != '"' || !json_scan_text(&stream->scan, &text)) {
        return false;
    }
    stream->has_method = true;
    stream->method = text.length < JSON_TEXT_MAX ? find_reader(methods, text.bytes) : NULL;
    return stream->method != NULL;
}

/* A member of the request; *params: it is "params", whose value comes next. False: not plainly one. */
static bool take_member(struct jsonrpc_stream *stream, const struct jsonrpc_methods *methods, const char *key,
                        bool *params)
{
    *params = strcmp(key, "params") == 0;
    if (*params) {
        bool again = stream->has_params;

        stream->has_params = true;
        return !again && json_scan_peek(&stream->scan) == '{';
    }
    if (strcmp(key, "id") == 0) {
        bool again = stream->has_id;

        stream->has_id = true;
        return !again && keep_span(&stream->scan, &stream->id_text, &stream->id_length);
    }
    if (strcmp(key, "jsonrpc") == 0) {
        return take_version(stream);
    }
    return strcmp(key, "method") == 0 && take_method(stream, methods);
}

/* Up to the parameters, or to the end. False: not plainly a request of such a method. */
static bool look_ahead(struct jsonrpc_stream *stream, const struct jsonrpc_methods *methods)
{
    struct json_text key;
    bool params = false;

    stream->first = true;
    if (!json_scan_open(&stream->scan, '{')) {
        return false;
    }
    while (json_scan_key(&stream->scan, &stream->first, &key)) {
        if (!take_member(stream, methods, key.bytes, &params)) {
            return false;
        }
        if (params) {
            stream->params = stream->scan.at;
            if (stream->method != NULL) {
                return true;
            }
            if (!json_scan_skip(&stream->scan)) {
                return false;
            }
            stream->skipped = true;
        }
    }
    return stream->scan.error == NULL && json_scan_ends(&stream->scan) && stream->method != NULL && stream->has_version;
}

/* Only lines that begin like this are looked at closer, so that others cost nothing. */
static bool may_be_one(const struct jsonrpc_methods *methods, const char *line, size_t length)
{
    bool any = false;

    for (size_t i = 0; i < methods->count; i++) {
        any |= methods->table[i].reader != NULL;
    }
    return any && length > 0 && (*line == '{' || *line == ' ');
}

static struct jsonrpc_stream *stream_create(const char *text, size_t length)
{
    struct jsonrpc_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        return NULL;
    }
    stream->text = malloc(length + 1);
    if (stream->text == NULL) {
        free(stream);
        return NULL;
    }
    memcpy(stream->text, text, length);
    stream->length = length;
    stream->scan = json_scan_of(stream->text, length);
    return stream;
}

/* The method of a request, found without a copy of the line. */
static bool is_for_reader(const struct jsonrpc_methods *methods, const char *line, size_t length)
{
    struct jsonrpc_stream probe = {.scan = json_scan_of(line, length)};

    return may_be_one(methods, line, length) && look_ahead(&probe, methods);
}

struct jsonrpc_stream *jsonrpc_stream_of_line(const struct jsonrpc_methods *methods, const char *line, size_t length)
{
    struct jsonrpc_stream *stream;

    if (!is_for_reader(methods, line, length)) {
        return NULL;
    }
    stream = stream_create(line, length);
    if (stream == NULL || !look_ahead(stream, methods)) {
        jsonrpc_stream_end(stream);
        return NULL;
    }
    if (stream->skipped || stream->params == NULL) { /* the end has been seen */
        stream->scan = stream->params != NULL
                           ? json_scan_of(stream->params, (size_t)(stream->text + length - stream->params))
                           : json_scan_of("{}", 2);
        stream->scan.depth = 1;
        stream->skipped = true;
    }
    return stream;
}

struct jsonrpc_stream *jsonrpc_stream_of_params(const struct api_method *method, const json_t *params)
{
    char *text = json_dumps(params, JSON_COMPACT);
    struct jsonrpc_stream *stream = text != NULL ? stream_create(text, strlen(text)) : NULL;

    free(text);
    if (stream != NULL) {
        stream->method = method;
        stream->params = stream->text;
        stream->alone = true;
    }
    return stream;
}

/* What comes behind the parameters. 0 or an API error. */
static int look_behind(struct jsonrpc_stream *stream, const struct jsonrpc_methods *methods, struct api_call *call)
{
    struct json_text key;
    bool params;

    while (!stream->alone && !stream->skipped && json_scan_key(&stream->scan, &stream->first, &key)) {
        bool known = strcmp(key.bytes, "id") == 0 || strcmp(key.bytes, "jsonrpc") == 0 ||
                     strcmp(key.bytes, "method") == 0 || strcmp(key.bytes, "params") == 0;

        if (known ? !take_member(stream, methods, key.bytes, &params) || params : !json_scan_skip(&stream->scan)) {
            stream->malformed = true;
            return api_fail(call, API_ERR_REQUEST, "no request: \"%.32s\" is not what it should be", key.bytes);
        }
    }
    return 0;
}

static int no_json(struct jsonrpc_stream *stream, struct api_call *call)
{
    stream->malformed = true;
    return api_fail(call, API_ERR_PARSE, "not JSON: %s, at byte %zu", stream->scan.error,
                    (size_t)(stream->scan.at - stream->text));
}

/* 0 or an API error. */
static int check_request(struct jsonrpc_stream *stream, struct api_call *call)
{
    if (stream->alone) {
        return 0;
    }
    if (stream->has_id) {
        stream->id = json_loadb(stream->id_text, stream->id_length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    }
    if (stream->has_id && !json_is_string(stream->id) && !json_is_number(stream->id) && !json_is_null(stream->id)) {
        stream->malformed = true;
        return api_fail(call, API_ERR_REQUEST, "\"id\" must be a string, a number or null");
    }
    if (!stream->has_version) {
        stream->malformed = true;
        return api_fail(call, API_ERR_REQUEST, "\"jsonrpc\" must be \"2.0\"");
    }
    return 0;
}

/* All is read, and nothing is done yet. */
static int finish_reading(struct jsonrpc_stream *stream, const struct jsonrpc_methods *methods, struct api_call *call)
{
    int code = look_behind(stream, methods, call);

    if (stream->scan.error != NULL || (!stream->alone && !stream->skipped && !json_scan_ends(&stream->scan))) {
        return no_json(stream, call);
    }
    if (code == 0) {
        code = check_request(stream, call);
    }
    return code == 0 ? jsonrpc_allow(methods, stream->method, call) : code;
}

int jsonrpc_stream_step(struct jsonrpc_stream *stream, const struct jsonrpc_methods *methods, struct api_call *call,
                        json_t **value)
{
    const struct api_reader *reader = stream->method->reader;
    int code;

    call->method = stream->method->name;
    if (stream->state == NULL) {
        stream->state = reader->begin(call);
        if (stream->state == NULL) {
            return api_fail(call, API_ERR_INTERNAL, "out of memory");
        }
    }
    if (stream->stage == READING) {
        code = reader->read(stream->state, &stream->scan);
        if (code == API_AGAIN && stream->scan.error == NULL) {
            return API_AGAIN;
        }
        code = stream->scan.error != NULL ? no_json(stream, call) : finish_reading(stream, methods, call);
        if (code != 0) {
            return code;
        }
        stream->stage = RUNNING;
    }
    return reader->run(stream->state, call, value);
}

const json_t *jsonrpc_stream_id(const struct jsonrpc_stream *stream)
{
    return stream->malformed ? json_null() : stream->id;
}

const struct api_method *jsonrpc_stream_method(const struct jsonrpc_stream *stream)
{
    return stream->method;
}

const char *jsonrpc_stream_params(const struct jsonrpc_stream *stream, size_t *length)
{
    *length = stream->params != NULL ? (size_t)(stream->text + stream->length - stream->params) : 0;
    return stream->params;
}

void jsonrpc_stream_end(struct jsonrpc_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    if (stream->state != NULL) {
        stream->method->reader->end(stream->state);
    }
    json_decref(stream->id);
    free(stream->text);
    free(stream);
}
