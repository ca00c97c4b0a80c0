/* SPDX-License-Identifier: BSD-3-Clause */
/* config.get, config.reload */
#include "config_json.h"
#include "methods_private.h"

int method_config_get(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    int code = read_no_params(call, params);

    return code != 0 ? code : answer(call, config_to_json(control->config), result);
}

int method_config_reload(struct api_call *call, const json_t *params, json_t **result)
{
    const struct control *control = call->context;
    int code = read_no_params(call, params);

    if (code != 0) {
        return code;
    }
    if (control->reload == NULL) {
        return api_fail(call, API_ERR_INTERNAL, "there is no configuration file");
    }
    if (control->reload(control->reload_owner, &call->error) != 0) {
        return API_ERR_PARAMS;
    }
    return answer(call, json_pack("{s:I}", "generation", (json_int_t)site_generation(control->site)), result);
}
