/* SPDX-License-Identifier: BSD-3-Clause */
/* Over loopback, with messages of a length octet and as many octets behind it. */
#include "stream.h"
#include "unit.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct world {
    struct loop *loop;
    struct stream_listener listener;
    struct stream stream;
    int client;
    unsigned int handled; /* messages */
    unsigned int parts;
    unsigned int sum; /* of their octets */
    bool slow;        /* each message takes a millisecond */
    char closed[64];
};

static int on_read(void *owner, struct span *bytes, int count)
{
    struct world *world = owner;
    int done = 0;

    for (; done < count && span_left(bytes) > 0 && span_left(bytes) > *bytes->at; done++) {
        struct span message = {0};
        uint8_t length;

        assert_true(span_u8(bytes, &length) && span_take(bytes, length, &message));
        if (length == 0xff) {
            return -EBADMSG;
        }
        for (; span_left(&message) > 0; message.at++) {
            world->sum += *message.at;
        }
        world->handled++;
        if (world->slow) {
            usleep(1000);
        }
    }
    return done;
}

static void on_handled(void *owner)
{
    struct world *world = owner;

    world->parts++;
}

static void on_closed(void *owner, const char *why)
{
    struct world *world = owner;

    assert_false(stream_is_open(&world->stream));
    snprintf(world->closed, sizeof(world->closed), "%s", why);
}

static const struct stream_handler handler = {on_read, NULL, on_handled, on_closed, 256};

static void on_accepted(void *owner, int fd, const struct ip_addr *from)
{
    struct world *world = owner;
    char text[IP_ADDR_STRLEN];

    assert_string_equal(ip_addr_format(from, text), "127.0.0.1");
    assert_int_equal(stream_open(&world->stream, world->loop, fd, &handler, world), 0);
}

static void turn(struct world *world)
{
    for (int i = 0; i < 20; i++) {
        assert_int_equal(loop_once(world->loop, 2), 0);
    }
}

static void open_world(struct world *world)
{
    struct ip_addr loopback = ip_addr_v4(0x7f000001);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint16_t port = 30000;
    int result;

    *world = (struct world){.loop = loop_create(), .listener = {.accepted = on_accepted, .owner = world}};
    do { /* whatever port is free */
        result = stream_listen(&world->listener, world->loop, &loopback, ++port);
    } while (result == -EADDRINUSE);
    assert_int_equal(result, 0);
    world->client = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons(port);
    assert_int_equal(connect(world->client, (struct sockaddr *)&address, sizeof(address)), 0);
    turn(world);
    assert_true(stream_is_open(&world->stream));
}

static void close_world(struct world *world)
{
    close(world->client);
    stream_close(&world->stream);
    stream_listen_stop(&world->listener);
    loop_destroy(world->loop);
}

static void messages_come_whole_however_they_are_cut(void **state)
{
    struct world world;

    (void)state;
    open_world(&world);
    for (const char *byte = "\2ab\1c\3def"; *byte != '\0'; byte++) {
        assert_int_equal(write(world.client, byte, 1), 1);
        turn(&world);
    }
    assert_int_equal(world.handled, 3);
    assert_int_equal(world.sum, 'a' + 'b' + 'c' + 'd' + 'e' + 'f');
    close_world(&world);
}

static void many_messages_are_handled_in_parts_and_all_of_them(void **state)
{
    struct world world;
    uint8_t bytes[400];

    (void)state;
    open_world(&world);
    world.slow = true;
    for (size_t i = 0; i < sizeof(bytes); i += 2) {
        memcpy(bytes + i, "\1x", 2);
    }
    assert_int_equal(write(world.client, bytes, sizeof(bytes)), sizeof(bytes));
    close(world.client); /* and the end behind them */
    world.client = -1;
    turn(&world);
    assert_int_equal(world.handled, 200);
    assert_true(world.parts > 2);
    assert_string_equal(world.closed, "it has closed the connection");
    close_world(&world);
}

static void what_is_broken_ends_the_connection(void **state)
{
    struct world world;
    uint8_t bytes[257] = {1, 'x', 0xff};

    (void)state;
    open_world(&world);
    assert_int_equal(write(world.client, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(write(world.client, bytes, 1), 1);
    turn(&world);
    assert_int_equal(world.handled, 1);
    assert_string_equal(world.closed, strerror(EBADMSG));
    close_world(&world);
}

static void a_stream_can_be_closed_with_messages_left(void **state)
{
    struct world world;

    (void)state;
    open_world(&world);
    world.slow = true;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(write(world.client, "\1x", 2), 2);
    }
    assert_int_equal(loop_once(world.loop, 10), 0);
    stream_close(&world.stream);
    turn(&world);
    assert_true(world.handled <= 100);
    assert_string_equal(world.closed, "");
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_whole_however_they_are_cut),
        cmocka_unit_test(many_messages_are_handled_in_parts_and_all_of_them),
        cmocka_unit_test(what_is_broken_ends_the_connection),
        cmocka_unit_test(a_stream_can_be_closed_with_messages_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
