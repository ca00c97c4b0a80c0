/* SPDX-License-Identifier: BSD-3-Clause */
#include "health_json.h"
#include "config.h"
#include "methods_private.h"
#include <stdio.h>
#include <string.h>

#define LONGEST_MS     3600000
#define BFD_LONGEST_MS 60000

struct health_params {
    int64_t rise;
    int64_t fall;
    int64_t hold_down_ms;
    int64_t hold_down_max_ms;
    const json_t *heartbeat;
    const json_t *bfd;
    const json_t *tcp;
    const json_t *icmp;
    const json_t *http;
    const json_t *dns;
};

static const struct api_param health_table[] = {
    {"rise", API_INTEGER, false, offsetof(struct health_params, rise), 1, 1000},
    {"fall", API_INTEGER, false, offsetof(struct health_params, fall), 1, 1000},
    {"hold_down_ms", API_INTEGER, false, offsetof(struct health_params, hold_down_ms), 0, LONGEST_MS},
    {"hold_down_max_ms", API_INTEGER, false, offsetof(struct health_params, hold_down_max_ms), 0, LONGEST_MS},
    {"heartbeat", API_OBJECT, false, offsetof(struct health_params, heartbeat), 0, 0},
    {"bfd", API_OBJECT, false, offsetof(struct health_params, bfd), 0, 0},
    {"tcp", API_OBJECT, false, offsetof(struct health_params, tcp), 0, 0},
    {"icmp", API_OBJECT, false, offsetof(struct health_params, icmp), 0, 0},
    {"http", API_OBJECT, false, offsetof(struct health_params, http), 0, 0},
    {"dns", API_OBJECT, false, offsetof(struct health_params, dns), 0, 0},
};

struct heartbeat_params {
    int64_t ttl_ms;
};

static const struct api_param heartbeat_table[] = {
    {"ttl_ms", API_INTEGER, true, offsetof(struct heartbeat_params, ttl_ms), 1, LONGEST_MS},
};

static int read_heartbeat(struct api_call *call, const json_t *object, struct health_settings *out)
{
    struct heartbeat_params in;
    int code = read_params(call, object, heartbeat_table, ARRAY_SIZE(heartbeat_table), &in, NULL);

    out->heartbeat_ttl_ms = code == 0 ? (uint32_t)in.ttl_ms : 0;
    return code;
}

struct bfd_params {
    int64_t min_tx_ms;
    int64_t min_rx_ms;
    int64_t multiplier;
    bool multihop;
    struct ip_addr peer;
};

static const struct api_param bfd_table[] = {
    {"peer", API_ADDRESS, false, offsetof(struct bfd_params, peer), 0, 0},
    {"min_tx_ms", API_INTEGER, false, offsetof(struct bfd_params, min_tx_ms), 1, BFD_LONGEST_MS},
    {"min_rx_ms", API_INTEGER, false, offsetof(struct bfd_params, min_rx_ms), 1, BFD_LONGEST_MS},
    {"multiplier", API_INTEGER, false, offsetof(struct bfd_params, multiplier), 1, UINT8_MAX},
    {"multihop", API_BOOL, false, offsetof(struct bfd_params, multihop), 0, 0},
};

static int read_bfd(struct api_call *call, const json_t *object, struct health_settings *out)
{
    const struct bfd_timers timers = BFD_TIMERS_DEFAULT;
    struct bfd_params in = {
        .min_tx_ms = timers.min_tx_us / 1000, .min_rx_ms = timers.min_rx_us / 1000, .multiplier = timers.multiplier};
    uint64_t given = 0;
    int code = read_params(call, object, bfd_table, ARRAY_SIZE(bfd_table), &in, &given);

    out->bfd = (struct bfd_check){
        .wanted = true,
        .multihop = in.multihop || (given & 1) != 0,
        .has_peer = (given & 1) != 0,
        .peer = in.peer,
        .timers = {(uint32_t)in.min_tx_ms * 1000, (uint32_t)in.min_rx_ms * 1000, (uint8_t)in.multiplier},
    };
    return code;
}

struct probe_params {
    struct ip_addr address;
    int64_t interval_ms;
    int64_t timeout_ms;
    int64_t port;
    int64_t status;
    bool insecure;
    const char *url;
    const char *name;
    const char *type;
};

#define PROBE_TABLE                                                                                      \
    {"address", API_ADDRESS, true, offsetof(struct probe_params, address), 0, 0},                        \
        {"interval_ms", API_INTEGER, false, offsetof(struct probe_params, interval_ms), 10, LONGEST_MS}, \
    {                                                                                                    \
        "timeout_ms", API_INTEGER, false, offsetof(struct probe_params, timeout_ms), 10, LONGEST_MS      \
    }

static const struct api_param icmp_table[] = {PROBE_TABLE};

static const struct api_param tcp_table[] = {
    PROBE_TABLE,
    {"port", API_INTEGER, true, offsetof(struct probe_params, port), 1, UINT16_MAX},
};

static const struct api_param http_table[] = {
    PROBE_TABLE,
    {"url", API_STRING, true, offsetof(struct probe_params, url), 1, PROBE_TEXT_MAX - 1},
    {"status", API_INTEGER, false, offsetof(struct probe_params, status), 100, 599},
    {"insecure", API_BOOL, false, offsetof(struct probe_params, insecure), 0, 0},
};

static const struct api_param dns_table[] = {
    PROBE_TABLE,
    {"port", API_INTEGER, false, offsetof(struct probe_params, port), 1, UINT16_MAX},
    {"name", API_STRING, true, offsetof(struct probe_params, name), 1, PROBE_TEXT_MAX - 1},
    {"type", API_STRING, false, offsetof(struct probe_params, type), 1, 8},
};

static int read_probe(struct api_call *call, const json_t *object, const struct api_param *table, size_t n,
                      struct probe_params *in, struct probe_settings *out)
{
    int code;

    *in = (struct probe_params){.interval_ms = 1000, .timeout_ms = 500, .type = "A"};
    code = read_params(call, object, table, n, in, NULL);
    if (code != 0) {
        return code;
    }
    out->interval_ms = (uint32_t)in->interval_ms;
    out->timeout_ms = (uint32_t)in->timeout_ms;
    out->address = in->address;
    out->has_address = true;
    out->port = (uint16_t)in->port;
    return 0;
}

static int read_http(struct api_call *call, const json_t *object, struct probe_settings *out)
{
    struct probe_params in;
    int code = read_probe(call, object, http_table, ARRAY_SIZE(http_table), &in, out);

    if (code != 0) {
        return code;
    }
    if (!config_url_valid(in.url)) {
        return api_fail(call, API_ERR_PARAMS, "http: url must be like https://www.example.org/health");
    }
    out->wanted = (uint16_t)in.status;
    out->insecure = in.insecure;
    snprintf(out->text, sizeof(out->text), "%s", in.url);
    return 0;
}

static int read_dns(struct api_call *call, const json_t *object, struct probe_settings *out)
{
    struct probe_params in;
    int code = read_probe(call, object, dns_table, ARRAY_SIZE(dns_table), &in, out);

    if (code != 0) {
        return code;
    }
    if (!config_domain_valid(in.name) || config_dns_type(in.type) == 0) {
        return api_fail(call, API_ERR_PARAMS, "dns: name must be a domain name, and type one of anyfwd.yaml(5)");
    }
    out->port = in.port != 0 ? (uint16_t)in.port : 53;
    out->wanted = config_dns_type(in.type);
    snprintf(out->text, sizeof(out->text), "%s", in.name);
    return 0;
}

static int read_probes(struct api_call *call, const struct health_params *in, struct probe_settings *probes)
{
    struct probe_params unused;
    int code = 0;

    if (in->tcp != NULL) {
        code = read_probe(call, in->tcp, tcp_table, ARRAY_SIZE(tcp_table), &unused, &probes[CHECK_TCP]);
    }
    if (code == 0 && in->icmp != NULL) {
        code = read_probe(call, in->icmp, icmp_table, ARRAY_SIZE(icmp_table), &unused, &probes[CHECK_ICMP]);
    }
    if (code == 0 && in->http != NULL) {
        code = read_http(call, in->http, &probes[CHECK_HTTP]);
    }
    return code == 0 && in->dns != NULL ? read_dns(call, in->dns, &probes[CHECK_DNS]) : code;
}

int health_read(struct api_call *call, const json_t *object, struct health_settings *out)
{
    const struct health_rules rules = HEALTH_RULES_DEFAULT;
    struct health_params in = {
        .rise = rules.rise, .fall = rules.fall, .hold_down_ms = rules.hold_ms, .hold_down_max_ms = rules.hold_max_ms};
    int code = object != NULL ? read_params(call, object, health_table, ARRAY_SIZE(health_table), &in, NULL) : 0;

    memset(out, 0, sizeof(*out)); /* parts of it are compared with memcmp() */
    out->rules = (struct health_rules){(uint32_t)in.rise, (uint32_t)in.fall, (uint32_t)in.hold_down_ms,
                                       (uint32_t)in.hold_down_max_ms};
    if (code != 0) {
        return code;
    }
    if (in.hold_down_max_ms < in.hold_down_ms) {
        return api_fail(call, API_ERR_PARAMS, "health: hold_down_max_ms is less than hold_down_ms");
    }
    if (in.heartbeat != NULL) {
        code = read_heartbeat(call, in.heartbeat, out);
    }
    if (code == 0 && in.bfd != NULL) {
        code = read_bfd(call, in.bfd, out);
    }
    return code == 0 ? read_probes(call, &in, out->probes) : code;
}

static json_t *json_checks(const struct health *health)
{
    json_t *list = json_array();

    for (int check = 0; check < HEALTH_CHECKS; check++) {
        if ((health->checks >> check & 1) != 0) {
            json_array_append_new(list, json_pack("{s:s, s:b}", "check", health_check_name((enum health_check)check),
                                                  "passes", (int)(health->passing >> check & 1)));
        }
    }
    return list;
}

static json_t *json_session(const struct hop_bfd_info *info)
{
    const struct bfd_status *status = &info->status;

    return json_pack("{s:o, s:o, s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:I, s:I, s:I}", "peer",
                     json_address(&info->path.peer), "local",
                     info->runs ? json_address(&info->path.local) : json_null(), "multihop", (int)info->path.multihop,
                     "state", bfd_state_name(status->state), "remote_state", bfd_state_name(status->remote_state),
                     "diag", bfd_diag_name(status->diag), "remote_diag", bfd_diag_name(status->remote_diag),
                     "discriminator", (json_int_t)status->discriminator, "remote_discriminator",
                     (json_int_t)status->remote_discriminator, "detection_ms", status->detection_us / 1000.0, "tx_ms",
                     status->tx_us / 1000.0, "sent", (json_int_t)status->sent, "received", (json_int_t)status->received,
                     "failures", (json_int_t)status->failures);
}

static json_t *json_sessions(const struct control *control, const struct site_instance *instance)
{
    json_t *list = json_array();

    for (int family = 0; family < FAMILIES; family++) {
        struct hop_bfd_info info;

        if (instance->bfds[family] != NULL) {
            hop_bfd_info(control->install, instance->bfds[family], &info);
            json_array_append_new(list, json_session(&info));
        }
    }
    return list;
}

json_t *json_health(const struct control *control, const struct site_instance *instance)
{
    static const char *const admins[] = {
        [HEALTH_ADMIN_UP] = "up",
        [HEALTH_ADMIN_DRAIN] = "drain",
        [HEALTH_ADMIN_DOWN] = "down",
    };
    const struct health *health = &instance->health;

    return json_pack("{s:s, s:b, s:b, s:I, s:o, s:o}", "admin", admins[health->admin], "failed", (int)health->failed,
                     "kept", (int)health->kept, "held_ms",
                     (json_int_t)health_held_ms(health, site_now_ms(control->site)), "checks", json_checks(health),
                     "bfd", json_sessions(control, instance));
}
