/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a method of the control API is: a row of a table that the owner of the server passes in. Handlers run on the
 * control thread, one at a time, and never block.
 */
#ifndef API_H
#define API_H

#include "attributes.h"
#include "error.h"
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum api_error {
    API_ERR_PARSE = -32700, /* the first five as JSON-RPC 2.0 defines them */
    API_ERR_REQUEST = -32600,
    API_ERR_METHOD = -32601,
    API_ERR_PARAMS = -32602,
    API_ERR_INTERNAL = -32603,
    API_ERR_SESSION = -32001,
    API_ERR_NOT_ALLOWED = -32002,
    API_ERR_PREFIX = -32003,
    API_ERR_UNKNOWN_NAME = -32004, /* no such peer or instance */
    API_ERR_TABLE_FULL = -32006,
    API_ERR_EXISTS = -32007, /* or does not */
    API_ERR_ABORTED = -32008,
    API_ERR_BREAKER = -32009,
    API_ERR_VERSION = -32010,
    API_ERR_LINE_TOO_LONG = -32011,
    API_ERR_BUSY = -32012,
    API_ERR_NO_ROUTE = -32013,
};

struct api_client;

/* Who is at the other end, as the kernel knew it at connect (SO_PEERCRED, SO_PEERGROUPS). */
struct api_peer {
    struct api_client *client; /* the connection, for api_stream.h; NULL: there is none */
    pid_t pid;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* the supplementary ones */
    size_t group_count;
    char text[160]; /* "uid 0 gid 0 groups 0,27 pid 4711", for the log */
};

struct api_call {
    void *context;        /* the owner's */
    const char *method;   /* its name */
    const json_t *params; /* borrowed; NULL: a reader has read them */
    const struct api_peer *peer;
    struct error error; /* filled by a handler that fails */
    json_t *data;       /* goes into the error's "data"; the call takes the reference; NULL: none */
};

enum api_flag {
    API_CHANGES = 1 << 0, /* changes something: logged with the peer, refused on a read-only socket */
    API_SESSION = 1 << 1, /* of use within a session, which may do no more than its own */
};

struct json_scan;

/* More is to be done: the others have their turn first. */
#define API_AGAIN 1

/* A method whose parameters may be too many for a tree of them, or whose work too much for one go. Each function but
 * the first may be called many times, and does a few milliseconds' work. */
struct api_reader {
    /* What the others are given. NULL: no memory. */
    void *(*begin)(struct api_call *call);
    /* Reads on in the value of "params"; whatever is wrong with it but that it is no JSON is told by run(). API_AGAIN,
     * or 0: the value is read, or scan->error is set. */
    int (*read)(void *state, struct json_scan *scan);
    /* The whole request is well-formed. API_AGAIN, or as api_method's call(). */
    int (*run)(void *state, struct api_call *call, json_t **result);
    /* After the last of them, or instead, when the client has gone. */
    void (*end)(void *state);
};

struct api_method {
    const char *name;
    int flags; /* of enum api_flag */
    /* params: always an object, borrowed. 0 and a new reference in *result (left NULL: answered with {}), or an enum
     * api_error with call->error filled; then nothing has changed and *result is NULL. */
    int (*call)(struct api_call *call, const json_t *params, json_t **result);
    const struct api_reader *reader; /* instead of call() */
};

/* The file that came with the calls of this client last (unix(7), SCM_RIGHTS), now the caller's to close; -ENOENT: none
 * did, or it was taken. */
int api_take_file(const struct api_peer *peer) MUST_USE;

/* "return api_fail(call, API_ERR_NO_ROUTE, "no route to %s", text);" */
#define api_fail(call, code, ...) error_set(&(call)->error, code, __VA_ARGS__)
/* A JSON string of an error's text. One that was cut inside a character is no UTF-8 any more: then only its ASCII is
 * kept. NULL: no memory. */
json_t *api_text(const char *text);

#endif
