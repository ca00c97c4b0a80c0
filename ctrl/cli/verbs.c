/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"

#define TEXT      ARGUMENT_TEXT
#define NUMBER    ARGUMENT_NUMBER
#define LIST      ARGUMENT_LIST
#define ADDRESSES ARGUMENT_ADDRESSES
#define AS_PATH   ARGUMENT_AS_PATH
#define JSON      ARGUMENT_JSON

const struct verb verbs[] = {
    {"version", "version", .help = "the daemon's version"},
    {"status", "status", .help = "whether the daemon is ready, and how much it holds"},
    {"stats", "stats.get", .help = "counters of workers, ports, instances and drops"},

    {"peer list", "peer.list", .help = "who candidate routes are learned from"},
    {"peer set", "peer.set", .help = "add or replace a peer",
     .arguments = {{TEXT, NULL, "NAME", "name", true},
                   {NUMBER, "as", "N", "as", true},
                   {TEXT, "type", "ebgp|ibgp|local", "type", true},
                   {TEXT, "address", "A", "address", false},
                   {TEXT, "router-id", "ID", "router_id", false}}},
    {"peer del", "peer.del", .help = "remove a peer", .arguments = {{TEXT, NULL, "NAME", "name", true}}},

    {"instance list", "instance.list", .help = "the places that serve, and whether they are alive"},
    {"instance set", "instance.set", .help = "add or replace an instance",
     .arguments = {{TEXT, NULL, "NAME", "name", true},
                   {ADDRESSES, "next-hop", "A[,B]", "next_hop", true},
                   {TEXT, "site", "SITE", "site", false},
                   {NUMBER, "weight", "N", "weight", false},
                   {TEXT, "tunnel", "ipip|gre|gue", "tunnel.type", false},
                   {TEXT, "source", "A", "tunnel.source", false},
                   {TEXT, "destination", "A", "tunnel.destination", false},
                   {JSON, "health", "JSON", "health", false}}},
    {"instance del", "instance.del", .help = "remove an instance", .arguments = {{TEXT, NULL, "NAME", "name", true}}},
    {"instance down", "instance.down", .help = "move its traffic to the next-best instances now",
     .arguments = {{TEXT, NULL, "NAME", "name", true}}},
    {"instance drain", "instance.drain", .help = "rank it last, so that its traffic moves without loss",
     .arguments = {{TEXT, NULL, "NAME", "name", true}}},
    {"instance heartbeat", "instance.heartbeat", .help = "say that it is well",
     .arguments = {{TEXT, NULL, "NAME", "name", true}}},
    {"instance up", "instance.up", .help = "undo 'instance down' and 'instance drain'",
     .arguments = {{TEXT, NULL, "NAME", "name", true}}},

    {"route add", "route.update", .help = "add or replace a candidate route", .list = "add",
     .arguments = {{TEXT, NULL, "PREFIX", "prefix", true},
                   {TEXT, "peer", "P", "peer", true},
                   {TEXT, "instance", "I", "instance", false},
                   {TEXT, "next-hop", "A", "next_hop", false},
                   {TEXT, "action", "blackhole|reject", "action", false},
                   {AS_PATH, "as-path", "\"65001 65010\"", "as_path", false},
                   {NUMBER, "local-pref", "N", "local_pref", false},
                   {NUMBER, "med", "N", "med", false},
                   {TEXT, "origin", "igp|egp|incomplete", "origin", false},
                   {NUMBER, "weight", "N", "weight", false},
                   {NUMBER, "path-id", "N", "path_id", false},
                   {LIST, "communities", "65535:0,...", "communities", false},
                   {LIST, "large-communities", "65000:1:2,...", "large_communities", false},
                   {TEXT, "originator-id", "ID", "originator_id", false},
                   {LIST, "cluster-list", "ID,...", "cluster_list", false}}},
    {"route del", "route.update", .help = "remove candidates of a prefix", .list = "del",
     .arguments = {{TEXT, NULL, "PREFIX", "prefix", true},
                   {TEXT, "peer", "P", "peer", false},
                   {NUMBER, "path-id", "N", "path_id", false}}},
    {"route flush peer", "route.flush", .help = "remove all candidates of a peer",
     .arguments = {{TEXT, NULL, "P", "peer", true}}},
    {"route flush all", "route.flush", .help = "remove all candidates", .fixed = "{\"all\":true}"},
    {"route get", "route.get", .help = "the candidates of a prefix",
     .arguments = {{TEXT, NULL, "PREFIX", "prefix", true}}},
    {"route explain", "route.explain", .help = "which candidate won, and where each other one lost",
     .arguments = {{TEXT, NULL, "PREFIX", "prefix", true}}},

    {"lookup", "fib.lookup", .help = "the route and the instances that packets to an address take",
     .arguments = {{TEXT, NULL, "ADDRESS", "address", true}}},
    {"port list", "port.list", .help = "the ports that workers poll"},
    {"neighbour list", "neighbour.list", .help = "the neighbours on the ports, as the kernel knows them"},
    {"config get", "config.get", .help = "the configuration in force"},
    {"call", NULL, .help = "any method; '-' reads its parameters from the standard input",
     .arguments = {{TEXT, NULL, "METHOD", "method", true}, {JSON, NULL, "JSON", "params", false}}},
};

const size_t verb_count = ARRAY_SIZE(verbs);
