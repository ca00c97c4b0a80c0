/* SPDX-License-Identifier: BSD-3-Clause */
#include "health.h"
#include <string.h>

static uint32_t bit(enum health_check check)
{
    return UINT32_C(1) << check;
}

void health_init(struct health *health, const struct health_rules *rules)
{
    memset(health, 0, sizeof(*health));
    health->rules = *rules;
    health->reachable = true;
}

static void start_steady(struct health *health, bool was_steady, uint64_t now_ms)
{
    if (!was_steady && health->passing == health->checks) {
        health->steady_ms = now_ms;
    }
}

void health_configure(struct health *health, const struct health_rules *rules, uint32_t checks, uint64_t now_ms)
{
    bool was_steady = health->passing == health->checks;

    health->rules = *rules;
    health->passing = (health->passing | ~health->checks) & checks;
    health->checks = checks;
    start_steady(health, was_steady, now_ms);
}

static void fail(struct health *health, uint64_t now_ms)
{
    bool again = health->recovered_before && now_ms - health->recovered_ms < health->rules.hold_max_ms;
    uint64_t hold = again ? (uint64_t)health->hold_ms * 2 : health->rules.hold_ms;

    health->failed = true;
    health->failed_ms = now_ms;
    health->hold_ms = (uint32_t)(hold < health->rules.hold_max_ms ? hold : health->rules.hold_max_ms);
}

bool health_set(struct health *health, enum health_check check, bool passes, uint64_t now_ms)
{
    bool was_steady = health->passing == health->checks;
    bool was_failed = health->failed;

    if ((health->checks & bit(check)) == 0) {
        return false;
    }
    health->streak[check] = 0;
    if (passes) {
        health->passing |= bit(check);
        start_steady(health, was_steady, now_ms);
        return false;
    }
    health->passing &= ~bit(check);
    if (!was_failed) {
        fail(health, now_ms);
    }
    return !was_failed;
}

bool health_result(struct health *health, enum health_check check, bool good, uint64_t now_ms)
{
    bool passes = (health->passing & bit(check)) != 0;

    if (good == passes) {
        health->streak[check] = 0;
        return false;
    }
    if (++health->streak[check] < (good ? health->rules.rise : health->rules.fall)) {
        return false;
    }
    return health_set(health, check, good, now_ms);
}

uint64_t health_held_ms(const struct health *health, uint64_t now_ms)
{
    uint64_t passed = health->passing == health->checks ? now_ms - health->steady_ms : 0;

    if (!health->failed) {
        return 0;
    }
    return passed < health->hold_ms ? health->hold_ms - passed : 0;
}

bool health_tick(struct health *health, uint64_t now_ms)
{
    if (!health->failed || health->passing != health->checks || health_held_ms(health, now_ms) > 0) {
        return false;
    }
    health->failed = false;
    health->recovered_before = true;
    health->recovered_ms = now_ms;
    return true;
}

enum health_state health_state(const struct health *health)
{
    if (health->admin == HEALTH_ADMIN_DOWN || (health->failed && !health->kept)) {
        return HEALTH_DOWN;
    }
    return health->admin == HEALTH_ADMIN_DRAIN ? HEALTH_DRAINING : HEALTH_UP;
}

const char *health_state_name(enum health_state state)
{
    static const char *const names[] = {
        [HEALTH_UP] = "up",
        [HEALTH_DRAINING] = "draining",
        [HEALTH_DOWN] = "down",
    };

    return names[state];
}

const char *health_check_name(enum health_check check)
{
    static const char *const names[HEALTH_CHECKS] = {
        [CHECK_HEARTBEAT] = "heartbeat", [CHECK_BFD] = "bfd", [CHECK_TCP] = "tcp",         [CHECK_ICMP] = "icmp",
        [CHECK_HTTP] = "http",           [CHECK_DNS] = "dns", [CHECK_COMMAND] = "command",
    };

    return names[check];
}
