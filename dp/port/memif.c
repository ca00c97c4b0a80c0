/* SPDX-License-Identifier: BSD-3-Clause */
#include "memif.h"
#include "stale_socket.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* As the driver forms it: an abstract name is as long as the array. */
static struct sockaddr_un address_of(const struct port_memif *memif)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t skip = memif->abstract ? 1 : 0;

    snprintf(address.sun_path + skip, sizeof(address.sun_path) - skip, "%s", memif->socket);
    return address;
}

/* The process that listens; 0: none. */
static pid_t listener_of(const struct port_memif *memif)
{
    struct sockaddr_un address = address_of(memif);
    size_t size =
        memif->abstract ? offsetof(struct sockaddr_un, sun_path) + 1 + strlen(memif->socket) : sizeof(address);
    struct ucred peer = {0};
    socklen_t length = sizeof(peer);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return 0;
    }
    if (connect(fd, (const struct sockaddr *)&address, (socklen_t)size) == 0) {
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
    }
    close(fd);
    return peer.pid;
}

static int check_folder(const char *path, struct error *error)
{
    int length = (int)(strrchr(path, '/') - path);
    char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

    snprintf(folder, sizeof(folder), "%.*s", length > 0 ? length : 1, path);
    return access(folder, R_OK | W_OK) == 0
               ? 0
               : error_set(error, -errno, "cannot make a socket in %s: %s", folder, strerror(errno));
}

static int prepare(const struct port_memif *memif, struct error *error)
{
    struct sockaddr_un address = address_of(memif);
    pid_t listener = listener_of(memif);
    int result;

    if (memif->client) {
        return listener != 0 ? 0
                             : error_set(error, -ECONNREFUSED,
                                         "nobody listens on %s%s; start the other side first, or be the server",
                                         memif->abstract ? "@" : "", memif->socket);
    }
    if (memif->abstract || listener == getpid()) { /* another port's: one socket serves many ids */
        return 0;
    }
    result = check_folder(memif->socket, error);
    return result == 0 ? stale_socket_remove(&address, SOCK_SEQPACKET, error) : result;
}

int memif_prepare(const struct port_settings *port, struct error *error)
{
    struct error reason;
    int result = port->kind == PORT_MEMIF ? prepare(port->memif, &reason) : 0;

    return result == 0 ? 0 : error_set(error, result, "port %s: %s", port->name, reason.text);
}
