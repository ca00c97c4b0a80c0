/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG   16
#define READ_SIZE (256 << 10) /* room beside the longest message */
#define PART_MS   5           /* of messages, before others have their turn */
#define PART_STEP 64          /* messages between two looks at the clock */

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t to_socket(const struct ip_addr *address, uint16_t port, union socket_address *out)
{
    memset(out, 0, sizeof(*out));
    if (address->family == FAMILY_V4) {
        out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&out->v4.sin_addr, address->bytes, 4);
        return sizeof(out->v4);
    }
    out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&out->v6.sin6_addr, address->bytes, 16);
    return sizeof(out->v6);
}

static struct ip_addr from_socket(const union socket_address *address)
{
    struct ip_addr out = {.family = address->any.sa_family == AF_INET ? FAMILY_V4 : FAMILY_V6};

    if (out.family == FAMILY_V4) {
        memcpy(out.bytes, &address->v4.sin_addr, 4);
    } else {
        memcpy(out.bytes, &address->v6.sin6_addr, 16);
    }
    return out;
}

static void on_connection(void *owner, uint32_t events)
{
    struct stream_listener *listener = owner;
    union socket_address address = {0};
    socklen_t length = sizeof(address);
    int fd = accept4(listener->watch.fd, &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct ip_addr from;

    (void)events;
    if (fd >= 0) {
        from = from_socket(&address);
        listener->accepted(listener->owner, fd, &from);
    }
}

int stream_listen(struct stream_listener *listener, struct loop *loop, const struct ip_addr *address, uint16_t port)
{
    union socket_address bound;
    socklen_t length = to_socket(address, port, &bound);
    int fd = socket(bound.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    int result;

    if (fd < 0) {
        return -errno;
    }
    listener->loop = loop;
    listener->watch = (struct loop_watch){.fd = fd, .ready = on_connection, .owner = listener};
    /* the address may come later: with its interface */
    (void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 || bind(fd, &bound.any, length) != 0 ||
        listen(fd, BACKLOG) != 0) {
        result = -errno;
        close(fd);
        return result;
    }
    result = loop_add(loop, &listener->watch, EPOLLIN);
    if (result != 0) {
        close(fd);
    }
    return result;
}

void stream_listen_stop(struct stream_listener *listener)
{
    loop_remove(listener->loop, &listener->watch);
    close(listener->watch.fd);
}

void stream_close(struct stream *stream)
{
    if (stream->bytes == NULL) {
        return;
    }
    loop_timer_clear(&stream->more);
    loop_remove(stream->loop, &stream->watch);
    close(stream->watch.fd);
    free(stream->bytes);
    stream->bytes = NULL;
}

static void fail(struct stream *stream, const char *why)
{
    stream_close(stream);
    stream->handler->closed(stream->owner, why);
}

/* A part of the messages that are there: 1: there are more; 0: no whole one is left; negative: broken. */
static int handle_part(struct stream *stream)
{
    struct span bytes = {stream->bytes + stream->start, stream->bytes + stream->end};
    uint64_t until = loop_now_ms() + PART_MS;
    int result;

    do {
        result = stream->handler->read(stream->owner, &bytes, PART_STEP);
    } while (result == PART_STEP && loop_now_ms() < until);
    stream->start = (size_t)(bytes.at - stream->bytes);
    return result < 0 ? result : result == PART_STEP;
}

static bool waits(const struct stream *stream)
{
    return stream->handler->waits != NULL && stream->handler->waits(stream->owner);
}

/* Reads nothing more while messages are left: the source waits. Where it may, something that was read may have made it
 * stop before the last one, and have come to an end since: it is looked at once more. */
static void handle(struct stream *stream)
{
    size_t before = stream->start;
    int result = 1;

    if (!waits(stream)) {
        result = handle_part(stream);
        stream->handler->handled(stream->owner);
    }
    if (result < 0) {
        fail(stream, strerror(-result));
    } else if (result > 0 || waits(stream) || (stream->handler->waits != NULL && stream->start != before)) {
        loop_change(stream->loop, &stream->watch, 0);
        loop_timer_set(stream->loop, &stream->more, 0);
    } else {
        loop_change(stream->loop, &stream->watch, EPOLLIN);
    }
}

static void on_more(void *owner)
{
    handle(owner);
}

static void on_bytes(void *owner, uint32_t events)
{
    struct stream *stream = owner;
    ssize_t n;

    if (stream->more.set) {
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) { /* told whether waited for or not: what is left is handled now */
            loop_timer_clear(&stream->more);
            handle(stream);
        }
        return;
    }
    if (stream->start > 0) {
        memmove(stream->bytes, stream->bytes + stream->start, stream->end - stream->start);
        stream->end -= stream->start;
        stream->start = 0;
    }
    n = read(stream->watch.fd, stream->bytes + stream->end, stream->room - stream->end);
    if (n > 0) {
        stream->end += (size_t)n;
        handle(stream);
    } else if (n == 0) {
        fail(stream, "it has closed the connection");
    } else if (errno != EAGAIN && errno != EINTR) {
        fail(stream, strerror(errno));
    }
}

int stream_open(struct stream *stream, struct loop *loop, int fd, const struct stream_handler *handler, void *owner)
{
    int one = 1;
    int result;

    *stream = (struct stream){.handler = handler,
                              .owner = owner,
                              .loop = loop,
                              .watch = {.fd = fd, .ready = on_bytes, .owner = stream},
                              .more = {.fire = on_more, .owner = stream},
                              .room = handler->message_max + READ_SIZE};
    stream->bytes = malloc(stream->room);
    result = stream->bytes != NULL ? loop_add(loop, &stream->watch, EPOLLIN) : -ENOMEM;
    if (result != 0) {
        free(stream->bytes);
        stream->bytes = NULL;
        close(fd);
        return result;
    }
    /* so that a source whose machine has gone is noticed within minutes; best effort */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){30}, sizeof(int));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){10}, sizeof(int));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &(int){3}, sizeof(int));
    return 0;
}
