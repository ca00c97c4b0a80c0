/* SPDX-License-Identifier: BSD-3-Clause */
#include "floor.h"

/* What the floor may keep. */
static bool is_lost(const struct health *health)
{
    return health->admin != HEALTH_ADMIN_DOWN && health->failed && health->reachable;
}

static bool is_alive(const struct health *health)
{
    return health->admin != HEALTH_ADMIN_DOWN && !health->failed && health->reachable;
}

static struct health *latest_lost(struct health *const *instances, size_t n, bool but_kept)
{
    struct health *latest = NULL;

    for (size_t i = 0; i < n; i++) {
        struct health *health = instances[i];

        if (is_lost(health) && !(but_kept && health->kept) &&
            (latest == NULL || health->failed_ms > latest->failed_ms)) {
            latest = health;
        }
    }
    return latest;
}

bool health_floor(struct health *const *instances, size_t n, uint32_t min_alive, uint32_t together_ms)
{
    struct health *latest = latest_lost(instances, n, false);
    size_t alive = 0;

    for (size_t i = 0; i < n; i++) {
        alive += is_alive(instances[i]);
    }
    if (alive >= min_alive || latest == NULL) {
        for (size_t i = 0; i < n; i++) {
            instances[i]->kept = false;
        }
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct health *health = instances[i];

        health->kept = is_lost(health) && (health->kept || latest->failed_ms - health->failed_ms <= together_ms);
        alive += health->kept;
    }
    while (alive < min_alive && (latest = latest_lost(instances, n, true)) != NULL) {
        latest->kept = true;
        alive++;
    }
    return true;
}
