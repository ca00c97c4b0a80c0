/* SPDX-License-Identifier: BSD-3-Clause */
#include "fpm.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdalign.h>
#include <string.h>

#define FPM_VERSION      1
#define FPM_TYPE_NETLINK 1
#define FPM_HEADER       4

/* 1: taken; 0: not whole yet; or -EBADMSG. */
static int frame_take(struct span *bytes, struct span *payload)
{
    struct span rest = *bytes;
    uint8_t version;
    uint8_t type;
    uint16_t length;

    if (!span_u8(&rest, &version) || !span_u8(&rest, &type) || !span_u16(&rest, &length)) {
        return span_left(bytes) > 0 && *bytes->at != FPM_VERSION ? -EBADMSG : 0;
    }
    if (version != FPM_VERSION || type != FPM_TYPE_NETLINK || length < FPM_HEADER) {
        return -EBADMSG;
    }
    if (!span_take(&rest, length - FPM_HEADER, payload)) {
        return 0;
    }
    *bytes = rest;
    return 1;
}

static int handle(struct nl_table *table, struct span payload)
{
    static alignas(struct nlmsghdr) char copy[UINT16_MAX + 1]; /* aligned, as messages are read; the thread's alone */
    const struct nlmsghdr *message = (const struct nlmsghdr *)copy;
    int left = (int)span_left(&payload);

    memcpy(copy, payload.at, span_left(&payload));
    /* libmnl 1.0.4 takes a length beyond INT_MAX for a negative one */
    while (mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (size_t)left) {
        int result = nl_table_message(table, message);

        if (result != 0) {
            return result == -EBADMSG ? 0 : result;
        }
        message = mnl_nlmsg_next(message, &left);
    }
    return 0;
}

int fpm_read(struct nl_table *table, struct span *bytes, int frames)
{
    struct span payload;
    int done = 0;

    while (done < frames) {
        int result = frame_take(bytes, &payload);

        if (result <= 0) {
            return result < 0 ? result : done;
        }
        result = handle(table, payload);
        if (result != 0) {
            return result;
        }
        done++;
    }
    return done;
}
