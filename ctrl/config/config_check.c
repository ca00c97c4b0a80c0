/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the schema's tables cannot say: how the keys of one mapping, or the items of one list, go together.
 */
#include "config_memory.h"
#include "config_order.h"
#include "config_parser.h"
#include "config_suggest.h"
#include "config_value.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int config_check_api(struct config_parser *parser, const struct yaml_node_s *node, void *value)
{
    const struct config_api *api = value;

    if (api->read_only_socket != NULL && strcmp(api->socket, api->read_only_socket) == 0) {
        return config_mistake(parser, config_key_line(parser, node, "read_only_socket"),
                              "api: read_only_socket is the same as socket; give it a path of its own");
    }
    return 0;
}

bool config_lcore_is_shared(const struct config_dpdk *dpdk)
{
    for (uint32_t i = 0; i < dpdk->worker_lcores.count; i++) {
        if (dpdk->worker_lcores.items[i] == dpdk->control_lcore) {
            return true;
        }
    }
    return false;
}

int config_check_dpdk(struct config_parser *parser, const struct yaml_node_s *node, void *value)
{
    const struct config_dpdk *dpdk = value;

    if (dpdk->idle == CONFIG_IDLE_POLL && config_lcore_is_shared(dpdk)) {
        return config_mistake(parser, config_key_line(parser, node, "worker_lcores"),
                              "dpdk: lcore %u is both control_lcore and one of worker_lcores, and a worker that polls "
                              "leaves it no time; give the control thread one of its own, or set idle: backoff",
                              dpdk->control_lcore);
    }
    return 0;
}

/* What belongs to the device is said at its plain port. */
static int port_check_vlan(struct config_parser *parser, const struct yaml_node_s *node, const struct config_port *port)
{
    const char *wrong = port->steer != CONFIG_STEER_ANYCAST ? "steer" : port->queues != 1 ? "queues" : NULL;

    if (!port->has_vlan || wrong == NULL) {
        return 0;
    }
    return config_mistake(parser, config_key_line(parser, node, wrong),
                          "ports: a port with vlan has no %s of its own; leave it to the port of its device", wrong);
}

int config_check_port(struct config_parser *parser, const struct yaml_node_s *node, void *value)
{
    struct config_port *port = value;
    bool af_xdp = port->device.kind == CONFIG_DEVICE_AF_XDP && !port->has_vlan;
    const char *twin = af_xdp ? port->device.argument : port->name;

    if (port_check_vlan(parser, node, port) != 0) {
        return -EINVAL;
    }
    if (port->steer == CONFIG_STEER_TRANSIT && !af_xdp) {
        return config_mistake(parser, config_key_line(parser, node, "steer"),
                              "ports: steer is for af_xdp: devices; every other one takes all packets anyway");
    }
    if (port->twin == NULL) {
        port->twin = twin;
    } else if (af_xdp && strcmp(port->twin, twin) != 0) {
        return config_mistake(parser, config_key_line(parser, node, "twin"),
                              "ports: the kernel twin of an af_xdp: port is its interface \"%s\"; leave twin away",
                              twin);
    }
    if (port->device.kind == CONFIG_DEVICE_TAP && strcmp(port->twin, port->device.argument) == 0) {
        return config_mistake(parser, config_key_line(parser, node, "device"),
                              "ports: the kernel twin would have the name of the tap: interface \"%s\", its wire; call "
                              "the port another name, or add twin: NAME",
                              port->twin);
    }
    if (!config_ifname_valid(port->twin)) {
        return config_mistake(
            parser, config_key_line(parser, node, "name"),
            "ports: \"%s\" cannot be the name of the kernel twin, since no interface of Linux can have "
            "it; choose one of up to 15 bytes without \":\", or add twin: NAME",
            port->twin);
    }
    return 0;
}

static bool is_wire(const struct config_port *port, const char *interface)
{
    return port->device.kind == CONFIG_DEVICE_TAP && strcmp(port->device.argument, interface) == 0;
}

/* Two ports that share a device, a VLAN of it, or a twin: what they share, or NULL. */
static const char *shared_by(const struct config_port *a, const struct config_port *b)
{
    if (config_device_same(&a->device, &b->device) && a->has_vlan && b->has_vlan && a->vlan == b->vlan) {
        return "VLAN";
    }
    if (config_device_same(&a->device, &b->device) && !a->has_vlan && !b->has_vlan &&
        a->device.kind != CONFIG_DEVICE_NULL) {
        return "device";
    }
    if (is_wire(a, b->twin) || is_wire(b, a->twin)) {
        return "interface";
    }
    return strcmp(a->twin, b->twin) == 0 ? "kernel twin" : NULL;
}

/* Whether a port of the whole device stands before item n, or item n needs none. */
static bool has_parent(const struct config_port *ports, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!ports[i].has_vlan && config_device_same(&ports[i].device, &ports[n].device)) {
            return true;
        }
    }
    return !ports[n].has_vlan;
}

int config_check_ports(struct config_parser *parser, const struct yaml_node_s *node, void *value)
{
    const struct config_port *ports;
    struct config_items items;
    int result = 0;

    memcpy(&items, value, sizeof(items));
    ports = items.items;
    for (uint32_t i = 0; i < items.count; i++) {
        if (!has_parent(ports, i)) {
            result = config_mistake(parser, config_item_line(parser, node, i),
                                    "ports: \"%s\" is VLAN %u of %s, of which there is no port without vlan before it; "
                                    "add one",
                                    ports[i].name, ports[i].vlan, ports[i].device.text);
        }
        for (uint32_t j = 0; j < i; j++) {
            const char *shared = shared_by(&ports[i], &ports[j]);

            if (shared != NULL) {
                result = config_mistake(parser, config_item_line(parser, node, i),
                                        "ports: \"%s\" has the %s of \"%s\"; each port needs its own", ports[i].name,
                                        shared, ports[j].name);
            }
        }
    }
    return result;
}

int config_check_tunnel(struct config_parser *parser, const struct yaml_node_s *node, void *value)
{
    const struct config_tunnel *tunnel = value;

    if (tunnel->source.family != tunnel->destination.family) {
        return config_mistake(parser, config_line(node),
                              "tunnel: source and destination are of two families; both must be IPv4 or both IPv6");
    }
    return 0;
}

int config_check_health(struct config_parser *parser, const struct yaml_node_s *node, void *value)
{
    const struct config_health *health = value;

    if (health->hold_down_max_ms < health->hold_down_ms) {
        return config_mistake(parser, config_line(node), "health: hold_down_max_ms %u is less than hold_down_ms %u",
                              health->hold_down_max_ms, health->hold_down_ms);
    }
    return 0;
}

/* Completes a bgp_next_hop that is not written: the next hops, and the tunnel's destination. */
static int bgp_next_hop_default(struct config *config, struct config_instance *instance)
{
    uint32_t count = instance->next_hop.count;
    struct ip_addr *addrs = config_alloc(config, (count + 1) * sizeof(*addrs));

    if (addrs == NULL) {
        return -ENOMEM;
    }
    memcpy(addrs, instance->next_hop.items, count * sizeof(*addrs));
    if (instance->has_tunnel) {
        addrs[count++] = instance->tunnel.destination;
    }
    instance->bgp_next_hop.items = addrs;
    instance->bgp_next_hop.count = count;
    return 0;
}

int config_check_instance(struct config_parser *parser, const struct yaml_node_s *node, void *value)
{
    struct config_instance *instance = value;
    const struct ip_addr *hops = instance->next_hop.items;

    if (instance->next_hop.count == 2 && hops[0].family == hops[1].family) {
        return config_mistake(parser, config_key_line(parser, node, "next_hop"),
                              "next_hop: has two addresses of one family; one of each is allowed, and further "
                              "next hops are instances of their own");
    }
    return instance->bgp_next_hop.count == 0 ? bgp_next_hop_default(parser->config, instance) : 0;
}

int config_check_route(struct config_parser *parser, const struct yaml_node_s *node, void *value)
{
    const struct config_route *route = value;
    int ways = (route->instance != NULL) + route->has_next_hop + route->has_action;

    if (ways != 1) {
        return config_mistake(parser, config_line(node),
                              "routes: a route has %s instance, next_hop and action; write "
                              "exactly one of them",
                              ways == 0 ? "none of" : "more than one of");
    }
    return 0;
}

int config_check_feed(struct config_parser *parser, const struct yaml_node_s *node, void *value)
{
    static const uint16_t ports[] = {[CONFIG_FEED_BMP] = 11019, [CONFIG_FEED_FPM] = 2620};
    struct config_feed *feed = value;

    if (feed->type == CONFIG_FEED_KERNEL && (feed->has_listen || feed->has_router)) {
        return config_mistake(parser, config_key_line(parser, node, feed->has_listen ? "listen" : "router"),
                              "feeds: the kernel does not connect to us; leave %s away",
                              feed->has_listen ? "listen" : "router");
    }
    if (feed->type != CONFIG_FEED_KERNEL && !feed->has_listen) {
        feed->listen.address = ip_addr_v4(0x7f000001);
        feed->listen.port = ports[feed->type];
        feed->has_listen = true;
    }
    return 0;
}

/* The name of an item; the sections that are referred to have it as their first field. */
static const char *name_of(const struct config_type *item, const void *value)
{
    const char *name;

    memcpy(&name, config_member(&item->fields[0], value), sizeof(name));
    return name;
}

static int reference_check(struct config_parser *parser, const struct config_reference *reference,
                           const struct config_field *section, const void **sorted, uint32_t count)
{
    struct suggestion suggestion = {.word = reference->name};
    uint32_t low = 0, high = count;
    struct error hint;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(reference->name, name_of(section->type->element, sorted[middle]));

        if (order == 0) {
            return 0;
        }
        low = order > 0 ? middle + 1 : low;
        high = order < 0 ? middle : high;
    }
    for (uint32_t i = 0; i < count; i++) {
        suggestion_offer(&suggestion, name_of(section->type->element, sorted[i]));
    }
    return config_mistake(parser, reference->line, "%s: \"%s\" is none of %s%.100s", reference->field->key,
                          reference->name, section->key,
                          suggestion.nearest != NULL ? suggestion_text(&suggestion, &hint) : "; add it there");
}

static int section_check(struct config_parser *parser, const struct config_field *section)
{
    struct config_items items;
    const void **sorted;
    int result = 0;

    memcpy(&items, config_member(section, parser->config), sizeof(items));
    sorted = config_sort(section->type, &items);
    if (sorted == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < parser->references.count && parser->mistakes < CONFIG_MISTAKES_MAX; i++) {
        const struct config_reference *reference = &parser->references.items[i];

        if (strcmp(reference->field->refers_to, section->key) == 0 &&
            reference_check(parser, reference, section, sorted, items.count) != 0) {
            result = -EINVAL;
        }
    }
    free(sorted);
    return result;
}

int config_references_check(struct config_parser *parser)
{
    static const char *const sections[] = {"peers", "instances"};
    int result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(sections) && result != -ENOMEM; i++) {
        int one = section_check(parser, config_field_find(&config_schema, sections[i]));

        result = one != 0 ? one : result;
    }
    return result;
}
