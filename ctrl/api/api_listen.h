/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A listening Unix socket at a path that survives kill -9 and simultaneous starts: whoever holds a lock on PATH.lock
 * owns PATH. The lock file stays, empty, after a clean stop: removing it would let two daemons each lock a file of
 * their own.
 */
#ifndef API_LISTEN_H
#define API_LISTEN_H

#include "error.h"
#include <sys/types.h>

struct api_listener {
    int fd; /* listening, non-blocking */
    int lock;
    char *path;
    dev_t device; /* with inode: which file at the path is ours */
    ino_t inode;
};

/* Makes the directories that lead to the path (0755) and replaces a socket at which nobody answers. `group`: its name,
 * or NULL for the process's own. 0 or -errno: -EADDRINUSE if another daemon lives there or the path is no socket. */
int api_listen(struct api_listener *listener, const char *path, mode_t mode, const char *group,
               struct error *error) MUST_USE;
/* Removes the socket, if it is still ours. */
void api_listen_stop(struct api_listener *listener);

#endif
