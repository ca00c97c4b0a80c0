/* SPDX-License-Identifier: BSD-3-Clause */
#include "attributes.h"
#include "health.h"
#include "unit.h"
#include <stdio.h>

#define BEAT  (1u << CHECK_HEARTBEAT)
#define STEPS 12

enum act { END, GOOD, BAD, PASS, DROP, TICK, UP, DRAIN, DOWN, KEEP };

/* What happens when, and what the instance is then. */
struct step {
    uint64_t at_ms;
    enum act act;
    enum health_state then;
};

static const struct transition {
    const char *name;
    struct step steps[STEPS];
} transitions[] = {
    {"fit until the first result", {{0, TICK, HEALTH_UP}, {100000, TICK, HEALTH_UP}}},
    {"bad results in a row make it fail",
     {{0, BAD, HEALTH_UP}, {10, BAD, HEALTH_UP}, {20, BAD, HEALTH_DOWN}, {30, BAD, HEALTH_DOWN}}},
    {"a good result between them starts the count anew",
     {{0, BAD, HEALTH_UP},
      {10, BAD, HEALTH_UP},
      {20, GOOD, HEALTH_UP},
      {30, BAD, HEALTH_UP},
      {40, BAD, HEALTH_UP},
      {50, BAD, HEALTH_DOWN}}},
    {"what counts by itself makes it fail at once", {{0, DROP, HEALTH_DOWN}}},
    {"it recovers when it has passed for the hold-down",
     {{0, DROP, HEALTH_DOWN}, {500, PASS, HEALTH_DOWN}, {1499, TICK, HEALTH_DOWN}, {1500, TICK, HEALTH_UP}}},
    {"good results count before the hold-down does",
     {{0, DROP, HEALTH_DOWN},
      {10, GOOD, HEALTH_DOWN},
      {1100, TICK, HEALTH_DOWN},
      {1200, GOOD, HEALTH_DOWN},
      {2199, TICK, HEALTH_DOWN},
      {2200, TICK, HEALTH_UP}}},
    {"a break starts the hold-down anew",
     {{0, DROP, HEALTH_DOWN},
      {100, PASS, HEALTH_DOWN},
      {1000, DROP, HEALTH_DOWN},
      {1001, PASS, HEALTH_DOWN},
      {2000, TICK, HEALTH_DOWN},
      {2001, TICK, HEALTH_UP}}},
    {"the hold-down doubles with the next failure",
     {{0, DROP, HEALTH_DOWN},
      {0, PASS, HEALTH_DOWN},
      {1000, TICK, HEALTH_UP},
      {2000, DROP, HEALTH_DOWN},
      {2000, PASS, HEALTH_DOWN},
      {3999, TICK, HEALTH_DOWN},
      {4000, TICK, HEALTH_UP},
      {4001, DROP, HEALTH_DOWN},
      {4001, PASS, HEALTH_DOWN},
      {8000, TICK, HEALTH_DOWN},
      {8001, TICK, HEALTH_UP}}},
    {"and is short again after a quiet time",
     {{0, DROP, HEALTH_DOWN},
      {0, PASS, HEALTH_DOWN},
      {1000, TICK, HEALTH_UP},
      {2000, DROP, HEALTH_DOWN},
      {2000, PASS, HEALTH_DOWN},
      {4000, TICK, HEALTH_UP},
      {14000, DROP, HEALTH_DOWN},
      {14000, PASS, HEALTH_DOWN},
      {15000, TICK, HEALTH_UP}}},
    {"the operator's down is down at once, and up again at once",
     {{0, DOWN, HEALTH_DOWN}, {1, PASS, HEALTH_DOWN}, {2, UP, HEALTH_UP}}},
    {"a failure outlives the operator's up", {{0, DROP, HEALTH_DOWN}, {1, DOWN, HEALTH_DOWN}, {2, UP, HEALTH_DOWN}}},
    {"what is drained is draining, and down when it fails",
     {{0, DRAIN, HEALTH_DRAINING},
      {1, DROP, HEALTH_DOWN},
      {2, PASS, HEALTH_DOWN},
      {1002, TICK, HEALTH_DRAINING},
      {1003, DOWN, HEALTH_DOWN},
      {1004, DRAIN, HEALTH_DRAINING},
      {1005, UP, HEALTH_UP}}},
    {"what the floor keeps is in use", {{0, DROP, HEALTH_DOWN}, {1, KEEP, HEALTH_UP}, {2, DOWN, HEALTH_DOWN}}},
};

static void act(struct health *health, const struct step *step)
{
    switch (step->act) {
    case GOOD:
    case BAD:
        health_result(health, CHECK_HEARTBEAT, step->act == GOOD, step->at_ms);
        break;
    case PASS:
    case DROP:
        health_set(health, CHECK_HEARTBEAT, step->act == PASS, step->at_ms);
        break;
    case UP:
        health->admin = HEALTH_ADMIN_UP;
        break;
    case DRAIN:
        health->admin = HEALTH_ADMIN_DRAIN;
        break;
    case DOWN:
        health->admin = HEALTH_ADMIN_DOWN;
        break;
    case KEEP:
        health->kept = true;
        break;
    case TICK:
    case END:
        break;
    }
    health_tick(health, step->at_ms);
}

static void each_transition_is_as_the_table_has_it(void **state)
{
    static const struct health_rules rules = {.rise = 2, .fall = 3, .hold_ms = 1000, .hold_max_ms = 10000};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(transitions); i++) {
        struct health health;

        health_init(&health, &rules);
        health_configure(&health, &rules, BEAT, 0);
        for (const struct step *step = transitions[i].steps; step->act != END; step++) {
            act(&health, step);
            if (health_state(&health) != step->then) {
                fail_msg("%s: at %d ms %s", transitions[i].name, (int)step->at_ms,
                         health_state_name(health_state(&health)));
            }
        }
    }
}

static void a_flapping_instance_has_two_transitions_and_stays_down(void **state)
{
    struct health health;
    unsigned int transitions_seen = 0;
    enum health_state last = HEALTH_UP;

    (void)state;
    health_init(&health, &HEALTH_RULES_DEFAULT);
    health_configure(&health, &HEALTH_RULES_DEFAULT, BEAT, 0);
    for (uint64_t ms = 0; ms < 600000; ms += 10) { /* 5 Hz for ten minutes */
        if (ms % 100 == 0) {
            health_set(&health, CHECK_HEARTBEAT, ms / 100 % 2 == 0, ms);
        }
        health_tick(&health, ms);
        transitions_seen += health_state(&health) != last;
        last = health_state(&health);
    }
    assert_true(transitions_seen <= 2);
    assert_int_equal(last, HEALTH_DOWN);
}

static void a_check_that_comes_passes_and_one_that_goes_is_forgotten(void **state)
{
    struct health health;

    (void)state;
    health_init(&health, &HEALTH_RULES_DEFAULT);
    assert_false(health_set(&health, CHECK_HEARTBEAT, false, 0)); /* there is none */
    assert_int_equal(health_state(&health), HEALTH_UP);
    health_configure(&health, &HEALTH_RULES_DEFAULT, BEAT, 5);
    assert_int_equal(health_state(&health), HEALTH_UP);
    assert_true(health_set(&health, CHECK_HEARTBEAT, false, 10));
    assert_int_equal(health_held_ms(&health, 500), 1000);
    health_configure(&health, &HEALTH_RULES_DEFAULT, 0, 600);
    assert_int_equal(health_held_ms(&health, 700), 900);
    assert_false(health_tick(&health, 1599));
    assert_true(health_tick(&health, 1600));
    assert_int_equal(health_held_ms(&health, 1600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_transition_is_as_the_table_has_it),
        cmocka_unit_test(a_flapping_instance_has_two_transitions_and_stays_down),
        cmocka_unit_test(a_check_that_comes_passes_and_one_that_goes_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
