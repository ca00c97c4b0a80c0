/* SPDX-License-Identifier: BSD-3-Clause */
/* failover.list */
#include "failover.h"
#include "methods_private.h"

struct list_params {
    int64_t limit;
};

static const struct api_param list_table[] = {
    {"limit", API_INTEGER, false, offsetof(struct list_params, limit), 1, FAILOVERS_KEPT},
};

/* null: there is none */
static json_t *json_us(const struct site *site, uint64_t from, uint64_t to)
{
    return from != 0 && to != 0 ? json_integer((json_int_t)site_failover_us(site, from, to)) : json_null();
}

json_t *json_failover(const struct site *site, const struct site_failover *record)
{
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:f, s:o, s:o, s:o, s:o, s:s?, s:I, s:I}", "sequence", (json_int_t)record->sequence,
        "instance", record->instance, "cause", record->cause, "detail", record->detail, "at",
        (double)record->at_ms / 1000, "detection_us", json_us(site, record->last_good, record->detected), "flip_us",
        json_us(site, record->detected, record->flipped), "takeover_us", json_us(site, record->flipped, record->first),
        "worker_gap_us", json_us(site, record->first - record->worker_gap, record->first), "heir",
        *record->heir != '\0' ? record->heir : NULL, "packets_lost",
        (json_int_t)(record->packets - record->packets_last_good), "packets", (json_int_t)record->packets);
}

static json_t *json_histogram(const uint64_t *buckets)
{
    json_t *list = json_array();

    for (int bucket = 0; bucket < FAILOVER_BUCKETS; bucket++) {
        if (buckets[bucket] != 0) {
            json_array_append_new(list, json_pack("{s:I, s:I}", "below_us", (json_int_t)1 << bucket, "count",
                                                  (json_int_t)buckets[bucket]));
        }
    }
    return list;
}

/* The latest first. */
int method_failover_list(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    const struct failover_histograms *histograms = site_failover_histograms(control->site);
    struct list_params in = {.limit = FAILOVERS_KEPT};
    int code = read_params(call, params, list_table, ARRAY_SIZE(list_table), &in, NULL);
    uint64_t count = site_failover_count(control->site);
    json_t *list;

    if (code != 0) {
        return code;
    }
    list = json_array();
    for (int64_t i = 0; i < in.limit && (uint64_t)i < count; i++) {
        const struct site_failover *record = site_failover(control->site, count - (uint64_t)i);

        if (record != NULL) {
            json_array_append_new(list, json_failover(control->site, record));
        }
    }
    return answer(call,
                  json_pack("{s:o, s:I, s:{s:o, s:o}}", "failovers", list, "count", (json_int_t)count, "histograms",
                            "detection", json_histogram(histograms->detection), "takeover",
                            json_histogram(histograms->takeover)),
                  result);
}
