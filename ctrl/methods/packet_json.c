/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_json.h"
#include "base64.h"
#include "headers.h"
#include "methods_private.h"
#include <netinet/in.h>
#include <stdlib.h>

static json_t *json_base64(const uint8_t *bytes, uint32_t length)
{
    char *text = malloc(BASE64_LENGTH(length) + 1);
    json_t *string;

    if (text == NULL) {
        return NULL;
    }
    base64_encode(bytes, length, text);
    string = json_stringn_nocheck(text, BASE64_LENGTH(length));
    free(text);
    return string;
}

static json_t *json_protocol(uint8_t protocol)
{
    static const char *const names[256] = {
        [IPPROTO_ICMP] = "icmp", [IPPROTO_IPIP] = "ipip", [IPPROTO_TCP] = "tcp",       [IPPROTO_UDP] = "udp",
        [IPPROTO_IPV6] = "ipv6", [IPPROTO_GRE] = "gre",   [IPPROTO_ICMPV6] = "icmpv6", [IPPROTO_SCTP] = "sctp",
    };

    return names[protocol] != NULL ? json_string(names[protocol]) : json_integer(protocol);
}

static json_t *json_ip(const struct headers *headers)
{
    json_t *ip = json_pack("{s:o, s:o, s:o, s:i, s:i}", "source", json_address(&headers->source), "destination",
                           json_address(&headers->destination), "protocol", json_protocol(headers->protocol), "ttl",
                           headers->ttl, "length", headers->length);

    if (headers->fragment) {
        json_object_set_new(ip, "fragment", json_true());
    }
    if (headers->has_ports) {
        json_object_set_new(ip, "source_port", json_integer(headers->source_port));
        json_object_set_new(ip, "destination_port", json_integer(headers->destination_port));
    }
    if (headers->has_icmp) {
        json_object_set_new(ip, "icmp_type", json_integer(headers->icmp_type));
        json_object_set_new(ip, "icmp_code", json_integer(headers->icmp_code));
    }
    return ip;
}

json_t *json_frame(const uint8_t *bytes, uint32_t captured, uint32_t length)
{
    struct headers headers;
    struct headers inside;
    json_t *frame;

    headers_read(bytes, captured, &headers);
    frame = json_pack("{s:I, s:o}", "length", (json_int_t)length, "bytes", json_base64(bytes, captured));
    if (headers.ether_type == 0) {
        return frame;
    }
    json_object_set_new(frame, "source_mac", json_mac(headers.source_mac));
    json_object_set_new(frame, "destination_mac", json_mac(headers.destination_mac));
    json_object_set_new(frame, "ether_type", json_sprintf("0x%04x", headers.ether_type));
    if (headers.has_vlan) {
        json_object_set_new(frame, "vlan", json_integer(headers.vlan));
    }
    if (headers.has_ip) {
        json_object_set_new(frame, "ip", json_ip(&headers));
    }
    if (headers.inner != 0) {
        headers_read_ip(bytes + headers.inner, captured - headers.inner, &inside);
        json_object_set_new(frame, "inside", inside.has_ip ? json_ip(&inside) : json_null());
    }
    return frame;
}

static json_t *json_port_name(const struct control *control, int port)
{
    return port >= 0 ? json_string(dp_port(control->dp, (unsigned int)port)->name) : json_null();
}

static json_t *step_on_port(const struct control *control, const char *stage, uint16_t lane)
{
    return json_pack("{s:s, s:o}", "stage", stage, "port", json_port_name(control, dp_port_of_lane(control->dp, lane)));
}

/* As drop.h orders them. */
static const char *stage_of(enum drop_reason reason)
{
    if (reason < DROP_NO_ROUTE) {
        return "parse";
    }
    if (reason == DROP_NO_ROUTE) {
        return "lookup";
    }
    if (reason == DROP_NO_INSTANCE) {
        return "steer";
    }
    return reason < DROP_TX_FULL && reason != DROP_NO_TWIN ? "rewrite" : "transmit";
}

/* Who an adjacency is: its instance, its next hop, or its fate. */
static void name_adjacency(const struct control *control, uint16_t id, json_t *object)
{
    const struct hop *hop = install_hop(control->install, id);
    const struct site_instance *instance;
    struct hop_info info;

    json_object_set_new(object, "adjacency", json_integer(id));
    if (hop == NULL) {
        return; /* it went meanwhile */
    }
    hop_info(control->install, hop, &info);
    if (!info.has_address) {
        json_object_set_new(object, "action", json_string(hop_fate_name(control, hop)));
        return;
    }
    instance = site_instance_of_hop(control->site, hop);
    if (instance != NULL) {
        json_object_set_new(object, "instance", json_string(instance->name));
    }
    json_object_set_new(object, "next_hop", json_address(&info.address));
}

static const char *state_text(uint32_t word)
{
    static const char *const sources[ADJACENCY_SOURCES] = {
        [ADJACENCY_ADMIN] = "admin", [ADJACENCY_LINK] = "link", [ADJACENCY_PROBE] = "probe", [ADJACENCY_BFD] = "bfd"};
    union adjacency_state state = {.word = word};

    for (int source = 0; source < ADJACENCY_SOURCES; source++) {
        if (state.bytes[source] != ADJACENCY_ALIVE) {
            return sources[source];
        }
    }
    return NULL;
}

/* Those of the row before the chosen one, or all of them. */
static json_t *json_skipped(const struct control *control, const struct watch_choice *choice)
{
    json_t *list = json_array();

    for (int place = 0; place < ROW_PLACES; place++) {
        json_t *one;

        if (choice->places[place] == choice->adjacency || choice->places[place] == ADJACENCY_NONE) {
            break;
        }
        one = json_pack("{s:s?}", "down_by", state_text(choice->states[place]));
        name_adjacency(control, choice->places[place], one);
        json_array_append_new(list, one);
    }
    return list;
}

static const char *choice_text(const struct watch_choice *choice)
{
    if (choice->adjacency == ADJACENCY_NONE) {
        return "nothing is alive";
    }
    if (choice->state != 0) {
        return "suspect, but nothing better is left";
    }
    if (choice->adjacency == choice->places[0]) {
        return "first choice of its row";
    }
    for (int place = 1; place < ROW_PLACES; place++) {
        if (choice->adjacency == choice->places[place]) {
            return "first of its row that is alive";
        }
    }
    return "nothing of its row is alive: the best of the path list that is";
}

static json_t *json_lookup(const struct control *control, const struct trace_record *record,
                           const struct watch_choice *choice)
{
    const struct trace_bytes *bytes = &record->first;
    struct headers headers;
    struct prefix prefix;
    uint32_t now;
    json_t *step = json_pack("{s:s, s:I}", "stage", "lookup", "path_list", (json_int_t)choice->path_list);

    headers_read(bytes->bytes, bytes->captured, &headers);
    if (headers.has_ip && dp_route_lookup(control->dp, &headers.destination, &prefix, &now) == 0) {
        json_object_set_new(step, "prefix", json_prefix(&prefix));
        if (now != choice->path_list) {
            json_object_set_new(step, "path_list_now", json_integer(now));
        }
    }
    return step;
}

static json_t *json_steer(const struct control *control, const struct watch_choice *choice)
{
    json_t *step =
        json_pack("{s:s, s:o, s:I, s:I, s:s, s:o}", "stage", "steer", "hash", json_sprintf("0x%08x", choice->hash),
                  "row", (json_int_t)choice->row, "rows", (json_int_t)choice->row_mask + 1, "why", choice_text(choice),
                  "skipped", json_skipped(control, choice));

    if (choice->adjacency != ADJACENCY_NONE) {
        name_adjacency(control, choice->adjacency, step);
    }
    return step;
}

/* It left with another header. */
static void add_exit(const struct control *control, const struct trace_record *record, const char *stage, uint16_t lane,
                     json_t *steps)
{
    json_array_append_new(steps, json_pack("{s:s, s:o}", "stage", "rewrite", "frame",
                                           json_frame(record->last.bytes, record->last.captured, record->last.length)));
    json_array_append_new(steps, step_on_port(control, stage, lane));
}

/* To the worker that gives it to a kernel twin, as it is. */
static bool is_passed_to_twin(const struct control *control, const struct trace_step *step)
{
    return step->point == WATCH_PASSED && step->lane >= dp_port_count(control->dp); /* twins' lanes are behind ports' */
}

/* By parse, if this is what followed. */
static bool is_punted(const struct control *control, const struct trace_step *next)
{
    return next->point == WATCH_PUNTED || is_passed_to_twin(control, next) ||
           (next->point == WATCH_DROPPED && (next->reason == DROP_NO_TWIN || next->reason == DROP_PUNT_FULL));
}

static void add_parse(const struct control *control, const struct trace_record *record, json_t *steps)
{
    const struct trace_step *next = &record->steps[1];

    if (record->count < 2 || record->steps[0].point != WATCH_RECEIVED ||
        (next->point == WATCH_DROPPED && next->reason < DROP_NO_ROUTE)) {
        return; /* the drop says it */
    }
    json_array_append_new(
        steps, json_pack("{s:s, s:s}", "stage", "parse", "verdict", is_punted(control, next) ? "punt" : "forward"));
}

static void add_step(const struct control *control, const struct trace_record *record, unsigned int i, json_t *steps)
{
    const struct trace_step *step = &record->steps[i];

    switch ((enum watch_point)step->point) {
    case WATCH_RECEIVED:
        json_array_append_new(steps, step_on_port(control, "received", step->lane));
        add_parse(control, record, steps);
        break;
    case WATCH_STEERED:
        json_array_append_new(steps, json_lookup(control, record, &step->choice));
        json_array_append_new(steps, json_steer(control, &step->choice));
        break;
    case WATCH_HELD_FRAGMENT:
        json_array_append_new(steps, json_pack("{s:s, s:s}", "stage", "held", "for", "first fragment"));
        break;
    case WATCH_HELD_NEIGHBOUR:
        json_array_append_new(steps, json_pack("{s:s, s:s}", "stage", "held", "for", "neighbour"));
        break;
    case WATCH_MADE:
        json_array_append_new(steps, i == 0 ? step_on_port(control, "made", step->lane)
                                            : json_pack("{s:s, s:s}", "stage", "rewrite", "verdict", "fragmented"));
        break;
    case WATCH_SENT:
        add_exit(control, record, "sent", step->lane, steps);
        break;
    case WATCH_PUNTED:
        json_array_append_new(steps, step_on_port(control, "punted", step->lane));
        break;
    case WATCH_PASSED:
        if (is_passed_to_twin(control, step)) {
            json_array_append_new(steps, step_on_port(control, "passed", step->lane));
        } else {
            add_exit(control, record, "passed", step->lane, steps);
        }
        break;
    case WATCH_DROPPED:
    case WATCH_POINTS:
        json_array_append_new(steps, json_pack("{s:s, s:s, s:s}", "stage", stage_of(step->reason), "verdict", "dropped",
                                               "reason", drop_reason_name(step->reason)));
        break;
    }
}

json_t *json_trace(const struct control *control, const struct trace_record *record)
{
    json_t *steps = json_array();

    for (unsigned int i = 0; i < record->count; i++) {
        add_step(control, record, i, steps);
    }
    return json_pack("{s:o, s:o}", "packet",
                     json_frame(record->first.bytes, record->first.captured, record->first.length), "steps", steps);
}

bool trace_has_ended(const struct trace_record *record)
{
    enum watch_point last = record->steps[record->count - 1].point;
    enum watch_point before = record->count > 1 ? record->steps[record->count - 2].point : WATCH_RECEIVED;

    return last != WATCH_HELD_FRAGMENT && last != WATCH_HELD_NEIGHBOUR &&
           !(last == WATCH_DROPPED && (before == WATCH_SENT || before == WATCH_PUNTED || before == WATCH_PASSED));
}
