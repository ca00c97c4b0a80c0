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
    int result;

    if (memif->abstract) {
        return 0;
    }
    if (memif->client) {
        return socket_is_served(&address)
                   ? 0
                   : error_set(error, -ECONNREFUSED,
                               "nobody listens on %s; start the other side first, or be the server", memif->socket);
    }
    result = check_folder(memif->socket, error);
    return result == 0 ? stale_socket_remove(&address, error) : result;
}

int memif_prepare(const struct port_settings *port, struct error *error)
{
    struct error reason;
    int result = port->kind == PORT_MEMIF ? prepare(port->memif, &reason) : 0;

    return result == 0 ? 0 : error_set(error, result, "port %s: %s", port->name, reason.text);
}
