/* SPDX-License-Identifier: BSD-3-Clause */
/* Every mistake that config_parse() knows: what is told, and on which line. */
#include "config_test.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PORT     "ports: [{name: up, device: null, "
#define PEER     "peers: [{name: ny, as: 65001, type: ebgp}]\n"
#define INSTANCE "instances: [{name: ny1, next_hop: 10.9.0.1}]\n"
#define ROUTE    SITE PEER INSTANCE "routes:\n- {prefix: 192.0.2.0/24, peer: ny, instance: ny1, "

static const char *of_length(size_t length)
{
    static char text[256];

    memset(text, 'x', length);
    text[length] = '\0';
    return text;
}

struct mistake {
    const char *yaml;
    const char *told;
};

static void check(const struct mistake *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct config *config = (struct config *)cases;
        struct error error;

        assert_int_equal(config_parse(cases[i].yaml, strlen(cases[i].yaml), "f", &config, &error), -EINVAL);
        assert_string_equal(error.text, cases[i].told);
        assert_ptr_equal(config, cases); /* untouched */
    }
}

static void syntax_is_told_with_its_line(void **state)
{
    static const struct mistake cases[] = {
        {"site: {name: lon, asn: 65000\n", "f:2: is not YAML: did not find expected ',' or '}' while parsing a flow "
                                           "mapping"},
        {SITE "\tapi: {}\n", "f:2: is not YAML: found character that cannot start any token while scanning for the "
                             "next token"},
        {SITE "peers: *nobody\n", "f:2: is not YAML: found undefined alias"},
        {SITE "---\n" SITE, "f:3: a second document starts; put all into the first one"},
        {SITE "state_dir: \"\xff\"\n", "f:1: is not YAML: invalid leading UTF-8 octet"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void shape_is_told_with_its_line(void **state)
{
    static const struct mistake cases[] = {
        {"", "f:1: top level: site is missing; site: {name: NAME, asn: NUMBER} is needed"},
        {"# nothing\n", "f:1: top level: site is missing; site: {name: NAME, asn: NUMBER} is needed"},
        {"site:\n", "f:1: top level: site is missing; site: {name: NAME, asn: NUMBER} is needed"},
        {"- a\n", "f:1: top level: is no mapping; write {key: value, ...} or \"key: value\" lines"},
        {"hello\n", "f:1: top level: is no mapping; write {key: value, ...} or \"key: value\" lines"},
        {"site: lon\n", "f:1: site: is no mapping; write {key: value, ...} or \"key: value\" lines"},
        {"site:\n  name: lon\n", "f:2: site: asn is missing; a number from 1 to 4294967294 is needed"},
        {"site:\n  name: ~\n  asn: 65000\n",
         "f:2: site: name is missing; a name: up to 63 letters, digits and . _ -, a letter or digit first is needed"},
        {SITE "prots: []\n", "f:2: top level: unknown key \"prots\"; did you mean \"ports\"?"},
        {SITE "site: {}\n", "f:2: top level: site is here twice, first on line 1; one must go"},
        {SITE "instances:\n  - {name: a, next_hop: 10.0.0.1, health: {hold_down_ms: 9, hold_down_max_ms: 8}}\n",
         "f:3: health: hold_down_max_ms 8 is less than hold_down_ms 9"},
        {SITE "decision:\n  colour: red\n", "f:3: decision: unknown key \"colour\"; there are multipath, "
                                            "multipath_relax, always_compare_med, missing_med_worst"},
        {SITE "? [a]\n: b\n", "f:2: top level: a key is no plain word"},
        {SITE "\"a\\0b\": 1\n", "f:2: top level: a key is no plain word"},
        {SITE "state_dir: [a]\n", "f:2: state_dir: is a list; a path that starts with / is needed"},
        {SITE "state_dir: {a: b}\n", "f:2: state_dir: is a mapping; a path that starts with / is needed"},
        {SITE "state_dir: \"/a\\n/b\"\n",
         "f:2: state_dir: has control characters; a path that starts with / is needed"},
        {SITE "state_dir: \"/a\\0\"\n", "f:2: state_dir: has control characters; a path that starts with / is needed"},
        {SITE "ports: up\n", "f:2: ports: is no list; write [a, b] or \"- \" before each item"},
        {SITE "ports: {a: b}\n", "f:2: ports: is no list; write [a, b] or \"- \" before each item"},
        {SITE "ports: [up]\n", "f:2: ports: is no mapping; write {key: value, ...} or \"key: value\" lines"},
        {SITE "dpdk: {worker_lcores: []}\n", "f:2: worker_lcores: has 0 items; 1 to 128 are needed"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void scalars_are_checked(void **state)
{
    static const struct mistake cases[] = {
        {"site: {name: ../etc, asn: 1}\n",
         "f:1: name: \"../etc\" is not a name: up to 63 letters, digits and . _ -, a letter or digit first"},
        {"site: {name: \"a:b\", asn: 1}\n",
         "f:1: name: \"a:b\" is not a name: up to 63 letters, digits and . _ -, a letter or digit first"},
        {"site: {name: lon, asn: 0}\n", "f:1: asn: \"0\" is not a number from 1 to 4294967294"},
        {"site: {name: lon, asn: 4294967295}\n", "f:1: asn: \"4294967295\" is not a number from 1 to 4294967294"},
        {"site: {name: lon, asn: AS1}\n", "f:1: asn: \"AS1\" is not a number from 1 to 4294967294"},
        {"site: {name: lon, asn: 010}\n", "f:1: asn: \"010\" is not a number from 1 to 4294967294"},
        {"site: {name: lon, asn: 1, router_id: \"::1\"}\n",
         "f:1: router_id: \"::1\" is not an IPv4 address other than 0.0.0.0"},
        {"site: {name: lon, asn: 1, router_id: 0.0.0.0}\n",
         "f:1: router_id: \"0.0.0.0\" is not an IPv4 address other than 0.0.0.0"},
        {SITE "hash_seed: 9223372036854775808\n",
         "f:2: hash_seed: \"9223372036854775808\" is not a number from 0 to 9223372036854775807"},
        {SITE "hash_seed: 99999999999999999999\n",
         "f:2: hash_seed: \"99999999999999999999\" is not a number from 0 to 9223372036854775807"},
        {SITE "hash_seed: -1\n", "f:2: hash_seed: \"-1\" is not a number from 0 to 9223372036854775807"},
        {SITE "state_dir: var\n", "f:2: state_dir: \"var\" is not a path that starts with /"},
        {SITE "state_dir: \"\"\n", "f:2: state_dir: \"\" is not a path that starts with /"},
        {SITE "decision: {multipath: yes}\n", "f:2: multipath: \"yes\" is not true or false"},
        {SITE "api: {writers: []}\n", "f:2: writers: has 0 items; 1 to 64 are needed"},
        {SITE "api: {clients: [{name: a, prefixes: 192.0.2.1/24}]}\n",
         "f:2: prefixes: \"192.0.2.1/24\" has bits set beyond its length; 192.0.2.0/24 would be right"},
        {SITE "api: {mode: 660}\n", "f:2: mode: \"660\" is not a file mode of four octal digits, like 0660"},
        {SITE "api: {mode: 0680}\n", "f:2: mode: \"0680\" is not a file mode of four octal digits, like 0660"},
        {SITE "api: {mode: 1777}\n", "f:2: mode: \"1777\" is not a file mode of four octal digits, like 0660"},
        {SITE "dpdk: {idle: pol}\n", "f:2: idle: \"pol\" is not auto, poll or backoff; did you mean \"poll\"?"},
        {SITE "dpdk: {hugepages: 1}\n", "f:2: hugepages: \"1\" is not auto, on or off"},
        {SITE "dpdk: {memory_mb: 31}\n", "f:2: memory_mb: \"31\" is not a number from 32 to 1048576"},
        {SITE "dpdk: {control_lcore: 128}\n", "f:2: control_lcore: \"128\" is not a number from 0 to 127"},
        {SITE "dpdk: {eal: [\"\"]}\n", "f:2: eal: \"\" is not a text that is not empty"},
        {SITE "anycast:\n- 192.0.2.1/24\n",
         "f:3: prefix: \"192.0.2.1/24\" has bits set beyond its length; 192.0.2.0/24 would be right"},
        {SITE "anycast:\n- prefix: 2001:db8::1/48\n",
         "f:3: prefix: \"2001:db8::1/48\" has bits set beyond its length; 2001:db8::/48 would be right"},
        {SITE "anycast: [192.0.2.0/33]\n",
         "f:2: prefix: \"192.0.2.0/33\" is not a prefix, like 192.0.2.0/24 or 2001:db8:a::/48"},
        {SITE "anycast: [{prefix: 192.0.2.0/24, hash: port}]\n",
         "f:2: hash: \"port\" is not ports or addresses; did you mean \"ports\"?"},
        {SITE "anycast: [{hash: ports}]\n",
         "f:2: anycast: prefix is missing; a prefix, like 192.0.2.0/24 or 2001:db8:a::/48 is needed"},
        {SITE "peers: [{name: ny, as: 65001, type: ebpg}]\n",
         "f:2: type: \"ebpg\" is not ebgp, ibgp or local; did you mean \"ebgp\"?"},
        {SITE "peers: [{name: ny, as: 65001, type: ebgp, address: ny.example}]\n",
         "f:2: address: \"ny.example\" is not an IPv4 or IPv6 address"},
        {SITE "peers: [{name: a b, as: 65001, type: ebgp}]\n",
         "f:2: name: \"a b\" is not a name: up to 63 letters, digits and . _ - : @, a letter or digit first"},
        {SITE "instances: [{name: a, next_hop: 10.0.0.1, weight: 0}]\n",
         "f:2: weight: \"0\" is not a number from 1 to 65535"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void next_hops_must_be_unicast(void **state)
{
    static const char *const bad[] = {"0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255",
                                      "::",      "::1",       "ff02::1",   "fe80::1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char yaml[128], told[256];

        snprintf(yaml, sizeof(yaml), SITE "instances: [{name: a, next_hop: \"%s\"}]\n", bad[i]);
        snprintf(told, sizeof(told),
                 "f:2: next_hop: \"%s\" is not a unicast IPv4 or IPv6 address, neither loopback nor link-local",
                 bad[i]);
        check(&(struct mistake){yaml, told}, 1);
    }
}

static void lengths_are_checked(void **state)
{
    static const struct {
        const char *format;
        size_t longest;
    } cases[] = {
        {SITE "peers: [{name: %s, as: 1, type: local}]\n", CONFIG_NAME_MAX},
        {SITE "ports: [{name: p, device: \"af_xdp:%s\"}]\n", CONFIG_IFNAME_MAX},
        {SITE "ports: [{name: p, device: null, twin: %s}]\n", CONFIG_IFNAME_MAX},
        {SITE "ports: [{name: %s, device: null}]\n", CONFIG_IFNAME_MAX},
        {SITE "api: {socket: %s}\n", 107},
        {SITE "api: {group: %s}\n", 32},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *config;
        struct error error;
        char yaml[512];

        snprintf(yaml, sizeof(yaml), cases[i].format, of_length(cases[i].longest));
        config_free(config_of(yaml));
        snprintf(yaml, sizeof(yaml), cases[i].format, of_length(cases[i].longest + 1));
        assert_int_equal(config_parse(yaml, strlen(yaml), "f", &config, &error), -EINVAL);
    }
}

static void ports_are_checked(void **state)
{
    static const struct mistake cases[] = {
        {SITE "ports: [{name: up}]\n",
         "f:2: ports: device is missing; pci:, af_xdp:, tap:, memif:, pcap:, null or vdev: is needed"},
        {SITE "ports: [{name: up, device: ~}]\n",
         "f:2: ports: device is missing; pci:, af_xdp:, tap:, memif:, pcap:, null or vdev: is needed"},
        {SITE "ports: [{name: up, device: afxdp:eth0}]\n", "f:2: device: \"afxdp:eth0\" is of no known kind: pci:, "
                                                           "af_xdp:, tap:, memif:, pcap:, null or vdev:; did you mean "
                                                           "\"af_xdp\"?"},
        {SITE "ports: [{name: up, device: eth0}]\n",
         "f:2: device: \"eth0\" is of no known kind: pci:, af_xdp:, tap:, memif:, pcap:, null or vdev:"},
        {SITE "ports: [{name: up, device: \"af_xdp:\"}]\n",
         "f:2: device: \"af_xdp:\" is wrong after \"af_xdp\": it takes an interface name of at most 15 bytes"},
        {SITE "ports: [{name: up, device: \"tap:a/b\"}]\n",
         "f:2: device: \"tap:a/b\" is wrong after \"tap\": it takes an interface name of at most 15 bytes"},
        {SITE "ports: [{name: up, device: \"tap:..\"}]\n",
         "f:2: device: \"tap:..\" is wrong after \"tap\": it takes an interface name of at most 15 bytes"},
        {SITE "ports: [{name: up, device: \"pci:3b:00.0\"}]\n",
         "f:2: device: \"pci:3b:00.0\" is wrong after \"pci\": it takes a PCI address in lower case, like "
         "pci:0000:3b:00.0"},
        {SITE "ports: [{name: up, device: \"pci:0000:3B:00.0\"}]\n",
         "f:2: device: \"pci:0000:3B:00.0\" is wrong after \"pci\": it takes a PCI address in lower case, like "
         "pci:0000:3b:00.0"},
        {SITE "ports: [{name: up, device: \"pcap:in\"}]\n",
         "f:2: device: \"pcap:in\" is wrong after \"pcap\": it takes two files, like pcap:in.pcap,out.pcap"},
        {SITE "ports: [{name: up, device: \"pcap:in,\"}]\n",
         "f:2: device: \"pcap:in,\" is wrong after \"pcap\": it takes two files, like pcap:in.pcap,out.pcap"},
        {SITE "ports: [{name: up, device: \"pcap:a,b,c\"}]\n",
         "f:2: device: \"pcap:a,b,c\" is wrong after \"pcap\": it takes two files, like pcap:in.pcap,out.pcap"},
        {SITE "ports: [{name: up, device: \"null:x\"}]\n",
         "f:2: device: \"null:x\" is wrong after \"null\": it takes nothing: plain null"},
        {SITE "ports: [{name: up, device: \"memif:role=client,socket=/x\"}]\n",
         "f:2: device: \"memif:role=client,socket=/x\" is wrong after \"memif\": it takes a socket first, an absolute "
         "path "
         "or @NAME of at most 107 bytes, like memif:/run/lan.sock,id=0,role=server"},
        {SITE "ports: [{name: up, device: \"memif:@\"}]\n",
         "f:2: device: \"memif:@\" is wrong after \"memif\": it takes a socket first, an absolute path or @NAME of at "
         "most "
         "107 bytes, like memif:/run/lan.sock,id=0,role=server"},
        {SITE "ports: [{name: up, device: \"memif:/x,rol=client\"}]\n",
         "f:2: device: \"memif:/x,rol=client\" has \"rol\" after the socket, where id=, role=, ring= or secret= may "
         "be; "
         "did you mean \"role\"?"},
        {SITE "ports: [{name: up, device: \"memif:/x,\"}]\n",
         "f:2: device: \"memif:/x,\" has \"\" after the socket, where id=, role=, ring= or secret= may be"},
        {SITE "ports: [{name: up, device: \"memif:/x,role=master\"}]\n",
         "f:2: device: \"memif:/x,role=master\" has a wrong role: it takes server or client"},
        {SITE "ports: [{name: up, device: \"memif:/x,id=4294967296\"}]\n",
         "f:2: device: \"memif:/x,id=4294967296\" has a wrong id: it takes a number from 0 to 4294967295"},
        {SITE "ports: [{name: up, device: \"memif:/x,ring=1000\"}]\n",
         "f:2: device: \"memif:/x,ring=1000\" has a wrong ring: it takes a power of two from 2 to 16384"},
        {SITE "ports: [{name: up, device: \"memif:/x,secret=\"}]\n",
         "f:2: device: \"memif:/x,secret=\" has a wrong secret: it takes 1 to 23 bytes"},
        {SITE "ports:\n- {name: a, device: \"memif:/x\"}\n- {name: b, device: \"memif:/x,id=0,role=client\"}\n",
         "f:4: ports: \"b\" has the device of \"a\"; each port needs its own"},
        {SITE "ports: [{name: up, device: \"vdev:\"}]\n",
         "f:2: device: \"vdev:\" is wrong after \"vdev\": it takes a DPDK virtual device, like vdev:net_ring0"},
        {SITE PORT "queues: 0}]\n", "f:2: queues: \"0\" is not a number from 1 to 64"},
        {SITE PORT "mtu: 67}]\n", "f:2: mtu: \"67\" is not a number from 68 to 65535"},
        {SITE PORT "steer: transit}]\n",
         "f:2: ports: steer is for af_xdp: devices; every other one takes all packets anyway"},
        {SITE "ports: [{name: \"a:b\", device: null}]\n", "f:2: ports: \"a:b\" cannot be the name of the kernel twin, "
                                                          "since no interface of Linux can have it; choose one "
                                                          "of up to 15 bytes without \":\", or add twin: NAME"},
        {SITE "ports:\n- name: up\n  device: af_xdp:eth0\n  twin: eth1\n",
         "f:5: ports: the kernel twin of an af_xdp: port is its interface \"eth0\"; leave twin away"},
        {SITE "ports:\n- {name: up, device: null}\n- {name: up, device: null, twin: x}\n",
         "f:4: ports: item 2 has the name of item 1 on line 3; each needs its own"},
        {SITE "ports:\n- {name: a, device: tap:t}\n- {name: b, device: tap:t}\n",
         "f:4: ports: \"b\" has the device of \"a\"; each port needs its own"},
        {SITE "ports:\n- {name: a, device: af_xdp:b}\n- {name: b, device: tap:t}\n",
         "f:4: ports: \"b\" has the kernel twin of \"a\"; each port needs its own"},
        {SITE "ports:\n- {name: t, device: tap:t}\n",
         "f:3: ports: the kernel twin would have the name of the tap: interface \"t\", its wire; call the port another "
         "name, or add twin: NAME"},
        {SITE "ports:\n- {name: a, device: tap:t}\n- {name: t, device: null}\n",
         "f:4: ports: \"t\" has the interface of \"a\"; each port needs its own"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void vlans_are_checked(void **state)
{
    static const struct mistake cases[] = {
        {SITE PORT "vlan: 0}]\n", "f:2: vlan: \"0\" is not a number from 1 to 4094"},
        {SITE PORT "vlan: 4095}]\n", "f:2: vlan: \"4095\" is not a number from 1 to 4094"},
        {SITE "ports:\n- {name: a, device: af_xdp:b, vlan: 7}\n",
         "f:3: ports: \"a\" is VLAN 7 of af_xdp:b, of which there is no port without vlan before it; add one"},
        {SITE "ports:\n- {name: a, device: af_xdp:b, vlan: 7}\n- {name: b, device: af_xdp:b}\n",
         "f:3: ports: \"a\" is VLAN 7 of af_xdp:b, of which there is no port without vlan before it; add one"},
        {SITE "ports:\n- {name: b, device: af_xdp:b}\n- {name: a, device: tap:c, vlan: 7, twin: x}\n",
         "f:4: ports: \"a\" is VLAN 7 of tap:c, of which there is no port without vlan before it; add one"},
        {SITE "ports:\n- {name: b, device: af_xdp:b}\n- {name: c, device: af_xdp:b, vlan: 7}\n"
              "- {name: d, device: af_xdp:b, vlan: 7}\n",
         "f:5: ports: \"d\" has the VLAN of \"c\"; each port needs its own"},
        {SITE "ports:\n- {name: b, device: null}\n- {name: c, device: null, vlan: 7}\n"
              "- {name: d, device: null, vlan: 7}\n",
         "f:5: ports: \"d\" has the VLAN of \"c\"; each port needs its own"},
        {SITE "ports:\n- {name: up, device: af_xdp:b}\n- {name: b, device: af_xdp:b, vlan: 7}\n",
         "f:4: ports: \"b\" has the kernel twin of \"up\"; each port needs its own"},
        {SITE "ports:\n- {name: b, device: af_xdp:b}\n- name: c\n  device: af_xdp:b\n  vlan: 7\n  steer: transit\n",
         "f:7: ports: a port with vlan has no steer of its own; leave it to the port of its device"},
        {SITE "ports:\n- {name: b, device: af_xdp:b}\n- name: c\n  device: af_xdp:b\n  vlan: 7\n  queues: 2\n",
         "f:7: ports: a port with vlan has no queues of its own; leave it to the port of its device"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void keys_must_go_together(void **state)
{
    static const struct mistake cases[] = {
        {SITE "api:\n  socket: /a\n  read_only_socket: /a\n",
         "f:4: api: read_only_socket is the same as socket; give it a path of its own"},
        {SITE "dpdk:\n  control_lcore: 1\n  idle: poll\n",
         "f:3: dpdk: lcore 1 is both control_lcore and one of worker_lcores, and a worker that polls leaves it no "
         "time; "
         "give the control thread one of its own, or set idle: backoff"},
        {SITE "dpdk:\n  control_lcore: 2\n  idle: poll\n  worker_lcores: [1, 2]\n",
         "f:5: dpdk: lcore 2 is both control_lcore and one of worker_lcores, and a worker that polls leaves it no "
         "time; "
         "give the control thread one of its own, or set idle: backoff"},
        {SITE "dpdk:\n  worker_lcores: [1, 2, 1]\n",
         "f:3: worker_lcores: item 3 has the value of item 1 on line 3; each needs its own"},
        {SITE "anycast:\n- 192.0.2.0/24\n- {prefix: 192.0.2.0/24, hash: addresses}\n",
         "f:4: anycast: item 2 has the prefix of item 1 on line 3; each needs its own"},
        {SITE
         "peers:\n- {name: ny, as: 1, type: ebgp}\n- {name: a, as: 1, type: ebgp}\n- {name: ny, as: 2, type: ibgp}\n",
         "f:5: peers: item 3 has the name of item 1 on line 3; each needs its own"},
        {SITE "instances:\n- {name: a, next_hop: 10.0.0.1}\n- {name: a, next_hop: 10.0.0.2}\n",
         "f:4: instances: item 2 has the name of item 1 on line 3; each needs its own"},
        {SITE "instances:\n- name: a\n", "f:3: instances: next_hop is missing; one address or one of each family is "
                                         "needed"},
        {SITE "instances:\n- name: a\n  next_hop: [10.0.0.1, 10.0.0.2]\n",
         "f:4: next_hop: has two addresses of one family; one of each is allowed, and further next hops are instances "
         "of "
         "their own"},
        {SITE "instances:\n- name: a\n  next_hop: []\n", "f:4: next_hop: has 0 items; 1 to 2 are needed"},
        {SITE "instances:\n- name: a\n  next_hop: 10.0.0.1\n  tunnel: {type: ipip, source: 10.0.0.1}\n",
         "f:5: tunnel: destination is missing; a unicast IPv4 or IPv6 address, neither loopback nor link-local is "
         "needed"},
        {SITE "instances:\n- name: a\n  next_hop: 10.0.0.1\n  tunnel:\n    type: ipip\n    source: 10.0.0.1\n"
              "    destination: fd00::1\n",
         "f:6: tunnel: source and destination are of two families; both must be IPv4 or both IPv6"},
        {SITE "instances: [{name: a, next_hop: 10.0.0.1, tunnel: {type: vxlan, source: 10.0.0.1, destination: "
              "10.0.0.2}}]\n",
         "f:2: type: \"vxlan\" is not ipip, gre or gue"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void routes_are_checked(void **state)
{
    static const struct mistake cases[] = {
        {ROUTE "next_hop: 10.0.0.1}\n",
         "f:5: routes: a route has more than one of instance, next_hop and action; write exactly one of them"},
        {ROUTE "action: reject}\n",
         "f:5: routes: a route has more than one of instance, next_hop and action; write exactly one of them"},
        {SITE PEER "routes: [{prefix: 192.0.2.0/24, peer: ny}]\n",
         "f:3: routes: a route has none of instance, next_hop and action; write exactly one of them"},
        {SITE PEER "routes: [{prefix: 192.0.2.0/24, action: reject}]\n",
         "f:3: routes: peer is missing; a name: up to 63 letters, digits and . _ - : @, a letter or digit first is "
         "needed"},
        {SITE PEER "routes:\n- prefix: 192.0.2.0/24\n  action: reject\n  peer: nyc\n",
         "f:6: peer: \"nyc\" is none of peers; did you mean \"ny\"?"},
        {SITE "routes: [{prefix: 192.0.2.0/24, peer: tokyo, action: reject}]\n",
         "f:2: peer: \"tokyo\" is none of peers; add it there"},
        {SITE PEER INSTANCE "routes: [{prefix: 192.0.2.0/24, peer: ny, instance: ny2}]\n",
         "f:4: instance: \"ny2\" is none of instances; did you mean \"ny1\"?"},
        {ROUTE "med: 1}\n- {prefix: 192.0.2.0/24, peer: ny, path_id: 0, action: reject}\n",
         "f:6: routes: item 2 has the prefix, peer, path_id of item 1 on line 5; each needs its own"},
        {ROUTE "as_path: [0]}\n", "f:5: as_path: \"0\" is not a number from 1 to 4294967294"},
        {ROUTE "as_path: [65001, [65002, x]]}\n", "f:5: as_path: \"x\" is not a number from 1 to 4294967294"},
        {ROUTE "as_path: [[]]}\n", "f:5: as_path: has 0 items; 1 to 255 are needed"},
        {ROUTE "as_path: [[[1]]]}\n", "f:5: as_path: is a list; a number from 1 to 4294967294 is needed"},
        {ROUTE "as_path: 65001}\n", "f:5: as_path: is no list; write [a, b] or \"- \" before each item"},
        {ROUTE "origin: bgp}\n", "f:5: origin: \"bgp\" is not igp, egp or incomplete; did you mean \"igp\"?"},
        {ROUTE "communities: [\"65536:0\"]}\n",
         "f:5: communities: \"65536:0\" is not a community of two numbers up to 65535, like 65000:1"},
        {ROUTE "communities: [\"1:2:3\"]}\n",
         "f:5: communities: \"1:2:3\" is not a community of two numbers up to 65535, like 65000:1"},
        {ROUTE "communities: [\"1:\"]}\n",
         "f:5: communities: \"1:\" is not a community of two numbers up to 65535, like 65000:1"},
        {ROUTE "large_communities: [\"1:2\"]}\n",
         "f:5: large_communities: \"1:2\" is not a large community of three numbers, like 65000:1:2"},
        {ROUTE "large_communities: [\"1:2:4294967296\"]}\n",
         "f:5: large_communities: \"1:2:4294967296\" is not a large community of three numbers, like 65000:1:2"},
        {ROUTE "cluster_list: [1]}\n", "f:5: cluster_list: \"1\" is not an IPv4 address other than 0.0.0.0"},
        {ROUTE "local_pref: 4294967296}\n", "f:5: local_pref: \"4294967296\" is not a number from 0 to 4294967295"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void several_mistakes_are_told_a_line_each(void **state)
{
    static const struct mistake cases[] = {
        {SITE "hash_seed: x\npeers: [{name: ny, as: y}]\nfoo: 1\n",
         "f:4: top level: unknown key \"foo\"; there are site, api, dpdk, ports, anycast, state_dir, hash_seed, "
         "decision, failover, "
         "peers, instances, routes, feeds\n"
         "f:2: hash_seed: \"x\" is not a number from 0 to 9223372036854775807\n"
         "f:3: as: \"y\" is not a number from 1 to 4294967294\n"
         "f:3: peers: type is missing; ebgp, ibgp or local is needed"},
        /* what follows from a mistake is not told */
        {SITE "peers: [{name: ny, as: 0, type: ebgp}]\nroutes: [{prefix: 192.0.2.0/24, peer: nyc, action: reject}]\n",
         "f:2: as: \"0\" is not a number from 1 to 4294967294"},
    };

    (void)state;
    check(cases, ARRAY_SIZE(cases));
}

static void mistakes_beyond_the_room_leave_whole_lines(void **state)
{
    struct config *config;
    struct error error;
    char yaml[4096] = SITE "anycast:\n";

    (void)state;
    for (int i = 0; i < 60; i++) {
        strcat(yaml, "- 192.0.2.1/24\n");
    }
    assert_int_equal(config_parse(yaml, strlen(yaml), "f", &config, &error), -EINVAL);
    assert_int_equal(strncmp(error.text, "f:3: prefix: ", 13), 0);
    assert_string_equal(strrchr(error.text, ';'), "; 192.0.2.0/24 would be right");
    assert_true(strlen(error.text) > sizeof(error.text) / 2);
}

static void a_long_first_mistake_is_cut(void **state)
{
    struct config *config;
    struct error error;
    char name[sizeof(error.text)];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(config_parse("", 0, name, &config, &error), -EINVAL);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    struct config *config;
    struct error error;

    (void)state;
    assert_int_equal(config_load("/nowhere/a.yaml", &config, &error), -ENOENT);
    assert_string_equal(error.text, "/nowhere/a.yaml: cannot be read: No such file or directory");
    assert_int_equal(config_load("/", &config, &error), -EISDIR);
    assert_string_equal(error.text, "/: cannot be read: Is a directory");
}

static void a_file_is_read_to_its_end(void **state)
{
    char path[] = "/tmp/anyfwd-config-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    struct config *config = NULL;
    struct error error;

    (void)state;
    fputs(SITE "peers:\n", file);
    for (int i = 0; i < 9000; i++) { /* more than the buffer's first size */
        fprintf(file, "- {name: peer%d, as: 65001, type: ebgp}\n", i);
    }
    fclose(file);
    assert_int_equal(config_load(path, &config, &error), 0);
    assert_int_equal(config->peers.count, 9000);
    assert_string_equal(config->peers.items[8999].name, "peer8999");
    config_free(config);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syntax_is_told_with_its_line),
        cmocka_unit_test(shape_is_told_with_its_line),
        cmocka_unit_test(scalars_are_checked),
        cmocka_unit_test(next_hops_must_be_unicast),
        cmocka_unit_test(lengths_are_checked),
        cmocka_unit_test(ports_are_checked),
        cmocka_unit_test(vlans_are_checked),
        cmocka_unit_test(keys_must_go_together),
        cmocka_unit_test(routes_are_checked),
        cmocka_unit_test(several_mistakes_are_told_a_line_each),
        cmocka_unit_test(mistakes_beyond_the_room_leave_whole_lines),
        cmocka_unit_test(a_long_first_mistake_is_cut),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(a_file_is_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
