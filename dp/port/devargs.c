/* SPDX-License-Identifier: BSD-3-Clause */
#include "devargs.h"
#include <errno.h>
#include <rte_ether.h>
#include <stdio.h>
#include <string.h>

/* "IN,OUT": either may be missing, then nothing is received, or what is sent vanishes. */
static int format_pcap(const char *argument, unsigned int index, char *out, size_t size)
{
    const char *comma = strchr(argument, ',');
    int in = (int)(comma != NULL ? (size_t)(comma - argument) : strlen(argument));
    const char *to = comma != NULL ? comma + 1 : "";

    if ((in == 0 && *to == '\0') || strchr(to, ',') != NULL) {
        return -1;
    }
    return snprintf(out, size, "net_pcap%u%s%.*s%s%s", index, in > 0 ? ",rx_pcap=" : "", in, argument,
                    *to != '\0' ? ",tx_pcap=" : "", to);
}

/* A frame lies in one buffer of the shared memory, which the client makes: the driver of DPDK 22.11 garbles the smaller
 * packets among those that take several. */
static unsigned int memif_buffer(unsigned int mtu)
{
    return RTE_MIN(RTE_MAX(RTE_ALIGN(mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN, 64u), 2048u), (unsigned int)UINT16_MAX);
}

static int format_memif(const struct port_settings *settings, unsigned int index, char *out, size_t size)
{
    const struct port_memif *memif = settings->memif;
    char ring[32] = "";

    if (memif->ring != 0) {
        snprintf(ring, sizeof(ring), ",rsize=%d", __builtin_ctz(memif->ring));
    }
    return snprintf(out, size, "net_memif%u,role=%s,id=%u,socket=%s,socket-abstract=%s,bsize=%u%s%s%s", index,
                    memif->client ? "client" : "server", memif->id, memif->socket, memif->abstract ? "yes" : "no",
                    memif_buffer(settings->mtu), ring, memif->secret != NULL ? ",secret=" : "",
                    memif->secret != NULL ? memif->secret : "");
}

/* A comma would end the value and begin another key. */
static bool is_value(const char *argument)
{
    return *argument != '\0' && strchr(argument, ',') == NULL;
}

int devargs_format_xdp(const char *interface, unsigned int index, unsigned int queue, char *out, size_t size)
{
    char which[16] = "";
    int n;

    if (queue > 0) {
        snprintf(which, sizeof(which), "q%u", queue);
    }
    /* busy_budget=0: else every empty poll is a system call */
    n = snprintf(out, size, "net_af_xdp%u%s,iface=%s,start_queue=%u,queue_count=1,busy_budget=0", index, which,
                 interface, queue);
    return n > 0 && (size_t)n < size ? 0 : -EINVAL;
}

int devargs_format(const struct port_settings *settings, unsigned int index, char *out, size_t size)
{
    const char *argument = settings->argument;
    int n = -1;

    if ((settings->kind == PORT_AF_XDP || settings->kind == PORT_TAP) && !is_value(argument)) {
        return -EINVAL;
    }
    switch (settings->kind) {
    case PORT_PCI:
    case PORT_VDEV:
        n = snprintf(out, size, "%s", argument);
        break;
    case PORT_AF_XDP:
        return devargs_format_xdp(argument, index, 0, out, size);
    case PORT_TAP:
        n = snprintf(out, size, "net_tap%u,iface=%s", index, argument);
        break;
    case PORT_MEMIF:
        n = format_memif(settings, index, out, size);
        break;
    case PORT_PCAP:
        n = format_pcap(argument, index, out, size);
        break;
    case PORT_NULL:
        n = snprintf(out, size, "net_null%u,no-rx=1", index);
        break;
    }
    return n > 0 && (size_t)n < size ? 0 : -EINVAL;
}

int devargs_format_twin(const char *twin, unsigned int index, const uint8_t mac[6], char *out, size_t size)
{
    int n = snprintf(out, size, "net_tap_twin%u,iface=%s,mac=%02x:%02x:%02x:%02x:%02x:%02x", index, twin, mac[0],
                     mac[1], mac[2], mac[3], mac[4], mac[5]);

    return n > 0 && (size_t)n < size ? 0 : -EINVAL;
}
