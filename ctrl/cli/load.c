/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"
#include "rpc_client.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH   24
#define INTERVAL_MS 100

void load_progress(const json_t *feed, char *out, size_t size)
{
    double done = (double)json_integer_value(json_object_get(feed, "position"));
    double whole = (double)json_integer_value(json_object_get(feed, "size"));
    double seconds = (double)json_integer_value(json_object_get(feed, "elapsed_ms")) / 1000;
    json_int_t routes = json_integer_value(json_object_get(json_object_get(feed, "counts"), "announced"));
    double part = whole > 0 && done < whole ? done / whole : whole > 0 ? 1 : 0;
    int filled = (int)(part * BAR_WIDTH);
    unsigned int left = part > 0 ? (unsigned int)(seconds / part - seconds + 0.5) : 0;
    char bar[BAR_WIDTH + 1];

    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[BAR_WIDTH] = '\0';
    snprintf(out, size, "%3.0f %% [%s] %lld routes, %.0f/s, %u:%02u left", part * 100, bar, (long long)routes,
             seconds > 0 ? (double)routes / seconds : 0, left / 60, left % 60);
}

/* The load in the answer to feed.list: borrowed; NULL: it is not there. */
static json_t *find(const json_t *answer, const char *name)
{
    const json_t *list = json_object_get(json_object_get(answer, "result"), "feeds");
    json_t *feed;
    size_t i;

    json_array_foreach(list, i, feed)
    {
        const char *found = json_string_value(json_object_get(feed, "name"));

        if (found != NULL && strcmp(found, name) == 0) {
            return feed;
        }
    }
    return NULL;
}

static void show(const json_t *feed, bool ended)
{
    char line[128];

    load_progress(feed, line, sizeof(line));
    fprintf(stderr, "\r%s\033[K%s", line, ended ? "\n" : "");
    fflush(stderr);
}

/* Asks until it has ended. */
static int follow(const char *socket, const char *name, bool quiet, json_t **feed, struct error *error)
{
    const struct timespec interval = {.tv_nsec = INTERVAL_MS * 1000000L};
    bool terminal = !quiet && isatty(STDERR_FILENO);

    for (;;) {
        json_t *answer;
        json_t *found;
        bool ended;
        int result = rpc_call(socket, "feed.list", NULL, &answer, error);

        if (result != 0) {
            return result;
        }
        found = find(answer, name);
        ended = found == NULL || strcmp(json_string_value(json_object_get(found, "state")), "loading") != 0;
        if (terminal && found != NULL) {
            show(found, ended);
        }
        *feed = ended ? json_incref(found) : NULL;
        json_decref(answer);
        if (ended) {
            return 0;
        }
        nanosleep(&interval, NULL);
    }
}

int load_file(const char *socket, json_t *params, bool quiet, json_t **feed, json_t **answer, struct error *error)
{
    const char *path = json_string_value(json_object_get(params, "file"));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    json_t *told;
    json_t *name;
    int result;

    *feed = NULL;
    *answer = NULL;
    if (fd < 0) {
        return error_set(error, -ENOENT, "cannot open %.300s: %s", path, strerror(errno));
    }
    told = json_copy(params);
    json_object_del(told, "file");
    result = rpc_call_with_file(socket, "feed.load", told, fd, answer, error);
    json_decref(told);
    close(fd);
    if (result != 0) {
        return result;
    }
    name = json_object_get(json_object_get(*answer, "result"), "name");
    return json_is_string(name) ? follow(socket, json_string_value(name), quiet, feed, error) : 0;
}
