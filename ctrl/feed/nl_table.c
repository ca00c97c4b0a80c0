/* SPDX-License-Identifier: BSD-3-Clause */
#include "nl_table.h"
#include "nl_objects.h"
#include "prefix_set.h"
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* One route of a prefix. Hops that lie in the message are kept beside it; those of an object are looked up. */
struct route {
    struct route *next; /* of the same prefix, by metric */
    uint32_t metric;
    uint32_t object_id;
    uint32_t generation;
    uint8_t fate;
    uint8_t count;
    struct nl_hop hops[];
};

struct place {
    struct prefix prefix; /* in the set */
    uint16_t told;        /* candidates in the sink: path ids 0 to told - 1 */
    uint32_t generation;  /* in which they were told */
    struct route *routes;
};

struct nl_table {
    struct nl_table_settings settings;
    struct nl_table_counts counts;
    struct prefix_set places;
    struct nl_objects objects;
    uint32_t generation;
    bool holes;
    bool syncing;
};

struct nl_table *nl_table_create(const struct nl_table_settings *settings)
{
    struct nl_table *table = calloc(1, sizeof(*table));

    if (table != NULL) {
        table->settings = *settings;
    }
    return table;
}

static void place_free(void *owner, struct prefix *member)
{
    struct place *place = (struct place *)member;

    (void)owner;
    for (struct route *next, *it = place->routes; it != NULL; it = next) {
        next = it->next;
        free(it);
    }
    free(place);
}

void nl_table_destroy(struct nl_table *table)
{
    if (table != NULL) {
        prefix_set_clear(&table->places, place_free, NULL);
        nl_objects_clear(&table->objects);
        free(table);
    }
}

const struct nl_table_counts *nl_table_counts(const struct nl_table *table)
{
    return &table->counts;
}

bool nl_table_has_holes(struct nl_table *table)
{
    bool holes = table->holes;

    table->holes = false;
    return holes;
}

/* The attributes of a route: its metric is the MED. A reference, or NULL: no memory. */
static const struct attrs *attrs_of(const struct nl_table *table, const struct route *route)
{
    struct attrs attrs = {.has_med = table->settings.by_metric,
                          .med = route->metric,
                          .has_local_pref = true,
                          .local_pref = table->settings.local_pref};

    return attrs_intern(table->settings.sink->attrs, &attrs);
}

/* Whether a hop is one that packets can be sent to by its address alone. */
static bool is_usable(struct nl_table *table, const struct nl_hop *hop)
{
    if (!hop->has_gateway) {
        table->counts.connected++;
        return false;
    }
    return true;
}

static void tell_one(struct nl_table *table, struct place *place, const struct attrs *attrs, struct target target,
                     const struct nl_hop *hop, uint16_t *told)
{
    const struct feed_sink *sink = table->settings.sink;
    struct feed_route route = {.prefix = place->prefix,
                               .path_id = *told,
                               .target = target,
                               .ifindex = hop != NULL ? hop->ifindex : 0,
                               .share = hop != NULL ? hop->weight : 1,
                               .attrs = attrs};

    if (attrs == NULL || sink->upsert(sink->owner, table->settings.peer, &route) < 0) {
        table->counts.feed.refused++;
        return;
    }
    table->counts.feed.upserts++;
    (*told)++;
}

static void tell_route(struct nl_table *table, struct place *place, const struct route *route, uint16_t *told)
{
    struct nl_hops hops = {.fate = route->fate, .count = route->count};
    const struct attrs *attrs;

    memcpy(hops.items, route->hops, route->count * sizeof(hops.items[0]));
    if (route->object_id != 0) {
        nl_objects_resolve(&table->objects, route->object_id, &hops);
    }
    attrs = attrs_of(table, route);
    if (hops.fate != NL_FORWARD) {
        uint8_t kind = hops.fate == NL_BLACKHOLE ? TARGET_BLACKHOLE : TARGET_REJECT;

        tell_one(table, place, attrs, (struct target){.kind = kind}, NULL, told);
    }
    for (unsigned int i = 0; hops.fate == NL_FORWARD && i < hops.count; i++) {
        if (is_usable(table, &hops.items[i])) {
            tell_one(table, place, attrs, (struct target){.kind = TARGET_NEXT_HOP, .next_hop = hops.items[i].gateway},
                     &hops.items[i], told);
        }
    }
    attrs_unref(table->settings.sink->attrs, attrs);
}

/* Tells the sink all that the place has now, and takes back what was told beyond it. */
static void tell(struct nl_table *table, struct place *place)
{
    const struct feed_sink *sink = table->settings.sink;
    uint16_t before = place->told;

    place->told = 0;
    place->generation = table->generation;
    for (const struct route *route = place->routes; route != NULL; route = route->next) {
        tell_route(table, place, route, &place->told);
    }
    for (uint16_t id = place->told; id < before; id++) {
        sink->withdraw(sink->owner, table->settings.peer, &place->prefix, id);
        table->counts.feed.withdrawals++;
    }
    table->holes |= before > 0 && place->told == 0;
}

static struct place *place_find(const struct nl_table *table, const struct prefix *prefix)
{
    return (struct place *)prefix_set_find(&table->places, prefix);
}

static struct place *place_get(struct nl_table *table, const struct prefix *prefix)
{
    struct place *place = place_find(table, prefix);

    if (place != NULL) {
        return place;
    }
    place = calloc(1, sizeof(*place));
    if (place != NULL) {
        place->prefix = *prefix;
        if (prefix_set_insert(&table->places, &place->prefix) != 0) {
            free(place);
            place = NULL;
        }
    }
    return place;
}

/* Frees the place if nothing is left there. */
static void place_release(struct nl_table *table, struct place *place)
{
    if (place->routes == NULL) {
        prefix_set_remove(&table->places, &place->prefix);
        free(place);
    }
}

/* Where the route of this metric is linked in, or would be. */
static struct route **slot_of(const struct nl_table *table, struct place *place, uint32_t metric)
{
    struct route **slot = &place->routes;

    while (*slot != NULL && table->settings.by_metric && (*slot)->metric < metric) {
        slot = &(*slot)->next;
    }
    return slot;
}

static bool is_of(const struct nl_table *table, const struct route *route, uint32_t metric)
{
    return route != NULL && (!table->settings.by_metric || route->metric == metric);
}

static void unlink_route(struct nl_table *table, struct route **slot)
{
    struct route *gone = *slot;

    *slot = gone->next;
    table->counts.routes--;
    free(gone);
}

static struct route *route_create(const struct nl_table *table, const struct nl_route *message)
{
    struct route *route = malloc(sizeof(*route) + message->hops.count * sizeof(route->hops[0]));

    if (route != NULL) {
        *route = (struct route){.metric = message->metric,
                                .object_id = message->next_hop_id,
                                .generation = table->generation,
                                .fate = message->hops.fate,
                                .count = message->hops.count};
        memcpy(route->hops, message->hops.items, message->hops.count * sizeof(route->hops[0]));
    }
    return route;
}

static int set_route(struct nl_table *table, const struct nl_route *message)
{
    struct route *route = route_create(table, message);
    struct place *place = route != NULL ? place_get(table, &message->prefix) : NULL;
    struct route **slot;

    if (place == NULL) {
        free(route);
        return -ENOMEM;
    }
    slot = slot_of(table, place, message->metric);
    if (is_of(table, *slot, message->metric)) {
        unlink_route(table, slot);
    }
    route->next = *slot;
    *slot = route;
    table->counts.routes++;
    tell(table, place);
    return 0;
}

static bool has_hop(const struct nl_hops *hops, const struct nl_hop *hop)
{
    for (unsigned int i = 0; i < hops->count; i++) {
        if (hops->items[i].ifindex == hop->ifindex && hops->items[i].has_gateway == hop->has_gateway &&
            ip_addr_equal(&hops->items[i].gateway, &hop->gateway)) {
            return true;
        }
    }
    return false;
}

/* The kernel takes single next hops out of an IPv6 route: a deletion that names some and not all. True: done, and the
 * others are still there. */
static bool del_hops(struct route *route, const struct nl_route *message)
{
    uint8_t kept = 0;

    if (message->prefix.addr.family != FAMILY_V6 || message->hops.count == 0 || route->object_id != 0) {
        return false;
    }
    for (uint8_t i = 0; i < route->count; i++) {
        kept += !has_hop(&message->hops, &route->hops[i]);
    }
    if (kept == 0) {
        return false;
    }
    kept = 0;
    for (uint8_t i = 0; i < route->count; i++) {
        if (!has_hop(&message->hops, &route->hops[i])) {
            route->hops[kept++] = route->hops[i];
        }
    }
    route->count = kept;
    return true;
}

static void del_route(struct nl_table *table, const struct nl_route *message)
{
    struct place *place = place_find(table, &message->prefix);
    struct route **slot = place != NULL ? slot_of(table, place, message->metric) : NULL;

    if (place == NULL || !is_of(table, *slot, message->metric)) {
        return;
    }
    if (!del_hops(*slot, message)) {
        unlink_route(table, slot);
    }
    tell(table, place);
    place_release(table, place);
}

/* Tells anew every place with a route that hangs on the object. */
static void tell_users(struct nl_table *table, uint32_t id)
{
    struct prefix_place at = {0};
    struct prefix *member;

    while ((member = prefix_set_walk(&table->places, &at)) != NULL) {
        struct place *place = (struct place *)member;

        for (const struct route *route = place->routes; route != NULL; route = route->next) {
            if (route->object_id != 0 && nl_objects_depends(&table->objects, route->object_id, id)) {
                tell(table, place);
                break;
            }
        }
    }
}

static bool is_listed(uint32_t value, const struct nl_table *table, bool protocol)
{
    const struct nl_table_settings *settings = &table->settings;
    unsigned int count = protocol ? settings->protocol_count : settings->table_count;
    bool listed = count == 0;

    for (unsigned int i = 0; i < count; i++) {
        listed |= value == (protocol ? settings->protocols[i] : settings->tables[i]);
    }
    return listed;
}

static bool is_wanted(const struct nl_table *table, const struct nl_route *route)
{
    if (table->settings.protocol_count == 0 && route->protocol == RTPROT_KERNEL) {
        return false;
    }
    return is_listed(route->table, table, false) && is_listed(route->protocol, table, true) &&
           !ip_addr_is_link_local(&route->prefix.addr);
}

static int on_route(struct nl_table *table, const struct nl_event *event)
{
    if (!is_wanted(table, &event->route)) {
        table->counts.feed.ignored++;
        return 0;
    }
    if (event->kind == NL_ROUTE_NEW) {
        return set_route(table, &event->route);
    }
    del_route(table, &event->route);
    return 0;
}

int nl_table_message(struct nl_table *table, const struct nlmsghdr *message)
{
    static struct nl_event event; /* the control thread's alone; large */
    int result = nl_event_parse(message, &event);

    table->counts.feed.messages++;
    if (result == -ENOMSG) {
        table->counts.feed.ignored++;
        return 0;
    }
    if (result != 0) {
        table->counts.feed.unusable++;
        return result;
    }
    switch (event.kind) {
    case NL_OBJECT_NEW:
        result = nl_objects_set(&table->objects, &event.object);
        if (result == NL_OBJECT_CHANGED) {
            tell_users(table, event.object.id);
        }
        return result < 0 ? result : 0;
    case NL_OBJECT_DEL:
        nl_objects_del(&table->objects, event.object.id);
        return 0;
    default:
        return on_route(table, &event);
    }
}

void nl_table_sync_begin(struct nl_table *table)
{
    const struct feed_sink *sink = table->settings.sink;
    struct prefix_place at = {0};
    struct prefix *member;

    /* what the routes' objects were stays told, but their ids will mean something else */
    while ((member = prefix_set_walk(&table->places, &at)) != NULL) {
        for (struct route *route = ((struct place *)member)->routes; route != NULL; route = route->next) {
            route->object_id = 0;
        }
    }
    nl_objects_clear(&table->objects);
    table->generation++;
    table->syncing = true;
    sink->sync_begin(sink->owner, table->settings.peer);
}

/* Takes away the routes of the place that were not told again. */
static bool sweep(struct nl_table *table, struct place *place)
{
    struct route **slot = &place->routes;
    bool swept = false;

    while (*slot != NULL) {
        if ((*slot)->generation != table->generation) {
            unlink_route(table, slot);
            swept = true;
        } else {
            slot = &(*slot)->next;
        }
    }
    return swept;
}

void nl_table_sync_end(struct nl_table *table)
{
    const struct feed_sink *sink = table->settings.sink;
    struct prefix_place at = {0};
    struct prefix *member;

    if (!table->syncing) {
        return;
    }
    while ((member = prefix_set_walk(&table->places, &at)) != NULL) {
        struct place *place = (struct place *)member;
        struct prefix prefix = place->prefix;

        if (sweep(table, place)) {
            if (place->routes != NULL || place->generation == table->generation) {
                tell(table, place);
            } else { /* not told since: the sink's to sweep, with all others at once */
                table->counts.feed.withdrawals += place->told;
            }
            place_release(table, place);
            at = prefix_set_after(&table->places, &prefix);
        }
    }
    table->syncing = false;
    (void)sink->sync_end(sink->owner, table->settings.peer);
}
