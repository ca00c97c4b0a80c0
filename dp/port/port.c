/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"
#include "devargs.h"
#include "log.h"
#include "netdev.h"
#include <errno.h>
#include <net/if.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DESCRIPTORS   2048
#define ICMP_RATE     1000 /* errors a second, unless the port says otherwise */
#define BUSY_TRIES    30
#define BUSY_PAUSE_US 100000

/* An AF_XDP frame is an element of the mempool, and may not be larger than a page: 64 bytes of the element's header,
 * the mbuf, its data room, and up to 64 bytes by which mempools spread elements over memory channels. In the data room
 * lie our headroom and the kernel's. */
#define XDP_HEADROOM   256
#define XDP_ROOM_MAX   (4096 - 64 - sizeof(struct rte_mbuf) - 64)
#define FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + 4) /* with a VLAN tag */
#define XDP_MTU_MAX    (XDP_ROOM_MAX - RTE_PKTMBUF_HEADROOM - XDP_HEADROOM - FRAME_OVERHEAD)

int port_data_room(const struct port_settings *settings, unsigned int count, uint16_t *room, struct error *error)
{
    *room = RTE_MBUF_DEFAULT_BUF_SIZE;
    for (unsigned int i = 0; i < count; i++) {
        const struct port_settings *port = &settings[i];
        unsigned int mtu = port->mtu != 0 ? port->mtu : netdev_mtu(port->argument);
        unsigned int need;

        if (port->kind != PORT_AF_XDP) {
            continue;
        }
        if (mtu > XDP_MTU_MAX) {
            return error_set(error, -EINVAL, "port %s: an MTU of %u is too large for AF_XDP, which takes %zu at most%s",
                             port->name, mtu, XDP_MTU_MAX,
                             port->mtu == 0 ? "; give the interface, or the port, a smaller one" : "");
        }
        need = RTE_ALIGN(mtu + FRAME_OVERHEAD + RTE_PKTMBUF_HEADROOM + XDP_HEADROOM, 64u);
        *room = (uint16_t)RTE_MAX(*room, need);
    }
    return 0;
}

unsigned int port_mbufs(unsigned int queues)
{
    /* a receive and a transmit ring each, as much again under way in AF_XDP's fill and completion rings */
    return queues * DESCRIPTORS * 4;
}

/* "net_tap0" of "net_tap0,iface=x": the name under which the device is found and removed. */
static void device_name(const char *devargs, char out[PORT_NAME_MAX])
{
    size_t n = strcspn(devargs, ",");

    snprintf(out, PORT_NAME_MAX, "%.*s", (int)n, devargs);
}

static int device_open(const char *devargs, const char *port_name, char name[PORT_NAME_MAX], uint16_t *device,
                       struct error *error)
{
    int result;

    device_name(devargs, name);
    if (rte_eth_dev_get_port_by_name(name, device) == 0) { /* the EAL took the PCI devices that it was given */
        return 0;
    }
    result = rte_dev_probe(devargs);
    if (result != 0) {
        return error_set(error, result, "port %s: no device \"%s\" (%s)", port_name, devargs, rte_strerror(-result));
    }
    if (rte_eth_dev_get_port_by_name(name, device) != 0) {
        return error_set(error, -ENODEV, "port %s: device \"%s\" is not an Ethernet device", port_name, devargs);
    }
    return 0;
}

static void device_close(uint16_t device)
{
    struct rte_eth_dev_info info;

    if (device == PORT_NONE) {
        return;
    }
    if (rte_eth_dev_info_get(device, &info) != 0) {
        return;
    }
    rte_eth_dev_stop(device);
    rte_eth_dev_close(device);
    rte_dev_remove(info.device);
}

/* The largest IP packet that fits into one mbuf. */
static uint16_t buffer_mtu(struct rte_mempool *pool)
{
    return (uint16_t)(rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM - FRAME_OVERHEAD);
}

/* mtu: 0 for the device's own. */
static int queues_set_up(uint16_t device, uint16_t rx_queues, uint16_t tx_queues, uint16_t mtu,
                         struct rte_mempool *pool)
{
    struct rte_eth_conf conf = {.rxmode.mtu = mtu};
    struct rte_eth_dev_info info;
    uint16_t rx_descriptors = DESCRIPTORS;
    uint16_t tx_descriptors = DESCRIPTORS;
    int result = rte_eth_dev_info_get(device, &info);

    if (result != 0) {
        return result;
    }
    if (rx_queues > 1) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf =
            (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP) & info.flow_type_rss_offloads;
    }
    if (mtu > buffer_mtu(pool)) { /* where nothing needs it, drivers are faster without */
        conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
    }
    /* every mbuf comes from one pool and has one owner */
    conf.txmode.offloads = info.tx_offload_capa & (RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE | RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
    result = rte_eth_dev_configure(device, rx_queues, tx_queues, &conf);
    if (result != 0) {
        return result;
    }
    result = rte_eth_dev_adjust_nb_rx_tx_desc(device, &rx_descriptors, &tx_descriptors);
    for (uint16_t q = 0; q < rx_queues && result == 0; q++) {
        result = rte_eth_rx_queue_setup(device, q, rx_descriptors, rte_eth_dev_socket_id(device), NULL, pool);
    }
    for (uint16_t q = 0; q < tx_queues && result == 0; q++) {
        result = rte_eth_tx_queue_setup(device, q, tx_descriptors, rte_eth_dev_socket_id(device), NULL);
    }
    return result;
}

/* The kernel frees the AF_XDP socket of a daemon that was killed some time after the process is gone, and refuses a
 * second one meanwhile; the driver tells no reason. */
static int xdp_queue_set_up(uint16_t device, uint16_t mtu, struct rte_mempool *pool)
{
    int result;

    for (int try = 1;; try++) {
        result = queues_set_up(device, 1, 1, mtu, pool);
        if (result == 0 || try == BUSY_TRIES) {
            return result;
        }
        usleep(BUSY_PAUSE_US);
    }
}

static int port_queues_set_up(const struct port *port, uint16_t mtu, struct rte_mempool *pool)
{
    int result;

    if (port->kind != PORT_AF_XDP) {
        return queues_set_up(port->device, port->rx_queues, port->tx_queues, mtu, pool);
    }
    result = xdp_queue_set_up(port->device, mtu, pool);
    for (unsigned int i = 0; i < port->more_count && result == 0; i++) {
        result = xdp_queue_set_up(port->more[i], mtu, pool);
    }
    return result;
}

/* The far end of a TAP has the device's MAC, so frames for us need another one. */
static void choose_mac(struct port *port)
{
    struct rte_ether_addr mac = {0};

    rte_eth_macaddr_get(port->device, &mac);
    if (port->kind == PORT_TAP) {
        mac.addr_bytes[0] = 0x02;
        mac.addr_bytes[5] ^= 0x80;
    }
    if (!rte_is_valid_assigned_ether_addr(&mac)) { /* a ring, say, has none */
        rte_eth_random_addr(mac.addr_bytes);
    }
    memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
}

static int choose_queues(struct port *port, const struct port_settings *settings, unsigned int workers,
                         struct error *error)
{
    struct rte_eth_dev_info info;
    int result = rte_eth_dev_info_get(port->device, &info);
    unsigned int most;

    if (result != 0) {
        return error_set(error, result, "port %s: no device information (%s)", port->name, rte_strerror(-result));
    }
    most = port->kind == PORT_AF_XDP ? netdev_queues(settings->argument) : info.max_rx_queues;
    if (settings->queues > most) {
        return error_set(error, -EINVAL, "port %s: queues is %u, but the device has %u", port->name, settings->queues,
                         most);
    }
    if (port->kind == PORT_AF_XDP && settings->queues < most) {
        log_warning("port %s: queues is %u, but %s has %u: what its other queues receive stays with the kernel",
                    port->name, settings->queues, settings->argument, most);
    }
    port->rx_queues = (uint16_t)settings->queues;
    port->tx_queues = (uint16_t)RTE_MIN(workers, info.max_tx_queues);
    /* drivers of both kinds in one device (AF_XDP, TAP) want as many of each; and of a memif both sides must have as
     * many, since the driver takes a queue without a ring for one that has the first ring */
    if (port->kind == PORT_AF_XDP || port->kind == PORT_TAP || port->kind == PORT_MEMIF) {
        port->tx_queues = port->rx_queues;
    }
    return 0;
}

/* An interface that is there already and is no TAP, to which the driver could attach. */
static bool name_is_taken(const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", name);
    return if_nametoindex(name) != 0 && access(path, F_OK) != 0;
}

static int twin_open(struct port *port, const struct port_settings *settings, unsigned int index,
                     struct rte_mempool *pool, struct error *error)
{
    char devargs[128];
    char name[PORT_NAME_MAX];
    int result;

    if (settings->twin == NULL) {
        snprintf(port->netdev, sizeof(port->netdev), "%s", settings->argument);
        return 0;
    }
    snprintf(port->netdev, sizeof(port->netdev), "%s", settings->twin);
    if (name_is_taken(settings->twin)) {
        return error_set(error, -EEXIST, "port %s: there already is an interface %s; give its kernel twin another name",
                         port->name, settings->twin);
    }
    if (devargs_format_twin(settings->twin, index, port->mac, devargs, sizeof(devargs)) != 0) {
        return error_set(error, -EINVAL, "port %s: \"%s\" cannot be an interface name", port->name, settings->twin);
    }
    result = device_open(devargs, port->name, name, &port->twin_device, error);
    if (result != 0) {
        return result;
    }
    result = queues_set_up(port->twin_device, 1, 1, 0, pool);
    if (result == 0) {
        result = rte_eth_dev_set_mtu(port->twin_device, RTE_MIN(port->mtu, PORT_TWIN_MTU));
    }
    if (result != 0) {
        return error_set(error, result, "port %s: no kernel twin %s (%s)", port->name, settings->twin,
                         rte_strerror(-result));
    }
    return 0;
}

/* What the device takes, as rte_eth_dev_set_mtu() will judge. Memif tells 1500 and means nothing by it. */
static unsigned int device_mtu_max(const struct port *port, const struct rte_eth_dev_info *info)
{
    unsigned int overhead = info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu
                                ? info->max_rx_pktlen - info->max_mtu
                                : RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

    return port->kind == PORT_MEMIF ? UINT16_MAX : RTE_MIN((unsigned int)info->max_mtu, info->max_rx_pktlen - overhead);
}

/* Packets larger than an mbuf come in, and leave, as chains of several, where the driver can do that. */
static int choose_mtu(struct port *port, const struct port_settings *settings, struct rte_mempool *pool,
                      struct error *error)
{
    struct rte_eth_dev_info info;
    bool chains;
    int result = rte_eth_dev_info_get(port->device, &info);

    if (result != 0) {
        return error_set(error, result, "port %s: no device information (%s)", port->name, rte_strerror(-result));
    }
    /* these make chains unasked; a null device looks at no packet */
    chains = port->kind == PORT_NULL || port->kind == PORT_PCAP || port->kind == PORT_MEMIF ||
             (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
    port->one_segment = port->kind != PORT_NULL && (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0;
    port->mtu_max = (uint16_t)RTE_MIN(device_mtu_max(port, &info), UINT16_MAX);
    if (port->kind == PORT_AF_XDP) {
        port->mtu_max = (uint16_t)(buffer_mtu(pool) - XDP_HEADROOM);
    } else if (!chains || port->one_segment) {
        port->mtu_max = RTE_MIN(port->mtu_max, buffer_mtu(pool));
    }
    if (settings->mtu > port->mtu_max) {
        return error_set(error, -EINVAL, "port %s: mtu is %u, but the device takes %u at most", port->name,
                         settings->mtu, port->mtu_max);
    }
    return 0;
}

/* A device without such a setting takes what comes. */
static int set_mtu(struct port *port, const struct port_settings *settings, struct error *error)
{
    int result = settings->mtu != 0 ? rte_eth_dev_set_mtu(port->device, (uint16_t)settings->mtu) : 0;

    if (result != 0 && result != -ENOTSUP) {
        return error_set(error, result, "port %s: the device does not take an MTU of %u (%s)", port->name,
                         settings->mtu, rte_strerror(-result));
    }
    rte_eth_dev_get_mtu(port->device, &port->mtu);
    if (settings->mtu != 0) {
        port->mtu = (uint16_t)settings->mtu;
    } else if (port->kind == PORT_AF_XDP) {
        port->mtu = (uint16_t)RTE_MIN(netdev_mtu(settings->argument), port->mtu_max);
    }
    return 0;
}

/* The devices of an AF_XDP port's further queues. */
static int more_open(struct port *port, const struct port_settings *settings, unsigned int index, struct error *error)
{
    char devargs[128];
    char name[PORT_NAME_MAX];
    int result = 0;

    while (port->kind == PORT_AF_XDP && port->more_count + 1u < settings->queues && result == 0) {
        if (devargs_format_xdp(settings->argument, index, port->more_count + 1u, devargs, sizeof(devargs)) != 0) {
            return error_set(error, -EINVAL, "port %s: bad device argument \"%s\"", port->name, settings->argument);
        }
        result = device_open(devargs, port->name, name, &port->more[port->more_count], error);
        port->more_count += result == 0;
    }
    return result;
}

static int main_device_open(struct port *port, const struct port_settings *settings, unsigned int index,
                            unsigned int workers, struct rte_mempool *pool, struct error *error)
{
    char devargs[512];
    int result;

    if (devargs_format(settings, index, devargs, sizeof(devargs)) != 0) {
        return error_set(error, -EINVAL, "port %s: bad device argument \"%s\"", settings->name, settings->argument);
    }
    result = device_open(devargs, settings->name, port->device_name, &port->device, error);
    if (result == 0) {
        result = choose_queues(port, settings, workers, error);
    }
    if (result == 0) {
        result = more_open(port, settings, index, error);
    }
    if (result == 0) {
        result = choose_mtu(port, settings, pool, error);
    }
    if (result != 0) {
        return result;
    }
    result = port_queues_set_up(port, port->kind == PORT_MEMIF ? 0 : (uint16_t)settings->mtu, pool);
    if (result != 0) {
        return error_set(error, result, "port %s: the device's queues cannot be set up (%s)", settings->name,
                         rte_strerror(-result));
    }
    choose_mac(port);
    return set_mtu(port, settings, error);
}

int port_open(struct port *port, const struct port_settings *settings, unsigned int index, unsigned int workers,
              struct rte_mempool *pool, struct error *error)
{
    int result;

    *port = (struct port){.kind = settings->kind,
                          .icmp_rate = settings->icmp_rate > 0 ? settings->icmp_rate : ICMP_RATE,
                          .device = PORT_NONE,
                          .twin_device = PORT_NONE};
    snprintf(port->name, sizeof(port->name), "%s", settings->name);
    snprintf(port->wire, sizeof(port->wire), "%s", settings->kind == PORT_TAP ? settings->argument : "");
    result = main_device_open(port, settings, index, workers, pool, error);
    if (result == 0) {
        result = twin_open(port, settings, index, pool, error);
    }
    if (result != 0) {
        port_close(port);
    }
    return result;
}

int port_open_vlan(struct port *port, const struct port *parent, const struct port_settings *settings,
                   unsigned int index, struct rte_mempool *pool, struct error *error)
{
    int result;

    *port = (struct port){.kind = settings->kind,
                          .device = parent->device,
                          .twin_device = PORT_NONE,
                          .vlan = settings->vlan,
                          .parent = (uint16_t)settings->parent,
                          .icmp_rate = settings->icmp_rate != 0 ? settings->icmp_rate : ICMP_RATE,
                          .mtu = parent->mtu,
                          .mtu_max = parent->mtu_max,
                          .one_segment = parent->one_segment};
    memcpy(port->mac, parent->mac, sizeof(port->mac));
    snprintf(port->name, sizeof(port->name), "%s", settings->name);
    snprintf(port->device_name, sizeof(port->device_name), "%s", parent->device_name);
    snprintf(port->wire, sizeof(port->wire), "%s", parent->wire);
    if (settings->mtu > parent->mtu) {
        return error_set(error, -EINVAL, "port %s: mtu is %u, but %s has %u", port->name, settings->mtu, parent->name,
                         parent->mtu);
    }
    port->mtu = settings->mtu != 0 ? (uint16_t)settings->mtu : parent->mtu;
    result = twin_open(port, settings, index, pool, error);
    if (result != 0) {
        port_close(port);
    }
    return result;
}

static int device_start(uint16_t device, const struct port *port, struct error *error)
{
    int result = device == PORT_NONE ? 0 : rte_eth_dev_start(device);

    if (result != 0) {
        return error_set(error, result, "port %s: the device does not start (%s)", port->name, rte_strerror(-result));
    }
    return 0;
}

int port_start(struct port *port, struct error *error)
{
    int result = port->vlan != 0 ? 0 : device_start(port->device, port, error);

    for (unsigned int i = 0; i < port->more_count && result == 0; i++) {
        result = device_start(port->more[i], port, error);
    }
    if (result != 0) {
        return result;
    }
    /* a TAP's own address is the far end's; frames for other hosts are dropped by parse, not by the device */
    if (port->vlan == 0 && port->kind == PORT_TAP && rte_eth_promiscuous_enable(port->device) != 0) {
        log_warning("port %s: no promiscuous mode", port->name);
    }
    /* the twin's groups are not known here: neighbour discovery needs them all. Devices without a filter refuse. */
    if (port->vlan == 0 && port->twin_device != PORT_NONE) {
        rte_eth_allmulticast_enable(port->device);
    }
    result = device_start(port->twin_device, port, error);
    port->started = result == 0;
    return result;
}

void port_set_mac(struct port *port, const uint8_t mac[6])
{
    struct rte_ether_addr next;

    if (memcmp(port->mac, mac, sizeof(port->mac)) == 0) {
        return;
    }
    memcpy(port->mac, mac, sizeof(port->mac));
    memcpy(next.addr_bytes, mac, sizeof(next.addr_bytes));
    /* the address of an AF_XDP port's device is the netdev's own, that of a TAP's the far end's */
    if (port->kind == PORT_AF_XDP || port->kind == PORT_TAP) {
        return;
    }
    if (rte_eth_dev_default_mac_addr_set(port->device, &next) != 0 && rte_eth_promiscuous_enable(port->device) != 0) {
        log_debug("port %s: the device filters no MAC address", port->name);
    }
}

bool port_link_up(const struct port *port)
{
    struct rte_eth_link link;

    /* in another namespace, where the driver, which goes by its name, does not find it */
    if (port->kind == PORT_TAP && if_nametoindex(port->wire) == 0) {
        return true;
    }
    return rte_eth_link_get_nowait(port->device, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

int port_set_twin_mac(struct port *port, const uint8_t mac[6])
{
    struct rte_ether_addr addr;

    memcpy(addr.addr_bytes, mac, sizeof(addr.addr_bytes));
    return rte_eth_dev_default_mac_addr_set(port->twin_device, &addr);
}

void port_close(struct port *port)
{
    /* the AF_XDP driver tries to take our XDP program off the netdev, and complains that it may not */
    rte_log_set_level_pattern("pmd.net.af_xdp", RTE_LOG_CRIT);
    device_close(port->twin_device);
    while (port->more_count > 0) {
        device_close(port->more[--port->more_count]);
    }
    device_close(port->vlan != 0 ? PORT_NONE : port->device);
    port->twin_device = PORT_NONE;
    port->device = PORT_NONE;
    port->started = false;
}
