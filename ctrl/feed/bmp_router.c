/* SPDX-License-Identifier: BSD-3-Clause */
#include "bmp_router.h"
#include "hash.h"
#include "log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define BUCKETS 256

/* A neighbour of the router. */
struct neighbour {
    LIST_ENTRY(neighbour) link;
    struct ip_addr address;
    bool loc_rib;
    bool up;                   /* seen since the connection began */
    bool announced[BMP_VIEWS]; /* by a peer up of this view, in this session of its: some routers send one for each */
    bool expects[FAMILIES];    /* an End-of-RIB that has not come */
    int peer;                  /* the sink's number */
    struct bgp_session session;
    char name[FEED_NAME_MAX];
};

LIST_HEAD(neighbour_list, neighbour);

struct bmp_router {
    struct bmp_router_settings settings;
    struct bmp_router_state state;
    struct neighbour_list neighbours[BUCKETS];
    struct neighbour *last; /* most messages are about the neighbour of the one before */
};

/* Seen to be wrong, and how; by the beginning of what the router says of itself. */
static const struct {
    const char *description;
    const char *warning;
} known_wrong[] = {
    {"FRRouting 8.4.4",
     "this version puts the router's own AS before the AS path and sends withdrawals that never were; its routes lose "
     "as AS loops or go missing: use FRRouting 10.7 or later, or feed it by FPM"},
};

struct bmp_router *bmp_router_create(const struct bmp_router_settings *settings)
{
    struct bmp_router *router = calloc(1, sizeof(*router));

    if (router != NULL) {
        router->settings = *settings;
    }
    return router;
}

void bmp_router_destroy(struct bmp_router *router)
{
    if (router == NULL) {
        return;
    }
    for (unsigned int i = 0; i < BUCKETS; i++) {
        for (struct neighbour *next, *it = LIST_FIRST(&router->neighbours[i]); it != NULL; it = next) {
            next = LIST_NEXT(it, link);
            free(it);
        }
    }
    free(router);
}

const struct bmp_router_state *bmp_router_state(const struct bmp_router *router)
{
    return &router->state;
}

static struct neighbour_list *bucket_of(struct bmp_router *router, const struct ip_addr *address)
{
    return &router->neighbours[hash_bytes(address, sizeof(*address), 0) % BUCKETS];
}

static struct neighbour *neighbour_find(struct bmp_router *router, const struct bmp_peer *peer)
{
    bool loc_rib = peer->type == BMP_PEER_LOC_RIB;
    struct neighbour *it = router->last;

    if (it != NULL && it->loc_rib == loc_rib && ip_addr_equal(&it->address, &peer->address)) {
        return it;
    }
    LIST_FOREACH(it, bucket_of(router, &peer->address), link)
    {
        if (it->loc_rib == loc_rib && ip_addr_equal(&it->address, &peer->address)) {
            router->last = it;
            return it;
        }
    }
    return NULL;
}

static void neighbour_remove(struct bmp_router *router, struct neighbour *neighbour)
{
    router->settings.sink->peer_del(router->settings.sink->owner, neighbour->peer);
    router->state.peers -= neighbour->up;
    router->last = NULL;
    LIST_REMOVE(neighbour, link);
    free(neighbour);
}

/* Names begin with a letter or digit. */
static void name_neighbour(const struct bmp_router *router, struct neighbour *neighbour)
{
    char address[IP_ADDR_STRLEN];

    ip_addr_format(&neighbour->address, address);
    snprintf(neighbour->name, sizeof(neighbour->name), "%s%s@%s", !neighbour->loc_rib && *address == ':' ? "0" : "",
             neighbour->loc_rib ? "loc-rib" : address, router->settings.name);
}

/* The neighbour's facts in the sink. A Loc-RIB is the router's: what it has chosen, as it would tell its neighbours. */
static int neighbour_tell(const struct bmp_router *router, const struct neighbour *neighbour,
                          const struct bmp_peer *peer, uint32_t local_as)
{
    const struct feed_sink *sink = router->settings.sink;
    struct feed_peer facts = {
        .facts = {.address = peer->address, .as = peer->as, .router_id = peer->router_id},
        .has_address = !neighbour->loc_rib,
        .has_router_id = peer->router_id != 0,
    };

    facts.facts.type = peer->as == (neighbour->loc_rib ? sink->own_as : local_as) ? PEER_IBGP : PEER_EBGP;
    memcpy(facts.name, neighbour->name, sizeof(facts.name));
    return sink->peer_set(sink->owner, &facts);
}

/* The neighbour, made if need be. NULL: there is no room for it. */
static struct neighbour *neighbour_get(struct bmp_router *router, const struct bmp_peer *peer)
{
    struct neighbour *neighbour = neighbour_find(router, peer);

    if (neighbour != NULL) {
        return neighbour;
    }
    neighbour = calloc(1, sizeof(*neighbour));
    if (neighbour == NULL) {
        return NULL;
    }
    neighbour->address = peer->address;
    neighbour->loc_rib = peer->type == BMP_PEER_LOC_RIB;
    name_neighbour(router, neighbour);
    neighbour->peer = neighbour_tell(router, neighbour, peer, 0);
    if (neighbour->peer < 0) {
        log_error("%s: no room for the peer %s", router->settings.name, neighbour->name);
        free(neighbour);
        return NULL;
    }
    LIST_INSERT_HEAD(bucket_of(router, &peer->address), neighbour, link);
    router->last = neighbour;
    return neighbour;
}

static void neighbour_is_up(struct bmp_router *router, struct neighbour *neighbour)
{
    router->state.peers += !neighbour->up;
    neighbour->up = true;
}

static void see_told_all(struct bmp_router *router)
{
    router->state.told_all = true;
    for (unsigned int i = 0; i < BUCKETS; i++) {
        struct neighbour *it;

        LIST_FOREACH(it, &router->neighbours[i], link)
        {
            if (it->up && (it->expects[FAMILY_V4] || it->expects[FAMILY_V6])) {
                router->state.told_all = false;
            }
        }
    }
}

static bool is_announced(const struct neighbour *neighbour)
{
    return memchr(neighbour->announced, true, sizeof(neighbour->announced)) != NULL;
}

/* Notes a peer up of this view. True: a session begins with it. One of a view that was announced already is of another
 * session, which tells everything anew: the end of the last one was never told. */
static bool begin_session(struct bmp_router *router, struct neighbour *neighbour, uint8_t view)
{
    bool again = neighbour->announced[view];
    bool begins = again || !is_announced(neighbour);

    if (again) {
        router->settings.sink->sync_begin(router->settings.sink->owner, neighbour->peer);
        router->state.tells_anew = true;
        memset(neighbour->announced, 0, sizeof(neighbour->announced));
    }
    neighbour->announced[view] = true;
    return begins;
}

static void on_peer_up(struct bmp_router *router, const struct bmp_message *message)
{
    const struct bmp_peer *peer = &message->peer;
    bool wanted = (peer->type == BMP_PEER_LOC_RIB) == (router->settings.view == BMP_LOC_RIB);
    struct neighbour *neighbour;
    struct bmp_peer_up up;

    if (!wanted) {
        return;
    }
    if (!bmp_peer_up_parse(message->body, &up)) {
        log_warning("%s: a peer up that cannot be read", router->settings.name);
        router->state.counts.unusable++;
        return;
    }
    neighbour = neighbour_get(router, peer);
    if (neighbour == NULL) {
        return;
    }
    if (begin_session(router, neighbour, peer->view)) {
        memcpy(neighbour->expects, up.families, sizeof(up.families));
    }
    neighbour_is_up(router, neighbour);
    memcpy(neighbour->session.add_path, up.add_path, sizeof(up.add_path));
    neighbour->session.external =
        !neighbour->loc_rib && peer->as != up.local_as && router->settings.view == BMP_PRE_POLICY;
    if (neighbour_tell(router, neighbour, peer, up.local_as) < 0) {
        log_error("%s: no room for the peer %s", router->settings.name, neighbour->name);
    }
    see_told_all(router);
}

/* That a view is told no more is no word about the session, as long as there is another peer up for ours. */
static bool ends_a_view(const struct bmp_router *router, struct neighbour *neighbour, const struct bmp_message *down)
{
    uint8_t view = down->peer.view;

    if (down->body.at == down->body.end || *down->body.at != BMP_DOWN_CONFIGURED || view == router->settings.view ||
        !neighbour->announced[view]) {
        return false;
    }
    neighbour->announced[view] = false;
    return is_announced(neighbour);
}

static void on_peer_down(struct bmp_router *router, const struct bmp_message *message)
{
    struct neighbour *neighbour = neighbour_find(router, &message->peer);

    if (neighbour != NULL && !ends_a_view(router, neighbour, message)) {
        neighbour_remove(router, neighbour);
        see_told_all(router);
    }
}

static void apply(struct bmp_router *router, struct neighbour *neighbour, struct span body)
{
    struct bgp_update update;

    bgp_update_parse(body, &neighbour->session, router->settings.room, &update);
    if (update.end_of_rib) {
        neighbour->expects[update.end_of_family] = false;
        see_told_all(router);
    }
    feed_apply_update(router->settings.sink, neighbour->peer, &update, &router->state.counts, router->settings.name,
                      neighbour->name);
}

static void on_routes(struct bmp_router *router, const struct bmp_message *message)
{
    struct span bytes = message->body;
    struct span body;
    struct neighbour *neighbour;
    uint8_t type;

    router->state.of_view[message->peer.view]++;
    if (message->peer.view != router->settings.view) {
        router->state.counts.ignored++;
        return;
    }
    neighbour = neighbour_get(router, &message->peer);
    if (neighbour == NULL) {
        router->state.counts.refused++;
        return;
    }
    neighbour_is_up(router, neighbour);
    neighbour->session.as4 = !message->peer.as2;
    if (!bgp_message_take(&bytes, &type, &body) || type != BGP_UPDATE) {
        router->state.counts.unusable++;
        return;
    }
    apply(router, neighbour, body);
}

static void on_initiation(struct bmp_router *router, struct span body)
{
    struct bmp_router_state *state = &router->state;

    bmp_initiation_text(body, BMP_SYS_DESCR, state->description, sizeof(state->description));
    bmp_initiation_text(body, BMP_SYS_NAME, state->system_name, sizeof(state->system_name));
    log_notice("%s: connected to %s, \"%s\"", router->settings.name, state->system_name, state->description);
    state->warning = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(known_wrong); i++) {
        size_t length = strlen(known_wrong[i].description);

        if (strncmp(state->description, known_wrong[i].description, length) == 0) {
            state->warning = known_wrong[i].warning;
            log_warning("%s: %s", router->settings.name, state->warning);
        }
    }
}

static void handle(struct bmp_router *router, const struct bmp_message *message)
{
    const struct bmp_peer *peer = &message->peer;

    router->state.counts.messages++;
    if (message->has_peer && peer->type != BMP_PEER_GLOBAL &&
        (peer->type != BMP_PEER_LOC_RIB || peer->distinguisher != 0)) {
        router->state.counts.ignored++; /* of another routing instance */
        return;
    }
    switch (message->type) {
    case BMP_ROUTE_MONITORING:
        on_routes(router, message);
        break;
    case BMP_PEER_UP:
        on_peer_up(router, message);
        break;
    case BMP_PEER_DOWN:
        on_peer_down(router, message);
        break;
    case BMP_INITIATION:
        on_initiation(router, message->body);
        break;
    default: /* statistics and mirrors tell no routes; after a termination comes the end of the connection */
        break;
    }
}

int bmp_router_read(struct bmp_router *router, struct span *bytes, int messages)
{
    const struct feed_sink *sink = router->settings.sink;
    struct bmp_message message;
    int done = 0;

    while (done < messages && !sink->busy(sink->owner)) {
        int result = bmp_message_take(bytes, &message);

        if (result <= 0) {
            return result < 0 ? result : done;
        }
        handle(router, &message);
        done++;
    }
    return done;
}

void bmp_router_connected(struct bmp_router *router)
{
    const struct feed_sink *sink = router->settings.sink;

    for (unsigned int i = 0; i < BUCKETS; i++) {
        struct neighbour *it;

        LIST_FOREACH(it, &router->neighbours[i], link)
        {
            it->up = false;
            memset(it->announced, 0, sizeof(it->announced));
        }
    }
    router->state.peers = 0;
    router->state.told_all = false;
    router->state.tells_anew = false;
    sink->sync_begin(sink->owner, FEED_ALL_PEERS);
}

void bmp_router_synced(struct bmp_router *router)
{
    const struct feed_sink *sink = router->settings.sink;

    router->state.tells_anew = false;
    /* first: so that the peers that go have nothing left to look for, but for what is held */
    if (!sink->sync_end(sink->owner, FEED_ALL_PEERS)) {
        return;
    }
    for (unsigned int i = 0; i < BUCKETS; i++) {
        for (struct neighbour *next, *it = LIST_FIRST(&router->neighbours[i]); it != NULL; it = next) {
            next = LIST_NEXT(it, link);
            if (!it->up) {
                neighbour_remove(router, it);
            }
        }
    }
}
