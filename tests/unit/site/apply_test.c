/* SPDX-License-Identifier: BSD-3-Clause */
/* A reload: from one configuration to another, also where the API has changed things between. */
#include "apply.h"
#include "site_world.h"
#include "unit.h"
#include <string.h>

#define PEERS     "peers: [{name: lon, as: 65002, type: ebgp}, {name: ny, as: 65001, type: ebgp}]\n"
#define INSTANCES "instances: [{name: lon1, next_hop: 10.0.0.11}, {name: ny1, next_hop: 10.1.0.2}]\n"
#define SIXTEEN                                                                                  \
    "10.9.0.1, 10.9.0.2, 10.9.0.3, 10.9.0.4, 10.9.0.5, 10.9.0.6, 10.9.0.7, 10.9.0.8, 10.9.0.9, " \
    "10.9.0.10, 10.9.0.11, 10.9.0.12, 10.9.0.13, 10.9.0.14, 10.9.0.15, 10.9.0.16"
#define ROUTES                                                                      \
    "routes: [{prefix: 192.0.2.0/24, peer: lon, instance: lon1, as_path: [65002]}," \
    " {prefix: 192.0.2.0/24, peer: ny, instance: ny1, as_path: [65001, 65010]}]\n"

static const struct {
    const char *name;
    const char *method, *params; /* between the two; NULL: none */
    const char *after;
    int result; /* of the reload */
    const char *ask, *with, *says;
} cases[] = {
    {"nothing changed", NULL, NULL, PEERS INSTANCES ROUTES, 0, "status", "{}", "'candidates':2"},
    {"a route is gone", NULL, NULL,
     PEERS INSTANCES "routes: [{prefix: 192.0.2.0/24, peer: ny, instance: ny1, as_path: [65001, 65010]}]\n", 0,
     "fib.lookup", "{'address':'192.0.2.1'}", "'tiers':[[{'alive':false,'instance':'ny1'"},
    {"everything is gone", NULL, NULL, "", 0, "status", "{}", "'candidates':0,'failopen':false,'generation':"},
    {"an instance has moved", NULL, NULL,
     PEERS "instances: [{name: lon1, next_hop: 10.0.0.12}, {name: ny1, next_hop: 10.1.0.2}]\n" ROUTES, 0, "fib.lookup",
     "{'address':'192.0.2.1'}", "'next_hop':'10.0.0.12'"},
    {"a route's next hop is the last of as many as an instance may have", NULL, NULL,
     PEERS "instances: [{name: lon1, next_hop: 10.0.0.11, bgp_next_hop: [" SIXTEEN "]}]\n"
           "routes: [{prefix: 192.0.2.0/24, peer: lon, next_hop: 10.9.0.16}]\n",
     0, "fib.lookup", "{'address':'192.0.2.1'}", "'instance':'lon1'"},
    {"a peer is internal now", NULL, NULL,
     "peers: [{name: lon, as: 65000, type: ibgp}, {name: ny, as: 65001, type: ebgp}]\n" INSTANCES ROUTES, 0,
     "peer.list", "{}", "'source':'config','type':'ibgp'"},
    {"the rules are others", NULL, NULL, PEERS INSTANCES ROUTES "decision: {multipath: false}\n", 0, "route.get",
     "{'prefix':'192.0.2.0/24'}", "'best':[{"},
    {"a changed route, whose peer the API deleted", "peer.del", "{'name':'lon'}",
     PEERS INSTANCES "routes: [{prefix: 192.0.2.0/24, peer: lon, instance: lon1, med: 7},"
                     " {prefix: 192.0.2.0/24, peer: ny, instance: ny1, as_path: [65001, 65010]}]\n",
     -2 /* ENOENT */, "fib.lookup", "{'address':'192.0.2.1'}", "'instance':'ny1'"},
    {"a changed route, whose instance the API deleted", "instance.del", "{'name':'lon1'}",
     PEERS INSTANCES "routes: [{prefix: 192.0.2.0/24, peer: lon, instance: lon1, med: 7},"
                     " {prefix: 192.0.2.0/24, peer: ny, instance: ny1, as_path: [65001, 65010]}]\n",
     -2 /* ENOENT */, "fib.lookup", "{'address':'192.0.2.1'}", "'instance':'ny1'"},
    {"what the API deleted is gone from the file, too", "instance.del", "{'name':'lon1'}",
     PEERS "instances: [{name: ny1, next_hop: 10.1.0.2}]\n", -2 /* ENOENT */, "status", "{}", "'candidates':0"},
};

static void a_reload_brings_about_what_differs(void **state)
{
    struct control *control = world_control();
    struct config *first = world_config(PEERS INSTANCES ROUTES);
    struct config *none = world_config("");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *after = world_config(cases[i].after);
        struct error error = {{0}};
        int result;

        assert_int_equal(apply_config(control->site, control->install, NULL, first, &error), 0);
        if (cases[i].method != NULL) {
            world_do(cases[i].method, cases[i].params);
        }
        result = apply_config(control->site, control->install, first, after, &error);
        if (result != cases[i].result) {
            fail_msg("%s: %d %s", cases[i].name, result, error.text);
        }
        print_message("  %s\n", cases[i].name);
        world_expect(cases[i].ask, cases[i].with, cases[i].says);
        (void)!apply_config(control->site, control->install, after, none, &error);
        world_expect("status", "{}", "'candidates':0");
        config_free(after);
    }
    config_free(first);
    config_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reload_brings_about_what_differs, world_open, world_close),
    };

    world_require();
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
