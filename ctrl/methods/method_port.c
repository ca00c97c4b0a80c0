/* SPDX-License-Identifier: BSD-3-Clause */
/* port.list, neighbour.list */
#include "methods_private.h"
#include <string.h>

static json_t *json_addresses(const struct kernel *kernel, uint32_t ifindex)
{
    const struct kernel_address *address = NULL;
    json_t *list = json_array();

    while ((address = kernel_address_next(kernel, address)) != NULL) {
        if (address->ifindex == ifindex) {
            char text[IP_ADDR_STRLEN];

            json_array_append_new(list,
                                  json_sprintf("%s/%u", ip_addr_format(&address->addr, text), address->subnet.length));
        }
    }
    return list;
}

json_t *json_port(const struct control *control, unsigned int index)
{
    const struct port *port = dp_port(control->dp, index);
    const struct config_port *config = &control->config->ports.items[index];
    const struct kernel_link *link = install_link(control->install, index);
    bool xdp = config->device.kind == CONFIG_DEVICE_AF_XDP && !config->has_vlan;

    return json_pack(
        "{s:s, s:s, s:o, s:s, s:o, s:i, s:s, s:i, s:o, s:o}", "name", port->name, "device", config->device.text, "vlan",
        config->has_vlan ? json_integer(config->vlan) : json_null(), "netdev", link != NULL ? link->name : port->netdev,
        "mac", json_mac(port->mac), "mtu", (int)install_mtu(control->install, index), "link",
        install_running(control->install, index) ? "up" : "down", "queues", (int)port->rx_queues, "steer",
        xdp ? json_string(config->steer == CONFIG_STEER_TRANSIT ? "transit" : "anycast") : json_null(), "addresses",
        link != NULL ? json_addresses(install_kernel(control->install), link->ifindex) : json_array());
}

int method_port_list(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    int code = read_no_params(call, params);
    json_t *list;

    if (code != 0) {
        return code;
    }
    list = json_array();
    for (unsigned int i = 0; i < dp_port_count(control->dp); i++) {
        json_array_append_new(list, json_port(control, i));
    }
    return answer(call, json_pack("{s:o}", "ports", list), result);
}

json_t *json_neighbour(const struct control *control, const struct kernel_neighbour *neighbour)
{
    int port = install_port_of(control->install, neighbour->ifindex);

    /* what needs no resolution and has no unicast MAC is the kernel's own bookkeeping of groups */
    if (port < 0 || (neighbour->fixed && !neighbour->usable)) {
        return NULL;
    }
    return json_pack("{s:s, s:o, s:o, s:s}", "port", dp_port(control->dp, (unsigned int)port)->name, "address",
                     json_address(&neighbour->addr), "mac", neighbour->usable ? json_mac(neighbour->mac) : json_null(),
                     "state", neighbour->usable ? "resolved" : "unresolved");
}

int method_neighbour_list(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    const struct kernel_neighbour *neighbour = NULL;
    int code = read_no_params(call, params);
    json_t *list;

    if (code != 0) {
        return code;
    }
    list = json_array();
    while ((neighbour = kernel_neighbour_next(install_kernel(control->install), neighbour)) != NULL) {
        json_t *object = json_neighbour(control, neighbour);

        if (object != NULL) {
            json_array_append_new(list, object);
        }
    }
    return answer(call, json_pack("{s:o}", "neighbours", list), result);
}
