/* SPDX-License-Identifier: BSD-3-Clause */
#include "stale_socket.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* By a socket of a type that does not connect to one that listens: the kernel says EPROTOTYPE where one is bound,
 * ECONNREFUSED where none is, and nothing to who has it. DPDK's memif driver may not survive a peer that connects and
 * goes. */
bool socket_is_served(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool served;

    served = fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
             (errno != ECONNREFUSED && errno != ENOENT);
    if (fd >= 0) {
        close(fd);
    }
    return served;
}

int stale_socket_remove(const struct sockaddr_un *address, struct error *error)
{
    struct stat stat;

    if (lstat(address->sun_path, &stat) != 0) {
        return errno == ENOENT ? 0
                               : error_set(error, -errno, "cannot look at %s: %s", address->sun_path, strerror(errno));
    }
    if (!S_ISSOCK(stat.st_mode)) {
        return error_set(error, -EADDRINUSE, "%s is there and is no socket; move it away", address->sun_path);
    }
    if (socket_is_served(address)) {
        return error_set(error, -EADDRINUSE, "another process answers on %s", address->sun_path);
    }
    return unlink(address->sun_path) == 0
               ? 0
               : error_set(error, -errno, "cannot remove the old %s: %s", address->sun_path, strerror(errno));
}
