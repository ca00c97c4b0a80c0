/* SPDX-License-Identifier: BSD-3-Clause */
/* debug.freeze: what the control thread does not do, the workers must not need. */
#include "methods_private.h"
#include <time.h>

#define LONGEST_MS 5000

struct freeze_params {
    int64_t ms;
};

static const struct api_param freeze_table[] = {
    {"ms", API_INTEGER, true, offsetof(struct freeze_params, ms), 1, LONGEST_MS},
};

int method_debug_freeze(struct api_call *call, const json_t *params, json_t **result)
{
    struct freeze_params in;
    int code = read_params(call, params, freeze_table, ARRAY_SIZE(freeze_table), &in, NULL);

    (void)result;
    if (code == 0) {
        nanosleep(&(struct timespec){.tv_sec = in.ms / 1000, .tv_nsec = in.ms % 1000 * 1000000}, NULL);
    }
    return code;
}
