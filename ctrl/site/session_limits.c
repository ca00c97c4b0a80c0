/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_limits.h"
#include "session_breaker.h"
#include "site_private.h"
#include <errno.h>
#include <stdlib.h>

int site_session_limit(struct site *site, uint16_t id, const struct site_limits *limits)
{
    struct site_session *session = site->sessions[id];
    struct prefix *copy = malloc((limits->prefix_count + 1) * sizeof(*copy));

    if (copy == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < limits->prefix_count; i++) {
        copy[i] = limits->prefixes[i];
    }
    free(session->allowed);
    session->allowed = copy;
    session->allowed_count = limits->prefix_count;
    session->max_prefixes = limits->max_prefixes;
    session->breaker.rules = limits->breaker;
    return 0;
}

bool site_session_forbids(const struct site *site, uint16_t id, const struct prefix *prefix)
{
    const struct site_session *session = site->sessions[id];

    for (uint32_t i = 0; i < session->allowed_count; i++) {
        if (prefix_covers(&session->allowed[i], prefix)) {
            return false;
        }
    }
    return session->allowed_count > 0;
}

static bool has_prefix(const struct site *site, uint16_t id, const struct prefix *prefix)
{
    const struct rib_entry *entry = rib_find(site->rib, prefix);

    for (uint32_t i = 0; entry != NULL && i < entry->n_candidates; i++) {
        if (entry->candidates[i].key.session_id == id) {
            return true;
        }
    }
    return false;
}

int site_limits_check(struct site *site, uint16_t id, const struct prefix *prefix)
{
    const struct site_session *session = site->sessions[id];

    if (site_session_forbids(site, id, prefix)) {
        return -EPERM;
    }
    if (session->max_prefixes > 0 && rib_counts(site->rib)->prefixes_of_session[id] >= session->max_prefixes &&
        site_session_prefixes(site, id) >= session->max_prefixes && !has_prefix(site, id, prefix)) {
        return -EDQUOT;
    }
    return 0;
}

void site_limit_text(const struct site *site, uint16_t id, const struct prefix *prefix, int result, struct error *error)
{
    const struct site_session *session = site->sessions[id];
    char text[PREFIX_STRLEN];

    prefix_format(prefix, text);
    if (result == -EPERM) {
        (void)error_set(error, result, "%s: lies in none of the prefixes that session \"%s\" may announce", text,
                        session->client);
    } else {
        (void)error_set(error, result, "%s: session \"%s\" has the %u prefixes that it may have", text, session->client,
                        session->max_prefixes);
    }
}
