/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"
#include "hex.h"
#include "unit.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEERS_MAX 64

struct table {
    struct feed_sink sink;
    struct rib *rib;
    struct feed_peer peers[PEERS_MAX];
    bool used[PEERS_MAX];
    unsigned int commits;
    unsigned int holes;
    char text[1 << 16];
    size_t n;
};

static int peer_set(void *owner, const struct feed_peer *peer)
{
    struct table *table = owner;
    int free_number = -ENOSPC;

    for (int i = PEERS_MAX - 1; i >= 0; i--) {
        if (table->used[i] && strcmp(table->peers[i].name, peer->name) == 0) {
            table->peers[i] = *peer;
            return i;
        }
        free_number = table->used[i] ? free_number : i;
    }
    if (free_number >= 0) {
        table->used[free_number] = true;
        table->peers[free_number] = *peer;
    }
    return free_number;
}

static void flush(void *owner, int peer)
{
    struct table *table = owner;
    uint16_t id = (uint16_t)peer;

    assert_true(table->used[peer]);
    rib_flush(table->rib, &(struct rib_selector){.peer_id = &id});
}

static void peer_del(void *owner, int peer)
{
    struct table *table = owner;

    flush(owner, peer);
    table->used[peer] = false;
}

static int upsert(void *owner, int peer, const struct feed_route *route)
{
    struct table *table = owner;
    struct candidate candidate = {.attrs = route->attrs,
                                  .key = {1, (uint16_t)peer, route->path_id},
                                  .target = route->target,
                                  .share = route->share};
    struct candidate old;
    int result;

    assert_true(table->used[peer]);
    result = rib_upsert(table->rib, &route->prefix, &candidate, &old);
    if (result != RIB_ADDED) {
        attrs_unref(table->sink.attrs, old.attrs);
    }
    return result;
}

static void withdraw(void *owner, int peer, const struct prefix *prefix, uint32_t path_id)
{
    struct table *table = owner;
    struct candidate_key key = {1, (uint16_t)peer, path_id};
    struct candidate old;

    assert_true(table->used[peer]);
    if (rib_withdraw(table->rib, prefix, &key, &old)) {
        attrs_unref(table->sink.attrs, old.attrs);
    }
}

static void sync_begin(void *owner, int peer)
{
    struct table *table = owner;
    uint16_t id = (uint16_t)peer;

    rib_mark_stale(table->rib, &(struct rib_selector){.peer_id = peer == FEED_ALL_PEERS ? NULL : &id});
}

static bool sync_end(void *owner, int peer)
{
    static const bool stale = true;
    struct table *table = owner;
    uint16_t id = (uint16_t)peer;

    rib_flush(table->rib, &(struct rib_selector){.peer_id = peer == FEED_ALL_PEERS ? NULL : &id, .stale = &stale});
    return true;
}

static bool busy(void *owner)
{
    (void)owner;
    return false;
}

static void commit(void *owner)
{
    struct table *table = owner;
    struct rib_entry *entry;

    table->commits++;
    while ((entry = rib_next_dirty(table->rib)) != NULL) {
        table->holes += entry->n_candidates == 0 && entry->outcome.best_mark != 0;
        entry->outcome.best_mark = 1;
        rib_release(table->rib, entry);
    }
}

struct table *table_create(void)
{
    struct table *table = calloc(1, sizeof(*table));

    assert_non_null(table);
    table->sink = (struct feed_sink){.attrs = attrs_table_create(1),
                                     .own_as = 65000,
                                     .owner = table,
                                     .peer_set = peer_set,
                                     .peer_del = peer_del,
                                     .flush = flush,
                                     .upsert = upsert,
                                     .withdraw = withdraw,
                                     .sync_begin = sync_begin,
                                     .sync_end = sync_end,
                                     .busy = busy,
                                     .commit = commit};
    table->rib = rib_create(table->sink.attrs);
    assert_non_null(table->rib);
    return table;
}

void table_destroy(struct table *table)
{
    rib_destroy(table->rib);
    attrs_table_destroy(table->sink.attrs);
    free(table);
}

void table_reset(struct table *table)
{
    rib_flush(table->rib, &(struct rib_selector){0});
    commit(table);
    memset(table->used, 0, sizeof(table->used));
    table->commits = 0;
    table->holes = 0;
}

struct feed_sink *table_sink(struct table *table)
{
    return &table->sink;
}

static void say(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct table *table, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    table->n += (size_t)vsnprintf(table->text + table->n, sizeof(table->text) - table->n, format, list);
    va_end(list);
    assert_true(table->n < sizeof(table->text));
}

static void say_candidate(struct table *table, const struct prefix *prefix, const struct candidate *candidate)
{
    const struct attrs *attrs = candidate->attrs;
    char buffer[PREFIX_STRLEN];
    size_t asns = as_path_asns(&attrs->as_path);

    say(table, "%s%s ", table->n > 0 ? "; " : "", prefix_format(prefix, buffer));
    say(table, "%s", table->peers[candidate->key.peer_id].name);
    if (candidate->key.path_id != 0) {
        say(table, "#%u", candidate->key.path_id);
    }
    if (candidate->target.kind == TARGET_NEXT_HOP) {
        say(table, " via %s", ip_addr_format(&candidate->target.next_hop, buffer));
        if (candidate->share > 1) {
            say(table, " share %u", candidate->share);
        }
    } else {
        say(table, " %s", candidate->target.kind == TARGET_BLACKHOLE ? "blackhole" : "reject");
    }
    for (size_t i = 0; i < asns; i++) {
        say(table, "%s%u", i == 0 ? " as " : ",", attrs->as_path.asns[i]);
    }
    if (attrs->has_local_pref) {
        say(table, " pref %u", attrs->local_pref);
    }
    if (attrs->has_med) {
        say(table, " med %u", attrs->med);
    }
    say(table, "%s", candidate->stale ? "!" : "");
}

const char *table_text(struct table *table, const char *within)
{
    struct prefix only;

    table->n = 0;
    table->text[0] = '\0';
    assert_true(within == NULL || prefix_parse(within, &only) == 0);
    for (int family = 0; family < FAMILIES; family++) {
        struct prefix first = {.addr.family = (uint8_t)family};
        struct rib_entry *entry = rib_seek(table->rib, &first);

        for (; entry != NULL; entry = rib_next(table->rib, entry)) {
            for (uint32_t i = 0; i < entry->n_candidates; i++) {
                if (within == NULL || prefix_covers(&only, &entry->prefix)) {
                    say_candidate(table, &entry->prefix, &entry->candidates[i]);
                }
            }
        }
    }
    return table->text;
}

const char *table_peers(struct table *table)
{
    table->n = 0;
    table->text[0] = '\0';
    for (int i = 0; i < PEERS_MAX; i++) {
        const struct feed_peer *peer = &table->peers[i];

        if (table->used[i]) {
            say(table, "%s%s as %u type %d id %x", table->n > 0 ? "; " : "", peer->name, peer->facts.as,
                (int)peer->facts.type, peer->facts.router_id);
        }
    }
    return table->text;
}

size_t table_count(const struct table *table)
{
    const struct rib_counts *counts = rib_counts(table->rib);

    return counts->candidates[FAMILY_V4] + counts->candidates[FAMILY_V6];
}

unsigned int table_commits(const struct table *table)
{
    return table->commits;
}

unsigned int table_holes(const struct table *table)
{
    return table->holes;
}

uint8_t *table_capture(const char *name, size_t *length)
{
    char path[4096];
    char *line = NULL;
    size_t room = 0;
    uint8_t *bytes = malloc(4 << 20);
    FILE *file;

    snprintf(path, sizeof(path), "%s/../shared/fixtures/%s", SOURCE_ROOT, name);
    file = fopen(path, "r");
    *length = 0;
    while (file != NULL && getline(&line, &room, file) > 0) {
        if (strncmp(line, "   HEX ", 7) == 0) {
            uint32_t n = (uint32_t)hex_read(line + 7, NULL, bytes + *length + sizeof(n), (1 << 18));

            memcpy(bytes + *length, &n, sizeof(n));
            *length += sizeof(n) + n;
        }
    }
    free(line);
    if (file == NULL) {
        free(bytes);
        return NULL;
    }
    fclose(file);
    return bytes;
}
