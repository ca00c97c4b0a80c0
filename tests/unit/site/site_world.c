/* SPDX-License-Identifier: BSD-3-Clause */
#include "site_world.h"
#include "apply.h"
#include "install_private.h"
#include "json_scan.h"
#include "unit.h"
#include "update.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIPPED 77

static struct {
    struct dp *dp;
    struct control control;
    uint64_t now_ms;
    char said[1 << 16];
} world;

static const char base[] = "site: {name: lon, asn: 65000, router_id: 203.0.113.2}\n"
                           "ports: [{name: a, device: null}, {name: b, device: null}]\n"
                           "anycast: [192.0.2.0/24, \"2001:db8:a::/48\"]\n";

void world_require(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        printf("skipped: needs root, for a network namespace (%s)\n", strerror(errno));
        exit(SKIPPED);
    }
}

int world_start(void **state)
{
    static const unsigned int lcores[] = {1};
    const struct port_settings ports[] = {
        {.name = "a", .kind = PORT_NULL, .argument = "", .queues = 1, .twin = "ta"},
        {.name = "b", .kind = PORT_NULL, .argument = "", .queues = 1, .twin = "tb"},
    };
    const struct dp_settings settings = {
        .eal = {.hugepages = HUGEPAGES_NO, .memory_mb = 256, .worker_lcores = lcores, .worker_count = 1},
        .idle = IDLE_BACKOFF,
        .ports = ports,
        .port_count = ARRAY_SIZE(ports),
    };
    struct error error;

    (void)state;
    if (dp_create(&settings, &world.dp, &error) != 0 || dp_start(world.dp, &error) != 0) {
        print_error("%s\n", error.text);
        return -1;
    }
    return 0;
}

int world_stop(void **state)
{
    (void)state;
    dp_destroy(world.dp);
    return 0;
}

static void on_hop_changed(void *owner, const struct hop *hop)
{
    (void)owner;
    site_hop_changed(world.control.site, hop);
}

static uint32_t on_decided(void *owner, const struct prefix *prefix)
{
    (void)owner;
    return site_decided(world.control.site, prefix);
}

struct config *world_config(const char *more)
{
    char text[8192];
    struct config *config;
    struct error error;
    int n = snprintf(text, sizeof(text), "%s%s", base, more);

    if (config_parse(text, (size_t)n, "test", &config, &error) != 0) {
        fail_msg("%s", error.text);
    }
    return config;
}

static void open_site(void)
{
    static const struct install_port ports[] = {{.name = "a", .netdev = "v0"}, {.name = "b", .netdev = "v1"}};
    struct config *config = world_config("");
    struct error error;
    struct plan plan;

    assert_int_equal(plan_make(config, &plan, &error), 0);
    struct install_settings install = {
        .ports = ports,
        .port_count = ARRAY_SIZE(ports),
        .anycast = plan.anycast,
        .anycast_count = plan.anycast_count,
        .hop_changed = on_hop_changed,
        .decided = on_decided,
    };
    world.control = (struct control){.dp = world.dp, .config = config, .ready = true};
    if (install_open(&install, &world.control.install, &error) != 0 ||
        install_bind(world.control.install, world.dp, &error) != 0) {
        fail_msg("%s", error.text);
    }
    struct site_settings site = {world.control.install, plan.decision, plan.site_anycast, plan.anycast_count};
    assert_int_equal(site_create(&site, &world.control.site), 0);
    plan_free(&plan);
}

static void run(const char *command)
{
    if (system(command) != 0) {
        fail_msg("failed: %s", command);
    }
}

int world_open(void **state)
{
    (void)state;
    run("ip link add v0 address 02:00:00:00:00:01 type veth peer v0p && ip link set v0p up && ip link set v0 up &&"
        "ip link add v1 address 02:00:00:00:00:02 type veth peer v1p && ip link set v1p up && ip link set v1 up &&"
        "ip address add 10.0.0.1/16 dev v0 && ip address add fd00::1/64 dev v0 nodad &&"
        "ip address add 10.1.0.1/24 dev v1");
    world.now_ms = 1000;
    open_site();
    world_tick(10);
    return 0;
}

int world_close(void **state)
{
    struct install *install = world.control.install;

    (void)state;
    site_destroy(world.control.site);
    world.control.site = NULL;
    install_close(install);
    assert_int_equal(install->outcome_count, 0);
    assert_true(LIST_EMPTY(&install->hops));
    install_free(install);
    config_free((struct config *)(uintptr_t)world.control.config);
    run("ip link del v0p; ip link del v1p");
    return 0;
}

struct control *world_control(void)
{
    return &world.control;
}

void world_run(const char *command)
{
    struct pollfd readable = {.fd = install_fd(world.control.install), .events = POLLIN};

    run(command);
    while (poll(&readable, 1, 50) == 1) {
        assert_int_equal(install_kernel_ready(world.control.install), 0);
    }
    world_tick(20);
}

void world_tick(uint64_t ms)
{
    for (uint64_t end = world.now_ms + ms; world.now_ms < end;) {
        world.now_ms += 10;
        install_tick(world.control.install, world.now_ms);
        site_tick(world.control.site, world.now_ms);
        update_tick(world.control.site);
    }
}

static void swap(char *text, char from, char to)
{
    for (; *text != '\0'; text++) {
        *text = *text == from ? to : *text;
    }
}

static const struct api_method *find(const char *name)
{
    for (size_t i = 0; i < method_count; i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return &methods[i];
        }
    }
    fail_msg("there is no method %s", name);
    return NULL;
}

/* As the server does with a method that has a reader. */
static int read_and_run(const struct api_reader *reader, struct api_call *call, const json_t *params, json_t **result)
{
    char *text = json_dumps(params, JSON_COMPACT);
    struct json_scan scan = json_scan_of(text, strlen(text));
    void *state = reader->begin(call);
    int code;

    while (reader->read(state, &scan) == API_AGAIN) {
    }
    assert_null(scan.error);
    do {
        code = reader->run(state, call, result);
    } while (code == API_AGAIN);
    reader->end(state);
    free(text);
    return code;
}

int world_call(const char *method, const char *params)
{
    struct api_call call = {.context = &world.control};
    char *text = strdup(params);
    json_t *object;
    json_t *result = NULL;
    int code;

    swap(text, '\'', '"');
    object = json_loads(text, 0, NULL);
    free(text);
    if (object == NULL) {
        fail_msg("not JSON: %s", params);
    }
    code = find(method)->reader != NULL ? read_and_run(find(method)->reader, &call, object, &result)
                                        : find(method)->call(&call, object, &result);
    snprintf(world.said, sizeof(world.said), "%s", code == 0 ? "" : call.error.text);
    if (result != NULL) {
        text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);
        snprintf(world.said, sizeof(world.said), "%s", text);
        free(text);
    } else if (call.data != NULL) {
        size_t used = strlen(world.said);

        text = json_dumps(call.data, JSON_COMPACT | JSON_SORT_KEYS);
        snprintf(world.said + used, sizeof(world.said) - used, " %s", text);
        free(text);
    }
    swap(world.said, '"', '\'');
    json_decref(object);
    json_decref(result);
    json_decref(call.data);
    return code;
}

const char *world_said(void)
{
    return world.said;
}

void world_do(const char *method, const char *params)
{
    if (world_call(method, params) != 0) {
        fail_msg("%s %s: %s", method, params, world.said);
    }
}

void world_expect(const char *method, const char *params, const char *text)
{
    world_call(method, params);
    if (strstr(world.said, text) == NULL) {
        fail_msg("%s %s: no \"%s\" in %s", method, params, text, world.said);
    }
}

void world_expect_not(const char *method, const char *params, const char *text)
{
    world_call(method, params);
    if (strstr(world.said, text) != NULL) {
        fail_msg("%s %s: \"%s\" in %s", method, params, text, world.said);
    }
}
