/* SPDX-License-Identifier: BSD-3-Clause */
/* route.update: whole or not at all, strict or not, and when the tables are full. */
#include "install_private.h"
#include "json_scan.h"
#include "methods_private.h"
#include "site_world.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE(peer, hop) "{'prefix':'172.16.0.0/16','peer':'" peer "','next_hop':'" hop "'}"
#define LOOKUP         "fib.lookup", "{'address':'172.16.0.1'}"

static int open_with_peers(void **state)
{
    world_open(state);
    world_do("peer.set", "{'name':'p','as':65002,'type':'ebgp'}");
    world_do("peer.set", "{'name':'q','as':65001,'type':'ebgp'}");
    return 0;
}

/* Each starts with the candidate of p by 10.0.0.2, and ends with so many. */
static const struct {
    const char *name;
    const char *update;
    int code;
    const char *said; /* part of the answer */
    const char *end;  /* candidates afterwards */
} cases[] = {
    {"the same again is unchanged", "{'add':[" ONE("p", "10.0.0.2") "]}", 0, "'unchanged':1", "'candidates':1"},
    {"another next hop replaces", "{'add':[" ONE("p", "10.0.0.3") "]}", 0, "'replaced':1", "'candidates':1"},
    {"another peer adds", "{'add':[" ONE("q", "10.0.0.2") "]}", 0, "'added':1", "'candidates':2"},
    {"twice the same key in one update: the last counts", "{'add':[" ONE("q", "10.0.0.2") "," ONE("q", "10.0.0.3") "]}",
     0, "'added':1,'deleted':0,'errors':[],'generation':", "'candidates':2"},
    {"deletion before addition", "{'del':[{'prefix':'172.16.0.0/16'}],'add':[" ONE("p", "10.0.0.2") "]}", 0,
     "'added':1,'deleted':1", "'candidates':1"},
    {"deletion of what is not there", "{'del':[{'prefix':'172.17.0.0/16'}]}", 0, "'deleted':0", "'candidates':1"},
    {"deletion by another path id", "{'del':[{'prefix':'172.16.0.0/16','path_id':7}]}", 0, "'deleted':0",
     "'candidates':1"},
    {"deletion by peer and path id", "{'del':[{'prefix':'172.16.0.0/16','peer':'p','path_id':0}]}", 0, "'deleted':1",
     "'candidates':0"},
    {"strict: what is there is not added", "{'strict':true,'add':[" ONE("q", "10.0.0.3") "," ONE("p", "10.0.0.2") "]}",
     API_ERR_EXISTS, "'index':1,'list':'add'", "'candidates':1"},
    {"strict: twice in one update", "{'strict':true,'add':[" ONE("q", "10.0.0.3") "," ONE("q", "10.0.0.2") "]}",
     API_ERR_EXISTS, "'index':1,'list':'add'", "'candidates':1"},
    {"strict: deleted and added", "{'strict':true,'del':[{'prefix':'172.16.0.0/16'}],'add':[" ONE("p", "10.0.0.3") "]}",
     0, "'added':1,'deleted':1", "'candidates':1"},
    {"strict: deleted twice", "{'strict':true,'del':[{'prefix':'172.16.0.0/16'},{'prefix':'172.16.0.0/16'}]}",
     API_ERR_EXISTS, "'index':1,'list':'del'", "'candidates':1"},
    {"strict, not atomic: the others count",
     "{'strict':true,'atomic':false,'add':[" ONE("q", "10.0.0.3") "," ONE("p", "10.0.0.2") "]}", 0, "'added':1",
     "'candidates':2"},
    {"one bad entry of two", "{'add':[" ONE("q", "10.0.0.3") ",{'prefix':'172.16.0.1/16','peer':'p'}]}", API_ERR_PREFIX,
     "'index':1,'list':'add'", "'candidates':1"},
    {"one bad entry of two, not atomic",
     "{'atomic':false,'add':[" ONE("q", "10.0.0.3") ",{'prefix':'172.16.0.0/16','peer':'nobody'}]}", 0,
     "'added':1,'deleted':0,'errors':[{'code':-32004,'index':1,'list':'add','message':'", "'candidates':2"},
    {"an unknown key cut inside a character",
     "{'add':[{'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u00fc':1}]}", API_ERR_PARAMS,
     "'code':-32602,'index':0,'list':'add','message':'unknown key", "'candidates':1"},
    {"no way to go", "{'add':[{'prefix':'172.16.0.0/16','peer':'p'}]}", API_ERR_PARAMS, "one of instance",
     "'candidates':1"},
    {"a bad community", "{'add':[{'prefix':'172.16.0.0/16','peer':'p','action':'reject','communities':['65536:0']}]}",
     API_ERR_PARAMS, "communities", "'candidates':1"},
    {"everything that a candidate may have",
     "{'add':[{'prefix':'172.16.0.0/16','peer':'q','path_id':4294967295,'next_hop':'fd00::9','as_path':[65001,[1,2]],"
     "'origin':'egp','local_pref':0,'med':4294967295,'weight':7,'communities':['65535:0'],"
     "'large_communities':['4294967295:1:2'],'originator_id':'192.0.2.9','cluster_list':['192.0.2.8']}]}",
     0, "'added':1", "'candidates':2"},
};

static void an_update_is_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        world_do("route.update", "{'add':[" ONE("p", "10.0.0.2") "]}");
        if (world_call("route.update", cases[i].update) != cases[i].code ||
            strstr(world_said(), cases[i].said) == NULL) {
            fail_msg("%s: %s", cases[i].name, world_said());
        }
        world_expect("status", "{}", cases[i].end);
        world_expect("route.explain", "{'prefix':'172.16.0.0/16'}", "'prefix':'172.16.0.0/16'");
        world_do("route.flush", "{'all':true}");
    }
}

/* Prefix n of 20.0.0.0/8, preferring next hop n % 200 and then another one: each n its own outcome. */
static int set_numbered(unsigned int n, unsigned int outcome, const char *more)
{
    unsigned int first = outcome % 200;
    unsigned int second = (first + 1 + outcome / 200) % 200;
    char text[1024];

    snprintf(text, sizeof(text),
             "{'add':[{'prefix':'20.%u.%u.0/24','peer':'p','next_hop':'10.0.1.%u','local_pref':200},"
             "{'prefix':'20.%u.%u.0/24','peer':'q','next_hop':'10.0.1.%u'}]%s}",
             n >> 8, n & 255, first + 1, n >> 8, n & 255, second + 1, more);
    return world_call("route.update", text);
}

/* Returns how many fit. */
static unsigned int fill_up(void)
{
    unsigned int n = 0;
    int code;

    while ((code = set_numbered(n, n, "")) == 0) {
        n++;
    }
    assert_int_equal(code, API_ERR_TABLE_FULL);
    assert_in_range(n, PATH_LIST_MAX - 100, PATH_LIST_MAX);
    return n;
}

static void what_found_no_room_is_tried_again(void)
{
    /* a next hop becomes an instance, so that all that lead to it change: one at a time there is no room at first */
    world_call("instance.set", "{'name':'i','next_hop':'10.0.1.1','weight':7}");
    world_do("route.update", "{'del':[{'prefix':'20.0.1.0/24'},{'prefix':'20.0.2.0/24'}]}");
    world_tick(2500);
    world_expect("fib.lookup", "{'address':'20.0.200.1'}", "'instance':'i'");
    world_expect("fib.lookup", "{'address':'20.1.144.1'}", "'instance':'i'");
}

static void a_full_table_refuses_and_changes_nothing_and_recovers(void **state)
{
    struct install *install = world_control()->install;
    unsigned int n;
    unsigned int full;

    (void)state;
    n = fill_up();
    full = outcome_count(install);
    world_expect("route.get", "{'prefix':'20.127.255.0/24'}", "'candidates':[]");
    /* one entry frees an outcome and the other one takes more than that: both as before */
    world_expect("route.update",
                 "{'add':[{'prefix':'20.0.0.0/24','peer':'p','next_hop':'10.0.1.2','local_pref':200},"
                 "{'prefix':'20.0.0.0/24','peer':'q','next_hop':'10.0.1.3'},"
                 "{'prefix':'21.0.0.0/24','peer':'p','next_hop':'10.0.1.201'},"
                 "{'prefix':'22.0.0.0/24','peer':'p','next_hop':'10.0.1.202'},"
                 "{'prefix':'23.0.0.0/24','peer':'p','next_hop':'10.0.1.203'}]}",
                 "the forwarding tables are full: nothing was changed");
    world_expect("fib.lookup", "{'address':'20.0.0.1'}", "'next_hop':'10.0.1.1'");
    assert_int_equal(outcome_count(install), full);
    /* not atomic: what fits is there, what does not is listed */
    world_expect("route.update",
                 "{'atomic':false,'del':[{'prefix':'20.0.0.0/24'}],"
                 "'add':[{'prefix':'21.0.0.0/24','peer':'p','next_hop':'10.0.1.201'},"
                 "{'prefix':'22.0.0.0/24','peer':'p','next_hop':'10.0.1.202'}]}",
                 "{'added':1,'deleted':2,'errors':[{'code':-32006,'index':1,'list':'add'");
    assert_int_equal(world_call("fib.lookup", "{'address':'22.0.0.1'}"), API_ERR_NO_ROUTE);
    world_expect("fib.lookup", "{'address':'21.0.0.1'}", "'next_hop':'10.0.1.201'");
    world_do("route.update", "{'del':[{'prefix':'21.0.0.0/24'}]}");
    assert_int_equal(set_numbered(n, n, ""), 0);
    what_found_no_room_is_tried_again();
    world_do("route.flush", "{'all':true}");
    assert_int_equal(set_numbered(0, 0, ""), 0);
}

/* Between its parts, which reading and running are, the peer that it names goes, and another gets its number. */
static void what_an_update_names_is_not_what_has_its_number_later(void **state)
{
    static const char text[] = "{\"add\":[{\"prefix\":\"172.20.0.0/16\",\"peer\":\"q\",\"next_hop\":\"10.0.0.2\"}]}";
    static const struct api_peer nobody = {.text = "a test"};
    struct api_call call = {.context = world_control(), .peer = &nobody, .method = "route.update"};
    struct json_scan scan = json_scan_of(text, sizeof(text) - 1);
    int number = site_peer_id(world_control()->site, "q");
    json_t *result = NULL;
    void *update = update_reader.begin(&call);

    (void)state;
    assert_non_null(update);
    assert_int_equal(update_reader.read(update, &scan), 0);
    world_do("peer.del", "{'name':'q'}");
    world_do("peer.set", "{'name':'other','as':65009,'type':'ebgp'}");
    assert_int_equal(site_peer_id(world_control()->site, "other"), number);
    assert_int_equal(update_reader.run(update, &call, &result), API_ERR_UNKNOWN_NAME);
    update_reader.end(update);
    assert_int_equal(world_call("fib.lookup", "{'address':'172.20.0.1'}"), API_ERR_NO_ROUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_with_peers, world_close)
        TEST(an_update_is_whole_or_not_at_all),
        TEST(a_full_table_refuses_and_changes_nothing_and_recovers),
        TEST(what_an_update_names_is_not_what_has_its_number_later),
    };

    world_require();
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
