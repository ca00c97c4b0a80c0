/* SPDX-License-Identifier: BSD-3-Clause */
/* The program itself, as a user runs it, against a server of our own. Its path is the first argument. */
#include "api_server.h"
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char *anyctl;

static struct {
    struct loop *loop;
    struct api_server *server;
    char directory[64];
    char path[96];
    char out[65536]; /* what the last run wrote */
    char err[65536];
} world;

static int answer_version(struct api_call *call, const json_t *params, json_t **result)
{
    (void)call;
    (void)params;
    *result = json_pack("{s:s, s:s, s:i}", "program", "anyfwd", "version", "0.1.0", "api", 1);
    return 0;
}

static int answer_params(struct api_call *call, const json_t *params, json_t **result)
{
    (void)call;
    *result = json_incref((json_t *)params);
    return 0;
}

static int answer_no_route(struct api_call *call, const json_t *params, json_t **result)
{
    (void)result;
    return api_fail(call, API_ERR_NO_ROUTE, "no route to %s", json_string_value(json_object_get(params, "address")));
}

static int answer_bad_update(struct api_call *call, const json_t *params, json_t **result)
{
    (void)params;
    (void)result;
    call->data = json_pack("{s:[{s:i, s:s}, {s:i, s:s}]}", "errors", "index", 0, "message", "bad one", "index", 3,
                           "message", "bad two");
    return api_fail(call, API_ERR_PREFIX, "bad one");
}

/* An answer larger than any socket's buffer. */
static int answer_much(struct api_call *call, const json_t *params, json_t **result)
{
    (void)call;
    (void)params;
    *result = json_array();
    for (int i = 0; i < 100000; i++) {
        (void)json_array_append_new(*result, json_integer(i));
    }
    return 0;
}

static const struct api_method methods[] = {
    {"version", 0, answer_version, NULL},
    {"peer.set", API_CHANGES, answer_params, NULL},
    {"echo", 0, answer_params, NULL},
    {"fib.lookup", 0, answer_no_route, NULL},
    {"route.update", API_CHANGES, answer_bad_update, NULL},
    {"much", 0, answer_much, NULL},
};

static int setup(void **state)
{
    struct api_server_options options = {.path = world.path, .mode = 0600};
    struct error error;

    (void)state;
    strcpy(world.directory, "/tmp/anyctl.XXXXXX");
    if (mkdtemp(world.directory) == NULL) {
        return -1;
    }
    snprintf(world.path, sizeof(world.path), "%s/sock", world.directory);
    world.loop = loop_create();
    return world.loop == NULL
               ? -1
               : api_server_create(&world.server, world.loop, &options, methods, ARRAY_SIZE(methods), NULL, &error);
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    api_server_destroy(world.server);
    loop_destroy(world.loop);
    snprintf(command, sizeof(command), "rm -rf %s", world.directory);
    return system(command);
}

static void read_back(const char *name, char *text, size_t size)
{
    char path[128];
    FILE *file;
    size_t n;

    snprintf(path, sizeof(path), "%s/%s", world.directory, name);
    file = fopen(path, "r");
    assert_non_null(file);
    n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    fclose(file);
}

/* Runs `anyctl ARGUMENTS` by the shell, in the world's directory, while the server serves; its exit status. */
static int run(const char *arguments)
{
    char command[1024];
    pid_t child;
    int status;

    snprintf(command, sizeof(command), "cd %s && ANYFWD_SOCKET=%s exec %s %s >out 2>err", world.directory, world.path,
             anyctl, arguments);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        assert_int_equal(loop_once(world.loop, 5), 0);
    }
    read_back("out", world.out, sizeof(world.out));
    read_back("err", world.err, sizeof(world.err));
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void write_file(const char *name, const char *text, size_t length)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", world.directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
}

static void the_exit_status_tells_what_happened(void **state)
{
    static const struct {
        const char *arguments;
        int status;
        const char *out; /* begins so */
        const char *err;
    } cases[] = {
        {"version", 0, "anyfwd 0.1.0, API 1\n", ""},
        {"--json version", 0, "{\"program\":\"anyfwd\",\"version\":\"0.1.0\",\"api\":1}\n", ""},
        {"version --json", 0, "{\"program\":\"anyfwd\",\"version\":\"0.1.0\",\"api\":1}\n", ""},
        {"peer set ny as 65001 type ebgp", 0, "name  ny\nas    65001\ntype  ebgp\n", ""},
        {"call echo", 0, "", ""},
        {"--json call echo '{\"a\":[1]}'", 0, "{\"a\":[1]}\n", ""},
        {"--json call echo - <in", 0, "{\"b\":2}\n", ""},
        {"--version", 0, "anyctl " ANYFWD_VERSION "\n", ""},
        {"help lookup", 0, "usage: anyctl [-s SOCKET] [--json] COMMAND ...\n\n  lookup ADDRESS\n", ""},
        {"--help", 0, "usage: ", ""},
        /* refused */
        {"lookup 192.0.2.1", 1, "", "anyctl: no route to 192.0.2.1 (-32013)\n"},
        {"call nosuch", 1, "", "anyctl: there is no method \"nosuch\" (-32601)\n"},
        {"call echo [1]", 1, "", "anyctl: parameters go by name"},
        {"route del 192.0.2.1/24", 1, "", "anyctl: bad one (-32003)\n  entry 0: bad one\n  entry 3: bad two\n"},
        /* usage */
        {"", 2, "", "usage: "},
        {"route", 2, "", "  route add PREFIX"},
        {"verzion", 2, "", "anyctl: there is no command \"verzion\"; did you mean \"version\"?\n"},
        {"help nosuch", 2, "usage: ", ""},
        {"peer set ny", 2, "", "anyctl: peer set: as is missing\n  peer set NAME as N"},
        {"--frob", 2, "", ""},
        {"call echo {", 2, "", "anyctl: call: JSON must be JSON"},
        /* nobody there */
        {"-s /nonexistent/sock version", 3, "",
         "anyctl: cannot reach anyfwd at /nonexistent/sock: No such file or directory (is it running?)\n"},
        {"-s /dev/null version", 3, "", "anyctl: cannot reach anyfwd at /dev/null: "},
    };

    (void)state;
    write_file("in", "{\"b\":2}\n", 8);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int status = run(cases[i].arguments);

        if (status != cases[i].status || strncmp(world.out, cases[i].out, strlen(cases[i].out)) != 0 ||
            strncmp(world.err, cases[i].err, strlen(cases[i].err)) != 0) {
            fail_msg("anyctl %s: exit %d\n%s\n%s", cases[i].arguments, status, world.out, world.err);
        }
    }
}

static void a_large_answer_and_a_large_request_pass(void **state)
{
    enum { SIZE = 3 << 20 };
    char *request = malloc(SIZE);

    (void)state;
    assert_int_equal(run("--json call much | tail -c 13"), 0);
    assert_string_equal(world.out, "99998,99999]\n");
    memset(request, ' ', SIZE);
    memcpy(request, "{\"a\":\"", 6);
    memcpy(request + SIZE - 2, "\"}", 2);
    write_file("in", request, SIZE);
    assert_int_equal(run("--json call echo - <in | wc -c"), 0);
    assert_int_equal(atoi(world.out), SIZE + 1);
    free(request);
}

/* Accepts one connection, writes `text` and hangs up; in a process of its own. */
static pid_t serve_once(const char *path, const char *text)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    pid_t child;

    strcpy(at.sun_path, path);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(listener, 1), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd;

        alarm(10); /* should the test fail before it connects */
        fd = accept(listener, NULL, NULL);
        (void)!write(fd, text, strlen(text));
        close(fd);
        _exit(0);
    }
    close(listener);
    return child;
}

static void one_that_hangs_up_or_talks_nonsense_counts_as_unreachable(void **state)
{
    static const struct {
        const char *text;
        int status;
        const char *err;
    } cases[] = {
        {"", 3, "did not answer: "},
        {"{\"jsonrpc\":", 3, "did not answer: "},
        {"hello\n", 3, "did not answer: "},
        {"{\"hello\":1}\n", 3, "is no anyfwd\n"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32012,\"message\":\"too many clients\"}}\n", 1,
         "anyctl: too many clients (-32012)\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char path[128];
        char arguments[160];
        pid_t child;

        snprintf(path, sizeof(path), "%s/other%zu", world.directory, i);
        child = serve_once(path, cases[i].text);
        snprintf(arguments, sizeof(arguments), "-s %s version", path);
        assert_int_equal(run(arguments), cases[i].status);
        assert_non_null(strstr(world.err, cases[i].err));
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_exit_status_tells_what_happened, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_answer_and_a_large_request_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_hangs_up_or_talks_nonsense_counts_as_unreachable, setup, teardown),
    };
    int failed;

    anyctl = argc == 2 ? realpath(argv[1], NULL) : NULL; /* the runs are in a directory of their own */
    if (anyctl == NULL) {
        fprintf(stderr, "usage: %s ANYCTL\n", argv[0]);
        return 2;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(anyctl);
    return failed;
}
