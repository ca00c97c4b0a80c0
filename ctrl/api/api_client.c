/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_client.h"
#include "log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (64 << 10)
#define TOLD_PART ((size_t)64 << 10)
/* What a byte of a batch takes once it is parsed, about. */
#define PARSED_FACTOR 8

static void peer_describe(struct api_peer *peer)
{
    size_t size = sizeof(peer->text);
    size_t used = (size_t)snprintf(peer->text, size, "uid %u gid %u", peer->uid, peer->gid);

    for (size_t i = 0; i < peer->group_count && used < size - 40; i++) {
        used += (size_t)snprintf(peer->text + used, size - used, "%s%u", i == 0 ? " groups " : ",", peer->groups[i]);
    }
    snprintf(peer->text + used, size - used, " pid %d", peer->pid);
}

static int peer_read(int fd, struct api_peer *peer)
{
    struct ucred ucred;
    socklen_t length = sizeof(ucred);
    socklen_t groups_size = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &length) != 0) {
        return -errno;
    }
    peer->pid = ucred.pid;
    peer->uid = ucred.uid;
    peer->gid = ucred.gid;
    /* asked with no room, the kernel tells how much it needs */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &groups_size) != 0 && errno == ERANGE) {
        peer->groups = malloc(groups_size);
        if (peer->groups == NULL) {
            return -ENOMEM;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &groups_size) == 0) {
            peer->group_count = groups_size / sizeof(gid_t);
        }
    }
    peer_describe(peer);
    return 0;
}

static void streams_close(struct api_client *client)
{
    struct api_stream *stream;

    while ((stream = LIST_FIRST(&client->streams)) != NULL) {
        api_stream_close(stream);
        stream->gone(stream);
    }
}

static void client_close(struct api_client *client)
{
    struct api_clients *clients = client->clients;

    log_debug("api: %s is gone", client->peer.text);
    streams_close(client);
    loop_remove(clients->loop, &client->watch);
    close(client->watch.fd);
    if (client->file >= 0) {
        close(client->file);
    }
    LIST_REMOVE(client, link);
    if (client->waiting) {
        TAILQ_REMOVE(&clients->waiting, client, waiting_link);
    }
    clients->count--;
    clients->held -= client->held;
    jsonrpc_abandon(&client->work);
    byte_queue_free(&client->in);
    byte_queue_free(&client->out);
    clients->told -= byte_queue_length(&client->told);
    byte_queue_free(&client->told);
    free(client->peer.groups);
    free(client);
}

static void account(struct api_client *client)
{
    size_t held = client->in.capacity + client->batch_size * PARSED_FACTOR;

    client->clients->held += held - client->held;
    client->held = held;
}

/* Answers the line at the front with an error, and drops the part of it that is here, and later the rest. */
static int refuse_line(struct api_client *client, int code, const char *message)
{
    log_notice("api: a line of %s is refused: %s", client->peer.text, message);
    byte_queue_free(&client->in);
    client->searched = 0;
    client->dropping = true;
    return jsonrpc_refuse(&client->out, code, message);
}

/* The line at the front is not complete. 0 or -ENOMEM. */
static int check_part(struct api_client *client)
{
    size_t length = byte_queue_length(&client->in);

    client->searched = length;
    if (client->dropping) {
        byte_queue_consume(&client->in, length);
        client->searched = 0;
        return 0;
    }
    if (length > API_LINE_MAX) {
        return refuse_line(client, API_ERR_LINE_TOO_LONG, "a line may have 16 MiB at most");
    }
    if (length > READ_SIZE && client->clients->held > client->clients->held_max) {
        return refuse_line(client, API_ERR_BUSY, "too much is waiting to be worked on; try again");
    }
    return 0;
}

static char *find_newline(const struct api_client *client)
{
    size_t length = byte_queue_length(&client->in);

    return length > client->searched
               ? memchr(byte_queue_front(&client->in) + client->searched, '\n', length - client->searched)
               : NULL;
}

/* Begins the next complete line. 1, 0: there is none, or -ENOMEM. */
static int next_line(struct api_client *client)
{
    char *newline = find_newline(client);
    size_t length;
    int result = 0;

    if (newline == NULL) {
        return check_part(client);
    }
    length = (size_t)(newline - byte_queue_front(&client->in));
    if (client->dropping) {
        client->dropping = false;
    } else if (length > API_LINE_MAX) {
        result = jsonrpc_refuse(&client->out, API_ERR_LINE_TOO_LONG, "a line may have 16 MiB at most");
    } else if (jsonrpc_begin_stream(&client->work, &client->clients->methods, byte_queue_front(&client->in), length)) {
        client->batch_size = length / PARSED_FACTOR; /* a copy of the line */
    } else {
        result = jsonrpc_begin(&client->work, byte_queue_front(&client->in), length, &client->out);
        client->batch_size = client->work.batch ? length : 0;
    }
    byte_queue_consume(&client->in, length + 1);
    client->searched = 0;
    return result != 0 ? result : 1;
}

/* The next request. A line that is one is parsed and run in one go: only batches are kept parsed. 1, 0: there is none,
 * or -ENOMEM. */
static int advance(struct api_client *client)
{
    int result;

    if (!jsonrpc_pending(&client->work)) {
        result = next_line(client);
        if (result != 1 || !jsonrpc_pending(&client->work) || client->work.batch) {
            return result;
        }
    }
    result = jsonrpc_step(&client->work, &client->clients->methods, &client->peer, &client->out);
    if (!jsonrpc_pending(&client->work)) {
        client->batch_size = 0;
    }
    return result != 0 ? result : 1;
}

static bool output_full(const struct api_client *client)
{
    return byte_queue_length(&client->out) >= API_OUTPUT_MAX;
}

/* Something is left that needs no further byte of the peer's. */
static bool has_requests(const struct api_client *client)
{
    return jsonrpc_pending(&client->work) || find_newline(client) != NULL;
}

/* Notifications join the answers when none waits, some whole lines at a time: no line is cut by another one. 0 or
 * -ENOMEM. */
static int take_told(struct api_client *client)
{
    size_t length = byte_queue_length(&client->told);
    const char *newline;
    int result;

    if (length == 0 || byte_queue_length(&client->out) > 0 || client->work.answered) {
        return 0;
    }
    if (length > TOLD_PART) {
        newline = memrchr(byte_queue_front(&client->told), '\n', TOLD_PART);
        newline = newline != NULL ? newline : memchr(byte_queue_front(&client->told), '\n', length);
        length = (size_t)(newline - byte_queue_front(&client->told)) + 1;
    }
    result = byte_queue_append(&client->out, byte_queue_front(&client->told), length);
    if (result == 0) {
        byte_queue_consume(&client->told, length);
        client->clients->told -= length;
    }
    return result;
}

/* 0 or -errno. */
static int flush(struct api_client *client)
{
    int result;

    while ((result = take_told(client)) == 0 && byte_queue_length(&client->out) > 0) {
        ssize_t n = send(client->watch.fd, byte_queue_front(&client->out), byte_queue_length(&client->out),
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        }
        byte_queue_consume(&client->out, (size_t)n);
    }
    return result;
}

/* One file is kept until a call takes it or the next one comes. Alignment leaves room for more than one: all that the
 * kernel has given us are ours to close. */
static void keep_file(struct api_client *client, struct msghdr *message)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    size_t length;

    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
        return;
    }
    length = header->cmsg_len - CMSG_LEN(0);
    for (size_t at = 0; at + sizeof(int) <= length; at += sizeof(int)) {
        if (client->file >= 0) {
            close(client->file);
        }
        memcpy(&client->file, CMSG_DATA(header) + at, sizeof(int));
    }
}

static ssize_t receive_part(struct api_client *client)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = client->in.data + client->in.end, .iov_len = READ_SIZE};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(client->watch.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n > 0) {
        keep_file(client, &message);
    }
    return n;
}

int api_take_file(const struct api_peer *peer)
{
    struct api_client *client = peer->client;
    int file = client != NULL && client->file >= 0 ? client->file : -ENOENT;

    if (file >= 0) {
        client->file = -1;
    }
    return file;
}

/* 0 or -errno. */
static int receive(struct api_client *client)
{
    int result = byte_queue_reserve(&client->in, READ_SIZE);
    ssize_t n;

    if (result != 0) {
        return result;
    }
    n = receive_part(client);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    client->ended = n == 0;
    client->in.end += (size_t)n;
    return 0;
}

/* A bounded amount of work. 0 or -errno. */
static int work(struct api_client *client)
{
    uint64_t until_ms = loop_now_ms() + API_TURN_MS;

    for (int i = 0; i < API_TURN_REQUESTS && !output_full(client) && loop_now_ms() < until_ms; i++) {
        int result = advance(client);

        if (result <= 0) {
            return result;
        }
    }
    return 0;
}

static void wait_for_next(struct api_client *client)
{
    struct api_clients *clients = client->clients;
    bool requests = has_requests(client);
    bool sending = byte_queue_length(&client->out) > 0 || (byte_queue_length(&client->told) > 0 && !requests);
    uint32_t events = sending ? EPOLLOUT : 0;

    if (!client->ended && !requests && !output_full(client)) {
        events |= EPOLLIN;
    }
    loop_change(clients->loop, &client->watch, events);
    if (requests && !output_full(client) && !client->waiting) {
        client->waiting = true;
        TAILQ_INSERT_TAIL(&clients->waiting, client, waiting_link);
        loop_timer_set(clients->loop, &clients->next_turns, 0);
    }
}

/* Whoever stops sending may still want to be told things. */
static bool is_done(const struct api_client *client)
{
    return client->ended && !has_requests(client) && byte_queue_length(&client->out) == 0 &&
           byte_queue_length(&client->told) == 0 && LIST_EMPTY(&client->streams);
}

static void turn(struct api_client *client)
{
    int result = work(client);

    account(client);
    if (result == 0) {
        result = flush(client);
    }
    if (result != 0 || is_done(client)) {
        client_close(client);
        return;
    }
    wait_for_next(client);
}

static void client_ready(void *owner, uint32_t events)
{
    struct api_client *client = owner;
    int result = 0;

    if (events & (EPOLLERR | EPOLLHUP)) {
        streams_close(client); /* there is nobody to read them */
    }
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
        result = flush(client);
    }
    if (result == 0 && (events & EPOLLIN)) {
        result = receive(client);
        account(client);
    }
    if (result != 0) {
        client_close(client);
        return;
    }
    turn(client);
}

/* One turn for each that waits now; those that wait again come after them, in the next pass. */
static void run_turns(void *owner)
{
    struct api_clients *clients = owner;
    struct api_client_queue now = TAILQ_HEAD_INITIALIZER(now);
    struct api_client *client;

    TAILQ_CONCAT(&now, &clients->waiting, waiting_link);
    while ((client = TAILQ_FIRST(&now)) != NULL) {
        TAILQ_REMOVE(&now, client, waiting_link);
        client->waiting = false;
        turn(client);
    }
}

void api_clients_init(struct api_clients *clients, struct loop *loop, const struct jsonrpc_methods *methods)
{
    *clients = (struct api_clients){.loop = loop, .methods = *methods, .held_max = API_INPUT_TOTAL};
    clients->next_turns.fire = run_turns;
    clients->next_turns.owner = clients;
    LIST_INIT(&clients->all);
    TAILQ_INIT(&clients->waiting);
}

int api_client_add(struct api_clients *clients, int fd)
{
    struct api_client *client = calloc(1, sizeof(*client));
    int result = -ENOMEM;

    if (client == NULL) {
        goto close_fd;
    }
    client->clients = clients;
    client->file = -1;
    LIST_INIT(&client->streams);
    client->watch = (struct loop_watch){.fd = fd, .ready = client_ready, .owner = client};
    client->peer.client = client;
    result = peer_read(fd, &client->peer);
    if (result != 0) {
        goto free_client;
    }
    result = loop_add(clients->loop, &client->watch, EPOLLIN);
    if (result != 0) {
        goto free_client;
    }
    LIST_INSERT_HEAD(&clients->all, client, link);
    clients->count++;
    log_debug("api: %s is here", client->peer.text);
    return 0;
free_client:
    free(client->peer.groups);
    free(client);
close_fd:
    close(fd);
    return result;
}

void api_client_wake(struct api_client *client)
{
    loop_change(client->clients->loop, &client->watch, client->watch.events | EPOLLOUT);
}

void api_clients_close(struct api_clients *clients)
{
    struct api_client *next;

    for (struct api_client *client = LIST_FIRST(&clients->all); client != NULL; client = next) {
        next = LIST_NEXT(client, link);
        (void)flush(client);
        client_close(client);
    }
    loop_timer_clear(&clients->next_turns);
}
