/* SPDX-License-Identifier: BSD-3-Clause */
/* A TCP connection that is accepted is a good answer. */
#include "probe.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_connected(void *owner, uint32_t events)
{
    struct probe *probe = owner;
    int error = 0;
    socklen_t size = sizeof(error);

    (void)events;
    if (getsockopt(probe->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    probe_done(probe, error == 0 ? NULL : strerror(error));
}

static int begin(struct probe *probe)
{
    struct sockaddr_storage to;
    socklen_t size = probe_sockaddr(probe, &to);
    int fd = probe_socket(probe, SOCK_STREAM, 0);
    int result;

    if (fd < 0) {
        return fd;
    }
    if (connect(fd, (const struct sockaddr *)&to, size) != 0 && errno != EINPROGRESS) {
        result = -errno;
        close(fd);
        return result;
    }
    return probe_watch(probe, fd, EPOLLOUT, on_connected);
}

const struct probe_kind probe_tcp = {begin, NULL};
