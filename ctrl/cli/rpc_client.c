/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_client.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A daemon that takes a million routes may be busy for a while, but not for ever. */
#define PATIENCE_S 120

/* The connected socket, or -errno. */
static int connect_to(const char *path, struct error *error)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    int result;
    int fd;

    if (length >= sizeof(address.sun_path)) {
        return error_set(error, -ENAMETOOLONG, "the socket path %.200s is too long", path);
    }
    memcpy(address.sun_path, path, length);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_set(error, -errno, "cannot make a socket: %s", strerror(errno));
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0) {
        result = error_set(error, -errno, "cannot reach anyfwd at %s: %s%s", path, strerror(errno),
                           errno == ENOENT || errno == ECONNREFUSED ? " (is it running?)" : "");
        close(fd);
        return result;
    }
    return fd;
}

static int broken(const char *path, struct error *error)
{
    int code = errno;

    return error_set(error, -code, "anyfwd at %s did not answer: %s", path,
                     code == EAGAIN ? "it is too busy" : strerror(code));
}

static int send_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = send(fd, data, length, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        data += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

struct reader {
    int fd;
    bool ended; /* with the newline */
};

/* For json_load_callback: the bytes of one line. */
static size_t read_line(void *buffer, size_t size, void *owner)
{
    struct reader *reader = owner;
    ssize_t n;

    if (reader->ended) {
        return 0;
    }
    do {
        n = recv(reader->fd, buffer, size, 0);
    } while (n < 0 && errno == EINTR);
    if (n == 0) {
        errno = ECONNRESET;
    }
    if (n <= 0) {
        return (size_t)-1;
    }
    reader->ended = ((const char *)buffer)[n - 1] == '\n'; /* ours is the only request, so nothing comes after it */
    return (size_t)n;
}

static int exchange(int fd, const char *path, const json_t *request, json_t **answer, struct error *error)
{
    struct reader reader = {.fd = fd};
    char *line = json_dumps(request, JSON_COMPACT);
    int result;

    if (line == NULL) {
        return error_set(error, -ENOMEM, "out of memory");
    }
    result = send_all(fd, line, strlen(line));
    if (result == 0) {
        result = send_all(fd, "\n", 1);
    }
    free(line);
    if (result != 0 && result != -EPIPE && result != -ECONNRESET) {
        errno = -result;
        return broken(path, error);
    }
    /* one that was turned away cannot send, but finds the reason waiting */
    errno = 0;
    *answer = json_load_callback(read_line, &reader, 0, NULL);
    if (*answer == NULL) {
        errno = errno != 0 ? errno : EPROTO;
        return broken(path, error);
    }
    if (json_object_get(*answer, "result") == NULL && !json_is_object(json_object_get(*answer, "error"))) {
        json_decref(*answer);
        return error_set(error, -EPROTO, "what answers at %s is no anyfwd", path);
    }
    return 0;
}

int rpc_call(const char *path, const char *method, json_t *params, json_t **answer, struct error *error)
{
    json_t *request = json_pack("{s:s, s:i, s:s, s:O*}", "jsonrpc", "2.0", "id", 1, "method", method, "params", params);
    int result;
    int fd;

    if (request == NULL) {
        return error_set(error, -ENOMEM, "out of memory");
    }
    fd = connect_to(path, error);
    result = fd < 0 ? fd : exchange(fd, path, request, answer, error);
    if (fd >= 0) {
        close(fd);
    }
    json_decref(request);
    return result;
}
