/* SPDX-License-Identifier: BSD-3-Clause */
/* trace.start, capture.start, watch.stop */
#include "packet_watch.h"
#include "api_stream.h"
#include "base64.h"
#include "dp_watch.h"
#include "loop.h"
#include "methods_private.h"
#include "packet_json.h"
#include "word.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_A_TICK 512 /* of a watch: some ms of work */
#define SECONDS_MAX    86400

struct packet_watch {
    struct api_stream stream; /* first */
    LIST_ENTRY(packet_watch) link;
    struct control *control;
    struct dp_watch *dp;
    unsigned int id;
    bool trace;
    uint64_t until_ms;
    uint64_t count; /* packets, and bytes of them, after which it ends */
    uint64_t bytes;
    uint64_t told;
    uint64_t told_bytes;
    uint64_t left; /* records that were not told any more when it ended */
};

static void watch_free(struct packet_watch *watch)
{
    dp_watch_close(watch->control->dp, watch->dp);
    LIST_REMOVE(watch, link);
    free(watch);
}

static void client_gone(struct api_stream *stream)
{
    watch_free((struct packet_watch *)stream); /* its first member */
}

static json_t *json_port_of(const struct control *control, int port)
{
    return port >= 0 ? json_string(dp_port(control->dp, (unsigned int)port)->name) : json_null();
}

static json_t *capture_json(const struct packet_watch *watch, const struct capture_record *record)
{
    static const char *const points[WATCH_POINTS] = {
        [WATCH_RECEIVED] = "received", [WATCH_SENT] = "sent", [WATCH_PUNTED] = "punted", [WATCH_DROPPED] = "dropped"};
    static char text[BASE64_LENGTH(CAPTURE_SNAPLEN_MAX)];
    const struct control *control = watch->control;
    int port = record->point == WATCH_DROPPED ? dp_port_of_device(control->dp, record->device)
                                              : dp_port_of_lane(control->dp, record->lane);

    base64_encode(record->bytes, record->captured, text);
    return json_pack("{s:i, s:I, s:s, s:o, s:s?, s:I, s:o}", "watch", (int)watch->id, "time_ns",
                     (json_int_t)dp_time_ns(record->now), "point", points[record->point], "port",
                     json_port_of(control, port), "reason",
                     record->point == WATCH_DROPPED ? drop_reason_name(record->reason) : NULL, "length",
                     (json_int_t)record->length, "bytes", json_stringn_nocheck(text, BASE64_LENGTH(record->captured)));
}

/* Ids are each worker's own: here each worker has every so many. */
static json_t *trace_json(const struct packet_watch *watch, const struct trace_record *record, unsigned int worker)
{
    unsigned int workers = dp_worker_count(watch->control->dp);
    json_t *object = json_trace(watch->control, record);

    json_object_set_new(object, "watch", json_integer(watch->id));
    json_object_set_new(object, "time_ns", json_integer((json_int_t)dp_time_ns(record->steps[0].now)));
    json_object_set_new(object, "worker", json_integer(worker));
    json_object_set_new(object, "id", json_integer((json_int_t)(record->id - 1) * workers + worker + 1));
    json_object_set_new(object, "origin",
                        record->origin != 0 ? json_integer((json_int_t)(record->origin - 1) * workers + worker + 1)
                                            : json_null());
    return object;
}

static void account(struct packet_watch *watch, const void *record)
{
    if (watch->trace) {
        const struct trace_record *trace = record;

        watch->told += trace->origin == 0 && trace_has_ended(trace);
    } else {
        watch->told++;
        watch->told_bytes += ((const struct capture_record *)record)->captured;
    }
}

static bool is_over(const struct packet_watch *watch)
{
    return watch->told >= watch->count || watch->told_bytes >= watch->bytes;
}

/* 0 or what api_stream_send() says. */
static int tell_records(struct packet_watch *watch)
{
    unsigned int worker;
    const void *record;

    for (int i = 0; i < RECORDS_A_TICK && (record = dp_watch_peek(watch->dp, &worker)) != NULL; i++) {
        const struct trace_record *trace = record;
        bool more = watch->trace && trace->origin != 0; /* what is made of the last packet comes behind it */
        int result;

        if (is_over(watch) && !more) {
            return 0;
        }
        result = watch->trace ? api_stream_send(&watch->stream, "trace.packet", trace_json(watch, record, worker))
                              : api_stream_send(&watch->stream, "capture.packet", capture_json(watch, record));
        if (result != 0) {
            return result;
        }
        account(watch, record);
        dp_watch_consume(watch->dp);
    }
    return 0;
}

/* NULL: it has not ended. */
static const char *why_ended(const struct packet_watch *watch, uint64_t now_ms)
{
    if (watch->told >= watch->count) {
        return "count";
    }
    if (watch->told_bytes >= watch->bytes) {
        return "bytes";
    }
    return now_ms >= watch->until_ms ? "time" : NULL;
}

/* What has been seen and is told no more is lost as well, unless enough was told. */
static uint64_t count_lost(struct packet_watch *watch)
{
    uint64_t lost = dp_watch_lost(watch->dp);
    unsigned int worker;

    while (!is_over(watch) && dp_watch_peek(watch->dp, &worker) != NULL) {
        dp_watch_consume(watch->dp);
        watch->left++;
    }
    return lost + watch->left;
}

static json_t *end_json(struct packet_watch *watch, const char *why)
{
    return json_pack("{s:i, s:s, s:I, s:I}", "watch", (int)watch->id, "why", why, "packets", (json_int_t)watch->told,
                     "lost", (json_int_t)count_lost(watch));
}

/* A client that reads nothing is told of the end once it does. */
void packet_watches_tick(struct control *control, uint64_t now_ms)
{
    struct packet_watch *next;

    for (struct packet_watch *watch = LIST_FIRST(&control->watches); watch != NULL; watch = next) {
        int result = tell_records(watch);
        const char *why = why_ended(watch, now_ms);

        next = LIST_NEXT(watch, link);
        if (result == 0 && why != NULL && api_stream_send(&watch->stream, "watch.end", end_json(watch, why)) == 0) {
            api_stream_close(&watch->stream);
            watch_free(watch);
        }
    }
}

struct watch_params {
    int64_t count;
    int64_t seconds;
    int64_t bytes;
    int64_t snaplen;
    int64_t port;
    struct prefix address;
    struct prefix source;
    struct prefix destination;
    const char *protocol;
    const char *reason;
    const json_t *points;
};

#define COMMON_PARAMS                                                                         \
    {"address", API_PREFIX, false, offsetof(struct watch_params, address), 0, 0},             \
        {"source", API_PREFIX, false, offsetof(struct watch_params, source), 0, 0},           \
        {"destination", API_PREFIX, false, offsetof(struct watch_params, destination), 0, 0}, \
        {"protocol", API_STRING, false, offsetof(struct watch_params, protocol), 1, 8},       \
        {"port", API_INTEGER, false, offsetof(struct watch_params, port), 0, UINT16_MAX},     \
        {"reason", API_STRING, false, offsetof(struct watch_params, reason), 1, 64},          \
    {                                                                                         \
        "seconds", API_INTEGER, false, offsetof(struct watch_params, seconds), 1, SECONDS_MAX \
    }

static const struct api_param trace_table[] = {
    COMMON_PARAMS,
    {"count", API_INTEGER, false, offsetof(struct watch_params, count), 1, 10000},
};

static const struct api_param capture_table[] = {
    COMMON_PARAMS,
    {"count", API_INTEGER, false, offsetof(struct watch_params, count), 1, INT64_MAX},
    {"bytes", API_INTEGER, false, offsetof(struct watch_params, bytes), 1, INT64_MAX},
    {"snaplen", API_INTEGER, false, offsetof(struct watch_params, snaplen), 14, CAPTURE_SNAPLEN_MAX},
    {"points", API_ARRAY, false, offsetof(struct watch_params, points), 0, 0},
};

/* A name, or a number. 0 or an API error. */
static int read_protocol(struct api_call *call, const char *text, uint8_t *out)
{
    static const char *const names[] = {"tcp", "udp", "icmp", "icmpv6", "sctp", "gre", "ipip", "ipv6"};
    static const uint8_t numbers[] = {IPPROTO_TCP,  IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6,
                                      IPPROTO_SCTP, IPPROTO_GRE, IPPROTO_IPIP, IPPROTO_IPV6};
    int name = word_find(names, ARRAY_SIZE(names), text);
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (name >= 0) {
        *out = numbers[name];
        return 0;
    }
    if (*end != '\0' || end == text || text[0] == '-' || number > UINT8_MAX) {
        return api_fail(call, API_ERR_PARAMS,
                        "\"protocol\" is tcp, udp, icmp, icmpv6, sctp, gre, ipip, ipv6, or a number up to 255");
    }
    *out = (uint8_t)number;
    return 0;
}

static int read_filter(struct api_call *call, const struct watch_params *in, uint64_t given, struct filter *out)
{
    /* the keys of COMMON_PARAMS come first, in this order */
    static const unsigned int fields[] = {FILTER_ADDRESS, FILTER_SOURCE, FILTER_DESTINATION, FILTER_PROTOCOL,
                                          FILTER_PORT};

    *out = (struct filter){
        .address = in->address, .source = in->source, .destination = in->destination, .port = (uint16_t)in->port};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        out->fields |= (given >> i & 1) != 0 ? fields[i] : 0;
    }
    return in->protocol != NULL ? read_protocol(call, in->protocol, &out->protocol) : 0;
}

static int read_reason(struct api_call *call, const char *text, enum drop_reason *out)
{
    *out = DROP_REASONS;
    for (int reason = 0; text != NULL && reason < DROP_REASONS; reason++) {
        if (strcmp(drop_reason_name(reason), text) == 0) {
            *out = reason;
            return 0;
        }
    }
    return text == NULL ? 0 : api_fail(call, API_ERR_PARAMS, "\"reason\": there is no drop reason \"%.64s\"", text);
}

/* A sent packet is shown by the worker that gives it to the device; one that is passed to it first is not shown twice.
 */
static int read_points(struct api_call *call, const json_t *list, bool reason_given, unsigned int *out)
{
    static const char *const names[] = {"received", "sent", "punted", "dropped"};
    static const enum watch_point points[] = {WATCH_RECEIVED, WATCH_SENT, WATCH_PUNTED, WATCH_DROPPED};
    const json_t *one;
    size_t i;

    *out = 0;
    json_array_foreach(list, i, one)
    {
        int name = json_is_string(one) ? word_find(names, ARRAY_SIZE(names), json_string_value(one)) : -1;

        if (name < 0) {
            return api_fail(call, API_ERR_PARAMS, "\"points\" is a list of received, sent, punted, dropped");
        }
        *out |= 1u << points[name];
    }
    if (*out == 0) {
        *out = reason_given ? 1u << WATCH_DROPPED
                            : 1u << WATCH_RECEIVED | 1u << WATCH_SENT | 1u << WATCH_PUNTED | 1u << WATCH_DROPPED;
    }
    return 0;
}

static unsigned int watch_count(const struct control *control)
{
    const struct packet_watch *watch;
    unsigned int count = 0;

    LIST_FOREACH(watch, &control->watches, link)
    {
        count++;
    }
    return count;
}

/* A watch to the caller of which the data plane knows nothing yet; NULL with *code. */
static struct packet_watch *watch_create(struct api_call *call, const struct watch_params *in, int *code)
{
    struct control *control = call->context;
    struct packet_watch *watch;

    if (watch_count(control) >= PACKET_WATCHES_MAX) {
        *code = api_fail(call, API_ERR_BUSY, "%d traces and captures are running; try again", PACKET_WATCHES_MAX);
        return NULL;
    }
    watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        *code = api_fail(call, API_ERR_INTERNAL, "no memory");
        return NULL;
    }
    watch->stream.gone = client_gone;
    watch->control = control;
    watch->id = ++control->last_watch;
    watch->until_ms = loop_now_ms() + (uint64_t)in->seconds * 1000;
    watch->count = (uint64_t)in->count;
    watch->bytes = (uint64_t)in->bytes;
    *code = api_stream_open(call, &watch->stream);
    if (*code != 0) {
        free(watch);
        return NULL;
    }
    return watch;
}

static json_t *json_port_names(const struct control *control)
{
    json_t *names = json_array();

    for (unsigned int i = 0; i < dp_port_count(control->dp); i++) {
        json_array_append_new(names, json_string(dp_port(control->dp, i)->name));
    }
    return names;
}

/* The data plane has it, or refused with `result`. */
static int watch_begin(struct api_call *call, struct packet_watch *watch, int result, json_t **out)
{
    if (result != 0) {
        api_stream_close(&watch->stream);
        free(watch);
        return api_fail(call, API_ERR_INTERNAL, "no memory for the packets");
    }
    LIST_INSERT_HEAD(&watch->control->watches, watch, link);
    return answer(call, json_pack("{s:i, s:o}", "watch", (int)watch->id, "ports", json_port_names(watch->control)),
                  out);
}

int method_trace_start(struct api_call *call, const json_t *params, json_t **result)
{
    struct watch_params in = {.count = 1, .seconds = 60, .bytes = INT64_MAX};
    struct trace_settings settings = {0};
    struct packet_watch *watch;
    uint64_t given;
    int code = read_params(call, params, trace_table, ARRAY_SIZE(trace_table), &in, &given);

    if (code == 0) {
        code = read_filter(call, &in, given, &settings.filter);
    }
    if (code == 0) {
        code = read_reason(call, in.reason, &settings.reason);
    }
    watch = code == 0 ? watch_create(call, &in, &code) : NULL;
    if (watch == NULL) {
        return code;
    }
    watch->trace = true;
    settings.limit = (uint64_t)in.count;
    return watch_begin(call, watch, dp_trace_open(watch->control->dp, &settings, &watch->dp), result);
}

int method_capture_start(struct api_call *call, const json_t *params, json_t **result)
{
    struct watch_params in = {.count = INT64_MAX, .seconds = 60, .bytes = INT64_MAX, .snaplen = CAPTURE_SNAPLEN_MAX};
    struct capture_settings settings = {0};
    struct packet_watch *watch;
    uint64_t given;
    int code = read_params(call, params, capture_table, ARRAY_SIZE(capture_table), &in, &given);

    if (code == 0) {
        code = read_filter(call, &in, given, &settings.filter);
    }
    if (code == 0) {
        code = read_reason(call, in.reason, &settings.reason);
    }
    if (code == 0) {
        code = read_points(call, in.points, in.reason != NULL, &settings.points);
    }
    watch = code == 0 ? watch_create(call, &in, &code) : NULL;
    if (watch == NULL) {
        return code;
    }
    settings.snaplen = (uint32_t)in.snaplen;
    settings.limit = (uint64_t)in.count;
    return watch_begin(call, watch, dp_capture_open(watch->control->dp, &settings, &watch->dp), result);
}

/* Only by the connection that started it. */
int method_watch_stop(struct api_call *call, const json_t *params, json_t **result)
{
    static const struct api_param table[] = {{"watch", API_INTEGER, true, 0, 1, UINT32_MAX}};
    struct control *control = call->context;
    struct packet_watch *watch;
    int64_t id;
    int code = read_params(call, params, table, ARRAY_SIZE(table), &id, NULL);

    if (code != 0) {
        return code;
    }
    LIST_FOREACH(watch, &control->watches, link)
    {
        if (watch->id == id && watch->stream.client == call->peer->client) {
            json_t *end = end_json(watch, "stopped");

            api_stream_close(&watch->stream);
            watch_free(watch);
            return answer(call, end, result);
        }
    }
    return api_fail(call, API_ERR_EXISTS, "this connection has no watch %lld", (long long)id);
}
