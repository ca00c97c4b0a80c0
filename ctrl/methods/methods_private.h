/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share. */
#ifndef METHODS_PRIVATE_H
#define METHODS_PRIVATE_H

#include "api_params.h"
#include "methods.h"

/* "return read_params(call, params, table, ARRAY_SIZE(table), &out)": 0 or an API error with its text in the call. */
int read_params(struct api_call *call, const json_t *params, const struct api_param *table, size_t n, void *out,
                uint64_t *given) MUST_USE;
/* A method that takes none. */
int read_no_params(struct api_call *call, const json_t *params) MUST_USE;

/* A name as the configuration would have it. 0, or API_ERR_PARAMS with a text. */
int check_name(struct api_call *call, const char *key, const char *name) MUST_USE;

/* New references. */
json_t *json_address(const struct ip_addr *addr);
json_t *json_prefix(const struct prefix *prefix);
/* An IPv4 address from a number in host byte order: router ids, originator ids. */
json_t *json_router_id(uint32_t id);
/* "00:11:22:33:44:55" */
json_t *json_mac(const uint8_t mac[6]);

/* A new reference to a finished result, or API_ERR_INTERNAL if memory ran out while it was made (NULL). */
int answer(struct api_call *call, json_t *result, json_t **out) MUST_USE;

/* Decides and installs what a method changed. 0 or API_ERR_TABLE_FULL with a text. */
int commit_site(struct api_call *call, struct site *site) MUST_USE;

int method_version(struct api_call *call, const json_t *params, json_t **result);
int method_status(struct api_call *call, const json_t *params, json_t **result);
int method_stats_get(struct api_call *call, const json_t *params, json_t **result);
int method_config_get(struct api_call *call, const json_t *params, json_t **result);
int method_feed_list(struct api_call *call, const json_t *params, json_t **result);
int method_feed_load(struct api_call *call, const json_t *params, json_t **result);
int method_feed_unload(struct api_call *call, const json_t *params, json_t **result);
int method_port_list(struct api_call *call, const json_t *params, json_t **result);
int method_neighbour_list(struct api_call *call, const json_t *params, json_t **result);
int method_peer_set(struct api_call *call, const json_t *params, json_t **result);
int method_peer_del(struct api_call *call, const json_t *params, json_t **result);
int method_peer_list(struct api_call *call, const json_t *params, json_t **result);
int method_instance_set(struct api_call *call, const json_t *params, json_t **result);
int method_instance_del(struct api_call *call, const json_t *params, json_t **result);
int method_instance_list(struct api_call *call, const json_t *params, json_t **result);
int method_instance_down(struct api_call *call, const json_t *params, json_t **result);
int method_instance_up(struct api_call *call, const json_t *params, json_t **result);
int method_instance_drain(struct api_call *call, const json_t *params, json_t **result);
int method_instance_heartbeat(struct api_call *call, const json_t *params, json_t **result);
int method_debug_freeze(struct api_call *call, const json_t *params, json_t **result);
int method_failover_list(struct api_call *call, const json_t *params, json_t **result);
extern const struct api_reader update_reader; /* route.update */
int method_route_flush(struct api_call *call, const json_t *params, json_t **result);
int method_route_get(struct api_call *call, const json_t *params, json_t **result);
int method_route_explain(struct api_call *call, const json_t *params, json_t **result);
int method_fib_lookup(struct api_call *call, const json_t *params, json_t **result);
int method_trace_start(struct api_call *call, const json_t *params, json_t **result);
int method_capture_start(struct api_call *call, const json_t *params, json_t **result);
int method_watch_stop(struct api_call *call, const json_t *params, json_t **result);
int method_flow_explain(struct api_call *call, const json_t *params, json_t **result);
int method_route_list(struct api_call *call, const json_t *params, json_t **result);
int method_session_open(struct api_call *call, const json_t *params, json_t **result);
int method_session_eor(struct api_call *call, const json_t *params, json_t **result);
int method_session_confirm(struct api_call *call, const json_t *params, json_t **result);
int method_session_close(struct api_call *call, const json_t *params, json_t **result);
int method_session_list(struct api_call *call, const json_t *params, json_t **result);
int method_txn_begin(struct api_call *call, const json_t *params, json_t **result);
int method_txn_commit(struct api_call *call, const json_t *params, json_t **result);
int method_txn_abort(struct api_call *call, const json_t *params, json_t **result);
int method_monitor_subscribe(struct api_call *call, const json_t *params, json_t **result);
int method_config_reload(struct api_call *call, const json_t *params, json_t **result);

/* The session that the call works on: its connection's, or the operator's. 0; API_ERR_SESSION if another connection has
 * resumed it; API_ERR_ABORTED if the connection's transaction is aborted. */
int call_session(struct api_call *call, uint16_t *id) MUST_USE;
/* The connection has one, be it lost to another one. */
bool call_has_session(const struct api_call *call);
/* Whether a call may change what belongs to `owner` already: the operator may, and each its own. 0 or
 * API_ERR_NOT_ALLOWED with a text. */
int check_owner(struct api_call *call, uint16_t session, uint16_t owner, const char *what, const char *name) MUST_USE;
/* The call's session, which may make this instance, or change the one there is. 0 or an API error. */
int own_instance(struct api_call *call, const char *name, uint16_t *session) MUST_USE;
/* Whether the session's breaker lets the selected ones of its candidates go. 0 or API_ERR_BREAKER with a text. */
int check_breaker(struct api_call *call, uint16_t session, const struct rib_selector *selector) MUST_USE;
/* What a call that its breaker has stopped answers. */
int fail_at_breaker(struct api_call *call, uint16_t session) MUST_USE;
json_t *json_breaker(const struct site *site, uint16_t id);
json_t *json_site_session(const struct site *site, uint16_t id);
/* Where a path leads to: {instance?, next_hop, alive, why, port} or {action, alive}. */
json_t *write_path(const struct control *control, const struct outcome_path *path);
json_t *json_instance(const struct control *control, const struct site_instance *instance);
json_t *json_port(const struct control *control, unsigned int index);
/* NULL: none that people know of. */
struct site_failover;
/* failover.list's record. */
json_t *json_failover(const struct site *site, const struct site_failover *record);
json_t *json_neighbour(const struct control *control, const struct kernel_neighbour *neighbour);
/* The candidate, and what the decision says of it. */
json_t *write_judged(const struct control *control, const struct prefix *prefix, const struct site_ranking *ranking,
                     uint32_t index);

/* Traffic of an instance, all families and workers. */
struct traffic instance_traffic(const struct install *install, const struct site_instance *instance);

/* What becomes of a packet at a hop that is no next hop: "local" and so on. */
const char *hop_fate_name(const struct control *control, const struct hop *hop);

/* Why workers skip the hop; NULL: they do not. */
const char *hop_why(const struct hop_info *info);

#endif
