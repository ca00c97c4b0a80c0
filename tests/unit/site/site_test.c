/* SPDX-License-Identifier: BSD-3-Clause */
/* From peers, instances and candidates to what is installed, while both they and the kernel's links change. */
#include "site_world.h"
#include "unit.h"
#include <stdio.h>

#define LOOKUP "fib.lookup", "{'address':'192.0.2.1'}"
#define FAR    "fib.lookup", "{'address':'172.16.0.1'}"

static void add_peers(void)
{
    world_do("peer.set", "{'name':'lon','as':65002,'type':'ebgp'}");
    world_do("peer.set", "{'name':'ny','as':65001,'type':'ebgp'}");
}

static void add_instances(void)
{
    world_do("instance.set", "{'name':'lon1','next_hop':['10.0.0.11','fd00::11']}");
    world_do("instance.set", "{'name':'ny1','next_hop':'10.1.0.2'}");
}

static void add_routes(void)
{
    add_peers();
    add_instances();
    world_do("route.update", "{'add':[{'prefix':'192.0.2.0/24','peer':'lon','instance':'lon1','as_path':[65002]},"
                             "{'prefix':'2001:db8:a::/48','peer':'lon','instance':'lon1','as_path':[65002]},"
                             "{'prefix':'192.0.2.0/24','peer':'ny','instance':'ny1','as_path':[65001,65010]}]}");
}

static void the_shorter_as_path_is_first_and_the_other_one_stands_behind(void **state)
{
    (void)state;
    add_routes();
    world_expect(LOOKUP, "'tiers':[[{'alive':false,'instance':'lon1','next_hop':'10.0.0.11','port':'a',"
                         "'why':'neighbour unresolved'}],[{'alive':false,'instance':'ny1'");
    world_expect("fib.lookup", "{'address':'2001:db8:a::1'}", "'next_hop':'fd00::11'");
    world_run("ip neigh replace 10.0.0.11 lladdr 02:00:00:00:00:11 dev v0");
    world_expect(LOOKUP, "'tiers':[[{'alive':true,'instance':'lon1','next_hop':'10.0.0.11','port':'a','why':null}]");
    world_do("instance.down", "{'name':'lon1'}");
    world_expect(LOOKUP, "'tiers':[[{'alive':false,'instance':'lon1','next_hop':'10.0.0.11','port':'a',"
                         "'why':'admin down'}]");
    world_do("instance.set", "{'name':'lon1','next_hop':'10.0.0.12'}"); /* down outlives a set */
    world_expect("instance.list", "{}", "'next_hop':['10.0.0.12'],'packets':0,'site':'','source':'api','state':'down'");
    world_do("instance.up", "{'name':'lon1'}");
    world_expect("instance.list", "{}", "'state':'up'");
}

static void an_instance_that_loses_a_family_loses_its_routes_of_it(void **state)
{
    (void)state;
    add_routes();
    world_do("instance.set", "{'name':'lon1','next_hop':'10.0.0.11'}");
    world_expect("fib.lookup", "{'address':'2001:db8:a::1'}", "'tiers':[]"); /* ours, but nobody is there */
    world_expect("route.explain", "{'prefix':'2001:db8:a::/48'}", "'why_not':'no_next_hop_of_this_family'");
    world_do("instance.set", "{'name':'lon1','next_hop':'fd00::12'}");
    world_expect("fib.lookup", "{'address':'2001:db8:a::1'}", "'next_hop':'fd00::12'");
    world_expect_not(LOOKUP, "lon1");
}

static void deleting_an_instance_takes_its_routes_and_leaves_the_others(void **state)
{
    (void)state;
    add_routes();
    world_do("instance.del", "{'name':'lon1'}");
    world_expect_not(LOOKUP, "lon1");
    world_expect(LOOKUP, "'instance':'ny1'");
    world_expect("status", "{}", "'candidates':1");
    assert_int_equal(world_call("instance.del", "{'name':'lon1'}"), API_ERR_UNKNOWN_NAME);
    world_do("instance.set", "{'name':'par1','next_hop':'10.0.0.13'}"); /* takes the number that is free */
    world_expect_not(LOOKUP, "par1");
    world_do("peer.del", "{'name':'ny'}");
    assert_int_equal(world_call(LOOKUP), API_ERR_NO_ROUTE);
}

static void a_next_hop_belongs_to_the_instance_that_has_it(void **state)
{
    (void)state;
    add_peers();
    world_do("route.update", "{'add':[{'prefix':'192.0.2.0/24','peer':'lon','next_hop':'10.0.0.11'}]}");
    world_expect_not(LOOKUP, "instance");
    add_instances();
    world_expect(LOOKUP, "'instance':'lon1'");
    world_do("instance.set", "{'name':'lon1','next_hop':'10.0.0.12'}");
    world_expect_not(LOOKUP, "instance");
    world_do("instance.set", "{'name':'lon1','next_hop':'10.0.0.12','bgp_next_hop':['10.0.0.11']}");
    world_expect(LOOKUP, "'instance':'lon1','next_hop':'10.0.0.12'");
    world_do("instance.del", "{'name':'lon1'}");
    world_expect_not(LOOKUP, "instance");
    world_expect(LOOKUP, "'next_hop':'10.0.0.11'");
}

static void a_next_hop_resolves_through_a_route_and_then_through_none(void **state)
{
    (void)state;
    add_peers();
    world_do("route.update", "{'add':[{'prefix':'172.16.0.0/16','peer':'lon','next_hop':'10.2.0.5'}]}");
    assert_int_equal(world_call(FAR), API_ERR_NO_ROUTE);
    world_expect("route.explain", "{'prefix':'172.16.0.0/16'}", "'why_not':'next_hop_unreachable'");
    world_do("route.update", "{'add':[{'prefix':'10.2.0.0/24','peer':'ny','next_hop':'10.1.0.2'}]}");
    world_tick(30);
    world_expect(FAR, "'next_hop':'10.2.0.5','port':'b'");
    world_do("route.update", "{'add':[{'prefix':'10.2.0.0/24','peer':'ny','next_hop':'10.0.0.2'}]}");
    world_tick(30);
    world_expect(FAR, "'next_hop':'10.2.0.5','port':'a'");
    world_do("route.update", "{'del':[{'prefix':'10.2.0.0/24'}]}");
    world_tick(30);
    assert_int_equal(world_call(FAR), API_ERR_NO_ROUTE);
}

static void links_and_addresses_come_and_go(void **state)
{
    static const struct {
        const char *name, *command, *port;
    } steps[] = {
        {"renamed", "ip link set v1 name other", NULL},
        {"named back", "ip link set other name v1", "'port':'b'"},
        {"address gone", "ip address del 10.1.0.1/24 dev v1", NULL},
        {"address on the other port", "ip address add 10.1.0.7/24 dev v0", "'port':'a'"},
        {"back", "ip address del 10.1.0.7/24 dev v0 && ip address add 10.1.0.1/24 dev v1", "'port':'b'"},
        {"deleted", "ip link del v1", NULL},
        {"made anew",
         "ip link add v1 type veth peer v1p && ip link set v1p up && ip link set v1 up &&"
         "ip address add 10.1.0.1/24 dev v1",
         "'port':'b'"},
    };

    (void)state;
    add_peers();
    world_do("route.update", "{'add':[{'prefix':'10.2.0.0/24','peer':'ny','next_hop':'10.1.0.2'},"
                             "{'prefix':'172.16.0.0/16','peer':'lon','next_hop':'10.2.0.5'}]}");
    world_tick(30);
    world_expect(FAR, "'port':'b'");
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        print_message("  %s\n", steps[i].name);
        world_run(steps[i].command);
        world_tick(30);
        if (steps[i].port != NULL) {
            world_expect(FAR, steps[i].port);
            world_expect("fib.lookup", "{'address':'10.1.0.2'}", "'prefix':'10.1.0.0/24'");
        } else {
            assert_int_equal(world_call(FAR), API_ERR_NO_ROUTE);
            assert_int_equal(world_call("fib.lookup", "{'address':'10.1.0.2'}"), API_ERR_NO_ROUTE);
        }
        world_expect("port.list", "{}", "'ports':[{");
    }
}

static void the_kernels_routes_stand_before_decided_ones_while_they_last(void **state)
{
    (void)state;
    add_peers();
    world_do("route.update", "{'add':[{'prefix':'10.1.0.0/24','peer':'ny','next_hop':'10.0.0.2'},"
                             "{'prefix':'10.1.0.1/32','peer':'ny','action':'blackhole'}]}");
    world_expect("fib.lookup", "{'address':'10.1.0.9'}", "'action':'resolve'");
    world_expect("fib.lookup", "{'address':'10.1.0.1'}", "'action':'local'");
    world_run("ip neigh replace 10.1.0.9 lladdr 02:00:00:00:00:09 dev v1");
    world_expect("fib.lookup", "{'address':'10.1.0.9'}", "'prefix':'10.1.0.9/32'");
    world_expect("neighbour.list", "{}", "{'address':'10.1.0.9','mac':'02:00:00:00:00:09','port':'b'");
    world_run("ip address del 10.1.0.1/24 dev v1");
    world_expect("fib.lookup", "{'address':'10.1.0.9'}", "'next_hop':'10.0.0.2'");
    world_expect("fib.lookup", "{'address':'10.1.0.1'}", "'action':'blackhole'");
    world_do("route.flush", "{'all':true}");
    assert_int_equal(world_call("fib.lookup", "{'address':'10.1.0.1'}"), API_ERR_NO_ROUTE);
    world_run("ip address add 10.1.0.1/24 dev v1");
    world_expect("fib.lookup", "{'address':'10.1.0.1'}", "'action':'local'");
}

static void flushing_a_peer_leaves_the_others(void **state)
{
    (void)state;
    add_routes();
    world_expect("route.flush", "{'peer':'lon'}", "'deleted':2");
    world_expect("peer.list", "{}", "'name':'lon','router_id':null,'routes':0");
    world_expect("peer.list", "{}", "'name':'ny','router_id':null,'routes':1");
    world_expect(LOOKUP, "'instance':'ny1'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
        TEST(the_shorter_as_path_is_first_and_the_other_one_stands_behind),
        TEST(an_instance_that_loses_a_family_loses_its_routes_of_it),
        TEST(deleting_an_instance_takes_its_routes_and_leaves_the_others),
        TEST(a_next_hop_belongs_to_the_instance_that_has_it),
        TEST(a_next_hop_resolves_through_a_route_and_then_through_none),
        TEST(links_and_addresses_come_and_go),
        TEST(the_kernels_routes_stand_before_decided_ones_while_they_last),
        TEST(flushing_a_peer_leaves_the_others),
    };

    world_require();
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
