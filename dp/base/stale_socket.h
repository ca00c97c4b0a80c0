/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a Unix socket whose owner was killed: it stays, and nobody can bind to its path. */
#ifndef STALE_SOCKET_H
#define STALE_SOCKET_H

#include "error.h"
#include <stdbool.h>
#include <sys/un.h>

/* Whether somebody has the socket at the address' path. He does not hear of the question. */
bool socket_is_served(const struct sockaddr_un *address);
/* Removes the socket at the address' path if nobody has it. 0 if the path is free now; -EADDRINUSE with a text:
 * somebody has it, or the file is no socket; or another -errno with a text. */
int stale_socket_remove(const struct sockaddr_un *address, struct error *error) MUST_USE;

#endif
