/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"
#include "log.h"
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#define ARGUMENTS_MAX 128

struct arguments {
    int count;
    char *text[ARGUMENTS_MAX + 1];
};

/* Too many are caught once, by eal_start(). */
static void add(struct arguments *arguments, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct arguments *arguments, const char *format, ...)
{
    char *text;
    va_list args;

    if (arguments->count >= ARGUMENTS_MAX) {
        arguments->count = ARGUMENTS_MAX + 1;
        return;
    }
    va_start(args, format);
    if (vasprintf(&text, format, args) >= 0) {
        arguments->text[arguments->count++] = text;
    }
    va_end(args);
}

/* Free 2 MiB and 1 GiB pages of the whole machine. */
static unsigned long free_hugepage_mb(void)
{
    static const struct {
        const char *path;
        unsigned long mb;
    } sizes[] = {
        {"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", 2},
        {"/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", 1024},
    };
    unsigned long mb = 0;

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        FILE *file = fopen(sizes[i].path, "re");
        char line[32];

        if (file == NULL) {
            continue;
        }
        if (fgets(line, sizeof(line), file) != NULL) {
            mb += strtoul(line, NULL, 10) * sizes[i].mb;
        }
        fclose(file);
    }
    return mb;
}

static bool use_hugepages(const struct eal_settings *settings)
{
    if (settings->hugepages == HUGEPAGES_AUTO) {
        return free_hugepage_mb() >= settings->memory_mb;
    }
    return settings->hugepages == HUGEPAGES_YES;
}

static bool is_worker(const struct eal_settings *settings, unsigned int lcore)
{
    for (unsigned int i = 0; i < settings->worker_count; i++) {
        if (settings->worker_lcores[i] == lcore) {
            return true;
        }
    }
    return false;
}

/* Lcores have their CPU's number. Two cannot have the same one, so a control thread that shares a worker's CPU goes by
 * another number there. */
static void add_lcores(struct arguments *arguments, const struct eal_settings *settings)
{
    unsigned int control = settings->control_lcore;
    char list[640];
    int n;

    for (int i = 0; i < RTE_MAX_LCORE && is_worker(settings, control); i++) {
        control = (control + 1) % RTE_MAX_LCORE;
    }
    n = snprintf(list, sizeof(list), "%u@%u", control, settings->control_lcore);

    for (unsigned int i = 0; i < settings->worker_count && n < (int)sizeof(list); i++) {
        n += snprintf(list + n, sizeof(list) - (size_t)n, ",%u", settings->worker_lcores[i]);
    }
    add(arguments, "--lcores=%s", list);
    add(arguments, "--main-lcore=%u", control);
}

static void build(struct arguments *arguments, const struct eal_settings *settings)
{
    add(arguments, "anyfwd");
    add_lcores(arguments, settings);
    add(arguments, "-m");
    add(arguments, "%u", settings->memory_mb);
    add(arguments, "--no-telemetry");
    add(arguments, "--iova-mode=va");
    add(arguments, "--log-level=pmd.net.tap:critical"); /* it complains of qdiscs that only rte_flow would need;
                                                         * of a plug-in's levels the first one counts */
    add(arguments, "--log-level=*:error");
    add(arguments, "--force-max-simd-bitwidth=512");
    /* either way nothing is left behind, whatever ends us, and two daemons may live side by side */
    if (use_hugepages(settings)) {
        add(arguments, "--in-memory");
    } else {
        add(arguments, "--no-huge");
        add(arguments, "--no-shconf");
    }
    if (settings->pci_count == 0) {
        add(arguments, "--no-pci");
    }
    for (unsigned int i = 0; i < settings->pci_count; i++) {
        add(arguments, "-a");
        add(arguments, "%s", settings->pci[i]);
    }
    for (unsigned int i = 0; i < settings->plugin_count; i++) {
        add(arguments, "-d");
        add(arguments, "%s", settings->plugins[i]);
    }
    for (unsigned int i = 0; i < settings->extra_count; i++) {
        add(arguments, "%s", settings->extra[i]);
    }
}

/* The EAL says only "invalid argument" of a core that is not there. */
static int check_lcores(const struct eal_settings *settings, struct error *error)
{
    long cores = sysconf(_SC_NPROCESSORS_CONF);

    for (unsigned int i = 0; i <= settings->worker_count; i++) {
        unsigned int lcore = i < settings->worker_count ? settings->worker_lcores[i] : settings->control_lcore;

        if (lcore >= (unsigned long)cores) {
            return error_set(error, -ENODEV, "dpdk: lcore %u does not exist: this machine has %ld", lcore, cores);
        }
    }
    return 0;
}

/* What libxdp has to say of the sockets that the AF_XDP driver opens is for a developer. */
static int log_libxdp(enum libxdp_print_level level, const char *format, va_list args)
{
    char text[512];

    (void)level;
    vsnprintf(text, sizeof(text), format, args);
    log_debug("%s", text);
    return 0;
}

int eal_start(const struct eal_settings *settings, struct error *error)
{
    static struct arguments arguments; /* the EAL, which starts once, keeps pointers into the texts */
    struct arguments passed;
    int result = check_lcores(settings, error);

    if (result != 0) {
        return result;
    }
    build(&arguments, settings);
    if (arguments.count > ARGUMENTS_MAX) {
        return error_set(error, -E2BIG, "dpdk: more than %d EAL arguments", ARGUMENTS_MAX);
    }
    for (int i = 1; i < arguments.count; i++) {
        log_debug("EAL argument: %s", arguments.text[i]);
    }
    libxdp_set_print(log_libxdp);
    passed = arguments; /* it reorders them, and drops one */
    if (rte_eal_init(passed.count, passed.text) < 0) {
        return error_set(error, -rte_errno, "dpdk: the EAL does not start with memory_mb %u (%s)%s",
                         settings->memory_mb, rte_strerror(rte_errno),
                         settings->extra_count > 0 ? "; see dpdk.eal for the arguments added" : "");
    }
    return 0;
}

void eal_stop(void)
{
    rte_eal_cleanup();
}
