/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a Unix socket whose owner was killed: it stays, and nobody can bind to its path. */
#ifndef STALE_SOCKET_H
#define STALE_SOCKET_H

#include "error.h"
#include <sys/un.h>

/* Removes the socket at the address' path if nobody listens there; type: SOCK_STREAM or as it was. 0 if the path is
 * free now; -EADDRINUSE with a text: somebody listens, or the file is no socket; or another -errno with a text. */
int stale_socket_remove(const struct sockaddr_un *address, int type, struct error *error) MUST_USE;

#endif
