/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC 2.0 without a socket: lines in, answers out. A line is begun, then stepped through one request at a time,
 * so that the caller can stop between two requests of a batch when it has done enough for now or when the answers are
 * not being read; a batch's answer is written as it grows.
 *
 * Stricter than JSON: an object with the same key twice and a string that holds U+0000 are parse errors.
 */
#ifndef JSONRPC_H
#define JSONRPC_H

#include "api.h"
#include "byte_queue.h"

struct jsonrpc_methods {
    const struct api_method *table;
    size_t count;
    void *context;  /* handed to every handler */
    bool read_only; /* methods that change something answer API_ERR_NOT_ALLOWED */
    /* Whether the caller may call the method of these flags (enum api_flag): 0, or an API error with a text. NULL: it
     * may. */
    int (*allow)(struct api_call *call, int flags);
    /* Told after each call of a method that changes something, with its code. NULL: nobody is. */
    void (*done)(struct api_call *call, int code);
};

/* A line that is being worked on. All zero is none. */
struct jsonrpc_work {
    json_t *message; /* a request, or an array of them; NULL: none */
    bool batch;
    bool answered;                 /* a batch: at least one answer is written */
    size_t next;                   /* a batch: index of the request to run next */
    struct jsonrpc_stream *stream; /* a request of a method that has a reader, begun; NULL: none */
};

static inline bool jsonrpc_pending(const struct jsonrpc_work *work)
{
    return work->message != NULL || work->stream != NULL;
}

/* If the line is one request of a method that has a reader, takes a copy of it, to be read as it is stepped through.
 * False: it is not, or not plainly: jsonrpc_begin() is to judge it. */
bool jsonrpc_begin_stream(struct jsonrpc_work *work, const struct jsonrpc_methods *methods, const char *line,
                          size_t length) MUST_USE;

/* Parses a line (without its newline). What is no message at all is answered here, and nothing is pending then.
 * 0 or -ENOMEM. */
int jsonrpc_begin(struct jsonrpc_work *work, const char *line, size_t length, struct byte_queue *out) MUST_USE;
/* Runs the next request of a pending line and writes its answer, a newline after the last. 0, or -ENOMEM: the answers
 * are broken off and the connection is of no more use. */
int jsonrpc_step(struct jsonrpc_work *work, const struct jsonrpc_methods *methods, const struct api_peer *peer,
                 struct byte_queue *out) MUST_USE;
/* Whether the caller may call the method. 0, or an API error with a text. For jsonrpc_stream.c. */
int jsonrpc_allow(const struct jsonrpc_methods *methods, const struct api_method *method,
                  struct api_call *call) MUST_USE;
/* Drops what is pending. */
void jsonrpc_abandon(struct jsonrpc_work *work);
/* Writes an error answer to nobody in particular (id null). 0 or -ENOMEM. */
int jsonrpc_refuse(struct byte_queue *out, int code, const char *message) MUST_USE;
/* Writes a notification, borrowing its parameters. 0, or -ENOMEM, and nothing is written. */
int jsonrpc_notify(struct byte_queue *out, const char *method, const json_t *params) MUST_USE;

#endif
