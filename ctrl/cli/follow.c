/* SPDX-License-Identifier: BSD-3-Clause */
#include "follow.h"
#include "base64.h"
#include "pcapng.h"
#include "rpc_client.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SNAPLEN 65535

struct follower {
    const struct follow_options *options;
    const json_t *ports; /* names: interfaces of the file, in this order */
    FILE *file;          /* of a capture; NULL: none */
    json_t *end;         /* what watch.end told; NULL: it has not come */
    bool failed;         /* what came could not be written */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* Without SA_RESTART: a read that waits is to end. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

static uint32_t interface_of(const struct follower *follower, const json_t *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(follower->ports, i, one)
    {
        if (json_equal(one, name)) {
            return (uint32_t)i;
        }
    }
    return 0; /* of what was made here: some interface there must be */
}

static void write_packet(struct follower *follower, const json_t *params)
{
    static uint8_t bytes[SNAPLEN];
    const json_t *text = json_object_get(params, "bytes");
    const char *point = json_string_value(json_object_get(params, "point"));
    const char *reason = json_string_value(json_object_get(params, "reason"));
    long length = json_is_string(text)
                      ? base64_decode(json_string_value(text), json_string_length(text), bytes, sizeof(bytes))
                      : -EINVAL;
    struct pcapng_packet packet = {
        .interface = interface_of(follower, json_object_get(params, "port")),
        .direction = PCAPNG_INBOUND,
        .time_ns = (uint64_t)json_integer_value(json_object_get(params, "time_ns")),
        .bytes = bytes,
        .captured = (uint32_t)length,
        .length = (uint32_t)json_integer_value(json_object_get(params, "length")),
        .comment = reason,
    };

    if (length < 0 || point == NULL) {
        return; /* of a daemon that is newer: nothing that can be written */
    }
    if (strcmp(point, "sent") == 0) {
        packet.direction = PCAPNG_OUTBOUND;
    } else if (strcmp(point, "punted") == 0) {
        packet.comment = point;
    }
    follower->failed |= pcapng_write(follower->file, &packet) != 0;
}

/* False: that was the last. */
static bool on_message(void *owner, const json_t *message)
{
    struct follower *follower = owner;
    const char *method = json_string_value(json_object_get(message, "method"));
    json_t *params = json_object_get(message, "params");

    if (method == NULL) {
        return true;
    }
    if (strcmp(method, "watch.end") == 0) {
        follower->end = json_incref(params);
        return false;
    }
    if (follower->options->json) {
        follower->failed |= json_dumpf(params, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF;
    } else if (strcmp(method, "trace.packet") == 0) {
        trace_print(params, stdout);
    } else if (strcmp(method, "capture.packet") == 0) {
        write_packet(follower, params);
    } else if (strcmp(method, "event") == 0 || strcmp(method, "event_lost") == 0) {
        event_print(params, stdout);
    }
    if (follower->file == NULL) {
        follower->failed |= fflush(stdout) != 0;
    }
    return !follower->failed && !interrupted;
}

bool follow_is_for(const char *method)
{
    return strcmp(method, "trace.start") == 0 || strcmp(method, "capture.start") == 0 ||
           strcmp(method, "monitor.subscribe") == 0;
}

static int begin_file(struct follower *follower)
{
    const json_t *port;
    int result = pcapng_begin(follower->file, "anyctl " ANYFWD_VERSION);
    size_t i;

    json_array_foreach(follower->ports, i, port)
    {
        if (result == 0) {
            result = pcapng_interface(follower->file, json_string_value(port), SNAPLEN);
        }
    }
    return result;
}

static bool on_answer(void *owner, const json_t *answer)
{
    struct follower *follower = owner;
    const json_t *result = json_object_get(answer, "result");

    if (result == NULL) {
        return false;
    }
    follower->ports = json_object_get(result, "ports");
    if (follower->file != NULL) {
        follower->failed |= begin_file(follower) != 0;
    }
    return !follower->failed;
}

static int open_file(struct follower *follower, const char *method, struct error *error)
{
    const struct follow_options *options = follower->options;
    bool capture = strcmp(method, "capture.start") == 0;

    if (!capture && options->write != NULL) {
        return error_set(error, -EINVAL, "-w is for captures");
    }
    if (capture && !options->json && options->write == NULL) {
        return error_set(error, -EINVAL, "-w FILE is missing; '-' is the standard output");
    }
    if (options->write == NULL || options->json) {
        return 0;
    }
    if (strcmp(options->write, "-") == 0 && isatty(STDOUT_FILENO)) {
        return error_set(error, -EINVAL, "a capture is no text for a terminal: -w FILE, or '-w - | tshark -r -'");
    }
    follower->file = strcmp(options->write, "-") == 0 ? stdout : fopen(options->write, "we");
    return follower->file != NULL ? 0 : error_set(error, -EIO, "%s: %s", options->write, strerror(errno));
}

static int close_file(struct follower *follower)
{
    bool failed = follower->failed;

    if (follower->file == NULL || follower->file == stdout) {
        failed |= fflush(stdout) != 0;
    } else {
        failed |= fclose(follower->file) != 0;
    }
    return failed ? -EIO : 0;
}

/* For people; the file, or JSON, may be on the standard output. */
static void tell_end(const struct follower *follower)
{
    const json_t *end = follower->end;

    if (end != NULL && !follower->options->json) {
        fprintf(stderr, "%" JSON_INTEGER_FORMAT " packets, %" JSON_INTEGER_FORMAT " lost\n",
                json_integer_value(json_object_get(end, "packets")), json_integer_value(json_object_get(end, "lost")));
    }
}

int follow(const struct follow_options *options, const char *method, json_t *params, json_t **answer,
           struct error *error)
{
    struct follower follower = {.options = options};
    const struct rpc_follower callbacks = {on_answer, on_message, &follower};
    int result = open_file(&follower, method, error);
    int written;

    if (result != 0) {
        return result;
    }
    catch_signals();
    result = rpc_follow(options->socket, method, params, &callbacks, answer, error);
    written = close_file(&follower);
    if (result == -EINTR && interrupted) {
        result = 0;
    }
    if (result == 0 && written != 0) {
        json_decref(*answer);
        result = error_set(error, -EIO, "cannot write: %s", strerror(errno != 0 ? errno : EIO));
    }
    tell_end(&follower);
    json_decref(follower.end);
    return result;
}
