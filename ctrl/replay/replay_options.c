/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay.h"
#include <getopt.h>
#include <stdio.h>

static const char usage[] =
    "usage: anyfwd-replay -c FILE --in FILE --out FOLDER [--port NAME] [--kernel FILE] [--calls FILE]\n"
    "                     [--trace]\n";
static const char help[] = "\n"
                           "  -c, --config FILE   the configuration, anyfwd.yaml(5)\n"
                           "  -i, --in FILE       the packets: pcap or pcapng\n"
                           "  -o, --out FOLDER    for what came out\n"
                           "  -p, --port NAME     the port that received the packets (the first)\n"
                           "  -k, --kernel FILE   addresses and neighbours, for ip -batch\n"
                           "  -r, --calls FILE    requests of the control API, a line each\n"
                           "  -t, --trace         what each stage did with each packet, in trace.txt\n"
                           "  -V, --version\n"
                           "  -h, --help\n";

static const struct option table[] = {
    {"config", required_argument, NULL, 'c'}, {"in", required_argument, NULL, 'i'},
    {"out", required_argument, NULL, 'o'},    {"port", required_argument, NULL, 'p'},
    {"kernel", required_argument, NULL, 'k'}, {"calls", required_argument, NULL, 'r'},
    {"trace", no_argument, NULL, 't'},        {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},         {0},
};

static int take(int option, struct replay_options *out)
{
    switch (option) {
    case 'c':
        out->config = optarg;
        return 0;
    case 'i':
        out->in = optarg;
        return 0;
    case 'o':
        out->out = optarg;
        return 0;
    case 'p':
        out->port = optarg;
        return 0;
    case 'k':
        out->kernel = optarg;
        return 0;
    case 'r':
        out->calls = optarg;
        return 0;
    case 't':
        out->trace = true;
        return 0;
    case 'V':
        puts("anyfwd-replay " ANYFWD_VERSION);
        return REPLAY_DONE;
    case 'h':
        printf("%s%s", usage, help);
        return REPLAY_DONE;
    default: /* getopt_long() has said what is wrong */
        fputs(usage, stderr);
        return REPLAY_WRONG;
    }
}

int replay_options_parse(int argc, char **argv, struct replay_options *out)
{
    int option;

    *out = (struct replay_options){0};
    while ((option = getopt_long(argc, argv, "c:i:o:p:k:r:tVh", table, NULL)) != -1) {
        int result = take(option, out);

        if (result != 0) {
            return result;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "anyfwd-replay: what is \"%s\"?\n%s", argv[optind], usage);
        return REPLAY_WRONG;
    }
    if (out->config == NULL || out->in == NULL || out->out == NULL) {
        fprintf(stderr, "anyfwd-replay: -c, --in and --out are needed\n%s", usage);
        return REPLAY_WRONG;
    }
    return 0;
}
