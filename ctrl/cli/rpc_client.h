/* SPDX-License-Identifier: BSD-3-Clause */
/* One call of the control API, over a connection of its own. Blocks. */
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include "error.h"
#include <jansson.h>
#include <stdbool.h>

/* 0: *answer is the JSON-RPC answer, a new reference, which has a "result" or an "error" object. -errno: nobody could
 * be reached at the path, or the connection broke; *error names the path. params: NULL for none. */
int rpc_call(const char *path, const char *method, json_t *params, json_t **answer, struct error *error) MUST_USE;

/* What a call that goes on is told; the messages are borrowed. False: that is enough. */
struct rpc_follower {
    bool (*answered)(void *owner, const json_t *answer);
    bool (*told)(void *owner, const json_t *message);
    void *owner;
};

/* The same, and then every further message of the connection, however long it takes. *answer is a new reference that
 * lives as long as the messages come. 0: enough; -EINTR: a signal came. */
int rpc_follow(const char *path, const char *method, json_t *params, const struct rpc_follower *follower,
               json_t **answer, struct error *error) MUST_USE;

/* The same with an open file that goes with the call. */
int rpc_call_with_file(const char *path, const char *method, json_t *params, int file, json_t **answer,
                       struct error *error) MUST_USE;

#endif
