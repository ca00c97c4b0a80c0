/* SPDX-License-Identifier: BSD-3-Clause */
#include "jsonrpc.h"
#include "toy_methods.h"
#include "unit.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct byte_queue out;
static struct toy toy;
static const struct api_peer peer = {.text = "uid 7 gid 8 pid 9"};

static int clear(void **state)
{
    (void)state;
    byte_queue_free(&out);
    toy = (struct toy){0};
    return 0;
}

/* Everything that one line is answered with. */
static const char *answer_to_bytes(const char *line, size_t length, bool read_only)
{
    const struct jsonrpc_methods methods = {toy_methods, ARRAY_SIZE(toy_methods), &toy, read_only, NULL, NULL};
    struct jsonrpc_work work = {0};

    byte_queue_consume(&out, byte_queue_length(&out));
    assert_int_equal(jsonrpc_begin(&work, line, length, &out), 0);
    while (jsonrpc_pending(&work)) {
        assert_int_equal(jsonrpc_step(&work, &methods, &peer, &out), 0);
    }
    assert_int_equal(byte_queue_append(&out, "", 1), 0);
    return byte_queue_front(&out);
}

static const char *answer_to(const char *line)
{
    return answer_to_bytes(line, strlen(line), false);
}

#define HEAD(id)          "{\"jsonrpc\":\"2.0\",\"id\":" id ","
#define ECHOED(id)        HEAD(id) "\"result\":{}}"
#define REFUSED(id, code) HEAD(id) "\"error\":{\"code\":" #code

static void every_line_gets_the_answer_that_the_specification_wants(void **state)
{
    static const struct {
        const char *line;
        const char *answer; /* starts with this; ends with it too if it ends with a newline */
    } cases[] = {
        /* requests */
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1}", ECHOED("1") "\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{\"a\":[1]},\"id\":\"x\"}\r",
         HEAD("\"x\"") "\"result\":{\"a\":[1]}}\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[],\"id\":null}", ECHOED("null") "\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1.5,\"more\":0}", ECHOED("1.5") "\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"change\",\"id\":1}", ECHOED("1") "\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"fail\",\"id\":1}",
         REFUSED("1", -32013) ",\"message\":\"no route to 192.0.2.1\",\"data\":{\"errors\":[7]}}}\n"},
        /* notifications, also wrong ones */
        {"{\"jsonrpc\":\"2.0\",\"method\":\"change\"}", "\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"nosuch\"}", "\n"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"fill\",\"params\":[1]}", "\n"},
        /* no JSON */
        {"", REFUSED("null", -32700)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"foobar\",\"params\":\"bar\",\"baz]", REFUSED("null", -32700)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1} x", REFUSED("null", -32700)},
        {"[{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1},{\"jsonrpc\"]", REFUSED("null", -32700)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"method\":\"change\",\"id\":1}", REFUSED("null", -32700)},
        {"\"\xff\"", REFUSED("null", -32700)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{\"a\":\"\\u0000\"},\"id\":1}", REFUSED("null", -32700)},
        /* no request */
        {"1", REFUSED("null", -32600)},
        {"[]", REFUSED("null", -32600)},
        {"{}", REFUSED("null", -32600)},
        {"{\"method\":\"echo\",\"id\":1}", REFUSED("1", -32600)},
        {"{\"jsonrpc\":\"1.0\",\"method\":\"echo\",\"id\":1}", REFUSED("1", -32600)},
        {"{\"jsonrpc\":2.0,\"method\":\"echo\",\"id\":1}", REFUSED("1", -32600)},
        {"{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":\"bar\"}", REFUSED("null", -32600)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":\"bar\",\"id\":1}", REFUSED("1", -32600)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":null,\"id\":1}", REFUSED("1", -32600)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":{}}", REFUSED("null", -32600)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":true}", REFUSED("null", -32600)},
        /* no such method, wrong parameters */
        {"{\"jsonrpc\":\"2.0\",\"method\":\"nosuch\",\"id\":1}", REFUSED("1", -32601)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"rpc.echo\",\"id\":1}", REFUSED("1", -32601)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"\",\"id\":1}", REFUSED("1", -32601)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"fill\",\"params\":[1],\"id\":1}", REFUSED("1", -32602)},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"fill\",\"params\":{\"length\":1},\"id\":1}",
         REFUSED("1", -32602) ",\"message\":\"unknown key \\\"length\\\"; known: size\"}}\n"},
        /* batches */
        {"[{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1},{\"jsonrpc\":\"2.0\",\"method\":\"change\"},"
         "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":2}]",
         "[" ECHOED("1") "," ECHOED("2") "]\n"},
        {"[{\"jsonrpc\":\"2.0\",\"method\":\"change\"},{\"jsonrpc\":\"2.0\",\"method\":\"change\"}]", "\n"},
        {"[1]", "[" REFUSED("null", -32600)},
        {"[{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1},[]]", "[" ECHOED("1") "," REFUSED("null", -32600)},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *answer = answer_to(cases[i].line);
        const char *expected = cases[i].answer[0] == '\n' ? "" : cases[i].answer;
        bool whole = expected[0] == '\0' || expected[strlen(expected) - 1] == '\n';

        if (strncmp(answer, expected, strlen(expected)) != 0 || (whole && strcmp(answer, expected) != 0)) {
            fail_msg("%s\nis answered: %s\nexpected:    %s", cases[i].line, answer, expected);
        }
    }
}

/* Whatever the line, the answer is one line of JSON. */
static void every_answer_is_one_line_of_json(void **state)
{
    static const char *const lines[] = {"", "[1,2]", "\"\xc3", "{\"\xe2\x82", "\"a\tb\"", "[{\"id\":\"\\n\\u2028\"}]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        const char *answer = answer_to(lines[i]);
        json_t *json = json_loads(answer, 0, NULL);

        assert_non_null(json);
        assert_ptr_equal(strchr(answer, '\n'), answer + strlen(answer) - 1);
        json_decref(json);
    }
}

/* "%.64s" in a message may cut a character in two. */
static void a_message_that_was_cut_inside_a_character_is_still_answered(void **state)
{
    char line[256];
    json_t *json;

    (void)state;
    snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%063d\xc3\xa9\"}", 0);
    json = json_loads(answer_to(line), 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "error"), "code")), API_ERR_METHOD);
    assert_non_null(json_object_get(json_object_get(json, "error"), "message"));
    json_decref(json);
}

static void a_batch_runs_one_request_a_step(void **state)
{
    static const char line[] = "[{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1},"
                               "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":2}]";
    const struct jsonrpc_methods methods = {toy_methods, ARRAY_SIZE(toy_methods), &toy, false, NULL, NULL};
    struct jsonrpc_work work = {0};

    (void)state;
    assert_int_equal(jsonrpc_begin(&work, line, strlen(line), &out), 0);
    assert_int_equal(toy.calls, 0);
    assert_int_equal(jsonrpc_step(&work, &methods, &peer, &out), 0);
    assert_int_equal(toy.calls, 1);
    assert_true(jsonrpc_pending(&work));
    jsonrpc_abandon(&work);
    assert_false(jsonrpc_pending(&work));
}

static void a_read_only_socket_refuses_changes_alone(void **state)
{
    static const char change[] = "{\"jsonrpc\":\"2.0\",\"method\":\"change\",\"id\":1}";
    static const char echo[] = "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1}";

    (void)state;
    assert_non_null(strstr(answer_to_bytes(change, strlen(change), true), "-32002"));
    assert_int_equal(toy.changes, 0);
    assert_string_equal(answer_to_bytes(echo, strlen(echo), true), ECHOED("1") "\n");
}

/* What the log says while one line is answered. */
static void logged_for(const char *line, char *text, size_t size)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    size_t n;

    assert_non_null(file);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    (void)answer_to(line);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    rewind(file);
    n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    fclose(file);
}

static void every_change_is_logged_with_who_made_it(void **state)
{
    char line[2048];
    char text[2048];

    (void)state;
    logged_for("{\"jsonrpc\":\"2.0\",\"method\":\"change\",\"params\":{\"name\":\"lon1\"}}", text, sizeof(text));
    assert_non_null(strstr(text, "change {\"name\":\"lon1\"} by uid 7 gid 8 pid 9: done\n"));
    logged_for("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1}", text, sizeof(text));
    assert_string_equal(text, "");
    snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"method\":\"change\",\"params\":{\"name\":\"%01000d\"}}", 0);
    logged_for(line, text, sizeof(text));
    assert_non_null(strstr(text, "000... by uid 7"));
    assert_true(strlen(text) < 450);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_line_gets_the_answer_that_the_specification_wants, clear, clear),
        cmocka_unit_test_setup_teardown(every_answer_is_one_line_of_json, clear, clear),
        cmocka_unit_test_setup_teardown(a_message_that_was_cut_inside_a_character_is_still_answered, clear, clear),
        cmocka_unit_test_setup_teardown(a_batch_runs_one_request_a_step, clear, clear),
        cmocka_unit_test_setup_teardown(a_read_only_socket_refuses_changes_alone, clear, clear),
        cmocka_unit_test_setup_teardown(every_change_is_logged_with_who_made_it, clear, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
