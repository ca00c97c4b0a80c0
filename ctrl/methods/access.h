/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who may call what, by the kernel's word on who is at the other end of a connection, and what the configuration says
 * of groups:
 * - a writer may call everything: root, whoever runs the daemon, and the members of api.writers, or without that
 *   everybody;
 * - a member of the groups of an entry of api.clients may open the session of that name, and do within it what is
 *   marked API_SESSION;
 * - everybody else may look.
 * On the read-only socket nobody may more than look (api_server.h).
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "methods.h"

struct access;

/* Takes what the configuration says, from now on and for all connections and sessions that there are, or nothing of it.
 * Asks the system for its groups. 0, or -errno with a text: -ENOENT: there is no such group. */
int access_apply(struct control *control, const struct config *config, struct error *error) MUST_USE;
void access_free(struct control *control);

bool access_is_writer(const struct api_call *call);
/* Whether the caller may open the session of this client. 0 or API_ERR_NOT_ALLOWED with a text. */
int access_check_client(struct api_call *call, const char *client) MUST_USE;
/* The limits that the configuration has for the client, on its session. 0 or -ENOMEM. */
int access_limit(const struct control *control, uint16_t session) MUST_USE;

#endif
