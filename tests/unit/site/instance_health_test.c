/* SPDX-License-Identifier: BSD-3-Clause */
/* What the health of instances does to their states, their adjacencies and their ranking. */
#include "apply.h"
#include "site_world.h"
#include "unit.h"
#include <stdio.h>

#define LOOKUP "fib.lookup", "{'address':'192.0.2.1'}"
#define LIST   "instance.list", "{}"

static const char *const names[] = {"a", "b", "c"};

static void add_instance(int k, const char *more)
{
    char text[256];

    snprintf(text, sizeof(text), "{'name':'%s','next_hop':'10.0.0.1%d'%s}", names[k], k, more);
    world_do("instance.set", text);
    snprintf(text, sizeof(text), "ip neigh replace 10.0.0.1%d lladdr 02:00:00:00:00:1%d dev v0", k, k);
    world_run(text);
}

/* Three instances of which the first is the best one, and heartbeats wanted of all. */
static void set_up(void)
{
    static const char *const paths[] = {"65002", "65002,65003", "65002,65003,65004"};

    world_do("peer.set", "{'name':'p','as':65002,'type':'ebgp'}");
    for (int k = 0; k < 3; k++) {
        char text[256];

        add_instance(k, ",'health':{'rise':1,'hold_down_ms':500,'hold_down_max_ms':2000,'heartbeat':{'ttl_ms':100}}");
        snprintf(text, sizeof(text),
                 "{'add':[{'prefix':'192.0.2.0/24','peer':'p','path_id':%d,'instance':'%s','as_path':[%s]}]}", k,
                 names[k], paths[k]);
        world_do("route.update", text);
    }
    world_tick(10);
}

static void beat(const char *instances, uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += 50) {
        for (const char *name = instances; *name != '\0'; name++) {
            char text[32];

            snprintf(text, sizeof(text), "{'name':'%c'}", *name);
            world_do("instance.heartbeat", text);
        }
        world_tick(50);
    }
}

static void an_instance_without_heartbeats_fails_and_recovers_after_its_hold_down(void **state)
{
    (void)state;
    set_up();
    beat("abc", 200);
    world_expect(LOOKUP, "[{'alive':true,'instance':'a'");
    beat("bc", 150);
    world_expect(LOOKUP,
                 "[{'alive':false,'instance':'a','next_hop':'10.0.0.10','port':'a','why':'health checks failed'");
    world_expect(LIST, "'checks':[{'check':'heartbeat','passes':false}],'failed':true,'held_ms':500,'kept':false}");
    world_expect(LIST, "'name':'a','next_hop':['10.0.0.10'],'packets':0,'site':'','source':'api','state':'down'");
    world_expect("failover.list", "{'limit':1}", "'cause':'heartbeat'");
    world_expect("failover.list", "{'limit':1}", "'detail':'no heartbeat'");
    world_expect("failover.list", "{'limit':1}", "'heir':null,'instance':'a','packets':0,'packets_lost':0");
    world_expect("failover.list", "{'limit':1}", "'takeover_us':null,'worker_gap_us':null");
    beat("abc", 450);
    world_expect(LIST, "'state':'down'");
    beat("abc", 150);
    world_expect_not(LIST, "'state':'down'");
    world_expect(LOOKUP, "[{'alive':true,'instance':'a'");
    world_expect("status", "{}", "'failopen':false");
}

static void when_all_fail_together_all_stay_in_use(void **state)
{
    (void)state;
    set_up();
    beat("abc", 200);
    world_tick(150);
    world_expect("status", "{}", "'failopen':true");
    world_expect_not(LIST, "'kept':false");
    world_expect_not(LIST, "'alive':false");
    world_do("instance.down", "{'name':'a'}"); /* the operator is no check */
    world_expect(LOOKUP, "[{'alive':false,'instance':'a','next_hop':'10.0.0.10','port':'a','why':'admin down'");
    beat("b", 600);
    world_expect("status", "{}", "'failopen':false");
    world_expect(LIST, "'why':'health checks failed'"); /* c, which is dead after all */
}

static void the_last_one_alive_is_kept_alone(void **state)
{
    (void)state;
    set_up();
    beat("bc", 3000);
    world_tick(150);
    world_expect("status", "{}", "'failopen':true");
    world_expect(LOOKUP, "[[{'alive':false,'instance':'a'");
    world_expect(LOOKUP, "[{'alive':true,'instance':'b'");
}

static void what_is_drained_is_last_and_alive(void **state)
{
    (void)state;
    set_up();
    beat("abc", 100);
    world_do("instance.drain", "{'name':'a'}");
    world_expect(LOOKUP, "'tiers':[[{'alive':true,'instance':'b'");
    world_expect(LOOKUP, "[{'alive':true,'instance':'a','next_hop':'10.0.0.10','port':'a','why':null}]]");
    world_expect(LIST, "'state':'draining'");
    world_expect("route.explain", "{'prefix':'192.0.2.0/24'}", "'lost_at':'draining'");
    add_instance(0, ""); /* a drain outlives a set */
    world_expect(LIST, "'state':'draining'");
    world_do("instance.up", "{'name':'a'}");
    world_expect(LOOKUP, "'tiers':[[{'alive':true,'instance':'a'");
    world_expect("failover.list", "{}", "'count':1,"); /* it was drained once */
    world_expect("failover.list", "{}", "'cause':'drain'");
    world_expect("failover.list", "{}", "'detection_us':null");
    world_expect("failover.list", "{}", "'detail':'instance.drain'");
    world_expect("failover.list", "{}", "'takeover_us':null");
    world_expect("failover.list", "{}", "'packets_lost':0");
    world_do("instance.drain", "{'name':'a'}");
    world_do("instance.drain", "{'name':'a'}");
    world_expect("failover.list", "{}", "'count':2,");
    world_do("instance.down", "{'name':'a'}");
    world_expect("failover.list", "{'limit':1}", "'cause':'admin'");
    world_do("instance.down", "{'name':'a'}");
    world_do("instance.drain", "{'name':'a'}"); /* it was down already */
    world_expect("failover.list", "{}", "'count':3,");
    world_do("instance.down", "{'name':'a'}");
    assert_int_equal(world_call("failover.list", "{'limit':0}"), API_ERR_PARAMS);
    world_expect(LOOKUP, "[{'alive':false,'instance':'a','next_hop':'10.0.0.10','port':'a','why':'admin down'");
}

static void bad_calls_are_refused(void **state)
{
    (void)state;
    set_up();
    add_instance(0, "");
    assert_int_equal(world_call("instance.heartbeat", "{'name':'a'}"), API_ERR_PARAMS);
    assert_int_equal(world_call("instance.heartbeat", "{'name':'x'}"), API_ERR_UNKNOWN_NAME);
    assert_int_equal(world_call("instance.drain", "{'name':'x'}"), API_ERR_UNKNOWN_NAME);
    assert_int_equal(world_call("instance.drain", "{}"), API_ERR_PARAMS);
    assert_int_equal(world_call("instance.set", "{'name':'a','next_hop':'10.0.0.1','health':{'hold_down_ms':9,"
                                                "'hold_down_max_ms':8}}"),
                     API_ERR_PARAMS);
    assert_int_equal(world_call("instance.set", "{'name':'a','next_hop':'10.0.0.1','health':{'heartbeat':{}}}"),
                     API_ERR_PARAMS);
    assert_int_equal(world_call("instance.set", "{'name':'a','next_hop':'10.0.0.1','health':{'hearbeat':{}}}"),
                     API_ERR_PARAMS);
}

static void the_file_sets_checks_and_the_floor(void **state)
{
    struct config *config = world_config("failover: {min_alive: 2}\n"
                                         "instances:\n"
                                         "  - {name: a, next_hop: 10.0.0.10, health: {heartbeat: {ttl_ms: 100}}}\n"
                                         "  - {name: b, next_hop: 10.0.0.11, health: {heartbeat: {ttl_ms: 100}}}\n"
                                         "  - {name: c, next_hop: 10.0.0.12}\n");
    struct error error;

    (void)state;
    assert_int_equal(apply_config(world_control()->site, world_control()->install, NULL, config, &error), 0);
    for (int k = 0; k < 3; k++) {
        char text[128];

        snprintf(text, sizeof(text), "ip neigh replace 10.0.0.1%d lladdr 02:00:00:00:00:1%d dev v0", k, k);
        world_run(text);
    }
    world_tick(10);
    beat("a", 150);
    world_expect("status", "{}", "'failopen':false"); /* a and c */
    world_tick(150);
    world_expect("status", "{}", "'failopen':true");
    world_expect_not(LIST, "'alive':false");
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_instance_without_heartbeats_fails_and_recovers_after_its_hold_down,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(when_all_fail_together_all_stay_in_use, world_open, world_close),
        cmocka_unit_test_setup_teardown(the_last_one_alive_is_kept_alone, world_open, world_close),
        cmocka_unit_test_setup_teardown(what_is_drained_is_last_and_alive, world_open, world_close),
        cmocka_unit_test_setup_teardown(bad_calls_are_refused, world_open, world_close),
        cmocka_unit_test_setup_teardown(the_file_sets_checks_and_the_floor, world_open, world_close),
    };

    world_require();
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
