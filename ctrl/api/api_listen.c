/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_listen.h"
#include "stale_socket.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

static int address_of(const char *path, struct sockaddr_un *address, struct error *error)
{
    size_t length = strlen(path);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length == 0 || length >= sizeof(address->sun_path)) {
        return error_set(error, -ENAMETOOLONG, "socket path \"%.200s\" must have 1 to %zu bytes", path,
                         sizeof(address->sun_path) - 1);
    }
    memcpy(address->sun_path, path, length);
    return 0;
}

static int make_directories(const char *path, struct error *error)
{
    char directory[PATH_MAX];

    snprintf(directory, sizeof(directory), "%s", path);
    for (char *slash = strchr(directory + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(directory, 0755) != 0 && errno != EEXIST) {
            return error_set(error, -errno, "cannot make the directory %s of the socket: %s", directory,
                             strerror(errno));
        }
        *slash = '/';
    }
    return 0;
}

/* The descriptor that holds the lock, or -errno. */
static int take_lock(const char *path, struct error *error)
{
    char lock_path[PATH_MAX];
    int result;
    int fd;

    snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
    fd = open(lock_path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return error_set(error, -errno, "cannot open %s: %s", lock_path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return fd;
    }
    result = errno == EWOULDBLOCK ? error_set(error, -EADDRINUSE, "another anyfwd answers on %s", path)
                                  : error_set(error, -errno, "cannot lock %s: %s", lock_path, strerror(errno));
    close(fd);
    return result;
}

static int set_access(const char *path, mode_t mode, const char *group, struct error *error)
{
    const struct group *entry = group != NULL ? getgrnam(group) : NULL;

    if (group != NULL && entry == NULL) {
        return error_set(error, -ENOENT, "there is no group \"%s\" to give the socket %s to", group, path);
    }
    if (entry != NULL && chown(path, (uid_t)-1, entry->gr_gid) != 0) {
        return error_set(error, -errno, "cannot give %s to the group %s: %s", path, group, strerror(errno));
    }
    if (chmod(path, mode) != 0) {
        return error_set(error, -errno, "cannot set the mode of %s: %s", path, strerror(errno));
    }
    return 0;
}

/* Nobody can connect between bind() and listen(), so the file never lies open with the wrong mode. */
static int bind_and_listen(struct api_listener *listener, const struct sockaddr_un *address, mode_t mode,
                           const char *group, struct error *error)
{
    const char *path = address->sun_path;
    struct stat stat;
    int result;

    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0) {
        return error_set(error, -errno, "cannot make a socket: %s", strerror(errno));
    }
    if (bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
        result = error_set(error, -errno, "cannot bind %s: %s", path, strerror(errno));
        goto close_fd;
    }
    result = set_access(path, mode, group, error);
    if (result != 0) {
        goto remove_file;
    }
    if (lstat(path, &stat) != 0 || listen(listener->fd, BACKLOG) != 0) {
        result = error_set(error, -errno, "cannot listen on %s: %s", path, strerror(errno));
        goto remove_file;
    }
    listener->device = stat.st_dev;
    listener->inode = stat.st_ino;
    return 0;
remove_file:
    unlink(path);
close_fd:
    close(listener->fd);
    return result;
}

int api_listen(struct api_listener *listener, const char *path, mode_t mode, const char *group, struct error *error)
{
    struct sockaddr_un address;
    int result = address_of(path, &address, error);

    if (result != 0) {
        return result;
    }
    listener->path = strdup(path);
    if (listener->path == NULL) {
        return error_set(error, -ENOMEM, "out of memory");
    }
    result = make_directories(path, error);
    if (result != 0) {
        goto free_path;
    }
    listener->lock = take_lock(path, error);
    if (listener->lock < 0) {
        result = listener->lock;
        goto free_path;
    }
    result = stale_socket_remove(&address, error);
    if (result == 0) {
        result = bind_and_listen(listener, &address, mode, group, error);
    }
    if (result == 0) {
        return 0;
    }
    close(listener->lock);
free_path:
    free(listener->path);
    return result;
}

void api_listen_stop(struct api_listener *listener)
{
    struct stat stat;

    if (lstat(listener->path, &stat) == 0 && stat.st_dev == listener->device && stat.st_ino == listener->inode) {
        unlink(listener->path);
    }
    close(listener->fd);
    close(listener->lock); /* last: whoever gets it next must find the path free */
    free(listener->path);
}
