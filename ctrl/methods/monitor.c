/* SPDX-License-Identifier: BSD-3-Clause */
#include "monitor.h"
#include "api_stream.h"
#include "candidate_json.h"
#include "loop.h"
#include "methods_private.h"
#include "word.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OF_A_CLIENT_MAX   16   /* subscriptions */
#define SNAPSHOT_PART     1000 /* prefixes a tick */
#define NEIGHBOUR_POLL_MS 100
#define POLL_SHARE        20 /* a look that took t ms is taken again after 20 t at the earliest */

static const char *const topic_names[TOPICS] = {"best", "instance", "session", "port", "neighbour", "failover"};

struct monitor {
    struct api_stream stream; /* first */
    struct monitors *monitors;
    bool topics[TOPICS];
    bool chosen;        /* had room when monitors_want() was asked */
    uint64_t seq;       /* of the last event */
    uint64_t lost_from; /* 0: nothing is lost that was not told */
    bool in_snapshot;   /* prefixes are still to be told: */
    bool at_start;      /* the first one of its family, else the one after it */
    struct prefix told;
    LIST_ENTRY(monitor) link;
};

struct monitors {
    struct control *control;
    LIST_HEAD(, monitor) all;
    json_t *last[TOPICS]; /* as monitor_look() saw it; NULL: nobody has subscribed yet */
    uint64_t due_ms[TOPICS];
};

static void on_gone(struct api_stream *stream)
{
    struct monitor *monitor = (struct monitor *)stream;

    LIST_REMOVE(monitor, link);
    free(monitor);
}

static bool has_room(const struct monitor *monitor)
{
    return monitor->lost_from == 0 && api_stream_has_room(&monitor->stream);
}

/* Takes the object; numbers the event, or counts it as lost. */
static void tell(struct monitor *monitor, const char *topic, json_t *params)
{
    monitor->seq++;
    if (params != NULL && has_room(monitor)) {
        json_object_set_new(params, "seq", json_integer((json_int_t)monitor->seq));
        json_object_set_new(params, "topic", json_string(topic));
        if (api_stream_send(&monitor->stream, "event", params) == 0) {
            return;
        }
    } else {
        json_decref(params);
    }
    monitor->lost_from = monitor->lost_from == 0 ? monitor->seq : monitor->lost_from;
}

bool monitors_want(struct control *control, enum monitor_topic topic)
{
    struct monitor *monitor;
    bool wanted = false;

    if (control->monitors == NULL) {
        return false;
    }
    LIST_FOREACH(monitor, &control->monitors->all, link)
    {
        monitor->chosen = monitor->topics[topic] && has_room(monitor);
        wanted |= monitor->chosen;
        if (monitor->topics[topic] && !monitor->chosen) {
            tell(monitor, topic_names[topic], NULL);
        }
    }
    return wanted;
}

void monitors_tell(struct control *control, enum monitor_topic topic, json_t *params)
{
    struct monitor *monitor;

    LIST_FOREACH(monitor, &control->monitors->all, link)
    {
        if (monitor->chosen) {
            tell(monitor, topic_names[topic], json_copy(params));
        }
    }
    json_decref(params);
}

/* The candidate of this key in the ranking; UINT32_MAX: there is none any more. */
static uint32_t index_of(const struct site_ranking *ranking, const struct candidate_key *key)
{
    for (uint32_t i = 0; i < ranking->count; i++) {
        if (memcmp(&ranking->candidates[i].key, key, sizeof(*key)) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* Why the old winner is not the winner any more; null: it still is, or there was none. */
static json_t *why_changed(const struct control *control, const struct site_change *change)
{
    const struct site_ranking *ranking = change->ranking;
    uint32_t old = change->old != NULL ? index_of(ranking, change->old) : UINT32_MAX;
    const struct verdict *verdict;
    char detail[BEST_DETAIL_STRLEN];

    if (old == UINT32_MAX) {
        return change->old != NULL ? json_string("withdrawn") : json_null();
    }
    verdict = &ranking->verdicts[old];
    if (ranking->contenders[old].why_not != NULL) {
        return json_string(ranking->contenders[old].why_not);
    }
    if (verdict->lost_at == STEP_NONE) {
        return json_null();
    }
    best_detail(verdict->lost_at, &ranking->contenders[old], &ranking->contenders[verdict->lost_to], &ranking->options,
                site_peer(control->site, ranking->candidates[verdict->lost_to].key.peer_id)->name, detail);
    return json_string(detail);
}

static json_t *json_best(const struct control *control, const struct prefix *prefix, const struct site_ranking *ranking)
{
    json_t *best = json_array();

    for (uint32_t i = 0; i < ranking->eligible && ranking->verdicts[ranking->ranking[i]].tier == 1; i++) {
        json_array_append_new(best, candidate_write(control, prefix, &ranking->candidates[ranking->ranking[i]]));
    }
    return best;
}

/* Where its packets went: the places of the first tier. */
static json_t *json_was(const struct control *control, const struct outcome *before)
{
    json_t *was = json_array();
    unsigned int count = 0;
    const struct outcome_path *paths = before != NULL ? outcome_paths(before, &count) : NULL;

    for (unsigned int i = 0; i < count && paths[i].tier == paths[0].tier; i++) {
        json_array_append_new(was, write_path(control, &paths[i]));
    }
    return was;
}

static void on_best_changed(void *owner, const struct site_change *change)
{
    struct control *control = owner;

    if (monitors_want(control, TOPIC_BEST)) {
        monitors_tell(control, TOPIC_BEST,
                      json_pack("{s:o, s:o, s:o, s:s, s:o, s:i, s:I}", "prefix", json_prefix(change->prefix), "best",
                                json_best(control, change->prefix, change->ranking), "was",
                                json_was(control, change->before), "cause", change->cause, "why",
                                why_changed(control, change), "session", (int)change->session_id, "generation",
                                (json_int_t)change->generation));
    }
}

/* The next prefixes, as long as half of the queue is free. */
static void snapshot_go_on(struct monitor *monitor)
{
    struct control *control = monitor->monitors->control;
    const struct rib *rib = site_rib(control->site);

    for (int i = 0; i < SNAPSHOT_PART && api_stream_waiting(&monitor->stream) < MONITOR_BUFFER_MAX / 2; i++) {
        const struct rib_entry *entry =
            monitor->at_start ? rib_seek(rib, &monitor->told) : rib_after(rib, &monitor->told);
        struct site_ranking ranking = {0};

        monitor->at_start = false;
        if (entry == NULL && monitor->told.addr.family == FAMILY_V4) {
            monitor->told = (struct prefix){.addr.family = FAMILY_V6};
            monitor->at_start = true;
            continue;
        }
        if (entry == NULL) {
            monitor->in_snapshot = false;
            tell(monitor, "snapshot_end", json_object());
            return;
        }
        if (site_rank(control->site, &entry->prefix, &ranking) == 0 && ranking.eligible > 0) {
            tell(monitor, topic_names[TOPIC_BEST],
                 json_pack("{s:o, s:o, s:s}", "prefix", json_prefix(&entry->prefix), "best",
                           json_best(control, &entry->prefix, &ranking), "cause", "snapshot"));
        }
        site_ranking_free(&ranking);
        monitor->told = entry->prefix;
    }
}

/* Tells what was lost, once there is room for more than a little. */
static void catch_up(struct monitor *monitor)
{
    json_t *params;

    if (monitor->lost_from != 0 && api_stream_waiting(&monitor->stream) < MONITOR_BUFFER_MAX / 2) {
        params = json_pack("{s:s, s:I, s:I}", "topic", "event_lost", "from", (json_int_t)monitor->lost_from, "to",
                           (json_int_t)monitor->seq);
        if (api_stream_send(&monitor->stream, "event_lost", params) == 0) {
            monitor->lost_from = 0;
        }
    }
    if (monitor->lost_from == 0 && monitor->in_snapshot) {
        snapshot_go_on(monitor);
    }
}

static void tell_item(struct control *control, enum monitor_topic topic, const char *event, const json_t *item)
{
    if (monitors_want(control, topic)) {
        json_t *params = json_copy((json_t *)item);

        json_object_set_new(params, "event", json_string(event));
        monitors_tell(control, topic, params);
    }
}

/* Looks again, and tells what is new, different or gone. */
static void poll_topic(struct monitors *monitors, enum monitor_topic topic)
{
    struct control *control = monitors->control;
    json_t *now = monitor_look(control, topic);
    json_t *last = monitors->last[topic];
    const char *key;
    json_t *item;

    json_object_foreach(now, key, item)
    {
        json_t *before = json_object_get(last, key);

        if (before == NULL || !json_equal(before, item)) {
            tell_item(control, topic, before == NULL ? "added" : "changed", item);
        }
    }
    json_object_foreach(last, key, item)
    {
        if (json_object_get(now, key) == NULL && topic != TOPIC_FAILOVER) { /* a record that is old goes, and no more */
            tell_item(control, topic, "removed", item);
        }
    }
    json_decref(last);
    monitors->last[topic] = now;
}

static bool anybody_on(const struct monitors *monitors, enum monitor_topic topic)
{
    const struct monitor *monitor;

    LIST_FOREACH(monitor, &monitors->all, link)
    {
        if (monitor->topics[topic]) {
            return true;
        }
    }
    return false;
}

void monitors_tick(struct control *control, uint64_t now_ms)
{
    struct monitors *monitors = control->monitors;
    struct monitor *monitor;

    if (monitors == NULL || LIST_EMPTY(&monitors->all)) {
        return;
    }
    for (enum monitor_topic topic = TOPIC_BEST + 1; topic < TOPICS; topic++) {
        uint64_t interval_ms = topic == TOPIC_NEIGHBOUR ? NEIGHBOUR_POLL_MS : MONITOR_POLL_MS;
        uint64_t start_ms = loop_now_ms();
        uint64_t cost_ms;

        if (now_ms < monitors->due_ms[topic] || !anybody_on(monitors, topic)) {
            continue;
        }
        poll_topic(monitors, topic);
        cost_ms = loop_now_ms() - start_ms;
        monitors->due_ms[topic] = now_ms + (cost_ms * POLL_SHARE > interval_ms ? cost_ms * POLL_SHARE : interval_ms);
    }
    LIST_FOREACH(monitor, &monitors->all, link)
    {
        catch_up(monitor);
    }
}

void monitors_free(struct control *control)
{
    struct monitors *monitors = control->monitors;
    struct monitor *monitor;

    if (monitors == NULL) {
        return;
    }
    while ((monitor = LIST_FIRST(&monitors->all)) != NULL) {
        api_stream_close(&monitor->stream);
        on_gone(&monitor->stream);
    }
    for (int topic = 0; topic < TOPICS; topic++) {
        json_decref(monitors->last[topic]);
    }
    free(monitors);
    control->monitors = NULL;
}

static int monitors_create(struct control *control)
{
    if (control->monitors == NULL) {
        control->monitors = calloc(1, sizeof(*control->monitors));
        if (control->monitors == NULL) {
            return -1;
        }
        control->monitors->control = control;
        LIST_INIT(&control->monitors->all);
        site_watch(control->site, on_best_changed, control);
    }
    return 0;
}

struct subscribe_params {
    const json_t *topics;
    bool snapshot;
};

static const struct api_param subscribe_table[] = {
    {"topics", API_ARRAY, true, offsetof(struct subscribe_params, topics), 0, 0},
    {"snapshot", API_BOOL, false, offsetof(struct subscribe_params, snapshot), 0, 0},
};

static int read_topics(struct api_call *call, const json_t *list, bool topics[TOPICS])
{
    size_t i;
    json_t *item;

    if (json_array_size(list) == 0) {
        return api_fail(call, API_ERR_PARAMS, "\"topics\": at least one");
    }
    json_array_foreach((json_t *)list, i, item)
    {
        int topic = json_is_string(item) ? word_find(topic_names, TOPICS, json_string_value(item)) : -1;

        if (topic < 0) {
            return api_fail(call, API_ERR_PARAMS, "\"topics\": best, instance, session, port, neighbour, failover");
        }
        topics[topic] = true;
    }
    return 0;
}

/* What there is of the polled topics, now; of the best paths, from now on and by and by. */
static void begin_snapshot(struct monitor *monitor)
{
    for (enum monitor_topic topic = TOPIC_BEST + 1; topic < TOPICS; topic++) {
        const char *key;
        json_t *item;

        if (!monitor->topics[topic]) {
            continue;
        }
        json_object_foreach(monitor->monitors->last[topic], key, item)
        {
            json_t *params = json_copy(item);

            json_object_set_new(params, "event", json_string("snapshot"));
            tell(monitor, topic_names[topic], params);
        }
    }
    if (monitor->topics[TOPIC_BEST]) {
        monitor->in_snapshot = true;
        monitor->at_start = true;
        monitor->told = (struct prefix){.addr.family = FAMILY_V4};
        snapshot_go_on(monitor);
    } else {
        tell(monitor, "snapshot_end", json_object());
    }
}

static unsigned int monitors_of(const struct control *control, const struct api_client *client)
{
    const struct monitor *monitor;
    unsigned int n = 0;

    if (control->monitors == NULL) {
        return 0;
    }
    LIST_FOREACH(monitor, &control->monitors->all, link)
    {
        n += monitor->stream.client == client;
    }
    return n;
}

int method_monitor_subscribe(struct api_call *call, const json_t *params, json_t **result)
{
    struct control *control = call->context;
    struct subscribe_params in = {0};
    bool topics[TOPICS] = {false};
    struct monitor *monitor;
    int code = read_params(call, params, subscribe_table, ARRAY_SIZE(subscribe_table), &in, NULL);

    if (code == 0) {
        code = read_topics(call, in.topics, topics);
    }
    if (code != 0) {
        return code;
    }
    if (monitors_of(control, call->peer->client) >= OF_A_CLIENT_MAX) {
        return api_fail(call, API_ERR_BUSY, "this connection has %d subscriptions already", OF_A_CLIENT_MAX);
    }
    monitor = calloc(1, sizeof(*monitor));
    if (monitor == NULL || monitors_create(control) != 0) {
        free(monitor);
        return api_fail(call, API_ERR_INTERNAL, "no memory");
    }
    monitor->stream.gone = on_gone;
    monitor->stream.max = MONITOR_BUFFER_MAX;
    monitor->monitors = control->monitors;
    code = api_stream_open(call, &monitor->stream);
    if (code != 0) {
        free(monitor);
        return code;
    }
    for (enum monitor_topic topic = TOPIC_BEST + 1; topic < TOPICS; topic++) {
        if (topics[topic]) { /* so that what others know already is not news to this one */
            poll_topic(control->monitors, topic);
        }
    }
    memcpy(monitor->topics, topics, sizeof(topics));
    LIST_INSERT_HEAD(&control->monitors->all, monitor, link);
    if (in.snapshot) {
        begin_snapshot(monitor);
    }
    return answer(
        call, json_pack("{s:O, s:I}", "topics", in.topics, "generation", (json_int_t)site_generation(control->site)),
        result);
}
