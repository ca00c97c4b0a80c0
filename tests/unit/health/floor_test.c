/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "floor.h"
#include "unit.h"
#include <string.h>

#define INSTANCES   4
#define TOGETHER_MS 1000

/* One letter an instance: A alive, F failed, K failed and kept before, D down by the operator, U unreachable, - failed
 * and unreachable. failed_ms: of those that have. */
static const struct situation {
    const char *name;
    const char *before;
    uint64_t failed_ms[INSTANCES];
    uint32_t min_alive;
    const char *after; /* K: kept */
    bool failopen;
} situations[] = {
    {"all are alive", "AAAA", {0}, 1, "AAAA", false},
    {"enough are left", "FFFA", {5, 6, 7}, 1, "FFFA", false},
    {"the last good one is kept", "FFFF", {5000, 6000, 9000, 7500}, 1, "FFKF", true},
    {"who failed together with it is kept too", "FFFF", {5000, 8000, 9000, 8500}, 1, "FKKK", true},
    {"as many as the floor asks for", "AFFF", {0, 5000, 7000, 9000}, 3, "AFKK", true},
    {"never more than there are", "AF", {0, 5000}, 9, "AK", true},
    {"a floor of none keeps none", "FF", {5, 6}, 0, "FF", false},
    {"the operator's down is neither counted nor kept", "DDF", {0, 0, 5000}, 1, "DDK", true},
    {"nor is it a failure", "DDD", {0}, 1, "DDD", false},
    {"what cannot be reached is not alive", "UFF", {0, 1000, 9000}, 1, "UFK", true},
    {"nor kept", "-FF", {9900, 1000, 9000}, 1, "-FK", true},
    {"what is kept stays kept when another one fails", "FKF", {1000, 5000, 9000}, 1, "FKK", true},
    {"until enough are alive", "AKF", {0, 5000, 9000}, 1, "AFF", false},
};

static void set_up(struct health *health, char letter, uint64_t failed_ms)
{
    health_init(health, &HEALTH_RULES_DEFAULT);
    health->failed = strchr("FK-", letter) != NULL;
    health->failed_ms = failed_ms;
    health->kept = letter == 'K';
    health->admin = letter == 'D' ? HEALTH_ADMIN_DOWN : HEALTH_ADMIN_UP;
    health->reachable = strchr("U-", letter) == NULL;
}

static void the_floor_keeps_the_last_good_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
        const struct situation *s = &situations[i];
        struct health healths[INSTANCES];
        struct health *pointers[INSTANCES];
        size_t n = strlen(s->before);
        bool failopen;

        for (size_t k = 0; k < n; k++) {
            pointers[k] = &healths[k];
            set_up(&healths[k], s->before[k], s->failed_ms[k]);
        }
        failopen = health_floor(pointers, n, s->min_alive, TOGETHER_MS);
        for (size_t k = 0; k < n; k++) {
            if (healths[k].kept != (s->after[k] == 'K')) {
                fail_msg("%s: instance %d: kept %d", s->name, (int)k, healths[k].kept);
            }
        }
        if (failopen != s->failopen) {
            fail_msg("%s: failopen %d", s->name, failopen);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_floor_keeps_the_last_good_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
