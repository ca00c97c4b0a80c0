/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as BFD control packets of a neighbour, some time after each other. What the parser accepts is written as it
 * was read; the session never expires before its detection time, never sends faster than the neighbour asked, and is
 * never up without a neighbour that could be.
 */
#include "bfd_session.h"
#include <stdlib.h>
#include <string.h>

#define HZ 1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_packet(const uint8_t *bytes, const struct bfd_packet *packet)
{
    struct bfd_packet again;
    uint8_t out[BFD_PACKET_SIZE];

    bfd_packet_write(packet, out);
    require(bfd_packet_parse(out, sizeof(out), &again) == 0);
    require(out[0] == bytes[0] && out[1] == bytes[1] && memcmp(out + 4, bytes + 4, sizeof(out) - 8) == 0);
}

/* Each step: a delay in milliseconds, a length, and so many bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bfd_timers timers = {.min_tx_us = 10000, .min_rx_us = 10000, .multiplier = 3};
    struct bfd_session session;
    uint64_t now = HZ;

    bfd_session_init(&session, &timers, 7, HZ, 1, now);
    while (size >= 2) {
        size_t length = data[1] < size - 2 ? data[1] : size - 2;
        uint8_t *exact = malloc(length + 1); /* its end is watched */
        struct bfd_packet packet;

        now += data[0] * UINT64_C(1000);
        require(!bfd_session_expire(&session, now) || session.state == BFD_DOWN);
        memcpy(exact, data + 2, length);
        if (bfd_packet_parse(exact, length, &packet) == 0) {
            check_packet(exact, &packet);
            bfd_session_receive(&session, &packet, now);
            require(session.state != BFD_UP || packet.state == BFD_INIT || packet.state == BFD_UP);
            require(bfd_session_due(&session) >= HZ);
        }
        free(exact);
        if (bfd_session_send(&session, now, &packet)) {
            require(session.tx_due == BFD_NEVER || session.tx_due >= now + 7500);
        }
        data += 2 + length;
        size -= 2 + length;
    }
    return 0;
}
