/* SPDX-License-Identifier: BSD-3-Clause */
/* instance.down, instance.up, instance.drain, instance.heartbeat */
#include "access.h"
#include "methods_private.h"
#include <errno.h>

struct name_params {
    const char *name;
};

static const struct api_param name_table[] = {
    {"name", API_STRING, true, offsetof(struct name_params, name), 1, SITE_NAME_MAX - 1},
};

static int set_admin(struct api_call *call, const json_t *params, enum health_admin admin)
{
    const struct control *control = call->context;
    struct name_params in;
    int code = read_params(call, params, name_table, ARRAY_SIZE(name_table), &in, NULL);

    if (code != 0) {
        return code;
    }
    if (site_instance_admin(control->site, in.name, admin, &call->error) != 0) {
        return API_ERR_UNKNOWN_NAME;
    }
    return commit_site(call, control->site);
}

int method_instance_down(struct api_call *call, const json_t *params, json_t **result)
{
    (void)result;
    return set_admin(call, params, HEALTH_ADMIN_DOWN);
}

int method_instance_up(struct api_call *call, const json_t *params, json_t **result)
{
    (void)result;
    return set_admin(call, params, HEALTH_ADMIN_UP);
}

int method_instance_drain(struct api_call *call, const json_t *params, json_t **result)
{
    (void)result;
    return set_admin(call, params, HEALTH_ADMIN_DRAIN);
}

int method_instance_heartbeat(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    struct name_params in;
    uint16_t session;
    int code = read_params(call, params, name_table, ARRAY_SIZE(name_table), &in, NULL);

    (void)result;
    if (code != 0) {
        return code;
    }
    code = access_is_writer(call) ? 0 : own_instance(call, in.name, &session);
    if (code != 0) {
        return code;
    }
    code = site_instance_heartbeat(control->site, in.name, &call->error);
    return code == 0 ? 0 : code == -EINVAL ? API_ERR_PARAMS : API_ERR_UNKNOWN_NAME;
}
