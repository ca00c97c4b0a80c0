/* SPDX-License-Identifier: BSD-3-Clause */
/* From the configuration's words to the settings of the data plane, the installer and the site. */
#include "apply.h"
#include "log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum port_kind kind_of(enum config_device_kind kind)
{
    static const enum port_kind kinds[] = {
        [CONFIG_DEVICE_PCI] = PORT_PCI,     [CONFIG_DEVICE_AF_XDP] = PORT_AF_XDP, [CONFIG_DEVICE_TAP] = PORT_TAP,
        [CONFIG_DEVICE_MEMIF] = PORT_MEMIF, [CONFIG_DEVICE_PCAP] = PORT_PCAP,     [CONFIG_DEVICE_NULL] = PORT_NULL,
        [CONFIG_DEVICE_VDEV] = PORT_VDEV,
    };

    return kinds[kind];
}

/* The port of the whole device that this one is a VLAN of: config_check_ports() has seen to it that it comes before. */
static unsigned int parent_of(const struct config *config, const struct config_port *port)
{
    unsigned int parent = 0;

    while (config->ports.items[parent].has_vlan ||
           !config_device_same(&config->ports.items[parent].device, &port->device)) {
        parent++;
    }
    return parent;
}

static void plan_vlan(const struct config *config, struct plan *plan, unsigned int index)
{
    const struct config_port *port = &config->ports.items[index];
    struct port_settings *settings = &plan->ports[index];

    settings->vlan = (uint16_t)port->vlan;
    settings->parent = parent_of(config, port);
    settings->queues = 0;
    plan->install_ports[index].vlan = settings->vlan;
    plan->install_ports[index].parent = settings->parent;
}

static void plan_memif(struct plan *plan, unsigned int index, const struct config_memif *memif)
{
    plan->memifs[index] = (struct port_memif){
        .socket = memif->socket,
        .abstract = memif->abstract,
        .client = memif->client,
        .id = memif->id,
        .ring = memif->ring,
        .secret = memif->secret,
    };
    plan->ports[index].memif = &plan->memifs[index];
}

static int plan_port(const struct config *config, struct plan *plan, unsigned int index)
{
    const struct config_port *port = &config->ports.items[index];
    bool xdp = port->device.kind == CONFIG_DEVICE_AF_XDP && !port->has_vlan;
    const char *argument = port->device.argument;

    if (port->device.output != NULL) {
        if (asprintf(&plan->arguments[index], "%s,%s", argument, port->device.output) < 0) {
            plan->arguments[index] = NULL;
            return -ENOMEM;
        }
        argument = plan->arguments[index];
    }
    plan->ports[index] = (struct port_settings){
        .name = port->name,
        .kind = kind_of(port->device.kind),
        .argument = argument,
        .queues = port->queues,
        .mtu = port->has_mtu ? port->mtu : 0,
        .icmp_rate = port->icmp_rate,
        .twin = xdp ? NULL : port->twin,
    };
    plan->install_ports[index] = (struct install_port){
        .name = port->name,
        .netdev = port->twin,
        .xdp = xdp,
        .mode = port->steer == CONFIG_STEER_TRANSIT ? STEER_TRANSIT : STEER_ANYCAST,
    };
    if (port->has_vlan) {
        plan_vlan(config, plan, index);
    } else if (port->device.kind == CONFIG_DEVICE_PCI) {
        plan->pci[plan->dp.eal.pci_count++] = port->device.argument;
    } else if (port->device.kind == CONFIG_DEVICE_MEMIF) {
        plan_memif(plan, index, port->device.memif);
    }
    return 0;
}

static int plan_anycast(const struct config *config, struct plan *plan)
{
    plan->anycast_count = config->anycast.count;
    plan->anycast = calloc(config->anycast.count + 1, sizeof(*plan->anycast));
    plan->site_anycast = calloc(config->anycast.count + 1, sizeof(*plan->site_anycast));
    if (plan->anycast == NULL || plan->site_anycast == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < config->anycast.count; i++) {
        const struct config_anycast *anycast = &config->anycast.items[i];

        plan->anycast[i] = anycast->prefix;
        plan->site_anycast[i] =
            (struct site_anycast){anycast->prefix,
                                  {.hash_mode = anycast->hash == CONFIG_HASH_ADDRESSES ? HASH_ADDRESSES : HASH_PORTS,
                                   .tell_no_instance = anycast->no_instance == CONFIG_NO_INSTANCE_ICMP}};
    }
    return 0;
}

static enum hugepages hugepages_of(enum config_hugepages hugepages)
{
    static const enum hugepages values[] = {
        [CONFIG_HUGEPAGES_AUTO] = HUGEPAGES_AUTO,
        [CONFIG_HUGEPAGES_ON] = HUGEPAGES_YES,
        [CONFIG_HUGEPAGES_OFF] = HUGEPAGES_NO,
    };

    return values[hugepages];
}

static enum idle idle_of(const struct config *config, const struct plan *plan)
{
    if (config->dpdk.idle == CONFIG_IDLE_AUTO) {
        return plan->dp.eal.pci_count > 0 && !config_lcore_is_shared(&config->dpdk) ? IDLE_POLL : IDLE_BACKOFF;
    }
    return config->dpdk.idle == CONFIG_IDLE_POLL ? IDLE_POLL : IDLE_BACKOFF;
}

static void plan_dp(const struct config *config, struct plan *plan)
{
    const struct config_dpdk *dpdk = &config->dpdk;
    struct eal_settings *eal = &plan->dp.eal;

    eal->hugepages = hugepages_of(dpdk->hugepages);
    eal->memory_mb = dpdk->memory_mb;
    eal->control_lcore = dpdk->control_lcore;
    eal->worker_lcores = dpdk->worker_lcores.items;
    eal->worker_count = dpdk->worker_lcores.count;
    eal->pci = plan->pci;
    eal->plugins = (const char *const *)dpdk->plugins.items;
    eal->plugin_count = dpdk->plugins.count;
    eal->extra = (const char *const *)dpdk->eal.items;
    eal->extra_count = dpdk->eal.count;
    plan->dp.idle = idle_of(config, plan);
    plan->dp.hash_seed = config->hash_seed;
    plan->dp.ports = plan->ports;
    plan->dp.port_count = config->ports.count;
    plan->decision = (struct best_options){
        .own_as = config->site.asn,
        .multipath = config->decision.multipath,
        .multipath_relax = config->decision.multipath_relax,
        .always_compare_med = config->decision.always_compare_med,
        .missing_med_worst = config->decision.missing_med_worst,
    };
}

/* What the file may say and the data plane cannot do yet. */
static void tell_unsupported(const struct config *config)
{
    for (uint32_t i = 0; i < config->anycast.count; i++) {
        const struct config_anycast *anycast = &config->anycast.items[i];
        char text[PREFIX_STRLEN];

        if (anycast->udp != CONFIG_UDP_MOVE) {
            log_warning("anycast %s: this version has no udp: pin yet", prefix_format(&anycast->prefix, text));
        }
    }
}

int plan_make(const struct config *config, struct plan *plan, struct error *error)
{
    tell_unsupported(config);
    *plan = (struct plan){.port_count = config->ports.count};
    if (config->ports.count > PIPE_PORTS_MAX / 2) {
        return error_set(error, -E2BIG, "ports: %u, but at most %d work", config->ports.count, PIPE_PORTS_MAX / 2);
    }
    for (uint32_t i = 0; i < config->ports.count; i++) {
        if (plan_port(config, plan, i) != 0) {
            goto no_memory;
        }
    }
    plan_dp(config, plan);
    if (plan_anycast(config, plan) != 0) {
        goto no_memory;
    }
    return 0;
no_memory:
    plan_free(plan);
    return error_set(error, -ENOMEM, "no memory");
}

void plan_free(struct plan *plan)
{
    for (unsigned int i = 0; i < PIPE_PORTS_MAX; i++) {
        free(plan->arguments[i]);
        plan->arguments[i] = NULL;
    }
    free(plan->anycast);
    free(plan->site_anycast);
    plan->anycast = NULL;
    plan->site_anycast = NULL;
}
