/* SPDX-License-Identifier: BSD-3-Clause */
/* What a reload is told: which things of a section differ, and what needs a restart. */
#include "config_compare.h"
#include "config_test.h"
#include <stdio.h>

#define PEERS     "peers: [{name: a, as: 1, type: ebgp}, {name: b, as: 2, type: ebgp}]\n"
#define INSTANCES "instances: [{name: i, next_hop: 10.0.0.1}, {name: j, next_hop: 10.0.0.2}]\n"

/* Writes "+new -old ~changed" of the things' names. */
struct report {
    enum config_section section;
    char text[512];
};

static void name_write(enum config_section section, const void *thing, char *out, size_t size)
{
    char prefix[PREFIX_STRLEN];
    const struct config_route *route = thing;

    switch (section) {
    case CONFIG_ANYCAST:
        snprintf(out, size, "%s", prefix_format(&((const struct config_anycast *)thing)->prefix, prefix));
        return;
    case CONFIG_ROUTES:
        snprintf(out, size, "%s@%s/%u", prefix_format(&route->prefix, prefix), route->peer, route->path_id);
        return;
    case CONFIG_PORTS:
        snprintf(out, size, "%s", ((const struct config_port *)thing)->name);
        return;
    case CONFIG_PEERS:
        snprintf(out, size, "%s", ((const struct config_peer *)thing)->name);
        return;
    default:
        snprintf(out, size, "%s", ((const struct config_instance *)thing)->name);
    }
}

static int note(void *context, const void *before, const void *after)
{
    struct report *report = context;
    size_t used = strlen(report->text);
    char name[128];

    name_write(report->section, after != NULL ? after : before, name, sizeof(name));
    snprintf(report->text + used, sizeof(report->text) - used, "%s%c%s", used > 0 ? " " : "",
             before == NULL  ? '+'
             : after == NULL ? '-'
                             : '~',
             name);
    return 0;
}

static void differences_are_named(void **state)
{
    static const struct {
        enum config_section section;
        const char *before;
        const char *after;
        const char *told;
    } cases[] = {
        {CONFIG_PEERS, "", "", ""},
        {CONFIG_PEERS, "", PEERS, "+a +b"},
        {CONFIG_PEERS, PEERS, "", "-a -b"},
        {CONFIG_PEERS, PEERS, PEERS, ""},
        {CONFIG_PEERS, PEERS, "peers: [{name: b, as: 2, type: ebgp}, {name: a, as: 1, type: ebgp}]\n", ""},
        {CONFIG_PEERS, PEERS, "peers: [{name: c, as: 3, type: ebgp}, {name: b, as: 2, type: ibgp}]\n", "-a ~b +c"},
        {CONFIG_PEERS, PEERS,
         "peers: [{name: a, as: 1, type: ebgp, address: 10.0.0.1}, {name: b, as: 2, type: ebgp}]\n", "~a"},
        {CONFIG_INSTANCES, INSTANCES, "instances: [{name: i, next_hop: 10.0.0.1}, {name: k, next_hop: 10.0.0.2}]\n",
         "-j +k"},
        {CONFIG_INSTANCES, INSTANCES,
         "instances: [{name: i, next_hop: [10.0.0.1], weight: 100}, {name: j, next_hop: [10.0.0.2, \"fd00::2\"]}]\n",
         "~j"},
        {CONFIG_INSTANCES, INSTANCES,
         "instances: [{name: i, next_hop: 10.0.0.1, tunnel: {type: gre, source: 10.0.0.1, destination: 10.0.0.9}},\n"
         "            {name: j, next_hop: 10.0.0.2, site: ny}]\n",
         "~i ~j"},
        {CONFIG_ANYCAST, "anycast: [192.0.2.0/24, 198.51.100.0/24]\n",
         "anycast: [{prefix: 192.0.2.0/24, hash: addresses}, \"2001:db8::/32\"]\n",
         "~192.0.2.0/24 -198.51.100.0/24 +2001:db8::/32"},
        {CONFIG_ROUTES, PEERS INSTANCES "routes: [{prefix: 192.0.2.0/24, peer: a, instance: i, as_path: [1, 2]}]\n",
         PEERS INSTANCES "routes: [{prefix: 192.0.2.0/24, peer: a, instance: i, as_path: [1, [2]]}]\n",
         "~192.0.2.0/24@a/0"},
        {CONFIG_ROUTES, PEERS INSTANCES "routes: [{prefix: 192.0.2.0/24, peer: a, instance: i, med: 0}]\n",
         PEERS INSTANCES "routes: [{prefix: 192.0.2.0/24, peer: a, instance: i},\n"
                         "         {prefix: 192.0.2.0/24, peer: a, path_id: 1, instance: i},\n"
                         "         {prefix: 192.0.2.0/24, peer: b, instance: i}]\n",
         "~192.0.2.0/24@a/0 +192.0.2.0/24@a/1 +192.0.2.0/24@b/0"},
        {CONFIG_PORTS, "ports: [{name: p, device: tap:t}]\n", "ports: [{name: p, device: tap:u}]\n", "~p"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[1024];
        struct config *before, *after;
        struct report report = {.section = cases[i].section, .text = ""};

        snprintf(text, sizeof(text), SITE "%s", cases[i].before);
        before = config_of(text);
        snprintf(text, sizeof(text), SITE "%s", cases[i].after);
        after = config_of(text);
        assert_int_equal(config_diff(before, after, cases[i].section, note, &report), 0);
        assert_string_equal(report.text, cases[i].told);
        config_free(before);
        config_free(after);
    }
}

static int stop(void *context, const void *before, const void *after)
{
    (void)before;
    (void)after;
    return ++*(int *)context == 1 ? -42 : 0;
}

static void a_walk_ends_where_it_is_told_to(void **state)
{
    struct config *before = config_of(SITE);
    struct config *after = config_of(SITE PEERS);
    int calls = 0;

    (void)state;
    assert_int_equal(config_diff(before, after, CONFIG_PEERS, stop, &calls), -42);
    assert_int_equal(calls, 1);
    config_free(before);
    config_free(after);
}

static void what_needs_a_restart_is_named(void **state)
{
    static const struct {
        const char *after;
        const char *keys;
    } cases[] = {
        {SITE, ""},
        {"site: {name: lon, asn: 65009, router_id: 10.0.0.1}\n", ""},
        {SITE PEERS INSTANCES "decision: {multipath: false}\nanycast: [192.0.2.0/24]\n", ""},
        {SITE "api: {mode: 0660}\ndpdk: {idle: auto}\n", ""},
        {"site: {name: ny, asn: 65000}\n", "site.name"},
        {SITE "api: {socket: /a, mode: 0600}\n", "api.socket, api.mode"},
        {SITE "api: {writers: ops, clients: [{name: a, max_prefixes: 1}]}\n", ""},
        {SITE "dpdk: {idle: poll}\n", "dpdk"},
        {SITE "ports: [{name: p, device: null}]\n", "ports"},
        {SITE "state_dir: /a\nhash_seed: 1\n", "state_dir, hash_seed"},
    };
    struct config *before = config_of(SITE);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *after = config_of(cases[i].after);
        struct error keys;

        assert_int_equal(config_needs_restart(before, after, &keys), cases[i].keys[0] != '\0');
        assert_string_equal(keys.text, cases[i].keys);
        config_free(after);
    }
    config_free(before);
}

static void sections_compare_by_their_key(void **state)
{
    struct config *a = config_of(SITE "decision: {multipath: false}\n");
    struct config *b = config_of(SITE "decision: {multipath: true}\n");

    (void)state;
    assert_true(config_same(a, a, "decision"));
    assert_false(config_same(a, b, "decision"));
    assert_true(config_same(a, b, "site"));
    assert_false(config_same(a, b, "no such key"));
    assert_true(config_equal(a, a));
    assert_false(config_equal(a, b));
    config_free(a);
    config_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(a_walk_ends_where_it_is_told_to),
        cmocka_unit_test(what_needs_a_restart_is_named),
        cmocka_unit_test(sections_compare_by_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
