/* SPDX-License-Identifier: BSD-3-Clause */
#include "listener.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listener {
    LIST_ENTRY(listener) link;
    struct stream_listener stream;
    struct feeds *feeds;
    struct ip_addr address;
    uint16_t port;
    unsigned int users;
    bool told; /* that somebody else knocked */
};

/* A feed of this very router, before one that takes any. */
static struct source *source_for(const struct listener *listener, const struct ip_addr *from)
{
    struct source *any = NULL;
    struct source *source;

    LIST_FOREACH(source, &listener->feeds->sources, link)
    {
        if (source->listener != listener) {
            continue;
        }
        if (source->settings.has_router && ip_addr_equal(&source->settings.router, from)) {
            return source;
        }
        any = source->settings.has_router ? any : source;
    }
    return any;
}

static void on_accepted(void *owner, int fd, const struct ip_addr *from)
{
    struct listener *listener = owner;
    struct source *source = source_for(listener, from);
    char text[IP_ADDR_STRLEN];

    if (source != NULL) {
        source_accept(source, fd);
        return;
    }
    if (!listener->told) {
        log_warning("a connection of %s to port %u is refused: it is the router of no feed", ip_addr_format(from, text),
                    listener->port);
        listener->told = true;
    }
    close(fd);
}

static struct listener *listener_find(const struct source *source)
{
    struct listener *it;

    LIST_FOREACH(it, &source->feeds->listeners, link)
    {
        if (it->port == source->settings.port && ip_addr_equal(&it->address, &source->settings.listen)) {
            return it;
        }
    }
    return NULL;
}

static int listener_open(struct source *source, struct listener **out, struct error *error)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    char text[IP_ADDR_STRLEN];
    int result;

    if (listener == NULL) {
        return error_set(error, -ENOMEM, "feed %s: no memory", source->settings.name);
    }
    *listener = (struct listener){
        .stream = {.accepted = on_accepted, .owner = listener},
        .feeds = source->feeds,
        .address = source->settings.listen,
        .port = source->settings.port,
    };
    result = stream_listen(&listener->stream, source->feeds->loop, &listener->address, listener->port);
    if (result != 0) {
        free(listener);
        return error_set(error, result, "feed %s: cannot listen on %s port %u: %s", source->settings.name,
                         ip_addr_format(&source->settings.listen, text), source->settings.port, strerror(-result));
    }
    LIST_INSERT_HEAD(&source->feeds->listeners, listener, link);
    *out = listener;
    return 0;
}

int listener_get(struct source *source, struct error *error)
{
    struct listener *listener = listener_find(source);
    int result = listener == NULL ? listener_open(source, &listener, error) : 0;

    if (result == 0) {
        listener->users++; /* NOLINT(clang-analyzer-core.NullDereference): it is set when the result is 0 */
        source->listener = listener;
    }
    return result;
}

void listener_put(struct source *source)
{
    struct listener *listener = source->listener;

    source->listener = NULL;
    if (listener != NULL && --listener->users == 0) {
        stream_listen_stop(&listener->stream);
        LIST_REMOVE(listener, link);
        free(listener);
    }
}
