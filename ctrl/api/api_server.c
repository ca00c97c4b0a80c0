/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_server.h"
#include "api_client.h"
#include "api_listen.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CLIENTS    1024
#define ACCEPTS        32  /* a pass */
#define ACCEPT_REST_MS 100 /* when there are no descriptors left, before the next try */

struct api_server {
    struct api_clients clients;
    struct api_listener listener;
    struct loop_watch watch;
    struct loop_timer rest;
    unsigned int max_clients;
};

/* Best effort: the line fits the socket's empty buffer. */
static void turn_away(int fd)
{
    struct byte_queue out = {0};

    if (jsonrpc_refuse(&out, API_ERR_BUSY, "too many clients are connected; try again") == 0) {
        (void)send(fd, byte_queue_front(&out), byte_queue_length(&out), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    byte_queue_free(&out);
    close(fd);
}

static void accept_clients(void *owner, uint32_t events)
{
    struct api_server *server = owner;

    (void)events;
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(server->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int result;

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
                log_warning("api: cannot accept a client: %s", strerror(errno));
                loop_change(server->clients.loop, &server->watch, 0);
                loop_timer_set(server->clients.loop, &server->rest, ACCEPT_REST_MS);
            }
            return;
        }
        if (server->clients.count >= server->max_clients) {
            turn_away(fd);
            continue;
        }
        result = api_client_add(&server->clients, fd);
        if (result != 0) {
            log_warning("api: cannot serve a client: %s", strerror(-result));
        }
    }
}

static void accept_again(void *owner)
{
    struct api_server *server = owner;

    loop_change(server->clients.loop, &server->watch, EPOLLIN);
}

int api_server_create(struct api_server **out, struct loop *loop, const struct api_server_options *options,
                      const struct api_method *methods, size_t method_count, void *context, struct error *error)
{
    const struct jsonrpc_methods table = {methods,        method_count, context, options->read_only,
                                          options->allow, options->done};
    struct api_server *server = calloc(1, sizeof(*server));
    int result;

    if (server == NULL) {
        return error_set(error, -ENOMEM, "out of memory");
    }
    api_clients_init(&server->clients, loop, &table);
    server->max_clients = options->max_clients > 0 ? options->max_clients : MAX_CLIENTS;
    server->rest.fire = accept_again;
    server->rest.owner = server;
    result = api_listen(&server->listener, options->path, options->mode, options->group, error);
    if (result != 0) {
        goto free_server;
    }
    server->watch = (struct loop_watch){.fd = server->listener.fd, .ready = accept_clients, .owner = server};
    result = loop_add(loop, &server->watch, EPOLLIN);
    if (result != 0) {
        error_set(error, result, "cannot watch the socket %s: %s", options->path, strerror(-result));
        goto stop_listening;
    }
    *out = server;
    return 0;
stop_listening:
    api_listen_stop(&server->listener);
free_server:
    free(server);
    return result;
}

void api_server_destroy(struct api_server *server)
{
    if (server == NULL) {
        return;
    }
    loop_timer_clear(&server->rest);
    loop_remove(server->clients.loop, &server->watch);
    api_clients_close(&server->clients);
    api_listen_stop(&server->listener);
    free(server);
}

unsigned int api_server_client_count(const struct api_server *server)
{
    return server->clients.count;
}
