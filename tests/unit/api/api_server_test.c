/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server over real sockets. Server and clients are one thread: a client writes what the socket takes, the loop
 * makes a pass, the client reads what is there. So every test is deterministic, and can look at what the server holds.
 */
#include "api_client.h"
#include "api_server.h"
#include "toy_methods.h"
#include "unit.h"
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
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

static int setup_with(unsigned int max_clients)
{
    struct api_server_options options = {.path = world.path, .mode = 0600, .max_clients = max_clients};
    const struct jsonrpc_methods methods = {toy_methods, ARRAY_SIZE(toy_methods), &world.toy, false};
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

static int setup(void **state)
{
    (void)state;
    return setup_with(0);
}

static int setup_for_two(void **state)
{
    (void)state;
    return setup_with(2);
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    api_clients_close(&world.clients);
    api_server_destroy(world.server);
    loop_destroy(world.loop);
    snprintf(command, sizeof(command), "rm -rf %s", world.directory);
    return system(command);
}

static void pass(void)
{
    assert_int_equal(loop_once(world.loop, 0), 0);
}

static int client_connect(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(to.sun_path, world.path);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    pass();
    return fd;
}

/* A client of world.clients, into which the test can look. */
static int client_inside(void)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(api_client_add(&world.clients, ends[0]), 0);
    return ends[1];
}

static void client_send(int fd, const char *data, size_t length)
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
static bool client_receive(int fd, struct byte_queue *in)
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
static void expect_line(int fd, struct byte_queue *in, const char *expected)
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

static void expect_end(int fd)
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
static void expect_served(int fd)
{
    struct byte_queue in = {0};

    client_send(fd, ECHO, strlen(ECHO));
    expect_line(fd, &in, ECHOED);
    assert_int_equal(byte_queue_length(&in), 0);
    byte_queue_free(&in);
}

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

/* A line of `length` bytes that is JSON if it is read as a whole. */
static char *long_line(size_t length)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nosuch\",\"params\":{\"a\":\"";
    static const char tail[] = "\"}}\n";
    char *line = malloc(length + 1);

    assert_non_null(line);
    memset(line, 'a', length);
    memcpy(line, head, strlen(head));
    memcpy(line + length + 1 - strlen(tail), tail, strlen(tail));
    return line;
}

static void a_17_mib_line_costs_bounded_memory_and_only_itself(void **state)
{
    struct byte_queue in = {0};
    size_t length = (size_t)17 << 20;
    char *line = long_line(length);
    int other = client_inside();
    int fd = client_inside();
    size_t most = 0;

    (void)state;
    client_send(other, ECHO, strlen(ECHO) - 5); /* half a request */
    client_send(fd, ECHO, strlen(ECHO));
    for (size_t sent = 0; sent < length + 1;) {
        size_t chunk = length + 1 - sent < 100000 ? length + 1 - sent : 100000;

        client_send(fd, line + sent, chunk);
        sent += chunk;
        most = world.clients.held > most ? world.clients.held : most;
    }
    assert_true(most <= 3 * API_LINE_MAX);
    client_send(fd, ECHO, strlen(ECHO));
    expect_line(fd, &in, ECHOED);
    expect_line(fd, &in, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32011,");
    expect_line(fd, &in, ECHOED);
    assert_true(world.clients.held <= (size_t)1 << 20);
    client_send(other, ECHO + strlen(ECHO) - 5, 5);
    expect_line(other, &in, ECHOED);
    free(line);
    byte_queue_free(&in);
    close(fd);
    close(other);
}

static void a_line_of_just_16_mib_is_read_and_one_byte_more_is_not(void **state)
{
    static const char *const answers[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32011,",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct byte_queue in = {0};
        size_t length = API_LINE_MAX + i;
        char *line = long_line(length);
        int fd = client_inside();

        client_send(fd, line, length + 1);
        expect_line(fd, &in, answers[i]);
        assert_true(world.clients.held <= (size_t)1 << 20);
        expect_served(fd);
        free(line);
        byte_queue_free(&in);
        close(fd);
    }
}

/* Many endless lines at once, of 1 MiB of which 4 fit: those beyond are told to try again, and short requests go on. */
static void long_lines_of_all_together_are_bounded(void **state)
{
    enum { CLIENTS = 20, FIT = 4 };
    static char part[1 << 20];
    int fds[CLIENTS];
    int other = client_inside();
    int refused = 0;

    (void)state;
    world.clients.held_max = FIT << 20;
    memset(part, ' ', sizeof(part));
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client_inside();
        client_send(fds[i], part, sizeof(part));
        assert_true(world.clients.held <= (FIT + 2) << 20);
    }
    expect_served(other);
    for (int i = 0; i < CLIENTS; i++) {
        struct byte_queue in = {0};

        assert_true(client_receive(fds[i], &in));
        if (byte_queue_length(&in) > 0) {
            expect_line(fds[i], &in, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32012,");
            client_send(fds[i], "\n", 1);
            expect_served(fds[i]);
            refused++;
        }
        byte_queue_free(&in);
        close(fds[i]);
    }
    assert_true(refused >= CLIENTS - FIT - 1 && refused < CLIENTS);
    for (int i = 0; i < 8; i++) {
        pass();
    }
    assert_true(world.clients.held < (size_t)1 << 20);
    close(other);
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

/* Answers of 10 kB each that nobody reads: requests stop being run when the buffers are full; none is lost. */
static void check_backpressure(const char *requests, size_t length, unsigned int count, const char *separator)
{
    struct byte_queue in = {0};
    int fd = client_inside();
    int other = client_inside();
    size_t sent = 0;
    size_t expected = (size_t)count * 10000;
    unsigned int ran;
    size_t text = 0;

    for (int i = 0; i < 3000; i++) {
        ssize_t n = sent < length ? send(fd, requests + sent, length - sent, MSG_NOSIGNAL) : 0;

        sent += n > 0 ? (size_t)n : 0;
        pass();
    }
    ran = world.toy.calls;
    assert_true(ran > 0 && ran * 10000 < 2 * API_OUTPUT_MAX + (1 << 20)); /* and what the socket's buffer takes */
    expect_served(other);
    world.toy.calls--;
    for (int i = 0; i < PASSES && world.toy.calls < count; i++) {
        client_send(fd, requests + sent, length - sent < 1000 ? length - sent : 1000);
        sent += length - sent < 1000 ? length - sent : 1000;
        assert_true(client_receive(fd, &in));
        pass();
    }
    for (int i = 0; i < 100; i++) {
        assert_true(client_receive(fd, &in));
        pass();
    }
    assert_int_equal(world.toy.calls, count);
    for (size_t i = in.start; i < in.end; i++) {
        text += in.data[i] == 'x';
    }
    assert_int_equal(text, expected);
    assert_int_equal(in.data[in.end - 1], '\n');
    assert_non_null(memmem(byte_queue_front(&in), byte_queue_length(&in), separator, strlen(separator)));
    byte_queue_free(&in);
    close(fd);
    close(other);
}

#define FILL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fill\",\"params\":{\"size\":10000}}"

static struct byte_queue fills(unsigned int count, const char *before, const char *between, const char *after)
{
    struct byte_queue requests = {0};

    assert_int_equal(byte_queue_append(&requests, before, strlen(before)), 0);
    for (unsigned int i = 0; i < count; i++) {
        assert_int_equal(byte_queue_append(&requests, i > 0 ? between : "", i > 0 ? strlen(between) : 0), 0);
        assert_int_equal(byte_queue_append(&requests, FILL, strlen(FILL)), 0);
    }
    assert_int_equal(byte_queue_append(&requests, after, strlen(after)), 0);
    return requests;
}

static void a_client_that_never_reads_stops_being_served(void **state)
{
    struct byte_queue requests = fills(2000, "", "\n", "\n");

    (void)state;
    check_backpressure(byte_queue_front(&requests), byte_queue_length(&requests), 2000, "}\n{");
    byte_queue_free(&requests);
}

static void so_does_one_with_a_single_huge_batch(void **state)
{
    struct byte_queue requests = fills(2000, "[", ",", "]\n");

    (void)state;
    check_backpressure(byte_queue_front(&requests), byte_queue_length(&requests), 2000, "},{");
    byte_queue_free(&requests);
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

static void a_flood_does_not_starve_a_second_client(void **state)
{
    struct byte_queue flood = {0};
    struct byte_queue in = {0};
    int flooder = client_connect();
    int other = client_connect();
    unsigned int before;

    (void)state;
    for (int i = 0; i < 1400; i++) { /* notifications, so that no answer slows them */
        const char line[] = "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n";

        assert_int_equal(byte_queue_append(&flood, line, strlen(line)), 0);
    }
    assert_true(send(flooder, byte_queue_front(&flood), byte_queue_length(&flood), 0) > 0);
    pass();
    assert_true(world.toy.calls > 0 && world.toy.calls <= API_TURN_REQUESTS * 2);
    before = world.toy.calls;
    assert_int_equal(send(other, ECHO, strlen(ECHO), 0), strlen(ECHO));
    pass();
    assert_true(client_receive(other, &in));
    assert_int_equal(byte_queue_length(&in), strlen(ECHOED));
    assert_true(world.toy.calls <= before + 2 * API_TURN_REQUESTS + 1);
    for (int i = 0; i < 100; i++) {
        pass();
    }
    assert_int_equal(world.toy.calls, 1401);
    byte_queue_free(&flood);
    byte_queue_free(&in);
    close(flooder);
    close(other);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(thousands_of_requests_in_one_write_are_answered_in_order),
        TEST(a_request_may_come_byte_by_byte),
        TEST(a_malformed_line_gets_its_error_and_the_connection_stays),
        TEST(a_17_mib_line_costs_bounded_memory_and_only_itself),
        TEST(a_line_of_just_16_mib_is_read_and_one_byte_more_is_not),
        TEST(long_lines_of_all_together_are_bounded),
        TEST(a_client_that_hangs_up_in_mid_line_disturbs_nobody),
        TEST(one_that_only_stops_sending_gets_all_its_answers),
        TEST(a_client_that_never_reads_stops_being_served),
        TEST(so_does_one_with_a_single_huge_batch),
        TEST(one_answer_larger_than_every_buffer_arrives_whole),
        TEST(a_flood_does_not_starve_a_second_client),
        cmocka_unit_test_setup_teardown(clients_beyond_the_limit_are_told_and_closed, setup_for_two, teardown),
        TEST(without_descriptors_it_waits_and_then_accepts),
        TEST(handlers_are_told_who_calls),
        TEST(a_second_server_is_refused_and_the_first_serves_on),
        TEST(a_stop_sends_what_is_answered_and_hangs_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
