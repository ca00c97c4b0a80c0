/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon: explicit wiring, and the control thread.
 *
 * Up, in this order, so that each step that can refuse does so before the next one touches more: configuration, socket
 * (a second daemon ends here), kernel mirror and XDP, EAL and ports, tables, workers, and then the loop, which answers
 * whoever has connected meanwhile. Down in reverse.
 */
#include "access.h"
#include "api_server.h"
#include "config_compare.h"
#include "feeds.h"
#include "forwarder.h"
#include "log.h"
#include "loop.h"
#include "options.h"
#include "probes.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define TICK_MS    10

struct daemon {
    struct options options;
    struct config *config;
    struct forwarder forwarder;
    struct loop *loop;
    struct probes *probes;
    struct api_server *server;
    struct api_server *reader; /* on the read-only socket, if there is one */
    struct loop_signals signals;
    struct loop_watch kernel_watch;
    struct loop_timer tick;
    int exit_status;
};

/* Beside the executable in a build folder, or where it is installed; ANYFWD_BPF_OBJECT overrides. */
static const char *bpf_object(void)
{
    static char path[PATH_MAX];
    const char *chosen = getenv("ANYFWD_BPF_OBJECT");
    char self[PATH_MAX - 32];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (chosen != NULL) {
        return chosen;
    }
    if (n > 0) {
        self[n] = '\0';
        snprintf(path, sizeof(path), "%s/bpf/steer.bpf.o", dirname(self));
        if (access(path, R_OK) == 0) {
            return path;
        }
    }
    return BPF_INSTALL_PATH;
}

/* A text may have several lines: each is a message. */
static void log_lines(const char *what, char *text)
{
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        log_error("%s: %s", what, line);
    }
}

/* One that cannot be started is told in the log, and costs nothing else: a forwarder that lacks a source is better than
 * none. */
static void start_feeds(struct daemon *daemon, const struct config *config)
{
    struct error error;

    if (feeds_apply(daemon->forwarder.control.feeds, config, &error) != 0) {
        log_error("not every feed runs");
    }
}

/* The whole new file or nothing of it. */
static int reload_file(struct daemon *daemon, struct error *error)
{
    struct config *next;
    int result = config_load(daemon->options.config, &next, error);

    if (result != 0) {
        return result;
    }
    if (config_needs_restart(daemon->config, next, error)) {
        struct error what = *error;

        config_free(next);
        return error_set(error, -EBUSY, "only a restart changes %s", what.text);
    }
    result = access_apply(&daemon->forwarder.control, next, error);
    if (result != 0) {
        config_free(next);
        return result;
    }
    site_set_cause(daemon->forwarder.control.site, "config.reload", SITE_SESSION_OPERATOR);
    result =
        apply_config(daemon->forwarder.control.site, daemon->forwarder.control.install, daemon->config, next, error);
    start_feeds(daemon, next);
    config_free(daemon->config);
    daemon->config = next;
    daemon->forwarder.control.config = next;
    return result;
}

static int reload(void *owner, struct error *error)
{
    struct daemon *daemon = owner;
    struct timespec now;
    struct error shown;
    int result;

    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    result = reload_file(daemon, error);
    if (result == 0) {
        log_notice("reloaded %s", daemon->options.config);
    } else {
        shown = *error;
        log_lines("not reloaded, or not wholly", shown.text);
    }
    sd_notify(0, "READY=1");
    return result;
}

static void on_signal(void *owner, int signal)
{
    struct daemon *daemon = owner;

    if (signal == SIGHUP) {
        struct error error;

        (void)(reload(daemon, &error) == 0); /* it has told the log */
        return;
    }
    log_notice("stopping: %s", strsignal(signal));
    loop_stop(daemon->loop);
}

static void on_kernel(void *owner, uint32_t events)
{
    struct daemon *daemon = owner;
    int result = install_kernel_ready(daemon->forwarder.control.install);

    (void)events;
    if (result != 0) {
        log_error("the kernel's links, addresses and neighbours can no longer be followed: %s", strerror(-result));
        daemon->exit_status = EXIT_FAILURE;
        loop_stop(daemon->loop);
    }
}

static void on_tick(void *owner)
{
    struct daemon *daemon = owner;

    forwarder_tick(&daemon->forwarder, loop_now_ms());
    probes_tick(daemon->probes);
    loop_timer_set(daemon->loop, &daemon->tick, TICK_MS);
}

static int add_signals(struct daemon *daemon)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    daemon->signals = (struct loop_signals){.arrived = on_signal, .owner = daemon};
    return loop_signals_add(daemon->loop, &daemon->signals, &set);
}

static int listen_on(struct daemon *daemon, struct api_server **server, const char *path, bool read_only,
                     struct error *error)
{
    const struct api_server_options options = {
        .path = path,
        .mode = (mode_t)daemon->config->api.mode,
        .group = daemon->config->api.group,
        .read_only = read_only,
        .allow = methods_allow,
        .done = methods_done,
    };

    return api_server_create(server, daemon->loop, &options, methods, method_count, &daemon->forwarder.control, error);
}

static int start_loop(struct daemon *daemon, struct error *error)
{
    const struct config_api *api = &daemon->config->api;
    const char *path = daemon->options.socket != NULL ? daemon->options.socket : api->socket;
    int result;

    daemon->loop = loop_create();
    if (daemon->loop == NULL) {
        return error_set(error, -errno, "no event loop: %s", strerror(errno));
    }
    result = add_signals(daemon);
    if (result != 0) {
        return error_set(error, result, "no signals: %s", strerror(-result));
    }
    result = listen_on(daemon, &daemon->server, path, false, error);
    if (result == 0 && api->read_only_socket != NULL) {
        result = listen_on(daemon, &daemon->reader, api->read_only_socket, true, error);
    }
    return result;
}

static int start(struct daemon *daemon, struct error *error)
{
    int result = plan_make(daemon->config, &daemon->forwarder.plan, error);

    if (result == 0) {
        result = access_apply(&daemon->forwarder.control, daemon->config, error);
    }
    if (result == 0) {
        result = start_loop(daemon, error);
    }
    if (result == 0) {
        daemon->forwarder.control.started_ms = loop_now_ms();
        daemon->forwarder.control.reload = reload;
        daemon->forwarder.control.reload_owner = daemon;
        result = forwarder_open(&daemon->forwarder, daemon->config, bpf_object(), error);
    }
    if (result == 0) {
        result = dp_start(daemon->forwarder.control.dp, error);
    }
    if (result == 0) {
        methods_start(&daemon->forwarder.control);
    }
    if (result != 0) {
        return result;
    }
    daemon->forwarder.control.feeds =
        feeds_create(daemon->forwarder.control.site, daemon->loop, daemon->config->site.asn);
    if (daemon->forwarder.control.feeds == NULL) {
        return error_set(error, -ENOMEM, "no memory for the feeds");
    }
    start_feeds(daemon, daemon->config);
    daemon->probes = probes_create(daemon->loop, daemon->forwarder.control.install, daemon->forwarder.control.site);
    if (daemon->probes == NULL) {
        return error_set(error, -ENOMEM, "no memory for probes");
    }
    daemon->kernel_watch =
        (struct loop_watch){.fd = install_fd(daemon->forwarder.control.install), .ready = on_kernel, .owner = daemon};
    result = loop_add(daemon->loop, &daemon->kernel_watch, EPOLLIN);
    if (result != 0) {
        return error_set(error, result, "no watch on the kernel: %s", strerror(-result));
    }
    daemon->tick = (struct loop_timer){.fire = on_tick, .owner = daemon};
    loop_timer_set(daemon->loop, &daemon->tick, 0);
    return 0;
}

static void stop(struct daemon *daemon)
{
    sd_notify(0, "STOPPING=1");
    api_server_destroy(daemon->reader);
    api_server_destroy(daemon->server);
    feeds_destroy(daemon->forwarder.control.feeds);
    probes_destroy(daemon->probes);
    forwarder_close(&daemon->forwarder);
    if (daemon->loop != NULL) {
        loop_destroy(daemon->loop);
    }
}

static int run(struct daemon *daemon)
{
    struct error error;
    int result = start(daemon, &error);

    if (result != 0) {
        fprintf(stderr, "anyfwd: %s\n", error.text);
        stop(daemon);
        return EXIT_FAILURE;
    }
    daemon->forwarder.control.ready = true;
    log_notice("ready: site %s, %u ports, %u workers", daemon->config->site.name, daemon->forwarder.plan.port_count,
               daemon->forwarder.plan.dp.eal.worker_count);
    sd_notify(0, "READY=1");
    result = loop_run(daemon->loop);
    if (result != 0) {
        log_error("the event loop failed: %s", strerror(-result));
        daemon->exit_status = EXIT_FAILURE;
    }
    stop(daemon);
    return daemon->exit_status;
}

/* Has malloc() ask for huge pages where the system gives them to whoever asks (madvise): a full table is fifty thousand
 * page faults otherwise, which cost more than deciding it. glibc reads this at its start alone, so we start once more;
 * whoever has set tunables knows better. */
static void use_huge_pages(char **argv)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n <= 0 || getenv("GLIBC_TUNABLES") != NULL || setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0) != 0) {
        return;
    }
    self[n] = '\0';
    execv(self, argv); /* if that fails, we go on as we are */
}

int main(int argc, char **argv)
{
    static struct daemon daemon;
    struct error error;
    int status;

    use_huge_pages(argv);
    status = options_parse(argc, argv, &daemon.options);

    if (status != 0) {
        return status == OPTIONS_DONE ? EXIT_SUCCESS : EXIT_USAGE;
    }
    /* a large update's memory is used again for the next one, not given back and fetched anew page by page */
    (void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
    (void)mallopt(M_TOP_PAD, 8 << 20);
    if (config_load(daemon.options.config, &daemon.config, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_USAGE;
    }
    status = daemon.options.check ? EXIT_SUCCESS : run(&daemon);
    config_free(daemon.config);
    return status;
}
