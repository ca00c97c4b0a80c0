/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control API: JSON-RPC 2.0, one message a line, on a Unix stream socket, within the control thread's loop.
 *
 * A line has 16 MiB at most. Requests may be pipelined and are answered in order. A client that floods, that does not
 * read, or that hangs up anywhere is its own problem: see api_client.h for the bounds. One that hangs up without
 * reading its answers may find that its last requests were not run.
 */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "api.h"
#include "loop.h"

struct api_server;

struct api_server_options {
    const char *path;  /* its directory is made if need be; PATH.lock is made beside it */
    mode_t mode;       /* of the socket, e.g. 0660 */
    const char *group; /* name of the group that the socket is given to; NULL: the process's */
    bool read_only;    /* methods with API_CHANGES answer API_ERR_NOT_ALLOWED */
    /* Who may call what: struct jsonrpc_methods. NULL: everybody everything. */
    int (*allow)(struct api_call *call, int flags);
    void (*done)(struct api_call *call, int code); /* told of each call that changes something; NULL: nobody is */
    unsigned int max_clients;                      /* those beyond are told API_ERR_BUSY and closed; 0: 1024 */
};

/* Listens, and serves from within `loop`. `methods` and `context`, which every handler is given, must outlive the
 * server. No handler may destroy it. 0 or -errno with *error; -EADDRINUSE: another daemon answers there. */
int api_server_create(struct api_server **out, struct loop *loop, const struct api_server_options *options,
                      const struct api_method *methods, size_t method_count, void *context,
                      struct error *error) MUST_USE;
/* Sends what can be sent at once, closes every connection and removes the socket. NULL is allowed. */
void api_server_destroy(struct api_server *server);
unsigned int api_server_client_count(const struct api_server *server);

#endif
