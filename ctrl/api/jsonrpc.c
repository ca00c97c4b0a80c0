/* SPDX-License-Identifier: BSD-3-Clause */
#include "jsonrpc.h"
#include "json_scan.h"
#include "jsonrpc_stream.h"
#include "log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a log line shows of a change's parameters. */
#define LOGGED_PARAMS 300

/* A request in the words of JSON-RPC. Everything is borrowed from the message. */
struct request {
    const json_t *id; /* NULL: a notification */
    const char *method;
    const json_t *params;
};

static int append_text(struct byte_queue *out, const char *text)
{
    return byte_queue_append(out, text, strlen(text));
}

static int append_bytes(const char *data, size_t length, void *out)
{
    return byte_queue_append(out, data, length) == 0 ? 0 : -1;
}

static int append_json(struct byte_queue *out, const json_t *value)
{
    return json_dump_callback(value, append_bytes, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0 ? 0 : -ENOMEM;
}

json_t *api_text(const char *text)
{
    char ascii[sizeof(((struct error *)NULL)->text)];
    json_t *string = json_string(text);

    if (string != NULL) {
        return string;
    }
    snprintf(ascii, sizeof(ascii), "%s", text);
    for (char *c = ascii; *c != '\0'; c++) {
        *c = (signed char)*c < 0 ? '?' : *c;
    }
    return json_string(ascii);
}

static int append_head(struct byte_queue *out, const json_t *id)
{
    int result = append_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");

    return result != 0 ? result : append_json(out, id);
}

static int append_result(struct byte_queue *out, const json_t *id, const json_t *value)
{
    int result = append_head(out, id);

    if (result == 0) {
        result = append_text(out, ",\"result\":");
    }
    if (result == 0) {
        result = value != NULL ? append_json(out, value) : append_text(out, "{}");
    }
    return result != 0 ? result : append_text(out, "}");
}

static int append_error(struct byte_queue *out, const json_t *id, int code, const char *message, json_t *data)
{
    json_t *text = api_text(message);
    json_t *error = json_pack("{s:i, s:o*, s:O*}", "code", code, "message", text, "data", data);
    int result = error == NULL ? -ENOMEM : append_head(out, id);

    if (result == 0) {
        result = append_text(out, ",\"error\":");
    }
    if (result == 0) {
        result = append_json(out, error);
    }
    json_decref(error);
    return result != 0 ? result : append_text(out, "}");
}

int jsonrpc_refuse(struct byte_queue *out, int code, const char *message)
{
    int result = append_error(out, json_null(), code, message, NULL);

    return result != 0 ? result : append_text(out, "\n");
}

int jsonrpc_notify(struct byte_queue *out, const char *method, const json_t *params)
{
    size_t before = byte_queue_length(out);
    int result = append_text(out, "{\"jsonrpc\":\"2.0\",\"method\":\"");

    if (result == 0) {
        result = append_text(out, method);
    }
    if (result == 0) {
        result = append_text(out, "\",\"params\":");
    }
    if (result == 0) {
        result = append_json(out, params);
    }
    if (result == 0) {
        result = append_text(out, "}\n");
    }
    if (result != 0) {
        out->end = out->start + before;
    }
    return result;
}

int jsonrpc_begin(struct jsonrpc_work *work, const char *line, size_t length, struct byte_queue *out)
{
    json_error_t parse_error;
    struct error error;
    json_t *message = json_loadb(line, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &parse_error);

    if (message == NULL) {
        if (json_error_code(&parse_error) == json_error_out_of_memory) {
            return -ENOMEM;
        }
        error_set(&error, 0, "not JSON: %s, at byte %d", parse_error.text, parse_error.position);
        return jsonrpc_refuse(out, API_ERR_PARSE, error.text);
    }
    if (json_is_array(message) && json_array_size(message) == 0) {
        json_decref(message);
        return jsonrpc_refuse(out, API_ERR_REQUEST, "an empty batch");
    }
    *work = (struct jsonrpc_work){.message = message, .batch = json_is_array(message)};
    return 0;
}

bool jsonrpc_begin_stream(struct jsonrpc_work *work, const struct jsonrpc_methods *methods, const char *line,
                          size_t length)
{
    struct jsonrpc_stream *stream = jsonrpc_stream_of_line(methods, line, length);

    if (stream != NULL) {
        *work = (struct jsonrpc_work){.stream = stream};
    }
    return stream != NULL;
}

void jsonrpc_abandon(struct jsonrpc_work *work)
{
    jsonrpc_stream_end(work->stream);
    json_decref(work->message);
    *work = (struct jsonrpc_work){0};
}

static const char *request_read(const json_t *message, struct request *request)
{
    const json_t *version = json_object_get(message, "jsonrpc");
    const json_t *id = json_object_get(message, "id");
    const json_t *params = json_object_get(message, "params");

    *request = (struct request){.id = json_null()};
    if (!json_is_object(message)) {
        return "a request must be an object";
    }
    if (id != NULL && !json_is_string(id) && !json_is_number(id) && !json_is_null(id)) {
        return "\"id\" must be a string, a number or null";
    }
    if (id != NULL) {
        request->id = id;
    }
    if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0) {
        return "\"jsonrpc\" must be \"2.0\"";
    }
    request->method = json_string_value(json_object_get(message, "method"));
    if (request->method == NULL) {
        return "\"method\" must be a string";
    }
    if (params != NULL && !json_is_object(params) && !json_is_array(params)) {
        return "\"params\" must be an object";
    }
    request->params = params;
    request->id = id;
    return NULL;
}

static const struct api_method *method_find(const struct jsonrpc_methods *methods, const char *name)
{
    for (size_t i = 0; i < methods->count; i++) {
        if (strcmp(methods->table[i].name, name) == 0) { /* NOLINT(*NonNullParamChecker): read with success */
            return &methods->table[i];
        }
    }
    return NULL;
}

struct clip {
    char text[LOGGED_PARAMS + sizeof("...")];
    size_t length;
};

/* Stops the dump, which may be of megabytes, once there is enough to show. */
static int append_clipped(const char *data, size_t length, void *out)
{
    struct clip *clip = out;
    size_t room = LOGGED_PARAMS - clip->length;

    if (length > room) {
        memcpy(clip->text + clip->length, data, room);
        memcpy(clip->text + LOGGED_PARAMS, "...", sizeof("..."));
        return -1;
    }
    memcpy(clip->text + clip->length, data, length);
    clip->length += length;
    clip->text[clip->length] = '\0';
    return 0;
}

static void log_change(const struct api_peer *peer, const char *method, const json_t *params, const char *outcome)
{
    struct clip clip = {0};

    (void)json_dump_callback(params, append_clipped, &clip, JSON_COMPACT | JSON_ENSURE_ASCII);
    log_notice("api: %s %s by %s: %s", method, clip.text, peer->text, outcome);
}

/* No parameters, none by position and an empty object are the same to a method. */
static int params_read(const struct request *request, struct api_call *call, json_t **params)
{
    if (json_is_array(request->params) && json_array_size(request->params) > 0) {
        return api_fail(call, API_ERR_PARAMS, "parameters go by name: \"params\" must be an object");
    }
    *params = json_is_object(request->params) ? json_incref((json_t *)request->params) : json_object();
    return *params != NULL ? 0 : api_fail(call, API_ERR_INTERNAL, "out of memory");
}

/* The parameters as they came, but for what a log line cannot hold. */
static void log_stream(const struct api_peer *peer, const struct jsonrpc_stream *stream, const char *outcome)
{
    size_t length;
    const char *params = jsonrpc_stream_params(stream, &length);
    char text[LOGGED_PARAMS + 1];

    length = length < LOGGED_PARAMS ? length : LOGGED_PARAMS;
    for (size_t i = 0; i < length; i++) {
        text[i] = params[i] >= ' ' && params[i] <= '~' ? params[i] : '?';
    }
    text[length] = '\0';
    log_notice("api: %s %s%s by %s: %s", jsonrpc_stream_method(stream)->name, text,
               length == LOGGED_PARAMS ? "..." : "", peer->text, outcome);
}

int jsonrpc_allow(const struct jsonrpc_methods *methods, const struct api_method *method, struct api_call *call)
{
    if ((method->flags & API_CHANGES) != 0 && methods->read_only) {
        return api_fail(call, API_ERR_NOT_ALLOWED, "%s changes something, and this socket is read-only", method->name);
    }
    return methods->allow != NULL ? methods->allow(call, method->flags) : 0;
}

static int request_run(const struct request *request, const struct jsonrpc_methods *methods, struct api_call *call,
                       struct jsonrpc_stream **stream, json_t **value)
{
    const struct api_method *method = method_find(methods, request->method);
    json_t *params = NULL;
    int code;

    if (method == NULL) {
        return api_fail(call, API_ERR_METHOD, "there is no method \"%.64s\"", request->method);
    }
    code = params_read(request, call, &params);
    if (code != 0) {
        return code;
    }
    call->method = method->name;
    if (method->reader != NULL) {
        *stream = jsonrpc_stream_of_params(method, params);
        json_decref(params);
        return *stream != NULL ? API_AGAIN : api_fail(call, API_ERR_INTERNAL, "out of memory");
    }
    code = jsonrpc_allow(methods, method, call);
    if (code == 0) {
        code = method->call(call, params, value);
    }
    if ((method->flags & API_CHANGES) != 0) {
        call->params = params;
        if (methods->done != NULL) {
            methods->done(call, code);
        }
        log_change(call->peer, method->name, params, code == 0 ? "done" : call->error.text);
    }
    json_decref(params);
    return code;
}

/* A batch's answer opens with its first answer only: one of notifications alone has none. */
static int append_separator(struct jsonrpc_work *work, struct byte_queue *out)
{
    const char *separator = work->answered ? "," : "[";

    work->answered = true;
    return work->batch ? append_text(out, separator) : 0;
}

/* Writes the answer to a request that has been run; id NULL: it wants none. */
static int write_answer(struct jsonrpc_work *work, const json_t *id, int code, struct api_call *call,
                        const json_t *value, struct byte_queue *out)
{
    int result = id != NULL ? append_separator(work, out) : 0;

    if (id != NULL && result == 0) {
        result = code == 0 ? append_result(out, id, value) : append_error(out, id, code, call->error.text, call->data);
    }
    return result;
}

/* The request that is to be run next. *again: it is not done yet. */
static int answer(struct jsonrpc_work *work, const json_t *message, const struct jsonrpc_methods *methods,
                  const struct api_peer *peer, struct byte_queue *out, bool *again)
{
    struct api_call call = {.context = methods->context, .peer = peer};
    struct request request = {0};
    json_t *value = NULL;
    const char *malformed = message != NULL ? request_read(message, &request) : NULL;
    int code = API_AGAIN;
    int result = 0;

    if (malformed != NULL) {
        code = api_fail(&call, API_ERR_REQUEST, "%s", malformed);
    } else if (work->stream == NULL) {
        code = request_run(&request, methods, &call, &work->stream, &value);
    }
    if (code == API_AGAIN) {
        code = jsonrpc_stream_step(work->stream, methods, &call, &value);
    }
    *again = code == API_AGAIN;
    if (!*again) {
        if (work->stream != NULL && (jsonrpc_stream_method(work->stream)->flags & API_CHANGES) != 0) {
            if (methods->done != NULL) {
                methods->done(&call, code);
            }
            log_stream(peer, work->stream, code == 0 ? "done" : call.error.text);
        }
        result =
            write_answer(work, message != NULL ? request.id : jsonrpc_stream_id(work->stream), code, &call, value, out);
        jsonrpc_stream_end(work->stream);
        work->stream = NULL;
    }
    json_decref(value);
    json_decref(call.data);
    return result;
}

int jsonrpc_step(struct jsonrpc_work *work, const struct jsonrpc_methods *methods, const struct api_peer *peer,
                 struct byte_queue *out)
{
    size_t count = work->batch ? json_array_size(work->message) : 1;
    const json_t *message = work->batch ? json_array_get(work->message, work->next) : work->message;
    bool again;
    int result = answer(work, message, methods, peer, out, &again);

    if (result == 0 && !again && ++work->next == count) {
        if (work->answered) {
            result = append_text(out, work->batch ? "]\n" : "\n");
        }
        jsonrpc_abandon(work);
    }
    return result;
}
