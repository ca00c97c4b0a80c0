/* SPDX-License-Identifier: BSD-3-Clause */
#include "server_world.h"

#define FOLLOW   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"follow\"}\n"
#define FOLLOWED "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n"

static int send_number(int number)
{
    return api_stream_send(&world.toy.stream, "event", json_pack("{s:i}", "n", number));
}

static void expect_number(int fd, struct byte_queue *in, int number)
{
    char line[96];

    snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"n\":%d}}\n", number);
    expect_line(fd, in, line);
}

/* Waits for a line. */
static bool next_is(int fd, struct byte_queue *in, const char *line)
{
    for (int i = 0; i < PASSES && byte_queue_length(in) < strlen(line); i++) {
        assert_true(client_receive(fd, in));
        pass();
    }
    return byte_queue_length(in) >= strlen(line) && memcmp(byte_queue_front(in), line, strlen(line)) == 0;
}

static void notifications_come_between_answers(void **state)
{
    struct byte_queue in = {0};
    int fd = client_connect();

    (void)state;
    client_send(fd, FOLLOW, strlen(FOLLOW));
    expect_line(fd, &in, FOLLOWED);
    assert_int_equal(send_number(1), 0);
    expect_number(fd, &in, 1);
    client_send(fd, ECHO, strlen(ECHO));
    expect_line(fd, &in, ECHOED);
    assert_int_equal(send_number(2), 0);
    assert_int_equal(send_number(3), 0);
    expect_number(fd, &in, 2);
    expect_number(fd, &in, 3);
    byte_queue_free(&in);
    close(fd);
}

static void a_client_that_hangs_up_closes_its_stream(void **state)
{
    struct byte_queue in = {0};
    int fd = client_connect();

    (void)state;
    client_send(fd, FOLLOW, strlen(FOLLOW));
    expect_line(fd, &in, FOLLOWED);
    close(fd);
    for (int i = 0; i < 4; i++) {
        pass();
    }
    assert_int_equal(world.toy.gone, 1);
    assert_null(world.toy.stream.client);
    assert_int_equal(api_server_client_count(world.server), 0);
    byte_queue_free(&in);
}

/* As "echo ... | socat - UNIX-CONNECT:..." does. */
static void one_that_only_stops_sending_is_told_until_its_stream_is_closed(void **state)
{
    struct byte_queue in = {0};
    int fd = client_connect();

    (void)state;
    client_send(fd, FOLLOW, strlen(FOLLOW));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    expect_line(fd, &in, FOLLOWED);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(send_number(i), 0);
        expect_number(fd, &in, i);
    }
    assert_int_equal(world.toy.gone, 0);
    api_stream_close(&world.toy.stream);
    expect_end(fd);
    assert_int_equal(world.toy.gone, 0); /* its owner knows */
    assert_int_equal(api_server_client_count(world.server), 0);
    byte_queue_free(&in);
    close(fd);
}

static void a_client_that_does_not_read_is_sent_no_more_and_still_answered(void **state)
{
    struct byte_queue in = {0};
    int fd = client_connect();
    int sent = 0;

    (void)state;
    client_send(fd, FOLLOW, strlen(FOLLOW));
    expect_line(fd, &in, FOLLOWED);
    while (send_number(sent) == 0) {
        assert_int_not_equal(sent++, 1000000);
        pass();
    }
    assert_int_equal(send_number(-1), -EAGAIN);
    client_send(fd, ECHO, strlen(ECHO));
    for (int i = 0, answers = 0; i < sent; i++) {
        if (answers == 0 && next_is(fd, &in, ECHOED)) {
            expect_line(fd, &in, ECHOED);
            answers = 1;
        }
        expect_number(fd, &in, i);
    }
    assert_int_equal(send_number(-2), 0);
    expect_number(fd, &in, -2);
    byte_queue_free(&in);
    close(fd);
}

static void a_batch_is_not_broken_into(void **state)
{
    enum { REQUESTS = 400 };
    static const char one[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fill\",\"params\":{\"size\":3000}}";
    struct byte_queue requests = {0};
    struct byte_queue in = {0};
    int fd = client_connect();

    (void)state;
    client_send(fd, FOLLOW, strlen(FOLLOW));
    expect_line(fd, &in, FOLLOWED);
    for (int i = 0; i < REQUESTS; i++) {
        assert_int_equal(byte_queue_append(&requests, i == 0 ? "[" : ",", 1), 0);
        assert_int_equal(byte_queue_append(&requests, one, strlen(one)), 0);
    }
    assert_int_equal(byte_queue_append(&requests, "]\n", 2), 0);
    client_send(fd, byte_queue_front(&requests), byte_queue_length(&requests));
    /* it is half answered, because nobody reads */
    assert_true(world.toy.calls > 0 && world.toy.calls < REQUESTS);
    assert_int_equal(send_number(1), 0);
    expect_line(fd, &in, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"xxx");
    assert_int_equal(world.toy.calls, REQUESTS);
    expect_number(fd, &in, 1);
    byte_queue_free(&requests);
    byte_queue_free(&in);
    close(fd);
}

static int fill_stream(int fd)
{
    struct byte_queue in = {0};
    int sent = 0;

    client_send(fd, FOLLOW, strlen(FOLLOW));
    expect_line(fd, &in, FOLLOWED);
    world.toy.stream.max = (size_t)8 << 20;
    while (send_number(sent) == 0) {
        sent++;
    }
    api_stream_close(&world.toy.stream); /* the toy has one; what was sent stays sent */
    byte_queue_free(&in);
    return sent;
}

/* A stream may ask for more room, as long as all of them together have not too much. */
static void there_is_room_for_some_large_streams(void **state)
{
    enum { CLIENTS = 20 };
    int fds[CLIENTS];
    int first;
    int last = 0;

    (void)state;
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client_inside();
        last = fill_stream(fds[i]);
        first = i == 0 ? last : first;
    }
    assert_true(first > 100000);
    assert_true(last > 1000 && last < 5000);
    assert_true(world.clients.told < API_STREAM_TOTAL + CLIENTS * API_STREAM_MAX);
    for (int i = 0; i < CLIENTS; i++) {
        close(fds[i]);
    }
    for (int i = 0; i < 4; i++) {
        pass();
    }
    assert_int_equal(world.clients.told, 0);
}

static void parameters_that_found_no_memory_are_refused(void **state)
{
    struct byte_queue in = {0};
    int fd = client_connect();

    (void)state;
    client_send(fd, FOLLOW, strlen(FOLLOW));
    expect_line(fd, &in, FOLLOWED);
    assert_int_equal(api_stream_send(&world.toy.stream, "event", NULL), -ENOMEM);
    expect_served(fd);
    byte_queue_free(&in);
    close(fd);
}

/* As the replay makes them. */
static void a_caller_without_a_connection_is_refused(void **state)
{
    const struct api_peer nobody = {.text = "nobody"};
    struct api_call call = {.context = &world.toy, .peer = &nobody};

    (void)state;
    assert_int_equal(toy_follow(&call, NULL, NULL), API_ERR_REQUEST);
    assert_null(world.toy.stream.client);
    api_stream_close(&world.toy.stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notifications_come_between_answers),
        TEST(a_client_that_hangs_up_closes_its_stream),
        TEST(one_that_only_stops_sending_is_told_until_its_stream_is_closed),
        TEST(a_client_that_does_not_read_is_sent_no_more_and_still_answered),
        TEST(a_batch_is_not_broken_into),
        TEST(there_is_room_for_some_large_streams),
        TEST(parameters_that_found_no_memory_are_refused),
        TEST(a_caller_without_a_connection_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
