/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_client.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
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

/* Sends a first byte, and the file with it (unix(7), SCM_RIGHTS). */
static int send_file(int fd, const char *data, int file)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {.iov_base = (char *)(uintptr_t)data, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

    memcpy(CMSG_DATA(&control.header), &file, sizeof(file));
    return sendmsg(fd, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
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

/* file: -1, or a descriptor that goes with the request. */
static int send_request(int fd, const char *path, const json_t *request, int file, struct error *error)
{
    char *line = json_dumps(request, JSON_COMPACT);
    int result;

    if (line == NULL) {
        return error_set(error, -ENOMEM, "out of memory");
    }
    result = file >= 0 ? send_file(fd, line, file) : 0;
    if (result == 0) {
        result = send_all(fd, line + (file >= 0), strlen(line) - (file >= 0));
    }
    if (result == 0) {
        result = send_all(fd, "\n", 1);
    }
    free(line);
    if (result != 0 && result != -EPIPE && result != -ECONNRESET) {
        errno = -result;
        return broken(path, error);
    }
    return 0; /* one that was turned away cannot send, but finds the reason waiting */
}

/* The next line; NULL with errno. */
static json_t *read_message(FILE *lines)
{
    char *line = NULL;
    size_t size = 0;
    json_t *message;
    ssize_t length;

    errno = 0;
    length = getline(&line, &size, lines);
    if (length <= 0 || line[length - 1] != '\n') {
        int code = errno != 0 ? errno : ECONNRESET;

        free(line);
        errno = code;
        return NULL;
    }
    message = json_loadb(line, (size_t)length, 0, NULL);
    free(line);
    if (message == NULL) {
        errno = EPROTO;
    }
    return message;
}

static int read_answer(FILE *lines, const char *path, json_t **answer, struct error *error)
{
    *answer = read_message(lines);
    if (*answer == NULL) {
        return broken(path, error);
    }
    if (json_object_get(*answer, "result") == NULL && !json_is_object(json_object_get(*answer, "error"))) {
        json_decref(*answer);
        return error_set(error, -EPROTO, "what answers at %s is no anyfwd", path);
    }
    return 0;
}

static int read_further(FILE *lines, const char *path, const struct rpc_follower *follower, const json_t *answer,
                        struct error *error)
{
    const struct timeval for_ever = {0};
    bool more = follower->answered(follower->owner, answer);

    if (setsockopt(fileno(lines), SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever)) != 0) {
        return broken(path, error);
    }
    while (more) {
        json_t *message = read_message(lines);

        if (message == NULL) {
            return broken(path, error);
        }
        more = follower->told(follower->owner, message);
        json_decref(message);
    }
    return 0;
}

/* follower: NULL for the answer alone. */
static int exchange(int fd, const char *path, const json_t *request, int file, const struct rpc_follower *follower,
                    json_t **answer, struct error *error)
{
    FILE *lines = fdopen(fd, "r");
    int result;

    if (lines == NULL) {
        close(fd);
        return error_set(error, -ENOMEM, "out of memory");
    }
    result = send_request(fd, path, request, file, error);
    if (result == 0) {
        result = read_answer(lines, path, answer, error);
    }
    if (result == 0 && follower != NULL) {
        result = read_further(lines, path, follower, *answer, error);
        if (result != 0 && result != -EINTR) {
            json_decref(*answer);
        }
    }
    fclose(lines);
    return result;
}

static int call(const char *path, const char *method, json_t *params, int file, const struct rpc_follower *follower,
                json_t **answer, struct error *error)
{
    json_t *request = json_pack("{s:s, s:i, s:s, s:O*}", "jsonrpc", "2.0", "id", 1, "method", method, "params", params);
    int result;
    int fd;

    if (request == NULL) {
        return error_set(error, -ENOMEM, "out of memory");
    }
    fd = connect_to(path, error);
    result = fd < 0 ? fd : exchange(fd, path, request, file, follower, answer, error);
    json_decref(request);
    return result;
}

int rpc_follow(const char *path, const char *method, json_t *params, const struct rpc_follower *follower,
               json_t **answer, struct error *error)
{
    return call(path, method, params, -1, follower, answer, error);
}

int rpc_call(const char *path, const char *method, json_t *params, json_t **answer, struct error *error)
{
    return call(path, method, params, -1, NULL, answer, error);
}

int rpc_call_with_file(const char *path, const char *method, json_t *params, int file, json_t **answer,
                       struct error *error)
{
    return call(path, method, params, file, NULL, answer, error);
}
