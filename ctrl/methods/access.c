/* SPDX-License-Identifier: BSD-3-Clause */
#include "access.h"
#include "log.h"
#include "methods_private.h"
#include "session.h"
#include "session_limits.h"
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct groups {
    gid_t *ids;
    uint32_t count;
};

struct access_client {
    char *name;
    struct groups groups;
    struct prefix *prefixes;
    struct site_limits limits;
};

struct access {
    struct groups writers; /* none: everybody */
    struct breaker_rules operator_rules;
    struct access_client *clients;
    uint32_t client_count;
};

static void destroy(struct access *access)
{
    for (uint32_t i = 0; access != NULL && i < access->client_count; i++) {
        free(access->clients[i].name);
        free(access->clients[i].groups.ids);
        free(access->clients[i].prefixes);
    }
    if (access != NULL) {
        free(access->clients);
        free(access->writers.ids);
    }
    free(access);
}

/* 0 or -errno with a text. */
static int groups_find(struct groups *groups, const char *const *names, uint32_t count, struct error *error)
{
    groups->ids = calloc(count + 1, sizeof(*groups->ids));
    if (groups->ids == NULL) {
        return error_set(error, -ENOMEM, "no memory for groups");
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct group *group = getgrnam(names[i]);

        if (group == NULL) {
            return error_set(error, -ENOENT, "api: there is no group \"%s\" on this machine", names[i]);
        }
        groups->ids[groups->count++] = group->gr_gid;
    }
    return 0;
}

static struct breaker_rules rules_of(const struct config_withdraw *withdraw)
{
    return (struct breaker_rules){withdraw->max_percent, withdraw->window_s, withdraw->min};
}

static int client_make(struct access_client *client, const struct config_client *config, struct error *error)
{
    const struct config_limits *limits = &config->limits;

    client->name = strdup(config->name); /* NOLINT(clang-analyzer-core.NullDereference): as many as there are */
    client->prefixes = calloc(limits->prefixes.count + 1, sizeof(*client->prefixes));
    if (client->name == NULL || client->prefixes == NULL) {
        return error_set(error, -ENOMEM, "no memory for api.clients");
    }
    memcpy(client->prefixes, limits->prefixes.items, limits->prefixes.count * sizeof(*client->prefixes));
    client->limits = (struct site_limits){.prefixes = client->prefixes,
                                          .prefix_count = limits->prefixes.count,
                                          .max_prefixes = limits->max_prefixes,
                                          .breaker = rules_of(&limits->withdraw)};
    return groups_find(&client->groups, config->groups.items, config->groups.count, error);
}

static int create(const struct config_api *config, struct access **out, struct error *error)
{
    struct access *access = calloc(1, sizeof(*access));
    int result;

    if (access == NULL) {
        return error_set(error, -ENOMEM, "no memory for api.writers");
    }
    access->operator_rules = rules_of(&config->withdraw);
    access->clients = calloc(config->clients.count + 1, sizeof(*access->clients));
    result = access->clients != NULL
                 ? groups_find(&access->writers, config->writers.items, config->writers.count, error)
                 : error_set(error, -ENOMEM, "no memory for api.clients");
    for (; result == 0 && access->client_count < config->clients.count; access->client_count++) {
        result =
            client_make(&access->clients[access->client_count], &config->clients.items[access->client_count], error);
    }
    if (result != 0) {
        destroy(access);
        return result;
    }
    *out = access;
    return 0;
}

static const struct access_client *client_find(const struct access *access, const char *name)
{
    for (uint32_t i = 0; access != NULL && i < access->client_count; i++) {
        if (strcmp(access->clients[i].name, name) == 0) {
            return &access->clients[i];
        }
    }
    return NULL;
}

int access_limit(const struct control *control, uint16_t session)
{
    const struct site_limits none = {.breaker = BREAKER_OF_FEED};
    const struct access *access = control->access;
    const struct access_client *client = client_find(access, site_session(control->site, session)->client);

    if (session == SITE_SESSION_OPERATOR && access != NULL) {
        return site_session_limit(control->site, session, &(struct site_limits){.breaker = access->operator_rules});
    }
    return site_session_limit(control->site, session, client != NULL ? &client->limits : &none);
}

int access_apply(struct control *control, const struct config *config, struct error *error)
{
    struct access *access = NULL;
    int result = create(&config->api, &access, error);

    if (result != 0) {
        return result;
    }
    destroy(control->access);
    control->access = access;
    for (uint32_t id = SITE_SESSION_OPERATOR; control->site != NULL && id < site_session_end(control->site); id++) {
        const struct site_session *session = site_session(control->site, id);

        if (session != NULL && !session->own && access_limit(control, (uint16_t)id) != 0) {
            log_error("session %s: no memory for its limits, which stay as they were", session->client);
        }
    }
    return 0;
}

void access_free(struct control *control)
{
    destroy(control->access);
    control->access = NULL;
}

static bool has_group(const struct api_peer *peer, const struct groups *groups)
{
    for (uint32_t i = 0; i < groups->count; i++) {
        if (peer->gid == groups->ids[i]) {
            return true;
        }
        for (size_t k = 0; k < peer->group_count; k++) {
            if (peer->groups[k] == groups->ids[i]) {
                return true;
            }
        }
    }
    return false;
}

bool access_is_writer(const struct api_call *call)
{
    const struct access *access = ((const struct control *)call->context)->access;

    return access == NULL || access->writers.count == 0 || call->peer->client == NULL || call->peer->uid == 0 ||
           call->peer->uid == geteuid() || has_group(call->peer, &access->writers);
}

int access_check_client(struct api_call *call, const char *name)
{
    const struct access_client *client = client_find(((const struct control *)call->context)->access, name);

    if (client != NULL && client->groups.count > 0
            ? call->peer->uid == 0 || call->peer->uid == geteuid() || has_group(call->peer, &client->groups)
            : access_is_writer(call)) {
        return 0;
    }
    return api_fail(call, API_ERR_NOT_ALLOWED, "%s may not be client \"%s\"; api.clients and api.writers say who may",
                    call->peer->text, name);
}

int methods_allow(struct api_call *call, int flags)
{
    if ((flags & API_CHANGES) == 0 || access_is_writer(call)) {
        return 0;
    }
    if ((flags & API_SESSION) == 0) {
        return api_fail(call, API_ERR_NOT_ALLOWED, "%s is for members of api.writers, and %s is none", call->method,
                        call->peer->text);
    }
    if (strcmp(call->method, "session.open") != 0 && !call_has_session(call)) {
        return api_fail(call, API_ERR_NOT_ALLOWED, "%s may change things within a session only; session.open opens one",
                        call->peer->text);
    }
    return 0;
}
