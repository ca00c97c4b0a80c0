/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a client is told unasked: JSON-RPC notifications, beside the answers to its calls.
 *
 * A method opens a stream to its caller; from then on its owner sends as it sees fit, from the control thread. What is
 * sent comes behind the answer of the call that is being run, and never inside the answer of a batch. It waits in a
 * queue of its own, so that calls are answered meanwhile; a client that does not read takes no more memory than that:
 * the stream refuses more, and its owner decides what to leave out. The stream ends with the connection.
 */
#ifndef API_STREAM_H
#define API_STREAM_H

#include "api.h"
#include <sys/queue.h>

/* Waiting bytes from which a client is sent no more notifications, by a stream that asks for no more room. */
#define API_STREAM_MAX ((size_t)128 << 10)
/* Of all clients together, from which none has more than that. */
#define API_STREAM_TOTAL ((size_t)64 << 20)

/* A part of its owner. */
struct api_stream {
    /* The connection is gone, and the stream closed. Must not call the API; may free what holds the stream. */
    void (*gone)(struct api_stream *stream);
    size_t max; /* waiting bytes from which it refuses more; 0: API_STREAM_MAX */
    /* api_stream.c's: */
    struct api_client *client; /* NULL: closed */
    LIST_ENTRY(api_stream) link;
};

/* To the caller of a method. 0, or API_ERR_REQUEST with a text: a caller without a connection cannot be told. */
int api_stream_open(struct api_call *call, struct api_stream *stream) MUST_USE;
/* Nothing more is sent; gone() is not called. Does nothing if it is closed. */
void api_stream_close(struct api_stream *stream);
/* Sends {"jsonrpc": "2.0", "method": method, "params": params} and takes the reference; params NULL is no memory. 0;
 * -EAGAIN: the client has too much unread, or has gone; -ENOMEM. Not 0: nothing is sent. The text is at most as long
 * as a line may be. */
int api_stream_send(struct api_stream *stream, const char *method, json_t *params) MUST_USE;
/* Bytes of notifications that wait for this client, by all its streams. */
size_t api_stream_waiting(const struct api_stream *stream);
/* False: a send would be refused. Spares making what cannot be sent. */
bool api_stream_has_room(const struct api_stream *stream);

#endif
