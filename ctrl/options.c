/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"
#include "log.h"
#include <getopt.h>
#include <stdio.h>

static const char usage[] =
    "usage: anyfwd -c FILE [--check] [--socket PATH] [--log-level error|warning|notice|info|debug]\n";
static const char help[] = "\n"
                           "  -c, --config FILE    the configuration, anyfwd.yaml(5)\n"
                           "      --check          say what is wrong with it and exit, touching no device\n"
                           "      --socket PATH    the control socket, instead of the configuration's\n"
                           "      --log-level L    how much to log (notice)\n"
                           "  -V, --version\n"
                           "  -h, --help\n";

enum { OPTION_CHECK = 256, OPTION_SOCKET, OPTION_LOG_LEVEL };

static const struct option table[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"socket", required_argument, NULL, OPTION_SOCKET},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int set_log_level(const char *name)
{
    int level = log_level_parse(name);

    if (level < 0) {
        fprintf(stderr, "anyfwd: --log-level: \"%s\" is not error, warning, notice, info or debug\n", name);
        return OPTIONS_WRONG;
    }
    log_set_level((enum log_level)level);
    return 0;
}

static int take(int option, struct options *out)
{
    switch (option) {
    case 'c':
        out->config = optarg;
        return 0;
    case OPTION_CHECK:
        out->check = true;
        return 0;
    case OPTION_SOCKET:
        out->socket = optarg;
        return 0;
    case OPTION_LOG_LEVEL:
        return set_log_level(optarg);
    case 'V':
        puts("anyfwd " ANYFWD_VERSION);
        return OPTIONS_DONE;
    case 'h':
        printf("%s%s", usage, help);
        return OPTIONS_DONE;
    default: /* getopt_long() has said what is wrong */
        fputs(usage, stderr);
        return OPTIONS_WRONG;
    }
}

int options_parse(int argc, char **argv, struct options *out)
{
    int option;

    *out = (struct options){0};
    while ((option = getopt_long(argc, argv, "c:Vh", table, NULL)) != -1) {
        int result = take(option, out);

        if (result != 0) {
            return result;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "anyfwd: what is \"%s\"?\n%s", argv[optind], usage);
        return OPTIONS_WRONG;
    }
    if (out->config == NULL) {
        fprintf(stderr, "anyfwd: which configuration? -c FILE\n%s", usage);
        return OPTIONS_WRONG;
    }
    return 0;
}
