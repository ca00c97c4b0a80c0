/* SPDX-License-Identifier: BSD-3-Clause */
#include "access.h"
#include "log.h"
#include "methods_private.h"
#include "monitor.h"
#include "session.h"
#include "state.h"
#include "txn.h"
#include <arpa/inet.h>
#include <stdio.h>

const struct api_method methods[] = {
    {"version", 0, method_version, NULL},
    {"status", 0, method_status, NULL},
    {"peer.set", API_CHANGES | API_SESSION, method_peer_set, NULL},
    {"peer.del", API_CHANGES | API_SESSION, method_peer_del, NULL},
    {"peer.list", 0, method_peer_list, NULL},
    {"instance.set", API_CHANGES | API_SESSION, method_instance_set, NULL},
    {"instance.del", API_CHANGES | API_SESSION, method_instance_del, NULL},
    {"instance.list", 0, method_instance_list, NULL},
    {"instance.down", API_CHANGES, method_instance_down, NULL},
    {"instance.up", API_CHANGES, method_instance_up, NULL},
    {"instance.drain", API_CHANGES, method_instance_drain, NULL},
    {"instance.heartbeat", API_CHANGES | API_SESSION, method_instance_heartbeat, NULL},
    {"debug.freeze", API_CHANGES, method_debug_freeze, NULL},
    {"failover.list", 0, method_failover_list, NULL},
    {"route.update", API_CHANGES | API_SESSION, NULL, &update_reader},
    {"route.flush", API_CHANGES | API_SESSION, method_route_flush, NULL},
    {"route.get", 0, method_route_get, NULL},
    {"route.explain", 0, method_route_explain, NULL},
    {"route.list", 0, method_route_list, NULL},
    {"fib.lookup", 0, method_fib_lookup, NULL},
    {"trace.start", API_CHANGES, method_trace_start, NULL}, /* it changes nothing, but lets see what users send */
    {"capture.start", API_CHANGES, method_capture_start, NULL},
    {"watch.stop", API_CHANGES, method_watch_stop, NULL},
    {"feed.list", 0, method_feed_list, NULL},
    {"feed.load", API_CHANGES, method_feed_load, NULL},
    {"feed.unload", API_CHANGES, method_feed_unload, NULL},
    {"flow.explain", 0, method_flow_explain, NULL},
    {"session.open", API_CHANGES | API_SESSION, method_session_open, NULL},
    {"session.eor", API_CHANGES | API_SESSION, method_session_eor, NULL},
    {"session.confirm", API_CHANGES, method_session_confirm, NULL},
    {"session.close", API_CHANGES | API_SESSION, method_session_close, NULL},
    {"session.list", 0, method_session_list, NULL},
    {"txn.begin", API_CHANGES | API_SESSION, method_txn_begin, NULL},
    {"txn.commit", API_CHANGES | API_SESSION, method_txn_commit, NULL},
    {"txn.abort", API_CHANGES | API_SESSION, method_txn_abort, NULL},
    {"monitor.subscribe", 0, method_monitor_subscribe, NULL},
    {"port.list", 0, method_port_list, NULL},
    {"neighbour.list", 0, method_neighbour_list, NULL},
    {"stats.get", 0, method_stats_get, NULL},
    {"config.get", 0, method_config_get, NULL},
    {"config.reload", API_CHANGES, method_config_reload, NULL},
};
const size_t method_count = ARRAY_SIZE(methods);

void methods_start(struct control *control)
{
    if (control->access != NULL && access_limit(control, SITE_SESSION_OPERATOR) != 0) {
        log_error("no memory for the limits of the operator's routes");
    }
    state_restore(control);
}

void methods_done(struct api_call *call, int code)
{
    uint16_t session;

    if (code != 0) {
        txn_fail(call);
    } else if (call_session(call, &session) == 0 && session == SITE_SESSION_OPERATOR) {
        state_changed(call->context, call->method, call->params, !txn_is_open(call));
    }
}

void methods_tick(struct control *control, uint64_t now_ms)
{
    update_tick(control->site);
    txn_tick(control, now_ms);
    state_tick(control, now_ms);
    monitors_tick(control, now_ms);
}

void methods_stop(struct control *control)
{
    txn_close(control);
    state_close(control);
    monitors_free(control);
    access_free(control);
}

int read_params(struct api_call *call, const json_t *params, const struct api_param *table, size_t n, void *out,
                uint64_t *given)
{
    return api_params_read(params, table, n, out, given, &call->error);
}

int read_no_params(struct api_call *call, const json_t *params)
{
    return api_params_read(params, NULL, 0, NULL, NULL, &call->error);
}

int check_name(struct api_call *call, const char *key, const char *name)
{
    return config_name_valid(name) ? 0
                                   : api_fail(call, API_ERR_PARAMS,
                                              "\"%s\": up to %d letters, digits and . _ - : @, a letter or digit first",
                                              key, CONFIG_NAME_MAX);
}

json_t *json_address(const struct ip_addr *addr)
{
    char text[IP_ADDR_STRLEN];

    return json_string(ip_addr_format(addr, text));
}

json_t *json_prefix(const struct prefix *prefix)
{
    char text[PREFIX_STRLEN];

    return json_string(prefix_format(prefix, text));
}

json_t *json_router_id(uint32_t id)
{
    struct ip_addr addr = ip_addr_v4(id);

    return json_address(&addr);
}

json_t *json_mac(const uint8_t mac[6])
{
    return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

int answer(struct api_call *call, json_t *result, json_t **out)
{
    if (result == NULL) {
        return api_fail(call, API_ERR_INTERNAL, "no memory for the answer");
    }
    *out = result;
    return 0;
}

int commit_site(struct api_call *call, struct site *site)
{
    uint16_t session = SITE_SESSION_OPERATOR;

    /* one that was lost could not have changed anything */
    site_set_cause(site, call->method, call_session(call, &session) == 0 ? session : SITE_SESSION_OPERATOR);
    if (site_commit(site) != 0) {
        return api_fail(call, API_ERR_TABLE_FULL, "some routes keep their old outcome: the forwarding tables are full");
    }
    return 0;
}
