/* SPDX-License-Identifier: BSD-3-Clause */
#include "forwarder.h"

static void on_hop_changed(void *owner, const struct hop *hop)
{
    struct forwarder *forwarder = owner;

    site_hop_changed(forwarder->control.site, hop);
}

static void on_bfd_changed(void *owner, const struct hop_bfd *bfd, const struct bfd_event *event)
{
    struct forwarder *forwarder = owner;

    site_bfd_changed(forwarder->control.site, bfd, event);
}

static uint32_t decided(void *owner, const struct prefix *prefix)
{
    struct forwarder *forwarder = owner;

    return site_decided(forwarder->control.site, prefix);
}

static int open_installer(struct forwarder *forwarder, const char *bpf_object, struct error *error)
{
    const struct plan *plan = &forwarder->plan;
    struct install_settings settings = {
        .bpf_object = bpf_object,
        .ports = plan->install_ports,
        .port_count = plan->port_count,
        .anycast = plan->anycast,
        .anycast_count = plan->anycast_count,
        .hop_changed = on_hop_changed,
        .bfd_changed = on_bfd_changed,
        .decided = decided,
        .owner = forwarder,
    };

    return install_open(&settings, &forwarder->control.install, error);
}

static int create_site(struct forwarder *forwarder, struct error *error)
{
    const struct plan *plan = &forwarder->plan;
    struct site_settings settings = {
        .install = forwarder->control.install,
        .decision = plan->decision,
        .anycast = plan->site_anycast,
        .anycast_count = plan->anycast_count,
    };
    int result = site_create(&settings, &forwarder->control.site);

    return result == 0 ? 0 : error_set(error, result, "no memory for the routing table");
}

int forwarder_open(struct forwarder *forwarder, const struct config *config, const char *bpf_object,
                   struct error *error)
{
    struct control *control = &forwarder->control;
    int result;

    control->config = config;
    result = open_installer(forwarder, bpf_object, error);
    if (result == 0) {
        result = dp_create(&forwarder->plan.dp, &control->dp, error);
    }
    if (result == 0) {
        result = install_bind(control->install, control->dp, error);
    }
    if (result == 0) {
        result = create_site(forwarder, error);
    }
    return result == 0 ? apply_config(control->site, control->install, NULL, config, error) : result;
}

void forwarder_close(struct forwarder *forwarder)
{
    struct control *control = &forwarder->control;

    methods_stop(control);
    site_destroy(control->site);
    control->site = NULL; /* the installer still asks for it */
    install_close(control->install);
    dp_destroy(control->dp);
    install_free(control->install);
    plan_free(&forwarder->plan);
}

void forwarder_tick(struct forwarder *forwarder, uint64_t now_ms)
{
    install_tick(forwarder->control.install, now_ms);
    site_tick(forwarder->control.site, now_ms);
    packet_watches_tick(&forwarder->control, now_ms);
    methods_tick(&forwarder->control, now_ms);
}
