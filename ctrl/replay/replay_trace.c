/* SPDX-License-Identifier: BSD-3-Clause */
/* What each stage did with each packet, as text (--trace). */
#include "follow.h"
#include "packet_json.h"
#include "replay.h"
#include <errno.h>
#include <limits.h>
#include <string.h>

int replay_trace_open(struct replay_trace *trace, const char *folder, struct dp *dp, struct error *error)
{
    const struct trace_settings all = {.reason = DROP_REASONS, .limit = UINT64_MAX};
    char path[PATH_MAX];
    int result;

    snprintf(path, sizeof(path), "%s/trace.txt", folder);
    trace->file = fopen(path, "we");
    if (trace->file == NULL) {
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    }
    result = dp_trace_open(dp, &all, &trace->watch);
    return result == 0 ? 0 : error_set(error, result, "no memory for a trace");
}

void replay_trace_write(struct replay_trace *trace, const struct control *control)
{
    const struct trace_record *record;
    unsigned int worker;

    while (trace->watch != NULL && (record = dp_watch_peek(trace->watch, &worker)) != NULL) {
        json_t *told = json_trace(control, record);

        json_object_set_new(told, "id", json_integer(record->id));
        if (record->origin != 0) {
            json_object_set_new(told, "origin", json_integer(record->origin));
        }
        trace_print(told, trace->file);
        json_decref(told);
        dp_watch_consume(trace->watch);
    }
}

int replay_trace_close(struct replay_trace *trace, struct dp *dp)
{
    if (trace->watch != NULL) {
        if (dp_watch_lost(trace->watch) > 0) {
            fprintf(trace->file, "%llu packets could not be followed: too many were waiting\n",
                    (unsigned long long)dp_watch_lost(trace->watch));
        }
        dp_watch_close(dp, trace->watch);
        trace->watch = NULL;
    }
    if (trace->file == NULL) {
        return 0;
    }
    return fclose(trace->file) == 0 ? 0 : -EIO;
}
