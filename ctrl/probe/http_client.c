/* SPDX-License-Identifier: BSD-3-Clause */
#include "http_client.h"
#include <errno.h>
#include <stdlib.h>

struct http_client {
    struct loop *loop;
    CURLM *multi; /* NULL until it is needed: libcurl's start takes a while */
    struct loop_timer timer;
    void (*done)(void *owner, CURLcode result);
};

struct socket_watch {
    struct http_client *client;
    struct loop_watch watch;
};

/* Asked for one by one, for done() may end others. */
static void tell_done(struct http_client *client)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        void *owner = NULL;

        if (message->msg == CURLMSG_DONE) {
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
            client->done(owner, result);
        }
    }
}

static void act(struct http_client *client, curl_socket_t fd, int events)
{
    int running;

    curl_multi_socket_action(client->multi, fd, events, &running);
    tell_done(client);
}

static void on_ready(void *owner, uint32_t events)
{
    const struct socket_watch *socket = owner;

    act(socket->client, socket->watch.fd,
        ((events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
            ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) | ((events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0));
}

static void on_timer(void *owner)
{
    act(owner, CURL_SOCKET_TIMEOUT, 0);
}

static void forget_socket(struct socket_watch *socket, curl_socket_t fd)
{
    loop_remove(socket->client->loop, &socket->watch);
    curl_multi_assign(socket->client->multi, fd, NULL);
    free(socket);
}

static void add_socket(struct http_client *client, curl_socket_t fd, uint32_t events)
{
    struct socket_watch *socket = calloc(1, sizeof(*socket));

    if (socket == NULL) {
        return;
    }
    *socket = (struct socket_watch){client, {.fd = fd, .ready = on_ready, .owner = socket}};
    if (loop_add(client->loop, &socket->watch, events) != 0) {
        free(socket);
        return;
    }
    curl_multi_assign(client->multi, fd, socket);
}

/* Never says no, which would be the end of all transfers: one whose socket nobody watches runs out of time. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *known)
{
    uint32_t events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0);
    struct socket_watch *socket = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL) {
            forget_socket(socket, fd);
        }
    } else if (socket != NULL) {
        loop_change(socket->client->loop, &socket->watch, events);
    } else {
        add_socket(owner, fd, events);
    }
    return 0;
}

static int set_timer(CURLM *multi, long delay_ms, void *owner)
{
    struct http_client *client = owner;

    (void)multi;
    if (delay_ms < 0) {
        loop_timer_clear(&client->timer);
    } else {
        loop_timer_set(client->loop, &client->timer, (uint64_t)delay_ms);
    }
    return 0;
}

static int start(struct http_client *client)
{
    if (client->multi != NULL) {
        return 0;
    }
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        return -ENOMEM;
    }
    client->multi = curl_multi_init();
    if (client->multi == NULL) {
        curl_global_cleanup();
        return -ENOMEM;
    }
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    return 0;
}

struct http_client *http_client_create(struct loop *loop)
{
    struct http_client *client = calloc(1, sizeof(*client));

    if (client != NULL) {
        client->loop = loop;
        client->timer = (struct loop_timer){.fire = on_timer, .owner = client};
    }
    return client;
}

void http_client_destroy(struct http_client *client)
{
    if (client != NULL && client->multi != NULL) {
        curl_multi_cleanup(client->multi);
        loop_timer_clear(&client->timer);
        curl_global_cleanup();
    }
    free(client);
}

int http_client_begin(struct http_client *client, CURL *easy, void (*done)(void *owner, CURLcode result))
{
    int code = start(client);

    if (code != 0) {
        return code;
    }
    client->done = done;
    return curl_multi_add_handle(client->multi, easy) == CURLM_OK ? 0 : -EIO;
}

void http_client_end(struct http_client *client, CURL *easy)
{
    curl_multi_remove_handle(client->multi, easy);
}
