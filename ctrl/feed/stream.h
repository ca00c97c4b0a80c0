/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP for sources that connect to us: a listening socket, and a connection of which the messages at its front are
 * handled in small parts, so that a source that tells a full table holds up nobody. Control thread's loop.
 */
#ifndef STREAM_H
#define STREAM_H

#include "addr.h"
#include "attributes.h"
#include "loop.h"
#include "span.h"

struct stream_listener {
    /* Takes over the connected, non-blocking socket. */
    void (*accepted)(void *owner, int fd, const struct ip_addr *from);
    void *owner;
    /* the listener's: */
    struct loop *loop;
    struct loop_watch watch;
};

/* 0 or -errno. accepted and owner must be set. */
int stream_listen(struct stream_listener *listener, struct loop *loop, const struct ip_addr *address,
                  uint16_t port) MUST_USE;
void stream_listen_stop(struct stream_listener *listener);

struct stream_handler {
    /* Handles up to `count` whole messages at the front of the span, which are then behind. How many there were; fewer
     * than asked for: no whole one is left, or the owner waits. Negative: the connection is of no more use. */
    int (*read)(void *owner, struct span *bytes, int count);
    /* No message is to be handled now: asked again in the next pass, and may do a part of what it waits for. NULL:
     * never. */
    bool (*waits)(void *owner);
    /* Some were handled; a good moment to decide what they changed. */
    void (*handled)(void *owner);
    /* The connection is closed already. `why` is a text. The owner may open the stream again. */
    void (*closed)(void *owner, const char *why);
    size_t message_max; /* bytes of the longest message */
};

/* All zero: closed. */
struct stream {
    const struct stream_handler *handler;
    void *owner;
    struct loop *loop;
    struct loop_watch watch;
    struct loop_timer more; /* set: whole messages may be left over from the last part */
    uint8_t *bytes;         /* NULL: closed */
    size_t start;
    size_t end;
    size_t room;
};

/* Takes over the socket; closes it if that fails. 0 or -errno. */
int stream_open(struct stream *stream, struct loop *loop, int fd, const struct stream_handler *handler,
                void *owner) MUST_USE;
/* Tells nobody. Closed already: does nothing. */
void stream_close(struct stream *stream);
static inline bool stream_is_open(const struct stream *stream)
{
    return stream->bytes != NULL;
}

#endif
