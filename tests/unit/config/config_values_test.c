/* SPDX-License-Identifier: BSD-3-Clause */
/* What config_parse() makes of a right file: defaults, every key, and the way back through JSON. */
#include "config_compare.h"
#include "config_json.h"
#include "config_schema.h"
#include "config_test.h"
#include <stdio.h>
#include <stdlib.h>

static struct config *config_of_file(const char *path)
{
    char full[512];
    struct config *config = NULL;
    struct error error;

    snprintf(full, sizeof(full), "%s/%s", getenv("ANYFWD_SOURCE"), path);
    if (config_load(full, &config, &error) != 0) {
        fail_msg("%s", error.text);
    }
    return config;
}

static void assert_addr(const struct ip_addr *addr, const char *text)
{
    char buffer[IP_ADDR_STRLEN];

    assert_string_equal(ip_addr_format(addr, buffer), text);
}

static void assert_prefix(const struct prefix *prefix, const char *text)
{
    char buffer[PREFIX_STRLEN];

    assert_string_equal(prefix_format(prefix, buffer), text);
}

static void a_site_alone_has_every_default(void **state)
{
    struct config *config = config_of(SITE);

    (void)state;
    assert_string_equal(config->site.name, "lon");
    assert_int_equal(config->site.asn, 65000);
    assert_false(config->site.has_router_id);
    assert_string_equal(config->api.socket, "/run/anyfwd/anyfwd.sock");
    assert_int_equal(config->api.mode, 0660);
    assert_null(config->api.group);
    assert_null(config->api.read_only_socket);
    assert_int_equal(config->api.writers.count + config->api.clients.count, 0);
    assert_int_equal(config->api.withdraw.max_percent, 100);
    assert_int_equal(config->dpdk.hugepages, CONFIG_HUGEPAGES_AUTO);
    assert_int_equal(config->dpdk.memory_mb, 512);
    assert_int_equal(config->dpdk.control_lcore, 0);
    assert_int_equal(config->dpdk.worker_lcores.count, 1);
    assert_int_equal(config->dpdk.worker_lcores.items[0], 1);
    assert_int_equal(config->dpdk.idle, CONFIG_IDLE_AUTO);
    assert_int_equal(config->dpdk.plugins.count + config->dpdk.eal.count, 0);
    assert_int_equal(config->ports.count + config->anycast.count + config->peers.count, 0);
    assert_int_equal(config->instances.count + config->routes.count, 0);
    assert_string_equal(config->state_dir, "/var/lib/anyfwd");
    assert_int_equal(config->hash_seed, 0);
    assert_true(config->decision.multipath);
    assert_false(config->decision.multipath_relax);
    assert_false(config->decision.always_compare_med);
    assert_false(config->decision.missing_med_worst);
    config_free(config);
}

static void items_have_every_default(void **state)
{
    struct config *config = config_of(SITE "ports: [{name: up, device: af_xdp:eth0}, {name: down, device: null}]\n"
                                           "anycast: [192.0.2.0/24]\n"
                                           "peers: [{name: ny, as: 65001, type: ebgp}]\n"
                                           "instances: [{name: a, next_hop: 10.0.0.1}]\n"
                                           "routes: [{prefix: 192.0.2.0/24, peer: ny, instance: a}]\n");
    const struct config_port *port = config->ports.items;
    const struct config_instance *instance = config->instances.items;
    const struct config_route *route = config->routes.items;

    (void)state;
    assert_int_equal(port->queues, 1);
    assert_int_equal(port->icmp_rate, 1000);
    assert_int_equal(port->steer, CONFIG_STEER_ANYCAST);
    assert_false(port->has_mtu);
    assert_string_equal(port[0].twin, "eth0");
    assert_string_equal(port[1].twin, "down");
    assert_int_equal(config->anycast.items[0].hash, CONFIG_HASH_PORTS);
    assert_int_equal(config->anycast.items[0].udp, CONFIG_UDP_MOVE);
    assert_int_equal(config->anycast.items[0].no_instance, CONFIG_NO_INSTANCE_SILENT);
    assert_false(config->peers.items[0].has_address || config->peers.items[0].has_router_id);
    assert_int_equal(instance->weight, 100);
    assert_null(instance->site);
    assert_false(instance->has_tunnel);
    assert_int_equal(instance->bgp_next_hop.count, 1);
    assert_addr(&instance->bgp_next_hop.items[0], "10.0.0.1");
    assert_int_equal(route->path_id, 0);
    assert_int_equal(route->origin, CONFIG_ORIGIN_IGP);
    assert_int_equal(route->local_pref, 100);
    assert_int_equal(route->weight, 0);
    assert_false(route->has_med || route->has_next_hop || route->has_action || route->has_originator_id);
    assert_int_equal(route->as_path.count + route->communities.count + route->large_communities.count, 0);
    config_free(config);
}

static void every_key_of_the_sections_is_read(void **state)
{
    struct config *config = config_of_file("tests/unit/config/every_key.yaml");

    (void)state;
    assert_true(config->site.has_router_id);
    assert_addr(&config->site.router_id, "203.0.113.2");
    assert_string_equal(config->api.socket, "/tmp/a.sock");
    assert_int_equal(config->api.mode, 0600);
    assert_string_equal(config->api.group, "anyfwd");
    assert_string_equal(config->api.read_only_socket, "/tmp/ro.sock");
    assert_int_equal(config->api.writers.count, 2);
    assert_string_equal(config->api.writers.items[1], "noc");
    assert_int_equal(config->api.clients.count, 1);
    assert_string_equal(config->api.clients.items[0].name, "exabgp");
    assert_string_equal(config->api.clients.items[0].groups.items[0], "exabgp");
    assert_prefix(&config->api.clients.items[0].limits.prefixes.items[1], "2001:db8:a::/48");
    assert_int_equal(config->api.clients.items[0].limits.max_prefixes, 100);
    assert_int_equal(config->api.clients.items[0].limits.withdraw.max_percent, 10);
    assert_int_equal(config->api.clients.items[0].limits.withdraw.window_s, 20);
    assert_int_equal(config->api.clients.items[0].limits.withdraw.min, 30);
    assert_int_equal(config->api.withdraw.max_percent, 90);
    assert_int_equal(config->dpdk.hugepages, CONFIG_HUGEPAGES_OFF);
    assert_int_equal(config->dpdk.memory_mb, 1024);
    assert_int_equal(config->dpdk.control_lcore, 2);
    assert_int_equal(config->dpdk.worker_lcores.count, 2);
    assert_int_equal(config->dpdk.worker_lcores.items[1], 4);
    assert_int_equal(config->dpdk.idle, CONFIG_IDLE_POLL);
    assert_string_equal(config->dpdk.plugins.items[0], "/usr/lib/librte_net_synth.so");
    assert_string_equal(config->dpdk.eal.items[0], "--log-level=lib.eal:debug");
    assert_string_equal(config->state_dir, "/tmp/state");
    assert_true(config->hash_seed == INT64_MAX);
    assert_false(config->decision.multipath);
    assert_true(config->decision.multipath_relax);
    assert_true(config->decision.always_compare_med);
    assert_true(config->decision.missing_med_worst);
    config_free(config);
}

static void every_key_of_ports_and_anycast_is_read(void **state)
{
    struct config *config = config_of_file("tests/unit/config/every_key.yaml");
    const struct config_port *port = config->ports.items;
    const struct config_anycast *anycast = config->anycast.items;

    (void)state;
    assert_int_equal(config->ports.count, 5);
    assert_string_equal(port[0].name, "up");
    assert_int_equal(port[0].queues, 2);
    assert_int_equal(port[0].steer, CONFIG_STEER_TRANSIT);
    assert_true(port[0].has_mtu);
    assert_int_equal(port[0].mtu, 1500);
    assert_false(port[0].has_vlan);
    assert_string_equal(port[1].twin, "twin-fast");
    assert_true(port[3].has_vlan);
    assert_int_equal(port[3].vlan, 100);
    assert_string_equal(port[3].twin, "tap100");
    assert_int_equal(config->anycast.count, 2);
    assert_prefix(&anycast[0].prefix, "192.0.2.0/24");
    assert_prefix(&anycast[1].prefix, "2001:db8:a::/48");
    assert_int_equal(anycast[1].hash, CONFIG_HASH_ADDRESSES);
    assert_int_equal(anycast[1].udp, CONFIG_UDP_PIN);
    assert_int_equal(anycast[1].no_instance, CONFIG_NO_INSTANCE_ICMP);
    config_free(config);
}

static void every_key_of_peers_and_instances_is_read(void **state)
{
    struct config *config = config_of_file("tests/unit/config/every_key.yaml");
    const struct config_peer *peer = config->peers.items;
    const struct config_instance *instance = config->instances.items;

    (void)state;
    assert_string_equal(peer[0].name, "ny");
    assert_int_equal(peer[0].asn, 65001);
    assert_int_equal(peer[0].type, CONFIG_PEER_EBGP);
    assert_true(peer[0].has_address && peer[0].has_router_id);
    assert_addr(&peer[0].address, "198.51.100.1");
    assert_addr(&peer[0].router_id, "198.51.100.2");
    assert_int_equal(peer[1].type, CONFIG_PEER_LOCAL);
    assert_int_equal(instance[0].next_hop.count, 2);
    assert_addr(&instance[0].next_hop.items[1], "fd00:2::11");
    assert_string_equal(instance[0].site, "lon");
    assert_int_equal(instance[0].weight, 200);
    assert_int_equal(instance[0].bgp_next_hop.count, 2);
    assert_true(instance[1].has_tunnel);
    assert_int_equal(instance[1].tunnel.type, CONFIG_TUNNEL_GUE);
    assert_addr(&instance[1].tunnel.source, "10.0.0.1");
    assert_addr(&instance[1].tunnel.destination, "198.51.100.11");
    assert_int_equal(instance[1].bgp_next_hop.count, 2);
    assert_addr(&instance[1].bgp_next_hop.items[1], "198.51.100.11");
    assert_int_equal(instance[2].bgp_next_hop.count, 2);
    assert_addr(&instance[2].bgp_next_hop.items[0], "198.51.100.12");
    config_free(config);
}

static void every_key_of_routes_is_read(void **state)
{
    struct config *config = config_of_file("tests/unit/config/every_key.yaml");
    const struct config_route *route = config->routes.items;

    (void)state;
    assert_prefix(&route[0].prefix, "192.0.2.0/24");
    assert_string_equal(route[0].peer, "ny");
    assert_string_equal(route[0].instance, "ny1");
    assert_int_equal(route[0].path_id, 7);
    assert_int_equal(route[0].as_path.count, 3);
    assert_false(route[0].as_path.items[1].is_set);
    assert_int_equal(route[0].as_path.items[1].asns.items[0], 65010);
    assert_true(route[0].as_path.items[2].is_set);
    assert_int_equal(route[0].as_path.items[2].asns.count, 2);
    assert_int_equal(route[0].as_path.items[2].asns.items[1], 65021);
    assert_int_equal(route[0].origin, CONFIG_ORIGIN_INCOMPLETE);
    assert_int_equal(route[0].local_pref, 200);
    assert_true(route[0].has_med);
    assert_int_equal(route[0].med, 0);
    assert_int_equal(route[0].weight, 5);
    assert_int_equal(route[0].communities.items[0], 0xffff0000);
    assert_int_equal(route[0].communities.items[1], 0xfde80001);
    assert_int_equal(route[0].large_communities.items[0].part[0], 65000);
    assert_true(route[0].large_communities.items[0].part[2] == UINT32_MAX);
    assert_true(route[0].has_originator_id);
    assert_addr(&route[0].originator_id, "198.51.100.3");
    assert_addr(&route[0].cluster_list.items[1], "198.51.100.5");
    assert_true(route[1].has_next_hop);
    assert_null(route[1].instance);
    assert_addr(&route[1].next_hop, "fd00:9::1");
    assert_true(route[2].has_action);
    assert_int_equal(route[2].action, CONFIG_ACTION_REJECT);
    config_free(config);
}

static void devices_are_taken_apart(void **state)
{
    static const struct {
        const char *device;
        enum config_device_kind kind;
        const char *argument;
        const char *output;
    } cases[] = {
        {"pci:0000:3b:00.0", CONFIG_DEVICE_PCI, "0000:3b:00.0", NULL},
        {"af_xdp:veth-up", CONFIG_DEVICE_AF_XDP, "veth-up", NULL},
        {"tap:t0", CONFIG_DEVICE_TAP, "t0", NULL},
        {"memif:/run/m.sock,id=1", CONFIG_DEVICE_MEMIF, "/run/m.sock,id=1", NULL},
        {"pcap:in.pcap,out.pcap", CONFIG_DEVICE_PCAP, "in.pcap", "out.pcap"},
        {"null", CONFIG_DEVICE_NULL, "", NULL},
        {"vdev:net_synth0,rate=1:2", CONFIG_DEVICE_VDEV, "net_synth0,rate=1:2", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char yaml[256];
        struct config *config;
        const struct config_device *device;

        /* quoted and plain: a plain null is the null device, and not YAML's nothing */
        snprintf(yaml, sizeof(yaml), SITE "ports:\n- name: a\n  device: %s%s%s\n", i % 2 ? "\"" : "", cases[i].device,
                 i % 2 ? "\"" : "");
        config = config_of(yaml);
        device = &config->ports.items[0].device;
        assert_int_equal(device->kind, cases[i].kind);
        assert_string_equal(device->text, cases[i].device);
        assert_string_equal(device->argument, cases[i].argument);
        if (cases[i].output != NULL) {
            assert_string_equal(device->output, cases[i].output);
        } else {
            assert_null(device->output);
        }
        config_free(config);
    }
}

static void a_memif_is_a_socket_and_keys(void **state)
{
    static const struct {
        const char *argument;
        struct config_memif memif;
    } cases[] = {
        {"/run/m.sock", {.socket = "/run/m.sock"}},
        {"@lan", {.socket = "lan", .abstract = true}},
        {"/m,id=4294967295,role=client,ring=16384,secret=a b=c",
         {.socket = "/m", .client = true, .id = UINT32_MAX, .ring = 16384, .secret = "a b=c"}},
        {"/m,ring=2,role=server,id=0", {.socket = "/m", .ring = 2}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct config_memif *want = &cases[i].memif;
        const struct config_memif *got;
        struct config *config;
        char yaml[256];

        snprintf(yaml, sizeof(yaml), SITE "ports:\n- {name: a, device: \"memif:%s\"}\n", cases[i].argument);
        config = config_of(yaml);
        got = config->ports.items[0].device.memif;
        assert_string_equal(got->socket, want->socket);
        assert_int_equal(got->abstract, want->abstract);
        assert_int_equal(got->client, want->client);
        assert_int_equal(got->id, want->id);
        assert_int_equal(got->ring, want->ring);
        if (want->secret != NULL) {
            assert_string_equal(got->secret, want->secret);
        } else {
            assert_null(got->secret);
        }
        config_free(config);
    }
}

static void the_same_may_be_written_in_many_ways(void **state)
{
    static const char *const same[][2] = {
        {SITE, "site:\n    name: \"lon\"\n    asn: '65000'\n"},
        {SITE, SITE "ports:\napi: ~\ndecision: null\n"},
        {SITE, SITE "api: {}\ndpdk: {}\npeers: []\nanycast: []\n"},
        {SITE "dpdk: {worker_lcores: 2}\n", SITE "dpdk: {worker_lcores: [2]}\n"},
        {SITE "anycast: [192.0.2.0/24]\n", SITE "anycast: [{prefix: 192.0.2.0/24, udp: move}]\n"},
        {SITE "instances: [{name: a, next_hop: 10.0.0.1}]\n",
         SITE "instances: [{name: a, next_hop: [10.0.0.1], bgp_next_hop: 10.0.0.1, tunnel: ~, weight: 100}]\n"},
        {SITE "anycast: [2001:db8:a::/48]\n", SITE "anycast: [\"2001:0DB8:A:0::/48\"]\n"},
        {SITE "peers: [{name: a, as: 1, type: ebgp}, {name: b, as: 1, type: ebgp}]\n"
              "routes: [{prefix: 192.0.2.0/24, peer: a, action: reject, as_path: [1, 2]},\n"
              "         {prefix: 192.0.2.0/24, peer: b, action: reject, as_path: [1, 2]}]\n",
         SITE "peers: [{name: a, as: 1, type: ebgp}, {name: b, as: 1, type: ebgp}]\n"
              "routes: [{prefix: 192.0.2.0/24, peer: a, action: reject, as_path: &path [1, 2]},\n"
              "         {prefix: 192.0.2.0/24, peer: b, action: reject, as_path: *path}]\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        struct config *a = config_of(same[i][0]);
        struct config *b = config_of(same[i][1]);

        assert_true(config_equal(a, b));
        config_free(a);
        config_free(b);
    }
}

static void the_control_thread_may_share_a_cpu_with_workers_that_sleep(void **state)
{
    static const struct {
        const char *text;
        bool shared;
    } cases[] = {
        {SITE, false},
        {SITE "dpdk: {idle: poll}\n", false},
        {SITE "dpdk: {worker_lcores: [1, 0]}\n", true},
        {SITE "dpdk: {worker_lcores: [1, 0], idle: backoff}\n", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *config = config_of(cases[i].text);

        assert_int_equal(config_lcore_is_shared(&config->dpdk), cases[i].shared);
        config_free(config);
    }
}

static void json_gives_back_an_equal_configuration(void **state)
{
    static const char *const files[] = {"tests/unit/config/every_key.yaml", "configs/london.yaml"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        struct config *config = config_of_file(files[i]);
        json_t *json = config_to_json(config);
        char *text = json_dumps(json, 0);
        struct config *back = config_of(text);

        assert_true(config_equal(config, back));
        config_free(config);
        config_free(back);
        free(text);
        json_decref(json);
    }
}

static void json_has_defaults_and_null_for_the_absent(void **state)
{
    struct config *config = config_of(SITE "peers: [{name: ny, as: 65001, type: ebgp}]\n"
                                           "routes: [{prefix: 192.0.2.0/24, peer: ny, action: reject,\n"
                                           "          as_path: [1, [2, 3], [4]]}]\n");
    json_t *json = config_to_json(config);
    const char *socket, *mode;
    json_t *as_path;
    int relax = 1;
    char *text;

    (void)state;
    assert_int_equal(json_unpack(json, "{s:{s:s, s:s, s:n}, s:{s:b}, s:[{s:n, s:n, s:o}]}", "api", "socket", &socket,
                                 "mode", &mode, "group", "decision", "multipath_relax", &relax, "routes", "med",
                                 "instance", "as_path", &as_path),
                     0);
    assert_string_equal(socket, "/run/anyfwd/anyfwd.sock");
    assert_string_equal(mode, "0660");
    assert_false(relax);
    text = json_dumps(as_path, JSON_COMPACT);
    assert_string_equal(text, "[1,[2,3],[4]]");
    free(text);
    json_decref(json);
    config_free(config);
}

static void schema_check(const struct config_type *type)
{
    size_t count = 0;

    if (type->element != NULL) {
        schema_check(type->element);
    }
    for (const struct config_field *field = type->fields; field != NULL && field->key != NULL; field++) {
        assert_int_equal(field->size, field->type->size);
        assert_true(field->offset + field->size <= type->size);
        assert_true(field->has < type->size);
        assert_false(field->required && field->fallback != NULL);
        assert_true(!field->required || field->type->wanted != NULL || field->type->kind == KIND_NUMBER ||
                    field->type->kind == KIND_CHOICE);
        schema_check(field->type);
        count++;
    }
    assert_true(count <= CONFIG_FIELDS_MAX);
}

static void the_schema_fits_the_structs(void **state)
{
    (void)state;
    schema_check(&config_schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_alone_has_every_default),
        cmocka_unit_test(items_have_every_default),
        cmocka_unit_test(every_key_of_the_sections_is_read),
        cmocka_unit_test(every_key_of_ports_and_anycast_is_read),
        cmocka_unit_test(every_key_of_peers_and_instances_is_read),
        cmocka_unit_test(every_key_of_routes_is_read),
        cmocka_unit_test(devices_are_taken_apart),
        cmocka_unit_test(a_memif_is_a_socket_and_keys),
        cmocka_unit_test(the_same_may_be_written_in_many_ways),
        cmocka_unit_test(the_control_thread_may_share_a_cpu_with_workers_that_sleep),
        cmocka_unit_test(json_gives_back_an_equal_configuration),
        cmocka_unit_test(json_has_defaults_and_null_for_the_absent),
        cmocka_unit_test(the_schema_fits_the_structs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
