/* SPDX-License-Identifier: BSD-3-Clause */
#include "netdev.h"
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool netdev_ask(const char *name, unsigned long what, struct ifreq *request)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
    result = ioctl(fd, what, request);
    close(fd);
    return result == 0;
}

unsigned int netdev_mtu(const char *name)
{
    struct ifreq request = {0};

    return netdev_ask(name, SIOCGIFMTU, &request) ? (unsigned int)request.ifr_mtu : 0;
}

unsigned int netdev_queues(const char *name)
{
    struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
    struct ifreq request = {.ifr_data = (char *)&channels};
    unsigned int queues = netdev_ask(name, SIOCETHTOOL, &request) ? channels.rx_count + channels.combined_count : 0;

    return queues > 0 ? queues : 1;
}
