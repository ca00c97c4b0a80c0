/* SPDX-License-Identifier: BSD-3-Clause */
#include "stale_socket.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int stale_socket_remove(const struct sockaddr_un *address, int type, struct error *error)
{
    struct stat stat;
    bool answers;
    int fd;

    if (lstat(address->sun_path, &stat) != 0) {
        return errno == ENOENT ? 0
                               : error_set(error, -errno, "cannot look at %s: %s", address->sun_path, strerror(errno));
    }
    if (!S_ISSOCK(stat.st_mode)) {
        return error_set(error, -EADDRINUSE, "%s is there and is no socket; move it away", address->sun_path);
    }
    fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_set(error, -errno, "cannot make a socket: %s", strerror(errno));
    }
    /* anything but a refusal, a full backlog say, means that somebody is there */
    answers = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno != ECONNREFUSED;
    close(fd);
    if (answers) {
        return error_set(error, -EADDRINUSE, "another process answers on %s", address->sun_path);
    }
    return unlink(address->sun_path) == 0
               ? 0
               : error_set(error, -errno, "cannot remove the old %s: %s", address->sun_path, strerror(errno));
}
