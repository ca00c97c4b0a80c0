/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * anyfwd-replay(1): the packets of a file through the forwarder, and what became of each in files.
 *
 * All of it is the daemon's: configuration, API, decision, installer, kernel mirror, tables, pipe. Only the devices are
 * missing, and the clock is the packets' own. Once the first packet goes in, the control side stands still, so that the
 * same input gives the same output.
 */
#include "replay.h"
#include "log.h"
#include <errno.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2
#define START_S    3600 /* of the pipe's clock at the first packet: no time is before its start */
#define STEP_NS    10000000
#define STEPS_MAX  150 /* nothing waits longer than so many steps */

struct replay {
    struct replay_options options;
    struct config *config;
    struct forwarder forwarder;
    struct replay_output output;
    struct replay_trace trace;
    unsigned int port;
    bool begun;
    uint64_t first_ns; /* time of the first packet, which may be zero, once it has begun */
};

static int find_port(struct replay *replay, struct error *error)
{
    const struct dp *dp = replay->forwarder.control.dp;

    for (unsigned int i = 0; i < dp_port_count(dp); i++) {
        if (replay->options.port == NULL || strcmp(dp_port(dp, i)->name, replay->options.port) == 0) {
            replay->port = i;
            return 0;
        }
    }
    return error_set(error, -ENODEV, "there is no port \"%s\"", replay->options.port);
}

static uint64_t clock_of(const struct replay *replay, uint64_t time_ns)
{
    uint64_t since = time_ns - replay->first_ns;

    return rte_get_tsc_hz() * (START_S + since / 1000000000) + rte_get_tsc_hz() * (since % 1000000000) / 1000000000;
}

static void step(struct replay *replay, uint64_t time_ns, struct rte_mbuf *packet)
{
    replay->output.time_ns = time_ns;
    dp_replay_step(replay->forwarder.control.dp, clock_of(replay, time_ns), replay->port, packet);
    replay_trace_write(&replay->trace, &replay->forwarder.control);
}

/* Nothing comes until then: what waits meanwhile goes on in its time. */
static void pass_time(struct replay *replay, uint64_t until_ns)
{
    uint64_t time_ns = replay->output.time_ns;

    for (int i = 0; i < STEPS_MAX && time_ns + STEP_NS < until_ns; i++) {
        time_ns += STEP_NS;
        step(replay, time_ns, NULL);
    }
}

/* 1, 0 at the end, or -errno with a text. */
static int next_packet(struct replay *replay, pcap_t *in, struct error *error)
{
    struct pcap_pkthdr *header;
    const u_char *bytes;
    struct rte_mbuf *packet;
    uint64_t time_ns;
    int result = pcap_next_ex(in, &header, &bytes);

    if (result == PCAP_ERROR_BREAK) {
        return 0;
    }
    if (result != 1) {
        return error_set(error, -EINVAL, "%s: %s", replay->options.in, pcap_geterr(in));
    }
    time_ns = (uint64_t)header->ts.tv_sec * 1000000000 + (uint64_t)header->ts.tv_usec; /* nanoseconds, as asked for */
    if (!replay->begun) {
        replay->begun = true;
        replay->first_ns = time_ns;
        replay->output.time_ns = time_ns;
    }
    time_ns = RTE_MAX(time_ns, replay->output.time_ns); /* files are not always in order */
    packet = dp_replay_packet(replay->forwarder.control.dp, replay->port, bytes, header->caplen);
    if (packet == NULL) {
        return error_set(error, -ENOBUFS, "%s: no buffers for a packet of %u bytes (dpdk.memory_mb)",
                         replay->options.in, header->caplen);
    }
    pass_time(replay, time_ns);
    step(replay, time_ns, packet);
    return 1;
}

/* NULL with a text. */
static pcap_t *open_input(const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    char text[PCAP_ERRBUF_SIZE];
    pcap_t *in;

    if (file == NULL) {
        error_set(error, -errno, "%s: %s", path, strerror(errno));
        return NULL;
    }
    in = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);
    if (in == NULL) {
        error_set(error, -EINVAL, "%s: %s", path, text);
        fclose(file);
    } else if (pcap_datalink(in) != DLT_EN10MB) {
        error_set(error, -EINVAL, "%s: its packets are not Ethernet frames", path);
        pcap_close(in);
        in = NULL;
    }
    return in;
}

static int replay_packets(struct replay *replay, struct error *error)
{
    pcap_t *in = open_input(replay->options.in, error);
    int result = 1;

    if (in == NULL) {
        return -EINVAL;
    }
    while (result == 1) {
        result = next_packet(replay, in, error);
    }
    pcap_close(in);
    pass_time(replay, UINT64_MAX); /* what still waits goes on, or is given up */
    return result;
}

static int print_counters(struct replay *replay, struct error *error)
{
    struct api_call call = {.context = &replay->forwarder.control};
    json_t *params = json_object();
    json_t *result = NULL;
    int code = -ENOMEM;

    for (size_t i = 0; i < method_count && params != NULL; i++) {
        if (strcmp(methods[i].name, "stats.get") == 0) {
            code = methods[i].call(&call, params, &result);
        }
    }
    json_object_del(result, "memory"); /* of the process, and so never twice the same */
    if (code == 0 && (json_dumpf(result, stdout, JSON_INDENT(1)) != 0 || puts("") < 0)) {
        code = -EIO;
    }
    json_decref(params);
    json_decref(result);
    return code == 0 ? 0 : error_set(error, code, "no counters");
}

static int run(struct replay *replay, struct error *error)
{
    struct forwarder *forwarder = &replay->forwarder;
    int result = plan_make(replay->config, &forwarder->plan, error);

    if (result == 0) {
        replay_plan(&forwarder->plan);
        result = replay_enter_namespace(error);
    }
    if (result == 0) {
        result = forwarder_open(forwarder, replay->config, NULL, error);
    }
    if (result == 0) {
        result = find_port(replay, error);
    }
    if (result == 0) {
        result = replay_output_open(&replay->output, replay->options.out, forwarder->control.dp, error);
    }
    if (result == 0) {
        result = dp_replay_start(forwarder->control.dp, &replay->output.watch, error);
    }
    if (result == 0) {
        forwarder->control.ready = true;
        result = replay_set_up(forwarder, &replay->options, error);
    }
    if (result == 0 && replay->options.trace) {
        result = replay_trace_open(&replay->trace, replay->options.out, forwarder->control.dp, error);
    }
    if (result == 0) {
        result = replay_packets(replay, error);
    }
    if (replay_trace_close(&replay->trace, forwarder->control.dp) != 0 && result == 0) {
        result = error_set(error, -EIO, "the trace could not be written");
    }
    return result == 0 ? print_counters(replay, error) : result;
}

int main(int argc, char **argv)
{
    static struct replay replay;
    struct error error;
    struct error unwritten;
    int result = replay_options_parse(argc, argv, &replay.options);

    if (result != 0) {
        return result == REPLAY_DONE ? EXIT_SUCCESS : EXIT_USAGE;
    }
    if (config_load(replay.options.config, &replay.config, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_USAGE;
    }
    result = run(&replay, &error);
    forwarder_close(&replay.forwarder);
    if (replay_output_close(&replay.output, &unwritten) != 0 && result == 0) {
        result = -EIO;
        error = unwritten;
    }
    if (result != 0) {
        fprintf(stderr, "anyfwd-replay: %s\n", error.text);
    }
    config_free(replay.config);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
