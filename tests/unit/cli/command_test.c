/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 32

/* Cuts a command line at its bars: words may hold spaces. */
static size_t split(char *line, char **words)
{
    size_t count = 0;

    for (char *word = strtok(line, "|"); word != NULL; word = strtok(NULL, "|")) {
        assert_true(count < WORDS_MAX);
        words[count++] = word;
    }
    return count;
}

/* "METHOD PARAMS", or what is wrong; for the caller to free. */
static char *read_line(const char *text)
{
    char *line = strdup(text);
    char *words[WORDS_MAX];
    size_t count = split(line, words);
    const struct verb *verb;
    const char *method;
    json_t *params;
    struct error error;
    char *result = NULL;
    size_t used;

    verb = verb_find(words, count, &used);
    assert_non_null(verb);
    if (verb_read(verb, words + used, count - used, &method, &params, &error) != 0) {
        result = strdup(error.text);
    } else {
        char *json = params != NULL ? json_dumps(params, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("nothing");

        assert_true(asprintf(&result, "%s %s", method, json) > 0);
        free(json);
        json_decref(params);
    }
    free(line);
    return result;
}

static void words_become_a_method_and_its_parameters(void **state)
{
    static const struct {
        const char *line;
        const char *expected;
    } cases[] = {
        {"version", "version {}"},
        {"status", "status {}"},
        {"stats", "stats.get {}"},
        {"load|rib.bz2", "feed.load {\"file\":\"rib.bz2\"}"},
        {"load|rib.bz2|name|ny", "feed.load {\"file\":\"rib.bz2\",\"name\":\"ny\"}"},
        {"peer|list", "peer.list {}"},
        {"peer|set|ny|as|65001|type|ebgp|address|198.51.100.1|router-id|198.51.100.1",
         "peer.set {\"name\":\"ny\",\"as\":65001,\"type\":\"ebgp\",\"address\":\"198.51.100.1\","
         "\"router_id\":\"198.51.100.1\"}"},
        {"peer|del|ny", "peer.del {\"name\":\"ny\"}"},
        {"peer|set|as|as|4294967295|type|local", "peer.set {\"name\":\"as\",\"as\":4294967295,\"type\":\"local\"}"},
        {"instance|set|lon1|next-hop|10.0.2.11,fd00:2::11|site|lon|weight|100",
         "instance.set "
         "{\"name\":\"lon1\",\"next_hop\":[\"10.0.2.11\",\"fd00:2::11\"],\"site\":\"lon\",\"weight\":100}"},
        {"instance|set|ny1|next-hop|10.9.0.1|tunnel|ipip|source|10.0.0.1|destination|198.51.100.11",
         "instance.set "
         "{\"name\":\"ny1\",\"next_hop\":\"10.9.0.1\",\"tunnel\":{\"type\":\"ipip\",\"source\":\"10.0.0.1\","
         "\"destination\":\"198.51.100.11\"}}"},
        {"instance|set|a|next-hop|10.0.0.1|health|{\"type\":\"tcp\"}",
         "instance.set {\"name\":\"a\",\"next_hop\":\"10.0.0.1\",\"health\":{\"type\":\"tcp\"}}"},
        {"instance|list", "instance.list {}"},
        {"instance|del|lon1", "instance.del {\"name\":\"lon1\"}"},
        {"instance|down|lon1", "instance.down {\"name\":\"lon1\"}"},
        {"instance|up|lon1", "instance.up {\"name\":\"lon1\"}"},
        {"route|add|192.0.2.0/24|peer|ny|instance|ny1|as-path|65001 65010|local-pref|100|med|10|origin|igp",
         "route.update {\"add\":[{\"prefix\":\"192.0.2.0/24\",\"peer\":\"ny\",\"instance\":\"ny1\","
         "\"as_path\":[65001,65010],\"local_pref\":100,\"med\":10,\"origin\":\"igp\"}]}"},
        {"route|add|192.0.2.0/24|peer|ny|next-hop|10.9.0.1|as-path|65001,{1,2} 3|communities|65535:0,65000:1|path-id|7",
         "route.update {\"add\":[{\"prefix\":\"192.0.2.0/24\",\"peer\":\"ny\",\"next_hop\":\"10.9.0.1\","
         "\"as_path\":[65001,[1,2],3],\"communities\":[\"65535:0\",\"65000:1\"],\"path_id\":7}]}"},
        {"route|add|::/0|peer|p|action|blackhole|as-path| ",
         "route.update {\"add\":[{\"prefix\":\"::/0\",\"peer\":\"p\",\"action\":\"blackhole\",\"as_path\":[]}]}"},
        {"route|del|192.0.2.0/24", "route.update {\"del\":[{\"prefix\":\"192.0.2.0/24\"}]}"},
        {"route|del|192.0.2.0/24|peer|ny|path-id|7",
         "route.update {\"del\":[{\"prefix\":\"192.0.2.0/24\",\"peer\":\"ny\",\"path_id\":7}]}"},
        {"route|flush|peer|ny", "route.flush {\"peer\":\"ny\"}"},
        {"route|flush|all", "route.flush {\"all\":true}"},
        {"route|get|192.0.2.0/24", "route.get {\"prefix\":\"192.0.2.0/24\"}"},
        {"route|explain|192.0.2.0/24", "route.explain {\"prefix\":\"192.0.2.0/24\"}"},
        {"lookup|192.0.2.1", "fib.lookup {\"address\":\"192.0.2.1\"}"},
        {"port|list", "port.list {}"},
        {"neighbour|list", "neighbour.list {}"},
        {"config|get", "config.get {}"},
        {"call|flow.explain", "flow.explain nothing"},
        {"call|route.flush|{\"all\":true}", "route.flush {\"all\":true}"},
        {"call|x|[1]", "x [1]"},
        /* what is wrong */
        {"peer|set", "NAME is missing"},
        {"peer|set|ny", "as is missing"},
        {"peer|set|ny|as", "as needs a value: N"},
        {"peer|set|ny|as|65001x", "as must be a number, not \"65001x\""},
        {"peer|set|ny|as|-1", "as must be a number, not \"-1\""},
        {"peer|set|ny|as|99999999999999999999", "as must be a number, not \"99999999999999999999\""},
        {"peer|set|ny|as|1|as|2", "as is there twice"},
        {"peer|set|ny|colour|red", "\"colour\" is not expected here"},
        {"peer|del|ny|lon", "\"lon\" is not expected here"},
        {"version|1", "\"1\" is not expected here"},
        {"route|add|p|peer|a|as-path|65001 x", "as-path must be an AS path like \"65001 65010\", not \"65001 x\""},
        {"route|add|p|peer|a|as-path|{1", "as-path must be an AS path like \"65001 65010\", not \"{1\""},
        {"route|add|p|peer|a|as-path|{{1}}", "as-path must be an AS path like \"65001 65010\", not \"{{1}}\""},
        {"route|add|p|peer|a|as-path|1}", "as-path must be an AS path like \"65001 65010\", not \"1}\""},
        {"route|add|p|peer|a|communities|1:1,,2:2", "communities must be a list like A,B, not \"1:1,,2:2\""},
        {"call|x|{", "JSON must be JSON, not \"{\""},
        {"route|get|\xff", "PREFIX must be UTF-8, not \"\xff\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *result = read_line(cases[i].line);

        assert_string_equal(result, cases[i].expected);
        free(result);
    }
}

static void what_was_probably_meant_is_suggested(void **state)
{
    static const struct {
        const char *line;
        const char *suggestion; /* NULL: none */
    } cases[] = {
        {"rout|explain|192.0.2.0/24", "route explain"},
        {"route|explan", "route explain"},
        {"sttatus", "status"},
        {"instance|dwon|lon1", "instance down"},
        {"neighbor|list", "neighbour list"},
        {"loookup|1.2.3.4", "lookup"},
        {"frobnicate", NULL},
        {"x", NULL},
        {"0123456789012345678901234567890123456789012345678901234567890123456789", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *line = strdup(cases[i].line);
        char *words[WORDS_MAX];
        size_t count = split(line, words);
        size_t used;
        const struct verb *meant;

        assert_null(verb_find(words, count, &used));
        meant = verb_suggest(words, count);
        if (cases[i].suggestion == NULL) {
            assert_null(meant);
        } else {
            assert_non_null(meant);
            assert_string_equal(meant->words, cases[i].suggestion);
        }
        free(line);
    }
}

static void usage_lists_the_verbs_that_begin_so(void **state)
{
    char *flush[] = {"route", "flush"};
    char *unknown[] = {"rou"};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_int_equal(verb_print_usage(flush, 2, out), 2);
    assert_int_equal(verb_print_usage(unknown, 1, out), 0);
    fclose(out);
    assert_string_equal(text, "  route flush peer P\n      remove all candidates of a peer\n"
                              "  route flush all\n      remove all candidates\n");
    free(text);
}

/* A row that cannot work would only be found by whoever types it. */
static void every_verb_is_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < verb_count; i++) {
        const struct verb *verb = &verbs[i];
        bool keywords = false;

        assert_non_null(verb->help);
        assert_true(verb->method != NULL || strcmp(verb->words, "call") == 0);
        assert_int_equal(verb->arguments[ARRAY_SIZE(verb->arguments) - 1].kind, ARGUMENT_NONE);
        for (const struct argument *argument = verb->arguments; argument->kind != ARGUMENT_NONE; argument++) {
            assert_non_null(argument->shown);
            assert_non_null(argument->key);
            assert_true(argument->keyword != NULL || !keywords);
            keywords = argument->keyword != NULL;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_a_method_and_its_parameters),
        cmocka_unit_test(what_was_probably_meant_is_suggested),
        cmocka_unit_test(usage_lists_the_verbs_that_begin_so),
        cmocka_unit_test(every_verb_is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
