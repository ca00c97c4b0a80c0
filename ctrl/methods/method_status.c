/* SPDX-License-Identifier: BSD-3-Clause */
/* version, status, stats.get */
#include "loop.h"
#include "methods_private.h"
#include "session.h"
#include "session_breaker.h"
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

int method_version(struct api_call *call, const json_t *params, json_t **result)
{
    int code = read_no_params(call, params);

    return code != 0
               ? code
               : answer(call, json_pack("{s:s, s:s, s:i}", "program", "anyfwd", "version", ANYFWD_VERSION, "api", 1),
                        result);
}

static uint32_t instance_count(const struct site *site)
{
    uint32_t n = 0;

    for (uint32_t id = 0; id < site_instance_end(site); id++) {
        n += site_instance(site, id) != NULL;
    }
    return n;
}

int method_status(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    const struct rib_counts *counts = rib_counts(site_rib(control->site));
    int code = read_no_params(call, params);

    if (code != 0) {
        return code;
    }
    return answer(
        call,
        json_pack("{s:b, s:s, s:f, s:I, s:i, s:i, s:{s:i, s:i}, s:i, s:i, s:i, s:b, s:i}", "ready", control->ready,
                  "site", control->config->site.name, "uptime_s", (double)(loop_now_ms() - control->started_ms) / 1000,
                  "generation", (json_int_t)site_generation(control->site), "ports", (int)dp_port_count(control->dp),
                  "workers", (int)dp_worker_count(control->dp), "routes", "v4", (int)counts->prefixes[FAMILY_V4], "v6",
                  (int)counts->prefixes[FAMILY_V6], "candidates",
                  (int)(counts->candidates[FAMILY_V4] + counts->candidates[FAMILY_V6]), "instances",
                  (int)instance_count(control->site), "sessions", (int)site_session_count(control->site), "failopen",
                  site_failopen(control->site), "breakers_tripped", (int)site_breakers_tripped(control->site)),
        result);
}

static json_t *json_workers(const struct dp *dp)
{
    json_t *list = json_array();

    for (unsigned int i = 0; i < dp_worker_count(dp); i++) {
        struct worker_stats stats;

        dp_worker_stats(dp, i, &stats);
        json_array_append_new(list, json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "lcore", (int)stats.lcore,
                                              "loops", (json_int_t)stats.loops, "busy_loops",
                                              (json_int_t)stats.busy_loops, "rx", (json_int_t)stats.rx, "tx",
                                              (json_int_t)stats.tx, "stalls", (json_int_t)stats.stalls,
                                              "stall_longest_us", (json_int_t)stats.stall_longest_us,
                                              "cycles_per_packet", stats.cycles_per_packet));
    }
    return list;
}

/* Packets that the port's XDP program passed to the kernel and redirected to us, by verdict; null without XDP. */
static json_t *json_xdp(struct install *install, unsigned int port)
{
    struct steer_counters counters;
    json_t *object;

    if (install_xdp_counters(install, port, &counters) != 0) {
        return json_null();
    }
    object = json_object();
    for (int i = 0; i < STEER_VERDICTS; i++) {
        json_object_set_new(object, steer_verdict_name(i), json_integer((json_int_t)counters.packets[i]));
    }
    return object;
}

static json_t *json_ports(const struct control *control)
{
    json_t *list = json_array();

    for (unsigned int i = 0; i < dp_port_count(control->dp); i++) {
        struct port_stats stats;

        dp_port_stats(control->dp, i, &stats);
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "name",
                                              dp_port(control->dp, i)->name, "rx_packets", (json_int_t)stats.rx.packets,
                                              "rx_bytes", (json_int_t)stats.rx.bytes, "tx_packets",
                                              (json_int_t)stats.tx.packets, "tx_bytes", (json_int_t)stats.tx.bytes,
                                              "rx_missed", (json_int_t)stats.rx_missed, "tx_dropped",
                                              (json_int_t)stats.tx_dropped, "xdp", json_xdp(control->install, i)));
    }
    return list;
}

static json_t *json_instances(const struct control *control)
{
    json_t *list = json_array();

    for (uint32_t id = 0; id < site_instance_end(control->site); id++) {
        const struct site_instance *instance = site_instance(control->site, id);
        struct traffic traffic;

        if (instance == NULL) {
            continue;
        }
        traffic = instance_traffic(control->install, instance);
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", instance->name, "packets",
                                              (json_int_t)traffic.packets, "bytes", (json_int_t)traffic.bytes));
    }
    return list;
}

static json_t *json_drops(const struct dp_stats *stats)
{
    json_t *object = json_object();

    for (int i = 0; i < DROP_REASONS; i++) {
        json_object_set_new(object, drop_reason_name(i), json_integer((json_int_t)stats->drops[i]));
    }
    return object;
}

/* What the process has of the machine, what of it the control plane's tables take, and how much they share. */
static json_t *json_memory(const struct control *control, const struct dp_stats *stats)
{
    struct mallinfo2 heap = mallinfo2();
    FILE *file = fopen("/proc/self/statm", "re");
    uint64_t pages = 0;

    if (file != NULL) {
        /* NOLINTNEXTLINE(cert-err34-c): the kernel writes numbers that fit */
        if (fscanf(file, "%*u %" SCNu64, &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "resident", (json_int_t)pages * sysconf(_SC_PAGESIZE),
                     "heap", (json_int_t)(heap.uordblks + heap.hblkhd), "routes",
                     (json_int_t)rib_bytes(site_rib(control->site)), "attributes",
                     (json_int_t)attrs_table_bytes(site_attrs(control->site)), "fib",
                     (json_int_t)stats->fib_control_bytes, "attribute_sets",
                     (json_int_t)attrs_table_count(site_attrs(control->site)), "path_lists",
                     (json_int_t)outcome_count(control->install));
}

int method_stats_get(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct dp_stats stats;
    int code = read_no_params(call, params);

    if (code != 0) {
        return code;
    }
    dp_stats(control->dp, &stats);
    return answer(
        call,
        json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:{s:{s:I, s:I}, "
                  "s:{s:I, s:I}}, s:I, s:{s:I, s:I}, s:{s:I, "
                  "s:I}, s:o}",
                  "workers", json_workers(control->dp), "ports", json_ports(control), "received",
                  (json_int_t)stats.received, "created", (json_int_t)stats.created, "sent", (json_int_t)stats.sent,
                  "punted", (json_int_t)stats.punted, "consumed", (json_int_t)stats.consumed, "held",
                  (json_int_t)stats.held, "icmp_sent", (json_int_t)stats.icmp_sent, "fragments_unmatched",
                  (json_int_t)stats.fragments_unmatched, "flows_incomplete", (json_int_t)stats.flows_incomplete,
                  "failed_open", (json_int_t)stats.failed_open, "drops", json_drops(&stats), "instances",
                  json_instances(control), "fib", "v4", "routes", (json_int_t)stats.fib[FAMILY_V4].routes, "bytes",
                  (json_int_t)stats.fib[FAMILY_V4].bytes, "v6", "routes", (json_int_t)stats.fib[FAMILY_V6].routes,
                  "bytes", (json_int_t)stats.fib[FAMILY_V6].bytes, "row_bytes", (json_int_t)stats.row_bytes, "writes",
                  "routes", (json_int_t)stats.writes.routes, "path_lists", (json_int_t)stats.writes.path_lists, "mbufs",
                  "free", (json_int_t)stats.mbufs_free, "in_use", (json_int_t)stats.mbufs_in_use, "memory",
                  json_memory(control, &stats)),
        result);
}
