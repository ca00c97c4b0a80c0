/* SPDX-License-Identifier: BSD-3-Clause */
#include "server_world.h"
#include <sys/resource.h>

static void thousands_of_requests_in_one_write_are_answered_in_order(void **state)
{
    enum { REQUESTS = 5000 };
    struct byte_queue requests = {0};
    struct byte_queue in = {0};
    int fd = client_connect();
    char line[128];

    (void)state;
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\"}\n", i,
                 i % 2 ? "echo" : "nosuch");
        assert_int_equal(byte_queue_append(&requests, line, strlen(line)), 0);
    }
    client_send(fd, byte_queue_front(&requests), byte_queue_length(&requests));
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"%s\":", i, i % 2 ? "result" : "error");
        expect_line(fd, &in, line);
    }
    assert_int_equal(byte_queue_length(&in), 0);
    byte_queue_free(&requests);
    byte_queue_free(&in);
    close(fd);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    struct byte_queue in = {0};
    int fd = client_connect();

    (void)state;
    for (const char *c = ECHO ECHO; *c != '\0'; c++) {
        client_send(fd, c, 1);
    }
    expect_line(fd, &in, ECHOED);
    expect_line(fd, &in, ECHOED);
    byte_queue_free(&in);
    close(fd);
}

static void a_malformed_line_gets_its_error_and_the_connection_stays(void **state)
{
    struct byte_queue in = {0};
    int fd = client_connect();

    (void)state;
    client_send(fd, "\nnonsense\n[]\n\xff\xfe\n", 16);
    expect_line(fd, &in, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,");
    expect_line(fd, &in, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,");
    expect_line(fd, &in, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,");
    expect_line(fd, &in, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,");
    expect_served(fd);
    byte_queue_free(&in);
    close(fd);
}

static void a_client_that_hangs_up_in_mid_line_disturbs_nobody(void **state)
{
    int fd = client_connect();
    int other = client_connect();

    (void)state;
    assert_int_equal(api_server_client_count(world.server), 2);
    client_send(fd, ECHO "{\"jsonrpc\":\"2.0\",\"method\":\"chan", strlen(ECHO) + 30);
    close(fd);
    for (int i = 0; i < 4; i++) {
        pass();
    }
    assert_int_equal(api_server_client_count(world.server), 1);
    assert_int_equal(world.toy.changes, 0);
    expect_served(other);
    close(other);
}

static void one_that_only_stops_sending_gets_all_its_answers(void **state)
{
    struct byte_queue requests = {0};
    struct byte_queue in = {0};
    int fd = client_connect();

    (void)state;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(byte_queue_append(&requests, ECHO, strlen(ECHO)), 0);
    }
    assert_int_equal(byte_queue_append(&requests, "{\"half", 6), 0);
    assert_int_equal(send(fd, byte_queue_front(&requests), byte_queue_length(&requests), 0),
                     byte_queue_length(&requests));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    for (int i = 0; i < 300; i++) {
        expect_line(fd, &in, ECHOED);
    }
    expect_end(fd);
    assert_int_equal(api_server_client_count(world.server), 0);
    byte_queue_free(&requests);
    byte_queue_free(&in);
    close(fd);
}

static void one_answer_larger_than_every_buffer_arrives_whole(void **state)
{
    static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fill\",\"params\":{\"size\":5000000}}\n";
    struct byte_queue in = {0};
    int fd = client_connect();
    int slow = client_connect();

    (void)state;
    client_send(slow, request, strlen(request));
    client_send(fd, ECHO, strlen(ECHO));
    expect_line(fd, &in, ECHOED);
    expect_line(slow, &in, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"xxx");
    expect_served(slow);
    byte_queue_free(&in);
    close(fd);
    close(slow);
}

static void clients_beyond_the_limit_are_told_and_closed(void **state)
{
    struct byte_queue in = {0};
    int first = client_connect();
    int second = client_connect();
    int third = client_connect();

    (void)state;
    expect_line(third, &in, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32012,");
    expect_end(third);
    close(third);
    expect_served(first);
    close(second);
    pass();
    third = client_connect();
    expect_served(third);
    byte_queue_free(&in);
    close(first);
    close(third);
}

static void without_descriptors_it_waits_and_then_accepts(void **state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int next_fd = dup(0);
    struct rlimit limit;
    struct rlimit none;

    (void)state;
    close(next_fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){(rlim_t)next_fd, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    strcpy(to.sun_path, world.path);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    pass();
    assert_int_equal(api_server_client_count(world.server), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(loop_once(world.loop, 1000), 0); /* its rest is over */
    assert_int_equal(loop_once(world.loop, 1000), 0);
    expect_served(fd);
    close(fd);
}

static void handlers_are_told_who_calls(void **state)
{
    struct byte_queue in = {0};
    int fd = client_connect();
    gid_t groups[256];
    char line[160];

    (void)state;
    snprintf(line, sizeof(line),
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"uid\":%d,\"gid\":%d,\"pid\":%d,\"groups\":%d}}\n",
             (int)getuid(), (int)getgid(), (int)getpid(), getgroups(ARRAY_SIZE(groups), groups));
    client_send(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"whoami\"}\n", 44);
    expect_line(fd, &in, line);
    byte_queue_free(&in);
    close(fd);
}

static void a_second_server_is_refused_and_the_first_serves_on(void **state)
{
    const struct api_server_options options = {.path = world.path, .mode = 0600};
    struct api_server *second = NULL;
    int fd = client_connect();
    struct error error;

    (void)state;
    assert_int_equal(
        api_server_create(&second, world.loop, &options, toy_methods, ARRAY_SIZE(toy_methods), &world.toy, &error),
        -EADDRINUSE);
    assert_null(second);
    expect_served(fd);
    close(fd);
}

static void a_stop_sends_what_is_answered_and_hangs_up(void **state)
{
    struct byte_queue in = {0};
    int fd = client_connect();

    (void)state;
    assert_int_equal(send(fd, ECHO, strlen(ECHO), 0), strlen(ECHO));
    pass();
    api_server_destroy(world.server);
    world.server = NULL;
    expect_line(fd, &in, ECHOED);
    expect_end(fd);
    assert_int_equal(access(world.path, F_OK), -1);
    byte_queue_free(&in);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(thousands_of_requests_in_one_write_are_answered_in_order),
        TEST(a_request_may_come_byte_by_byte),
        TEST(a_malformed_line_gets_its_error_and_the_connection_stays),
        TEST(a_client_that_hangs_up_in_mid_line_disturbs_nobody),
        TEST(one_that_only_stops_sending_gets_all_its_answers),
        TEST(one_answer_larger_than_every_buffer_arrives_whole),
        cmocka_unit_test_setup_teardown(clients_beyond_the_limit_are_told_and_closed, setup_for_two, teardown),
        TEST(without_descriptors_it_waits_and_then_accepts),
        TEST(handlers_are_told_who_calls),
        TEST(a_second_server_is_refused_and_the_first_serves_on),
        TEST(a_stop_sends_what_is_answered_and_hangs_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
