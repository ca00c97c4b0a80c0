/* SPDX-License-Identifier: BSD-3-Clause */
/* No client costs more than its bounds, or disturbs another one. */
#include "server_world.h"

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
    client_send(other, &ECHO[strlen(ECHO) - 5], 5);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_17_mib_line_costs_bounded_memory_and_only_itself),
        TEST(a_line_of_just_16_mib_is_read_and_one_byte_more_is_not),
        TEST(long_lines_of_all_together_are_bounded),
        TEST(a_client_that_never_reads_stops_being_served),
        TEST(so_does_one_with_a_single_huge_batch),
        TEST(a_flood_does_not_starve_a_second_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
