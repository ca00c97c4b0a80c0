/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcapng.h"
#include "replay.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define SNAPLEN 65535

/* The bytes of a packet in one piece. */
static const void *joined(const struct rte_mbuf *mbuf, uint8_t copy[SNAPLEN])
{
    return rte_pktmbuf_read(mbuf, 0, RTE_MIN(mbuf->pkt_len, (uint32_t)SNAPLEN), copy);
}

static void write_sent(struct replay_output *output, unsigned int port, const struct rte_mbuf *mbuf)
{
    static uint8_t copy[SNAPLEN];
    const struct pcap_pkthdr header = {
        .ts = {.tv_sec = (time_t)(output->time_ns / 1000000000),
               .tv_usec = (suseconds_t)(output->time_ns % 1000000000)}, /* nanoseconds, as the format says */
        .caplen = RTE_MIN(mbuf->pkt_len, (uint32_t)SNAPLEN),
        .len = mbuf->pkt_len,
    };

    pcap_dump((u_char *)output->sent[port], &header, joined(mbuf, copy));
}

static void write_block(struct replay_output *output, FILE *file, unsigned int port, const struct rte_mbuf *mbuf,
                        enum pcapng_direction direction, const char *comment)
{
    static uint8_t copy[SNAPLEN];
    const struct pcapng_packet packet = {
        .interface = port,
        .direction = direction,
        .time_ns = output->time_ns,
        .bytes = joined(mbuf, copy),
        .captured = RTE_MIN(mbuf->pkt_len, (uint32_t)SNAPLEN),
        .length = mbuf->pkt_len,
        .comment = comment,
    };

    if (pcapng_write(file, &packet) != 0) {
        output->failed = true;
    }
}

/* The port that received the packet; of one that was made here, interface 0 has to do. */
static unsigned int port_of_device(const struct dp *dp, uint16_t device)
{
    for (unsigned int i = 0; i < dp_port_count(dp); i++) {
        if (port_has_device(dp_port(dp, i), device)) {
            return i;
        }
    }
    return 0;
}

static void saw(struct watch *watch, const struct watch_event *event, struct rte_mbuf *const *mbufs, unsigned int n)
{
    struct replay_output *output = (struct replay_output *)watch; /* its first member */

    for (unsigned int i = 0; i < n; i++) {
        switch (event->point) {
        case WATCH_SENT:
            write_sent(output, event->lane, mbufs[i]);
            break;
        case WATCH_PUNTED:
            write_block(output, output->punted, port_of_device(output->dp, mbufs[i]->port), mbufs[i], PCAPNG_INBOUND,
                        NULL);
            break;
        case WATCH_DROPPED:
            write_block(output, output->dropped, port_of_device(output->dp, mbufs[i]->port), mbufs[i], PCAPNG_INBOUND,
                        drop_reason_name(event->reason));
            break;
        default:
            break;
        }
    }
}

static int open_sent(struct replay_output *output, const char *folder, unsigned int port, struct error *error)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s.pcap", folder, dp_port(output->dp, port)->name);
    output->sent[port] = pcap_dump_open(output->format, path);
    return output->sent[port] != NULL ? 0 : error_set(error, -EIO, "%s", pcap_geterr(output->format));
}

static int open_blocks(struct replay_output *output, const char *folder, const char *name, FILE **file,
                       struct error *error)
{
    char path[PATH_MAX];
    int result;

    snprintf(path, sizeof(path), "%s/%s.pcapng", folder, name);
    *file = fopen(path, "we");
    if (*file == NULL) {
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    }
    result = pcapng_begin(*file, "anyfwd-replay " ANYFWD_VERSION);
    for (unsigned int i = 0; i < dp_port_count(output->dp) && result == 0; i++) {
        result = pcapng_interface(*file, dp_port(output->dp, i)->name, SNAPLEN);
    }
    return result == 0 ? 0 : error_set(error, result, "%s: %s", path, strerror(-result));
}

int replay_output_open(struct replay_output *output, const char *folder, const struct dp *dp, struct error *error)
{
    int result;

    *output = (struct replay_output){.watch = {.saw = saw}, .dp = dp};
    output->format = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
    if (output->format == NULL) {
        return error_set(error, -ENOMEM, "no memory");
    }
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return error_set(error, -errno, "%s: %s", folder, strerror(errno));
    }
    result = open_blocks(output, folder, "punted", &output->punted, error);
    if (result == 0) {
        result = open_blocks(output, folder, "dropped", &output->dropped, error);
    }
    for (unsigned int i = 0; i < dp_port_count(dp) && result == 0; i++) {
        result = open_sent(output, folder, i, error);
    }
    return result;
}

int replay_output_close(struct replay_output *output, struct error *error)
{
    FILE *const files[] = {output->punted, output->dropped};
    bool failed = output->failed;

    for (unsigned int i = 0; i < PIPE_PORTS_MAX; i++) {
        if (output->sent[i] != NULL) {
            failed |= pcap_dump_flush(output->sent[i]) != 0;
            pcap_dump_close(output->sent[i]);
        }
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(files); i++) {
        if (files[i] != NULL) {
            failed |= fclose(files[i]) != 0;
        }
    }
    if (output->format != NULL) {
        pcap_close(output->format);
    }
    return failed ? error_set(error, -EIO, "not everything could be written") : 0;
}
