/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports: Ethernet devices that workers poll, and the kernel twins of those that have no netdev of their own.
 *
 * Control thread only. The EAL must run.
 */
#ifndef PORT_H
#define PORT_H

#include "attributes.h"
#include "error.h"
#include <stdbool.h>
#include <stdint.h>

#define PORT_QUEUES_MAX 16
#define PORT_NAME_MAX   32
#define PORT_NONE       UINT16_MAX
#define PORT_TWIN_MTU   1500 /* the TAP driver takes no more */

struct rte_mempool; /* control code includes this file, and DPDK's take a second to compile */

enum port_kind { PORT_PCI, PORT_AF_XDP, PORT_TAP, PORT_MEMIF, PORT_PCAP, PORT_NULL, PORT_VDEV };

struct port_memif {
    const char *socket; /* a path, or a name in the abstract namespace */
    bool abstract;
    bool client;
    uint32_t id;
    unsigned int ring;  /* descriptors, a power of two; 0: the driver's default */
    const char *secret; /* NULL: none */
};

struct port_settings {
    const char *name; /* the operator's */
    enum port_kind kind;
    const char *argument;           /* what follows "kind:" in the configuration; "" for null */
    const struct port_memif *memif; /* of PORT_MEMIF */
    unsigned int queues;            /* receive queues, 1 to PORT_QUEUES_MAX */
    unsigned int mtu;               /* 0: the device's own; of PORT_AF_XDP the netdev's */
    unsigned int icmp_rate;         /* ICMP errors a second about what it receives; 0: 1000 */
    const char *twin;    /* name of the TAP that is to be the kernel twin; NULL: the netdev of PORT_AF_XDP itself */
    uint16_t vlan;       /* VID of a sub-interface, else 0 */
    unsigned int parent; /* index of the port that a sub-interface is a part of */
};

struct port {
    char name[PORT_NAME_MAX];
    char device_name[PORT_NAME_MAX]; /* DPDK's */
    char netdev[PORT_NAME_MAX];      /* the kernel twin's interface name */
    char wire[PORT_NAME_MAX];        /* PORT_TAP: the interface at the device's far end */
    enum port_kind kind;
    uint16_t device; /* DPDK port id; of a sub-interface, its parent's */
    uint16_t more_count;
    uint16_t more[PORT_QUEUES_MAX - 1]; /* PORT_AF_XDP: the devices of the queues from the second on, one each: the
                                         * driver takes no second queue of an interface like veth, whose channels are
                                         * not combined ones */
    uint16_t twin_device;               /* PORT_NONE: the netdev itself is the twin */
    uint16_t rx_queues;
    uint16_t tx_queues;
    uint16_t mtu;
    uint16_t mtu_max; /* what device and buffers can take; the netdev of PORT_AF_XDP may be given another MTU later */
    bool one_segment; /* the device sends no packet of several segments */
    unsigned int icmp_rate;
    uint16_t vlan;   /* VID of a sub-interface, else 0 */
    uint16_t parent; /* index, of a sub-interface */
    uint8_t mac[6];  /* what frames for us carry */
    bool started;
};

struct port_queue {
    uint16_t device;
    uint16_t queue;
};

/* Where queue n of the port's device is. */
static inline struct port_queue port_queue(const struct port *port, unsigned int n)
{
    bool apart = n > 0 && n <= port->more_count;

    return (struct port_queue){apart ? port->more[n - 1] : port->device, apart ? 0 : (uint16_t)n};
}

/* Not a sub-interface: the device is its parent's. */
static inline bool port_has_device(const struct port *port, uint16_t device)
{
    bool has = port->device == device;

    for (unsigned int i = 0; i < port->more_count; i++) {
        has = has || port->more[i] == device;
    }
    return has && port->vlan == 0;
}

/* Mbufs that ports with this many queues in all may hold at once. */
unsigned int port_mbufs(unsigned int queues);

/* Bytes of data that each mbuf of these ports' pool must have room for, headroom included. 0, or -EINVAL with a text:
 * no mbuf can be large enough for the MTU of one of them. */
int port_data_room(const struct port_settings *settings, unsigned int count, uint16_t *room,
                   struct error *error) MUST_USE;

/* Creates the device and its twin and sets both up, not yet started. index tells devices of one kind apart. tx_queues:
 * as many as there are workers, fewer if the device has fewer. 0 or -errno with a text that names the port; then
 * nothing is left behind. */
int port_open(struct port *port, const struct port_settings *settings, unsigned int index, unsigned int workers,
              struct rte_mempool *pool, struct error *error) MUST_USE;
/* The same for a sub-interface of an open port: the device is the parent's, only the twin is its own. */
int port_open_vlan(struct port *port, const struct port *parent, const struct port_settings *settings,
                   unsigned int index, struct rte_mempool *pool, struct error *error) MUST_USE;
int port_start(struct port *port, struct error *error) MUST_USE;
/* Frames for us carry this MAC address from now on: the twin was given another one. */
void port_set_mac(struct port *port, const uint8_t mac[6]);
/* As the driver tells it now. No driver is asked for link interrupts: it would answer from what the last one left, and
 * where one was lost (seen with e1000) a link would stay what it was for good. */
bool port_link_up(const struct port *port);
/* The device's MAC address has changed: a sub-interface's twin must have it, too. 0 or -errno. */
int port_set_twin_mac(struct port *port, const uint8_t mac[6]) MUST_USE;
void port_close(struct port *port);

#endif
