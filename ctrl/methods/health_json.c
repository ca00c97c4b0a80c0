/* SPDX-License-Identifier: BSD-3-Clause */
#include "health_json.h"
#include "methods_private.h"

#define LONGEST_MS 3600000

struct health_params {
    int64_t rise;
    int64_t fall;
    int64_t hold_down_ms;
    int64_t hold_down_max_ms;
    const json_t *heartbeat;
};

static const struct api_param health_table[] = {
    {"rise", API_INTEGER, false, offsetof(struct health_params, rise), 1, 1000},
    {"fall", API_INTEGER, false, offsetof(struct health_params, fall), 1, 1000},
    {"hold_down_ms", API_INTEGER, false, offsetof(struct health_params, hold_down_ms), 0, LONGEST_MS},
    {"hold_down_max_ms", API_INTEGER, false, offsetof(struct health_params, hold_down_max_ms), 0, LONGEST_MS},
    {"heartbeat", API_OBJECT, false, offsetof(struct health_params, heartbeat), 0, 0},
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

int health_read(struct api_call *call, const json_t *object, struct health_settings *out)
{
    const struct health_rules rules = HEALTH_RULES_DEFAULT;
    struct health_params in = {rules.rise, rules.fall, rules.hold_ms, rules.hold_max_ms, NULL};
    int code = object != NULL ? read_params(call, object, health_table, ARRAY_SIZE(health_table), &in, NULL) : 0;

    *out = (struct health_settings){
        .rules = {(uint32_t)in.rise, (uint32_t)in.fall, (uint32_t)in.hold_down_ms, (uint32_t)in.hold_down_max_ms}};
    if (code != 0) {
        return code;
    }
    if (in.hold_down_max_ms < in.hold_down_ms) {
        return api_fail(call, API_ERR_PARAMS, "health: hold_down_max_ms is less than hold_down_ms");
    }
    return in.heartbeat != NULL ? read_heartbeat(call, in.heartbeat, out) : 0;
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

json_t *json_health(const struct site *site, const struct site_instance *instance)
{
    static const char *const admins[] = {
        [HEALTH_ADMIN_UP] = "up",
        [HEALTH_ADMIN_DRAIN] = "drain",
        [HEALTH_ADMIN_DOWN] = "down",
    };
    const struct health *health = &instance->health;

    return json_pack("{s:s, s:b, s:b, s:I, s:o}", "admin", admins[health->admin], "failed", (int)health->failed, "kept",
                     (int)health->kept, "held_ms", (json_int_t)health_held_ms(health, site_now_ms(site)), "checks",
                     json_checks(health));
}
