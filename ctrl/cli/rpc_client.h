/* SPDX-License-Identifier: BSD-3-Clause */
/* One call of the control API, over a connection of its own. Blocks. */
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include "error.h"
#include <jansson.h>

/* 0: *answer is the JSON-RPC answer, a new reference, which has a "result" or an "error" object. -errno: nobody could
 * be reached at the path, or the connection broke; *error names the path. params: NULL for none. */
int rpc_call(const char *path, const char *method, json_t *params, json_t **answer, struct error *error) MUST_USE;

#endif
