/* SPDX-License-Identifier: BSD-3-Clause */
/* anyctl: a client of the control API, and nothing more. */
#include "command.h"
#include "follow.h"
#include "format.h"
#include "load.h"
#include "rpc_client.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SOCKET "/run/anyfwd/anyfwd.sock"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

struct options {
    const char *socket;
    const char *write; /* a capture's file */
    bool json;
    bool help;
    bool version;
};

/* All commands, or those that begin with these words; the exit status if that is what was asked for. */
static int print_help(char *const *words, size_t count, FILE *out)
{
    fprintf(out, "usage: anyctl [-s SOCKET] [--json] COMMAND ...\n\n");
    if (verb_print_usage(words, count, out) == 0) {
        fprintf(out, "  there is no command that begins with \"%s\"\n", words[0]);
        return EXIT_USAGE;
    }
    if (count == 0) {
        fprintf(out, "\n  help [COMMAND]\n\n"
                     "-s SOCKET  default: $ANYFWD_SOCKET, or " DEFAULT_SOCKET "\n"
                     "--json     print the result as the API gives it\n"
                     "-w FILE    where a capture goes; '-' is the standard output\n\n"
                     "exit status: 0; 1 refused by the daemon; 2 usage; 3 the daemon cannot be reached\n");
    }
    return 0;
}

static int unknown_command(char *const *words, size_t count)
{
    const struct verb *meant;
    size_t known = verb_print_usage(words, count, stderr);

    if (known > 0) {
        fprintf(stderr, "anyctl: \"%s\" goes on with one of these\n", words[count - 1]);
        return EXIT_USAGE;
    }
    meant = verb_suggest(words, count);
    fprintf(stderr, "anyctl: there is no command \"%s%s%s\"", words[0], count > 1 ? " " : "",
            count > 1 ? words[1] : "");
    if (meant != NULL) {
        fprintf(stderr, "; did you mean \"%s\"?", meant->words);
    }
    fprintf(stderr, "\n'anyctl help' lists all commands\n");
    return EXIT_USAGE;
}

/* The message, and for an update of several entries what is wrong with each. */
static int print_refusal(const json_t *error)
{
    const json_t *errors = json_object_get(json_object_get(error, "data"), "errors");
    const char *message = json_string_value(json_object_get(error, "message"));
    const json_t *entry;
    size_t i;

    fprintf(stderr, "anyctl: %s (%" JSON_INTEGER_FORMAT ")\n", message != NULL ? message : "refused",
            json_integer_value(json_object_get(error, "code")));
    json_array_foreach(errors, i, entry)
    {
        const char *text = json_string_value(json_object_get(entry, "message"));

        if (text != NULL && json_array_size(errors) > 1) {
            fprintf(stderr, "  entry %" JSON_INTEGER_FORMAT ": %s\n",
                    json_integer_value(json_object_get(entry, "index")), text);
        }
    }
    return EXIT_REFUSED;
}

static int print_result(const struct options *options, const char *method, const json_t *result)
{
    char *text;

    if (options->json) {
        text = json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);
    } else {
        text = format_result(method, result);
    }
    if (text == NULL) {
        fprintf(stderr, "anyctl: out of memory\n");
        return EXIT_REFUSED;
    }
    fputs(text, stdout);
    if (options->json) {
        putchar('\n');
    }
    free(text);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "anyctl: cannot write: %s\n", strerror(errno));
        return EXIT_REFUSED;
    }
    return 0;
}

static int call(const struct options *options, const char *method, json_t *params)
{
    struct error error;
    json_t *answer;
    json_t *result;
    int status;

    if (rpc_call(options->socket, method, params, &answer, &error) != 0) {
        fprintf(stderr, "anyctl: %s\n", error.text);
        return EXIT_UNREACHABLE;
    }
    result = json_object_get(answer, "result");
    status = result != NULL ? print_result(options, method, result) : print_refusal(json_object_get(answer, "error"));
    json_decref(answer);
    return status;
}

/* A call that goes on, as it tells. */
static int follow_call(const struct options *options, const char *method, json_t *params)
{
    const struct follow_options how = {options->socket, options->json, options->write};
    struct error error;
    json_t *answer;
    int result = follow(&how, method, params, &answer, &error);
    int status = 0;

    if (result != 0) {
        fprintf(stderr, "anyctl: %s\n", error.text);
        return result == -EINVAL ? EXIT_USAGE : result == -EIO ? EXIT_REFUSED : EXIT_UNREACHABLE;
    }
    if (json_object_get(answer, "result") == NULL) {
        status = print_refusal(json_object_get(answer, "error"));
    }
    json_decref(answer);
    return status;
}

/* A load that failed has told why in its state. */
static int load(const struct options *options, json_t *params)
{
    struct error error;
    json_t *answer;
    json_t *feed;
    int result = load_file(options->socket, params, options->json, &feed, &answer, &error);
    int status;

    if (result != 0) {
        fprintf(stderr, "anyctl: %s\n", error.text);
        return result == -ENOENT ? EXIT_REFUSED : EXIT_UNREACHABLE;
    }
    if (feed == NULL) {
        status = print_refusal(json_object_get(answer, "error"));
    } else if (json_is_string(json_object_get(feed, "why"))) {
        fprintf(stderr, "anyctl: %s\n", json_string_value(json_object_get(feed, "why")));
        status = EXIT_REFUSED;
    } else {
        status = print_result(options, "feed.load", feed);
    }
    json_decref(feed);
    json_decref(answer);
    return status;
}

static int run(const struct options *options, char *const *words, size_t count)
{
    size_t used;
    const struct verb *verb = verb_find(words, count, &used);
    const char *method;
    json_t *params;
    struct error error;
    int result;

    if (verb == NULL) {
        return unknown_command(words, count);
    }
    result = verb_read(verb, words + used, count - used, &method, &params, &error);
    if (result != 0) {
        fprintf(stderr, "anyctl: %s: %s\n", verb->words, error.text);
        (void)verb_print_usage(words, used, stderr);
        return EXIT_USAGE;
    }
    if (strcmp(verb->words, "load") == 0) {
        result = load(options, params);
    } else {
        result = follow_is_for(method) ? follow_call(options, method, params) : call(options, method, params);
    }
    json_decref(params);
    return result;
}

/* false: an option that is none; getopt has said so. */
static bool options_read(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {
        {"socket", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
        {"write", required_argument, NULL, 'w'},  {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
    };
    const char *socket = getenv("ANYFWD_SOCKET");
    int option;

    *options = (struct options){.socket = socket != NULL && socket[0] != '\0' ? socket : DEFAULT_SOCKET};
    while ((option = getopt_long(argc, argv, "s:w:hV", names, NULL)) != -1) {
        switch (option) {
        case 's':
            options->socket = optarg;
            break;
        case 'j':
            options->json = true;
            break;
        case 'w':
            options->write = optarg;
            break;
        case 'h':
            options->help = true;
            break;
        case 'V':
            options->version = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    char **words;
    size_t count;

    if (!options_read(&options, argc, argv)) {
        fprintf(stderr, "'anyctl help' lists all commands and options\n");
        return EXIT_USAGE;
    }
    words = argv + optind;
    count = (size_t)(argc - optind);
    if (options.version) {
        printf("anyctl %s\n", ANYFWD_VERSION);
        return 0;
    }
    if (count > 0 && strcmp(words[0], "help") == 0) {
        options.help = true;
        words++;
        count--;
    }
    if (options.help) {
        return print_help(words, count, stdout);
    }
    if (count == 0) {
        (void)print_help(words, count, stderr);
        return EXIT_USAGE;
    }
    return run(&options, words, count);
}
