/* SPDX-License-Identifier: BSD-3-Clause */
/* A request of a method that has a reader (api.h), step by step. Belongs to jsonrpc.c. */
#ifndef JSONRPC_STREAM_H
#define JSONRPC_STREAM_H

#include "jsonrpc.h"

struct jsonrpc_stream;

/* A line that is such a request; NULL: it is not, or not plainly, or there is no memory. */
struct jsonrpc_stream *jsonrpc_stream_of_line(const struct jsonrpc_methods *methods, const char *line, size_t length);
/* The parameters of one in a batch. NULL: no memory. */
struct jsonrpc_stream *jsonrpc_stream_of_params(const struct api_method *method, const json_t *params);
/* Goes on. API_AGAIN, or 0 or an API error as the method has it. */
int jsonrpc_stream_step(struct jsonrpc_stream *stream, const struct jsonrpc_methods *methods, struct api_call *call,
                        json_t **value);
/* Of a line, once it is read: NULL: a notification. Of one that is no request: null. */
const json_t *jsonrpc_stream_id(const struct jsonrpc_stream *stream);
const struct api_method *jsonrpc_stream_method(const struct jsonrpc_stream *stream);
/* What the parameters begin with, for the log. */
const char *jsonrpc_stream_params(const struct jsonrpc_stream *stream, size_t *length);
/* NULL is fine. */
void jsonrpc_stream_end(struct jsonrpc_stream *stream);

#endif
