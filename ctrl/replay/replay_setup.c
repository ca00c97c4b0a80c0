/* SPDX-License-Identifier: BSD-3-Clause */
/* The surroundings of a replay: a network namespace with nothing in it but the twins of the ports. */
#include "jsonrpc.h"
#include "replay.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUIET_MS  100 /* the kernel has no more to say */
#define SETTLE_MS 50  /* of ticks: next hops that depend on others are found in so many */

int replay_enter_namespace(struct error *error)
{
    if (unshare(CLONE_NEWNET) != 0) {
        return error_set(error, -errno,
                         "no network namespace of its own: %s; be root, or call it by unshare --user --map-root-user",
                         strerror(errno));
    }
    return 0;
}

void replay_plan(struct plan *plan)
{
    plan->dp.eal.hugepages = HUGEPAGES_NO;
    plan->dp.eal.worker_count = 1;
    plan->dp.eal.pci_count = 0;
    plan->dp.eal.plugin_count = 0;
    plan->dp.eal.extra_count = 0;
    for (unsigned int i = 0; i < plan->port_count; i++) {
        struct port_settings *port = &plan->ports[i];

        port->kind = PORT_NULL;
        port->argument = "";
        port->queues = port->queues > 1 ? 1 : port->queues;
        port->twin = plan->install_ports[i].netdev;
        plan->install_ports[i].xdp = false;
    }
}

static int run_ip(const char *batch, struct error *error)
{
    char *const arguments[] = {"ip", "-batch", (char *)(uintptr_t)batch, NULL};
    int status;
    pid_t pid;
    int result = -posix_spawnp(&pid, "ip", NULL, NULL, arguments, environ);

    if (result != 0) {
        return error_set(error, result, "ip does not start: %s", strerror(-result));
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return error_set(error, -EINVAL, "ip -batch %s failed", batch);
    }
    return 0;
}

/* Until the kernel has told everything, and what depends on it is found. */
static int settle(struct forwarder *forwarder, struct error *error)
{
    static uint64_t now_ms = 1000;
    struct pollfd readable = {.fd = install_fd(forwarder->control.install), .events = POLLIN};

    while (poll(&readable, 1, QUIET_MS) == 1) {
        int result = install_kernel_ready(forwarder->control.install);

        if (result != 0) {
            return error_set(error, result, "the kernel cannot be followed: %s", strerror(-result));
        }
    }
    for (int ms = 0; ms < SETTLE_MS; ms += 10) {
        now_ms += 10;
        forwarder_tick(forwarder, now_ms);
    }
    return 0;
}

/* The first error of an answer, or of the answers of a batch; NULL: none. */
static const char *refusal(const json_t *answer)
{
    for (size_t i = 0; i < json_array_size(answer); i++) {
        const char *message = refusal(json_array_get(answer, i));

        if (message != NULL) {
            return message;
        }
    }
    return json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
}

static int call(struct forwarder *forwarder, const char *line, size_t length, struct error *error)
{
    const struct jsonrpc_methods table = {methods, method_count, &forwarder->control, false, NULL, NULL};
    const struct api_peer self = {.pid = getpid(), .text = "the replay"};
    struct jsonrpc_work work = {0};
    struct byte_queue answers = {0};
    json_t *answer;
    int result = jsonrpc_begin(&work, line, length, &answers);

    while (result == 0 && jsonrpc_pending(&work)) {
        result = jsonrpc_step(&work, &table, &self, &answers);
    }
    if (result != 0) {
        jsonrpc_abandon(&work);
        byte_queue_free(&answers);
        return error_set(error, result, "no memory");
    }
    answer = json_loadb(byte_queue_front(&answers), byte_queue_length(&answers), JSON_DISABLE_EOF_CHECK, NULL);
    if (refusal(answer) != NULL) {
        result = error_set(error, -EINVAL, "%s", refusal(answer));
    }
    json_decref(answer);
    byte_queue_free(&answers);
    return result;
}

static int call_all(struct forwarder *forwarder, const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int result = 0;

    if (file == NULL) {
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    }
    for (unsigned int number = 1; result == 0 && (length = getline(&line, &size, file)) > 0; number++) {
        struct error refused;

        length -= line[length - 1] == '\n';
        if (length > 0 && call(forwarder, line, (size_t)length, &refused) != 0) {
            result = error_set(error, -EINVAL, "%s:%u: %s", path, number, refused.text);
        }
    }
    free(line);
    fclose(file);
    return result;
}

int replay_set_up(struct forwarder *forwarder, const struct replay_options *options, struct error *error)
{
    int result = options->kernel != NULL ? run_ip(options->kernel, error) : 0;

    if (result == 0) {
        result = settle(forwarder, error);
    }
    if (result == 0 && options->calls != NULL) {
        result = call_all(forwarder, options->calls, error);
    }
    return result == 0 ? settle(forwarder, error) : result;
}
