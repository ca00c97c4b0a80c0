/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server, and clients over real sockets. Server and clients are one thread: a client writes what the socket takes,
 * the loop makes a pass, the client reads what is there. So every test is deterministic, and can look at what the
 * server holds.
 */
#ifndef SERVER_WORLD_H
#define SERVER_WORLD_H

#include "api_client.h"
#include "api_server.h"
#include "toy_methods.h"
#include "unit.h"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PASSES 20000 /* of the loop, until a test gives up */
#define ECHO   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n"
#define ECHOED "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n"

static struct {
    struct loop *loop;
    struct toy toy;
    char directory[64];
    char path[96];
    struct api_server *server;
    struct api_clients clients; /* for the tests that look inside */
} world;

static inline int setup_with(unsigned int max_clients)
{
    struct api_server_options options = {.path = world.path, .mode = 0600, .max_clients = max_clients};
    const struct jsonrpc_methods methods = {toy_methods, ARRAY_SIZE(toy_methods), &world.toy, false, NULL, NULL};
    struct error error;

    world.toy = (struct toy){0};
    strcpy(world.directory, "/tmp/api_server.XXXXXX");
    if (mkdtemp(world.directory) == NULL) {
        return -1;
    }
    snprintf(world.path, sizeof(world.path), "%s/sock", world.directory);
    world.loop = loop_create();
    if (world.loop == NULL) {
        return -1;
    }
    api_clients_init(&world.clients, world.loop, &methods);
    return api_server_create(&world.server, world.loop, &options, toy_methods, ARRAY_SIZE(toy_methods), &world.toy,
                             &error);
}

static inline int setup(void **state)
{
    (void)state;
    return setup_with(0);
}

static inline int setup_for_two(void **state)
{
    (void)state;
    return setup_with(2);
}

static inline int teardown(void **state)
{
    char command[128];

    (void)state;
    api_clients_close(&world.clients);
    api_server_destroy(world.server);
    loop_destroy(world.loop);
    snprintf(command, sizeof(command), "rm -rf %s", world.directory);
    return system(command);
}

static inline void pass(void)
{
    assert_int_equal(loop_once(world.loop, 0), 0);
}

static inline int client_connect(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(to.sun_path, world.path);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    pass();
    return fd;
}

/* A client of world.clients, into which the test can look. */
static inline int client_inside(void)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(api_client_add(&world.clients, ends[0]), 0);
    return ends[1];
}

static inline void client_send(int fd, const char *data, size_t length)
{
    for (int i = 0; i < PASSES && length > 0; i++) {
        ssize_t n = send(fd, data, length, MSG_NOSIGNAL);

        if (n > 0) {
            data += n;
            length -= (size_t)n;
        } else {
            assert_int_equal(errno, EAGAIN);
        }
        pass();
    }
    assert_int_equal(length, 0);
}

/* Appends what is there; false at the end of the stream. */
static inline bool client_receive(int fd, struct byte_queue *in)
{
    ssize_t n;

    assert_int_equal(byte_queue_reserve(in, 65536), 0);
    n = recv(fd, in->data + in->end, 65536, 0);
    if (n > 0) {
        in->end += (size_t)n;
    }
    return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Until the next line is there, which must read `expected`. */
static inline void expect_line(int fd, struct byte_queue *in, const char *expected)
{
    for (int i = 0; i < PASSES; i++) {
        char *newline = byte_queue_length(in) > 0 ? memchr(byte_queue_front(in), '\n', byte_queue_length(in)) : NULL;

        if (newline != NULL) {
            size_t length = (size_t)(newline - byte_queue_front(in)) + 1;

            if (length < strlen(expected) || memcmp(byte_queue_front(in), expected, strlen(expected)) != 0) {
                fail_msg("got %.*sexpected %s", (int)(length < 500 ? length : 500), byte_queue_front(in), expected);
            }
            byte_queue_consume(in, length);
            return;
        }
        if (!client_receive(fd, in)) {
            fail_msg("hung up instead of %s", expected);
        }
        pass();
    }
    fail_msg("no answer, expected %s", expected);
}

static inline void expect_end(int fd)
{
    struct byte_queue in = {0};

    for (int i = 0; i < PASSES && client_receive(fd, &in); i++) {
        assert_int_equal(byte_queue_length(&in), 0);
        pass();
    }
    assert_false(client_receive(fd, &in));
    byte_queue_free(&in);
}

/* One request, one answer, on a connection where nothing else is going on. */
static inline void expect_served(int fd)
{
    struct byte_queue in = {0};

    client_send(fd, ECHO, strlen(ECHO));
    expect_line(fd, &in, ECHOED);
    assert_int_equal(byte_queue_length(&in), 0);
    byte_queue_free(&in);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
