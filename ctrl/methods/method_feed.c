/* SPDX-License-Identifier: BSD-3-Clause */
/* feed.list, feed.load, feed.unload */
#include "methods_private.h"
#include <errno.h>
#include <string.h>

static const char *const states[] = {
    [FEED_WAITING] = "waiting", [FEED_SYNCING] = "syncing", [FEED_CONNECTED] = "connected", [FEED_STALE] = "stale",
    [FEED_LOADING] = "loading", [FEED_LOADED] = "loaded",   [FEED_FAILED] = "failed",
};

/* A text that may not be there. */
static json_t *json_text(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *json_counts(const struct feed_counts *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "messages", (json_int_t)counts->messages, "announced",
                     (json_int_t)counts->upserts, "withdrawn", (json_int_t)counts->withdrawals, "attribute_discarded",
                     (json_int_t)counts->discarded, "treated_as_withdraw", (json_int_t)counts->treated_as_lost,
                     "unusable", (json_int_t)counts->unusable, "refused", (json_int_t)counts->refused, "ignored",
                     (json_int_t)counts->ignored);
}

struct feed_list {
    const struct site *site;
    json_t *feeds;
};

static void add_feed(void *context, const struct feed_info *info)
{
    struct feed_list *list = context;
    bool bmp = strcmp(info->type, "bmp") == 0;
    json_t *feed =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:o}", "name", info->name, "type", info->type, "state",
                  states[info->state], "why", json_text(info->why), "description", json_text(info->description),
                  "warning", json_text(info->warning), "peers", bmp ? json_integer(info->peers) : json_null(), "routes",
                  (int)info->routes, "counts", json_counts(&info->counts));

    if (info->size > 0) {
        json_object_set_new(feed, "position", json_integer((json_int_t)info->position));
        json_object_set_new(feed, "size", json_integer((json_int_t)info->size));
        json_object_set_new(feed, "elapsed_ms", json_integer((json_int_t)info->elapsed_ms));
    }
    json_object_set_new(feed, "session", json_integer(info->session));
    json_object_set_new(feed, "breaker", json_breaker(list->site, info->session));
    json_array_append_new(list->feeds, feed);
}

int method_feed_list(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    int code = read_no_params(call, params);
    struct feed_list list = {.site = control->site};

    if (code != 0) {
        return code;
    }
    list.feeds = json_array();
    feeds_each(control->feeds, add_feed, &list);
    return answer(call, json_pack("{s:o}", "feeds", list.feeds), result);
}

static int read_name(struct api_call *call, const json_t *params, const char **name)
{
    static const struct api_param table[] = {{"name", API_STRING, false, 0, 0, CONFIG_FEED_NAME_MAX}};
    int code = read_params(call, params, table, ARRAY_SIZE(table), name, NULL);

    if (code == 0 && (check_name(call, "name", *name) != 0 || strchr(*name, '@') != NULL)) {
        return api_fail(call, API_ERR_PARAMS, "\"name\": up to %d letters, digits and . _ - :, a letter or digit first",
                        CONFIG_FEED_NAME_MAX);
    }
    return code;
}

int method_feed_load(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    const char *name = "mrt";
    int code = read_name(call, params, &name);
    int fd = code == 0 ? api_take_file(call->peer) : -ENOENT;
    int failed;

    if (code != 0) {
        return code;
    }
    if (fd < 0) {
        return api_fail(call, API_ERR_PARAMS, "no file came with the call: it is handed over by SCM_RIGHTS");
    }
    failed = feeds_load(control->feeds, name, fd, &call->error);
    if (failed != 0) {
        return failed == -EBUSY ? API_ERR_BUSY : failed == -EEXIST ? API_ERR_EXISTS : API_ERR_PARAMS;
    }
    return answer(call, json_pack("{s:s}", "name", name), result);
}

int method_feed_unload(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    const char *name = "mrt";
    int code = read_name(call, params, &name);

    (void)result;
    if (code != 0) {
        return code;
    }
    if (feeds_unload(control->feeds, name, &call->error) != 0) {
        return API_ERR_EXISTS;
    }
    return commit_site(call, control->site);
}
