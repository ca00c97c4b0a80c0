/* SPDX-License-Identifier: BSD-3-Clause */
/* What the polled topics of monitors look like now. Counters are left out: they would always be news. */
#include "failover.h"
#include "methods_private.h"
#include "monitor.h"
#include "session.h"
#include <inttypes.h>
#include <stdio.h>

/* Takes the item. `keys`: those of it that make its key, NULL at the end; `dropped`: those that are left out. */
static void add(json_t *all, json_t *item, const char *const keys[3], const char *const dropped[5])
{
    char key[256] = "";

    for (size_t i = 0, used = 0; keys[i] != NULL && used < sizeof(key); i++) {
        const json_t *value = json_object_get(item, keys[i]);

        used += (size_t)snprintf(key + used, sizeof(key) - used, "%s/",
                                 json_is_string(value) ? json_string_value(value) : "");
    }
    for (size_t i = 0; dropped[i] != NULL; i++) {
        json_object_del(item, dropped[i]);
    }
    json_object_set_new(all, key, item);
}

static void look_at_instances(const struct control *control, json_t *all)
{
    static const char *const keys[3] = {"name"};
    static const char *const dropped[5] = {"packets", "bytes", "adjacency", "health"};

    for (uint32_t id = 0; id < site_instance_end(control->site); id++) {
        const struct site_instance *instance = site_instance(control->site, id);

        if (instance != NULL) {
            add(all, json_instance(control, instance), keys, dropped);
        }
    }
}

static void look_at_sessions(const struct control *control, json_t *all)
{
    for (uint32_t id = SITE_SESSION_OPERATOR + 1; id < site_session_end(control->site); id++) {
        json_t *item = site_session(control->site, id) != NULL ? json_site_session(control->site, (uint16_t)id) : NULL;
        char key[16];

        if (item != NULL) {
            json_object_del(item, "routes");
            json_object_del(item, "prefixes");
            json_object_del(json_object_get(item, "breaker"), "held");
            json_object_del(item, "stale");
            snprintf(key, sizeof(key), "%u", id);
            json_object_set_new(all, key, item);
        }
    }
}

static void look_at_ports(const struct control *control, json_t *all)
{
    static const char *const keys[3] = {"name"};
    static const char *const dropped[5] = {NULL};

    for (unsigned int i = 0; i < dp_port_count(control->dp); i++) {
        add(all, json_port(control, i), keys, dropped);
    }
}

static void look_at_neighbours(const struct control *control, json_t *all)
{
    static const char *const keys[3] = {"port", "address"};
    static const char *const dropped[5] = {NULL};
    const struct kernel_neighbour *neighbour = NULL;

    while ((neighbour = kernel_neighbour_next(install_kernel(control->install), neighbour)) != NULL) {
        json_t *item = json_neighbour(control, neighbour);

        if (item != NULL) {
            add(all, item, keys, dropped);
        }
    }
}

static void look_at_failovers(const struct control *control, json_t *all)
{
    uint64_t count = site_failover_count(control->site);

    for (uint64_t i = 0; i < FAILOVERS_KEPT && i < count; i++) {
        const struct site_failover *record = site_failover(control->site, count - i);
        char key[24];

        if (record != NULL) {
            snprintf(key, sizeof(key), "%" PRIu64, record->sequence);
            json_object_set_new(all, key, json_failover(control->site, record));
        }
    }
}

json_t *monitor_look(const struct control *control, enum monitor_topic topic)
{
    static void (*const looks[TOPICS])(const struct control *, json_t *) = {
        [TOPIC_INSTANCE] = look_at_instances,   [TOPIC_SESSION] = look_at_sessions,   [TOPIC_PORT] = look_at_ports,
        [TOPIC_NEIGHBOUR] = look_at_neighbours, [TOPIC_FAILOVER] = look_at_failovers,
    };
    json_t *all = json_object();

    looks[topic](control, all);
    return all;
}
