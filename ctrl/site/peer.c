/* SPDX-License-Identifier: BSD-3-Clause */
#include "site_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int site_peer_id(const struct site *site, const char *name)
{
    return names_find(&site->peer_names, name);
}

const struct site_peer *site_peer(const struct site *site, uint32_t id)
{
    return id < site->peer_names.end ? site->peers[id] : NULL;
}

uint32_t site_peer_end(const struct site *site)
{
    return site->peer_names.end;
}

static int peer_add(struct site *site, const struct site_peer *peer, struct error *error)
{
    struct site_peer *copy = malloc(sizeof(*copy));
    int id = copy != NULL ? names_add(&site->peer_names, peer->name) : -ENOMEM;

    if (id < 0) {
        free(copy);
        return error_set(error, id, "no room for peer %s", peer->name);
    }
    *copy = *peer;
    copy->born = ++site->births;
    site->peers[id] = copy;
    return 0;
}

int site_peer_set(struct site *site, const struct site_peer *peer, struct error *error)
{
    int id = site_peer_id(site, peer->name);
    uint16_t peer_id;
    uint64_t born;

    if (id < 0) {
        return peer_add(site, peer, error);
    }
    born = site->peers[id]->born;
    *site->peers[id] = *peer;
    site->peers[id]->born = born;
    peer_id = (uint16_t)id;
    site_mark(site, &(struct rib_selector){.peer_id = &peer_id});
    return 0;
}

int site_peer_del(struct site *site, const char *name, struct error *error)
{
    int id = site_peer_id(site, name);
    uint16_t peer_id = (uint16_t)id;

    if (id < 0) {
        return error_set(error, id, "unknown peer \"%s\"", name);
    }
    site_flush(site, &(struct rib_selector){.peer_id = &peer_id});
    free(site->peers[id]);
    site->peers[id] = NULL;
    names_remove(&site->peer_names, (uint32_t)id);
    return 0;
}
