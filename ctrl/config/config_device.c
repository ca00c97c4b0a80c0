/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_memory.h"
#include "config_suggest.h"
#include "config_value.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool config_ifname_valid(const char *text)
{
    size_t length = strlen(text);

    /* dev_valid_name() of the kernel */
    return length > 0 && length <= CONFIG_IFNAME_MAX && strcmp(text, ".") != 0 && strcmp(text, "..") != 0 &&
           strpbrk(text, "/: \t") == NULL;
}

/* "dddd:bb:dd.f", lower case as Linux and DPDK write it. */
static bool pci_valid(const char *text)
{
    static const char pattern[] = "xxxx:xx:xx.x";

    if (strlen(text) != strlen(pattern)) {
        return false;
    }
    for (size_t i = 0; i < strlen(pattern); i++) {
        if (pattern[i] == 'x' ? !isxdigit((unsigned char)text[i]) || isupper((unsigned char)text[i])
                              : text[i] != pattern[i]) {
            return false;
        }
    }
    return true;
}

static bool any(const char *text)
{
    (void)text;
    return true;
}

static bool present(const char *text)
{
    return text[0] != '\0';
}

/* IN,OUT: both there, and no third, since the comma has no escape in DPDK's arguments either. */
static bool pcap_valid(const char *text)
{
    const char *comma = strchr(text, ',');

    return comma != NULL && comma != text && present(comma + 1) && strchr(comma + 1, ',') == NULL;
}

static const struct device_kind {
    const char *name;
    bool (*valid)(const char *argument); /* NULL: takes none */
    const char *wanted;
} kinds[] = {
    [CONFIG_DEVICE_PCI] = {"pci", pci_valid, "a PCI address in lower case, like pci:0000:3b:00.0"},
    [CONFIG_DEVICE_AF_XDP] = {"af_xdp", config_ifname_valid, "an interface name of at most 15 bytes"},
    [CONFIG_DEVICE_TAP] = {"tap", config_ifname_valid, "an interface name of at most 15 bytes"},
    [CONFIG_DEVICE_MEMIF] = {"memif", any, NULL}, /* config_memif_parse() judges it */
    [CONFIG_DEVICE_PCAP] = {"pcap", pcap_valid, "two files, like pcap:in.pcap,out.pcap"},
    [CONFIG_DEVICE_NULL] = {"null", NULL, "nothing: plain null"},
    [CONFIG_DEVICE_VDEV] = {"vdev", present, "a DPDK virtual device, like vdev:net_ring0"},
};

static int kind_refuse(const char *name, struct error *why)
{
    struct suggestion suggestion = {.word = name};
    struct error hint;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        suggestion_offer(&suggestion, kinds[i].name);
    }
    return error_set(why, -EINVAL, "is of no known kind: pci:, af_xdp:, tap:, memif:, pcap:, null or vdev:%.100s",
                     suggestion_text(&suggestion, &hint));
}

/* The kind, or -EINVAL. */
static int kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            return (int)i;
        }
    }
    return -EINVAL;
}

/* Splits "IN,OUT" where it stands. */
static const char *output_split(char *argument)
{
    char *comma = strchr(argument, ',');

    *comma = '\0';
    return comma + 1;
}

int config_device_parse(const struct config_scalar *scalar, void *out, struct error *why)
{
    const char *colon = strchr(scalar->text, ':');
    const char *argument = colon != NULL ? colon + 1 : "";
    struct config_device device = {.output = NULL};
    char name[16];
    char *copy;
    int kind;

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(scalar->text, ":"), scalar->text);
    kind = kind_find(name);
    if (kind < 0) {
        return kind_refuse(name, why);
    }
    if (kinds[kind].valid != NULL ? !kinds[kind].valid(argument) : colon != NULL) {
        return error_set(why, -EINVAL, "is wrong after \"%s\": it takes %s", name, kinds[kind].wanted);
    }
    device.kind = (enum config_device_kind)kind;
    device.text = config_strdup(scalar->config, scalar->text);
    device.argument = copy = config_strdup(scalar->config, argument);
    if (device.text == NULL || copy == NULL) {
        return -ENOMEM;
    }
    if (device.kind == CONFIG_DEVICE_PCAP) {
        device.output = output_split(copy);
    }
    if (device.kind == CONFIG_DEVICE_MEMIF) {
        int result = config_memif_parse(scalar->config, argument, &device.memif, why);

        if (result != 0) {
            return result;
        }
    }
    memcpy(out, &device, sizeof(device));
    return 0;
}

/* A memif is the interface of one id of a socket, whatever else is said of it. */
bool config_device_same(const struct config_device *a, const struct config_device *b)
{
    if (a->kind == CONFIG_DEVICE_MEMIF && b->kind == CONFIG_DEVICE_MEMIF) {
        return a->memif->abstract == b->memif->abstract && a->memif->id == b->memif->id &&
               strcmp(a->memif->socket, b->memif->socket) == 0;
    }
    return strcmp(a->text, b->text) == 0;
}
