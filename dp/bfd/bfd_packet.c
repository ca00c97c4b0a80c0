/* SPDX-License-Identifier: BSD-3-Clause */
#include "bfd_packet.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define VERSION 1

/* The second byte, below the state. */
#define FLAG_POLL        0x20
#define FLAG_FINAL       0x10
#define FLAG_INDEPENDENT 0x08
#define FLAG_AUTH        0x04
#define FLAG_DEMAND      0x02
#define FLAG_MULTIPOINT  0x01

static uint32_t get32(const uint8_t *bytes)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof(word));
    return ntohl(word);
}

static void put32(uint8_t *bytes, uint32_t value)
{
    uint32_t word = htonl(value);

    memcpy(bytes, &word, sizeof(word));
}

/* State and your discriminator: only who is not up yet may not know ours. */
static bool knows_us(const struct bfd_packet *packet)
{
    return packet->your_discriminator != 0 || packet->state == BFD_DOWN || packet->state == BFD_ADMIN_DOWN;
}

int bfd_packet_parse(const uint8_t *bytes, size_t n, struct bfd_packet *out)
{
    if (n < BFD_PACKET_SIZE || bytes[0] >> 5 != VERSION || bytes[3] < BFD_PACKET_SIZE || bytes[3] > n ||
        (bytes[1] & (FLAG_AUTH | FLAG_MULTIPOINT)) != 0) {
        return -EINVAL;
    }
    *out = (struct bfd_packet){
        .diag = bytes[0] & 0x1f,
        .state = (enum bfd_state)(bytes[1] >> 6),
        .poll = (bytes[1] & FLAG_POLL) != 0,
        .final = (bytes[1] & FLAG_FINAL) != 0,
        .control_plane_independent = (bytes[1] & FLAG_INDEPENDENT) != 0,
        .demand = (bytes[1] & FLAG_DEMAND) != 0,
        .multiplier = bytes[2],
        .my_discriminator = get32(bytes + 4),
        .your_discriminator = get32(bytes + 8),
        .min_tx_us = get32(bytes + 12),
        .min_rx_us = get32(bytes + 16),
        .min_echo_us = get32(bytes + 20),
    };
    return out->multiplier == 0 || out->my_discriminator == 0 || !knows_us(out) ? -EINVAL : 0;
}

void bfd_packet_write(const struct bfd_packet *packet, uint8_t out[BFD_PACKET_SIZE])
{
    out[0] = (uint8_t)(VERSION << 5 | (packet->diag & 0x1f));
    out[1] = (uint8_t)(packet->state << 6 | (packet->poll ? FLAG_POLL : 0) | (packet->final ? FLAG_FINAL : 0) |
                       (packet->control_plane_independent ? FLAG_INDEPENDENT : 0) | (packet->demand ? FLAG_DEMAND : 0));
    out[2] = packet->multiplier;
    out[3] = BFD_PACKET_SIZE;
    put32(out + 4, packet->my_discriminator);
    put32(out + 8, packet->your_discriminator);
    put32(out + 12, packet->min_tx_us);
    put32(out + 16, packet->min_rx_us);
    put32(out + 20, packet->min_echo_us);
}

const char *bfd_state_name(enum bfd_state state)
{
    static const char *const names[BFD_STATES] = {
        [BFD_ADMIN_DOWN] = "admin_down",
        [BFD_DOWN] = "down",
        [BFD_INIT] = "init",
        [BFD_UP] = "up",
    };

    return names[state];
}

const char *bfd_diag_name(uint8_t diag)
{
    static const char *const names[BFD_DIAGS] = {
        [BFD_DIAG_NONE] = "no diagnostic",
        [BFD_DIAG_EXPIRED] = "control detection time expired",
        [BFD_DIAG_ECHO] = "echo function failed",
        [BFD_DIAG_NEIGHBOUR] = "neighbour signaled session down",
        [BFD_DIAG_RESET] = "forwarding plane reset",
        [BFD_DIAG_PATH] = "path down",
        [BFD_DIAG_CONCATENATED] = "concatenated path down",
        [BFD_DIAG_ADMIN_DOWN] = "administratively down",
        [BFD_DIAG_REVERSE] = "reverse concatenated path down",
    };

    return diag < BFD_DIAGS ? names[diag] : "reserved";
}
