/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_schema.h"
#include "config_parser.h"
#include "config_value.h"
#include <ctype.h>
#include <string.h>

/* clang-format off */
/* The place of a required member or of one with a default; AT_IF: of one that may be absent. */
#define AT(struct_, member)    .offset = offsetof(struct struct_, member), .size = sizeof(((struct struct_ *)NULL)->member)
#define AT_IF(struct_, member) AT(struct_, member), .has = offsetof(struct struct_, has_##member)

#define TYPE(kind_, type_, ...)    {.kind = (kind_), .size = sizeof(type_), __VA_ARGS__}
#define NUMBER(low, high)            TYPE(KIND_NUMBER, uint32_t, .min = (low), .max = (high))
#define CHOICE(...)                  TYPE(KIND_CHOICE, uint32_t, .names = (const char *const[]){__VA_ARGS__, NULL})
#define STRING(max_, valid_, wanted_) \
    TYPE(KIND_STRING, const char *, .min = 1, .max = (max_), .valid = (valid_), .wanted = (wanted_))
#define ADDRESS(valid_, wanted_) TYPE(KIND_ADDR, struct ip_addr, .valid = (valid_), .wanted = (wanted_))
#define LIST_OF(element_, low, high, ...) \
    TYPE(KIND_LIST, struct config_items, .element = &(element_), .min = (low), .max = (high), __VA_ARGS__)
#define MAPPING(struct_, fields_, ...) TYPE(KIND_MAPPING, struct struct_, .fields = (fields_), __VA_ARGS__)
#define END                            {.key = NULL}

/* clang-format on */
static_assert(sizeof(enum config_steer) == sizeof(uint32_t), "a CHOICE is stored as a uint32_t");

bool config_name_valid(const char *text)
{
    return strlen(text) <= CONFIG_NAME_MAX && isalnum((unsigned char)text[0]) &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:@") == strlen(text);
}

static bool name_valid(const void *value)
{
    return config_name_valid(value);
}

static bool folder_valid(const void *value)
{
    return name_valid(value) && strpbrk(value, ":@") == NULL;
}

/* The name of a peer of a feed is its address, an @ and this. */
static bool feed_name_valid(const void *value)
{
    return name_valid(value) && strchr(value, '@') == NULL;
}

static bool ifname_valid(const void *value)
{
    return config_ifname_valid(value);
}

static bool url_valid(const void *value)
{
    return config_url_valid(value);
}

static bool domain_valid(const void *value)
{
    return config_domain_valid(value);
}

static bool dns_type_valid(const void *value)
{
    return config_dns_type(value) != 0;
}

static bool path_valid(const void *value)
{
    return *(const char *)value == '/';
}

static bool ipv4_valid(const void *value)
{
    const struct ip_addr *addr = value;

    return addr->family == FAMILY_V4 && ip_addr_to_u32(addr) != 0;
}

/* Something that packets can be sent to without naming an interface. */
static bool unicast_valid(const void *value)
{
    const struct ip_addr *addr = value;
    static const struct ip_addr v6_none = {.family = FAMILY_V6};
    struct ip_addr v6_loopback = v6_none;

    v6_loopback.bytes[15] = 1;
    if (addr->family == FAMILY_V4) {
        return addr->bytes[0] != 0 && addr->bytes[0] != 127 && addr->bytes[0] < 224;
    }
    return addr->bytes[0] != 0xff && !ip_addr_is_link_local(addr) && !ip_addr_equal(addr, &v6_none) &&
           !ip_addr_equal(addr, &v6_loopback);
}

/* scalars */

static const struct config_type flag = TYPE(KIND_BOOL, bool, .wanted = "true or false");
static const struct config_type u32 = NUMBER(0, UINT32_MAX);
static const struct config_type seed = TYPE(KIND_NUMBER, uint64_t, .max = INT64_MAX);
static const struct config_type asn = NUMBER(1, UINT32_MAX - 1); /* RFC 7607, RFC 7300 */
static const struct config_type lcore = NUMBER(0, 127);          /* RTE_MAX_LCORE of Debian's DPDK is 128 */
static const struct config_type memory_mb = NUMBER(32, 1 << 20);
static const struct config_type queues = NUMBER(1, 64);
static const struct config_type vlan = NUMBER(1, 4094);  /* 802.1Q 9.6 */
static const struct config_type mtu = NUMBER(68, 65535); /* RFC 791 */
static const struct config_type icmp_rate = NUMBER(1, 1000000);
static const struct config_type seconds = NUMBER(1, 86400);
static const struct config_type percent = NUMBER(0, 100);
static const struct config_type weight = NUMBER(1, 65535);
static const struct config_type milliseconds = NUMBER(1, 3600000);
static const struct config_type hold_ms = NUMBER(0, 3600000);
static const struct config_type results = NUMBER(1, 1000);
static const struct config_type bfd_ms = NUMBER(1, 60000);
static const struct config_type probe_ms = NUMBER(10, 3600000);
static const struct config_type port_number = NUMBER(1, 65535);
static const struct config_type multiplier = NUMBER(1, 255);
static const struct config_type min_alive = NUMBER(0, 16384);
static const struct config_type mode =
    TYPE(KIND_MODE, uint32_t, .wanted = "a file mode of four octal digits, like 0660");
static const struct config_type community =
    TYPE(KIND_COMMUNITY, uint32_t, .wanted = "a community of two numbers up to 65535, like 65000:1");
static const struct config_type large =
    TYPE(KIND_LARGE, struct config_large_community, .wanted = "a large community of three numbers, like 65000:1:2");
static const struct config_type device =
    TYPE(KIND_DEVICE, struct config_device, .wanted = "pci:, af_xdp:, tap:, memif:, pcap:, null or vdev:");
static const struct config_type endpoint =
    TYPE(KIND_ENDPOINT, struct config_endpoint, .wanted = "an address and a port, like 127.0.0.1:2620 or [::1]:2620");
static const struct config_type prefix =
    TYPE(KIND_PREFIX, struct prefix, .wanted = "a prefix, like 192.0.2.0/24 or 2001:db8:a::/48");

static const struct config_type name =
    STRING(CONFIG_NAME_MAX, name_valid, "a name: up to 63 letters, digits and . _ - : @, a letter or digit first");
static const struct config_type folder =
    STRING(CONFIG_NAME_MAX, folder_valid, "a name: up to 63 letters, digits and . _ -, a letter or digit first");
static const struct config_type ifname =
    STRING(CONFIG_IFNAME_MAX, ifname_valid, "an interface name: up to 15 bytes without blanks, / and :");
static const struct config_type feed_name =
    STRING(CONFIG_FEED_NAME_MAX, feed_name_valid,
           "a short name: up to 20 letters, digits and . _ - :, a letter or digit first");
static const struct config_type group = STRING(32, NULL, "the name of a group");
static const struct config_type text = STRING(4096, NULL, "a text that is not empty");
static const struct config_type command_line = STRING(511, NULL, "a command for the shell, at most 511 bytes");
static const struct config_type url =
    STRING(511, url_valid, "an address of the web, like https://www.example.org/health, at most 511 bytes");
static const struct config_type domain = STRING(253, domain_valid, "a domain name, like www.example.org");
static const struct config_type dns_type = STRING(8, dns_type_valid, "A, AAAA, CNAME, MX, NS, PTR, SOA, SRV or TXT");
static const struct config_type status = NUMBER(100, 599); /* RFC 9110 15 */
static const struct config_type path = STRING(4095, path_valid, "a path that starts with /");
static const struct config_type socket_path = STRING(107, NULL, "a path of at most 107 bytes, as sockets need it");

static const struct config_type any_address = ADDRESS(NULL, "an IPv4 or IPv6 address");
static const struct config_type address =
    ADDRESS(unicast_valid, "a unicast IPv4 or IPv6 address, neither loopback nor link-local");
static const struct config_type router_id = ADDRESS(ipv4_valid, "an IPv4 address other than 0.0.0.0");

static const struct config_type hugepages = CHOICE("auto", "on", "off");
static const struct config_type idle = CHOICE("auto", "poll", "backoff");
static const struct config_type steer = CHOICE("anycast", "transit");
static const struct config_type hash = CHOICE("ports", "addresses");
static const struct config_type udp = CHOICE("move", "pin");
static const struct config_type no_instance = CHOICE("silent", "icmp");
static const struct config_type peer_type = CHOICE("ebgp", "ibgp", "local");
static const struct config_type tunnel_type = CHOICE("ipip", "gre", "gue");
static const struct config_type feed_type = CHOICE("bmp", "fpm", "kernel");
static const struct config_type feed_view = CHOICE("pre-policy", "post-policy", "loc-rib");
#define PROTOCOL(word, number) word,
static const char *const protocol_words[] = {CONFIG_FEED_PROTOCOLS NULL};
#undef PROTOCOL
static const struct config_type protocol = TYPE(KIND_CHOICE, uint32_t, .names = protocol_words);
static const struct config_type origin = CHOICE("igp", "egp", "incomplete");
static const struct config_type action = CHOICE("blackhole", "reject");

/* lists of scalars */

static const struct config_type lcores = LIST_OF(lcore, 1, 128, .single = true, .distinct = true);
static const struct config_type texts = LIST_OF(text, 0, 64);
static const struct config_type next_hops =
    LIST_OF(address, 1, 2, .single = true, .wanted = "one address or one of each family");
static const struct config_type bgp_next_hops =
    LIST_OF(address, 1, CONFIG_BGP_NEXT_HOPS_MAX, .single = true, .distinct = true);
static const struct config_type tables = LIST_OF(u32, 1, CONFIG_FEED_FILTER_MAX, .single = true, .distinct = true);
static const struct config_type protocols =
    LIST_OF(protocol, 0, CONFIG_FEED_FILTER_MAX, .single = true, .distinct = true);
static const struct config_type router_ids = LIST_OF(router_id, 0, 255);
static const struct config_type as_numbers = LIST_OF(asn, 1, 255, .single = true);
static const struct config_type as_step = TYPE(KIND_AS_STEP, struct config_as_step, .element = &as_numbers);
static const struct config_type as_path = LIST_OF(as_step, 0, 1024);
static const struct config_type communities = LIST_OF(community, 0, 1024, .distinct = true);
static const struct config_type large_communities = LIST_OF(large, 0, 1024, .distinct = true);

static const struct config_type groups = LIST_OF(group, 1, 64, .single = true, .distinct = true);
static const struct config_type prefixes =
    LIST_OF(prefix, 1, CONFIG_LIMIT_PREFIXES_MAX, .single = true, .distinct = true);

/* mappings, and the lists of them */

#define WITHDRAW(struct_, member, percent_)                                                      \
    {"max_withdraw_percent", &percent, AT(struct_, member.max_percent), .fallback = (percent_)}, \
        {"withdraw_window_s", &seconds, AT(struct_, member.window_s), .fallback = "60"},         \
    {                                                                                            \
        "withdraw_min", &u32, AT(struct_, member.min), .fallback = "100"                         \
    }

/* What a source of routes may do: keys of each that there is. */
#define LIMITS(struct_)                                                            \
    {"prefixes", &prefixes, AT(struct_, limits.prefixes)},                         \
        {"max_prefixes", &u32, AT(struct_, limits.max_prefixes), .fallback = "0"}, \
        WITHDRAW(struct_, limits.withdraw, "50")

static const struct config_field site_fields[] = {
    {"name", &folder, AT(config_site, name), .required = true, .restart = true},
    {"asn", &asn, AT(config_site, asn), .required = true},
    {"router_id", &router_id, AT_IF(config_site, router_id)},
    END,
};
static const struct config_type site = MAPPING(config_site, site_fields, .wanted = "site: {name: NAME, asn: NUMBER}");

static const struct config_field client_fields[] = {
    {"name", &name, AT(config_client, name), .required = true, .identity = true},
    {"groups", &groups, AT(config_client, groups)},
    LIMITS(config_client),
    END,
};
static const struct config_type client = MAPPING(config_client, client_fields);
static const struct config_type clients = LIST_OF(client, 0, 256, .distinct = true);

static const struct config_field api_fields[] = {
    {"socket", &socket_path, AT(config_api, socket), .fallback = "/run/anyfwd/anyfwd.sock", .restart = true},
    {"mode", &mode, AT(config_api, mode), .fallback = "0660", .restart = true},
    {"group", &group, AT(config_api, group), .restart = true},
    {"read_only_socket", &socket_path, AT(config_api, read_only_socket), .restart = true},
    {"writers", &groups, AT(config_api, writers)},
    {"clients", &clients, AT(config_api, clients)},
    WITHDRAW(config_api, withdraw, "100"),
    END,
};
static const struct config_type api = MAPPING(config_api, api_fields, .check = config_check_api);

static const struct config_field dpdk_fields[] = {
    {"hugepages", &hugepages, AT(config_dpdk, hugepages), .fallback = "auto"},
    {"memory_mb", &memory_mb, AT(config_dpdk, memory_mb), .fallback = "512"},
    {"control_lcore", &lcore, AT(config_dpdk, control_lcore), .fallback = "0"},
    {"worker_lcores", &lcores, AT(config_dpdk, worker_lcores), .fallback = "1"},
    {"idle", &idle, AT(config_dpdk, idle), .fallback = "auto"},
    {"plugins", &texts, AT(config_dpdk, plugins)},
    {"eal", &texts, AT(config_dpdk, eal)},
    END,
};
static const struct config_type dpdk = MAPPING(config_dpdk, dpdk_fields, .check = config_check_dpdk);

static const struct config_field port_fields[] = {
    {"name", &name, AT(config_port, name), .required = true, .identity = true},
    {"device", &device, AT(config_port, device), .required = true},
    {"vlan", &vlan, AT_IF(config_port, vlan)},
    {"queues", &queues, AT(config_port, queues), .fallback = "1"},
    {"steer", &steer, AT(config_port, steer), .fallback = "anycast"},
    {"mtu", &mtu, AT_IF(config_port, mtu)},
    {"icmp_rate", &icmp_rate, AT(config_port, icmp_rate), .fallback = "1000"},
    {"twin", &ifname, AT(config_port, twin)},
    END,
};
static const struct config_type port = MAPPING(config_port, port_fields, .check = config_check_port);
static const struct config_type ports = LIST_OF(port, 0, 32, .distinct = true, .check = config_check_ports);

static const struct config_field anycast_fields[] = {
    {"prefix", &prefix, AT(config_anycast, prefix), .required = true, .identity = true},
    {"hash", &hash, AT(config_anycast, hash), .fallback = "ports"},
    {"udp", &udp, AT(config_anycast, udp), .fallback = "move"},
    {"no_instance", &no_instance, AT(config_anycast, no_instance), .fallback = "silent"},
    END,
};
static const struct config_type anycast_item = MAPPING(config_anycast, anycast_fields, .shorthand = "prefix");
static const struct config_type anycast = LIST_OF(anycast_item, 0, 65536, .distinct = true);

static const struct config_field decision_fields[] = {
    {"multipath", &flag, AT(config_decision, multipath), .fallback = "true"},
    {"multipath_relax", &flag, AT(config_decision, multipath_relax), .fallback = "false"},
    {"always_compare_med", &flag, AT(config_decision, always_compare_med), .fallback = "false"},
    {"missing_med_worst", &flag, AT(config_decision, missing_med_worst), .fallback = "false"},
    END,
};
static const struct config_type decision = MAPPING(config_decision, decision_fields);

static const struct config_field failover_fields[] = {
    {"min_alive", &min_alive, AT(config_failover, min_alive), .fallback = "1"},
    END,
};
static const struct config_type failover = MAPPING(config_failover, failover_fields);

static const struct config_field peer_fields[] = {
    {"name", &name, AT(config_peer, name), .required = true, .identity = true},
    {"as", &asn, AT(config_peer, asn), .required = true},
    {"type", &peer_type, AT(config_peer, type), .required = true},
    {"address", &any_address, AT_IF(config_peer, address)},
    {"router_id", &router_id, AT_IF(config_peer, router_id)},
    END,
};
static const struct config_type peer = MAPPING(config_peer, peer_fields);
static const struct config_type peers = LIST_OF(peer, 0, 16384, .distinct = true);

static const struct config_field tunnel_fields[] = {
    {"type", &tunnel_type, AT(config_tunnel, type), .required = true},
    {"source", &address, AT(config_tunnel, source), .required = true},
    {"destination", &address, AT(config_tunnel, destination), .required = true},
    END,
};
static const struct config_type tunnel = MAPPING(config_tunnel, tunnel_fields, .check = config_check_tunnel);

static const struct config_field heartbeat_fields[] = {
    {"ttl_ms", &milliseconds, AT(config_heartbeat, ttl_ms), .required = true},
    END,
};
static const struct config_type heartbeat = MAPPING(config_heartbeat, heartbeat_fields);

static const struct config_field bfd_fields[] = {
    {"min_tx_ms", &bfd_ms, AT(config_bfd, min_tx_ms), .fallback = "50"},
    {"min_rx_ms", &bfd_ms, AT(config_bfd, min_rx_ms), .fallback = "50"},
    {"multiplier", &multiplier, AT(config_bfd, multiplier), .fallback = "3"},
    {"multihop", &flag, AT(config_bfd, multihop), .fallback = "false"},
    {"peer", &address, AT_IF(config_bfd, peer)},
    END,
};
static const struct config_type bfd = MAPPING(config_bfd, bfd_fields);

#define PROBE_TIMES                                                                \
    {"interval_ms", &probe_ms, AT(config_probe, interval_ms), .fallback = "1000"}, \
    {                                                                              \
        "timeout_ms", &probe_ms, AT(config_probe, timeout_ms), .fallback = "500"   \
    }

static const struct config_field tcp_fields[] = {
    {"address", &address, AT(config_probe, address), .required = true},
    {"port", &port_number, AT(config_probe, port), .required = true},
    PROBE_TIMES,
    END,
};
static const struct config_type tcp = MAPPING(config_probe, tcp_fields);

static const struct config_field icmp_fields[] = {
    {"address", &address, AT(config_probe, address), .required = true},
    PROBE_TIMES,
    END,
};
static const struct config_type icmp = MAPPING(config_probe, icmp_fields);

static const struct config_field http_fields[] = {
    {"address", &address, AT(config_probe, address), .required = true},
    {"url", &url, AT(config_probe, url), .required = true},
    {"status", &status, AT_IF(config_probe, status)},
    {"insecure", &flag, AT(config_probe, insecure), .fallback = "false"},
    PROBE_TIMES,
    END,
};
static const struct config_type http = MAPPING(config_probe, http_fields);

static const struct config_field dns_fields[] = {
    {"address", &address, AT(config_probe, address), .required = true},
    {"port", &port_number, AT(config_probe, port), .fallback = "53"},
    {"name", &domain, AT(config_probe, name), .required = true},
    {"type", &dns_type, AT(config_probe, type), .fallback = "A"},
    PROBE_TIMES,
    END,
};
static const struct config_type dns = MAPPING(config_probe, dns_fields);

static const struct config_field command_fields[] = {
    {"run", &command_line, AT(config_probe, run), .required = true},
    PROBE_TIMES,
    END,
};
static const struct config_type command = MAPPING(config_probe, command_fields);

static const struct config_field health_fields[] = {
    {"rise", &results, AT(config_health, rise), .fallback = "2"},
    {"fall", &results, AT(config_health, fall), .fallback = "3"},
    {"hold_down_ms", &hold_ms, AT(config_health, hold_down_ms), .fallback = "1000"},
    {"hold_down_max_ms", &hold_ms, AT(config_health, hold_down_max_ms), .fallback = "60000"},
    {"heartbeat", &heartbeat, AT_IF(config_health, heartbeat)},
    {"bfd", &bfd, AT_IF(config_health, bfd)},
    {"tcp", &tcp, AT_IF(config_health, tcp)},
    {"icmp", &icmp, AT_IF(config_health, icmp)},
    {"http", &http, AT_IF(config_health, http)},
    {"dns", &dns, AT_IF(config_health, dns)},
    {"command", &command, AT_IF(config_health, command)},
    END,
};
static const struct config_type health = MAPPING(config_health, health_fields, .check = config_check_health);

static const struct config_field instance_fields[] = {
    {"name", &name, AT(config_instance, name), .required = true, .identity = true},
    {"next_hop", &next_hops, AT(config_instance, next_hop), .required = true},
    {"bgp_next_hop", &bgp_next_hops, AT(config_instance, bgp_next_hop)},
    {"site", &name, AT(config_instance, site)},
    {"weight", &weight, AT(config_instance, weight), .fallback = "100"},
    {"tunnel", &tunnel, AT_IF(config_instance, tunnel)},
    {"health", &health, AT_IF(config_instance, health)},
    END,
};
static const struct config_type instance = MAPPING(config_instance, instance_fields, .check = config_check_instance);
static const struct config_type instances = LIST_OF(instance, 0, 16384, .distinct = true);

static const struct config_field route_fields[] = {
    {"prefix", &prefix, AT(config_route, prefix), .required = true, .identity = true},
    {"peer", &name, AT(config_route, peer), .required = true, .identity = true, .refers_to = "peers"},
    {"path_id", &u32, AT(config_route, path_id), .fallback = "0", .identity = true},
    {"instance", &name, AT(config_route, instance), .refers_to = "instances"},
    {"next_hop", &address, AT_IF(config_route, next_hop)},
    {"action", &action, AT_IF(config_route, action)},
    {"as_path", &as_path, AT(config_route, as_path)},
    {"origin", &origin, AT(config_route, origin), .fallback = "igp"},
    {"local_pref", &u32, AT(config_route, local_pref), .fallback = "100"},
    {"med", &u32, AT_IF(config_route, med)},
    {"weight", &u32, AT(config_route, weight), .fallback = "0"},
    {"communities", &communities, AT(config_route, communities)},
    {"large_communities", &large_communities, AT(config_route, large_communities)},
    {"originator_id", &router_id, AT_IF(config_route, originator_id)},
    {"cluster_list", &router_ids, AT(config_route, cluster_list)},
    END,
};
static const struct config_type route = MAPPING(config_route, route_fields, .check = config_check_route);
static const struct config_type routes = LIST_OF(route, 0, 1 << 20, .distinct = true);

static const struct config_field feed_fields[] = {
    {"name", &feed_name, AT(config_feed, name), .required = true, .identity = true},
    {"type", &feed_type, AT(config_feed, type), .required = true},
    {"listen", &endpoint, AT_IF(config_feed, listen)},
    {"router", &any_address, AT_IF(config_feed, router)},
    {"view", &feed_view, AT(config_feed, view), .fallback = "post-policy"},
    {"tables", &tables, AT(config_feed, tables), .fallback = "254"},
    {"protocols", &protocols, AT(config_feed, protocols)},
    {"local_pref", &u32, AT(config_feed, local_pref), .fallback = "100"},
    {"stale_s", &seconds, AT(config_feed, stale_s), .fallback = "120"},
    LIMITS(config_feed),
    END,
};
static const struct config_type feed = MAPPING(config_feed, feed_fields, .check = config_check_feed);
static const struct config_type feeds = LIST_OF(feed, 0, 256, .distinct = true);

static const struct config_field config_fields[] = {
    {"site", &site, AT(config, site), .required = true},
    {"api", &api, AT(config, api)},
    {"dpdk", &dpdk, AT(config, dpdk), .restart = true},
    {"ports", &ports, AT(config, ports), .restart = true},
    {"anycast", &anycast, AT(config, anycast)},
    {"state_dir", &path, AT(config, state_dir), .fallback = "/var/lib/anyfwd", .restart = true},
    {"hash_seed", &seed, AT(config, hash_seed), .fallback = "0", .restart = true},
    {"decision", &decision, AT(config, decision)},
    {"failover", &failover, AT(config, failover)},
    {"peers", &peers, AT(config, peers)},
    {"instances", &instances, AT(config, instances)},
    {"routes", &routes, AT(config, routes)},
    {"feeds", &feeds, AT(config, feeds)},
    END,
};
const struct config_type config_schema = MAPPING(config, config_fields);

bool config_has(const struct config_field *field, const void *base)
{
    const void *member = config_member(field, base);
    struct config_items items;
    const char *string;

    if (field->has != 0) {
        return *((const bool *)base + field->has);
    }
    if (field->type->kind == KIND_STRING) {
        memcpy(&string, member, sizeof(string));
        return string != NULL;
    }
    if (field->type->kind == KIND_LIST) {
        memcpy(&items, member, sizeof(items));
        return items.count > 0 || field->type->min == 0;
    }
    return true;
}

const struct config_field *config_field_find(const struct config_type *mapping, const char *key)
{
    for (const struct config_field *field = mapping->fields; field->key != NULL; field++) {
        if (strcmp(field->key, key) == 0) {
            return field;
        }
    }
    return NULL;
}
