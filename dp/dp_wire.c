/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which worker polls which queue, and how each worker reaches each egress.
 *
 * Queue q of egress e belongs to worker (e + q) modulo the number of workers, for receiving and for sending, so that
 * one-queue ports spread over the workers. A worker without a transmit queue of its own hands its packets to an owner
 * through a ring, rather than share a queue under a lock. The lanes of sub-interfaces end at their device's queues,
 * each beside the device's own lane with the same worker, and put a tag on.
 */
#include "dp_private.h"
#include <errno.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <stdio.h>
#include <stdlib.h>

#define INBOX_SIZE       1024
#define ICMP_BURST_SHARE 20 /* of a second's errors may come at once */

static unsigned int owner_of(const struct dp *dp, unsigned int egress, unsigned int queue)
{
    return (egress + queue) % dp->worker_count; /* NOLINT(clang-analyzer-core.DivideZero): there is one */
}

static void add_source(struct dp *dp, unsigned int egress, unsigned int queue, const struct source *source)
{
    struct worker *worker = dp->workers[owner_of(dp, egress, queue)];

    worker->sources[worker->source_count++] = *source;
}

/* The queue that a worker uses: its own where it owns one, else one whose owner takes hand-overs. */
static unsigned int queue_for(const struct dp *dp, unsigned int egress, unsigned int tx_queues, unsigned int worker)
{
    return (worker + dp->worker_count - egress % dp->worker_count) % dp->worker_count % tx_queues;
}

/* Where packets may leave: a port's device, also under a VLAN's tag, or a kernel twin. */
struct egress {
    unsigned int lane;
    unsigned int home; /* the lane whose number says who owns the queues */
    enum lane_end end;
    const struct port *port;
    uint16_t vlan_tci;
    unsigned int tx_queues;
    bool one_segment;
};

static struct rte_ring *add_inbox(struct dp *dp, const struct egress *egress, unsigned int queue)
{
    struct worker *owner = dp->workers[owner_of(dp, egress->home, queue)];
    struct inbox *inbox = &owner->inboxes[owner->inbox_count];
    char name[32];

    snprintf(name, sizeof(name), "inbox_%u_%u", egress->lane, queue);
    inbox->ring = rte_ring_create(name, INBOX_SIZE, SOCKET_ID_ANY, RING_F_SC_DEQ);
    if (inbox->ring == NULL) {
        return NULL;
    }
    inbox->lane = (uint16_t)egress->lane;
    owner->inbox_count++;
    return inbox->ring;
}

static int wire_egress(struct dp *dp, const struct egress *egress)
{
    struct rte_ring *rings[PORT_QUEUES_MAX] = {0};
    unsigned int tx_queues = RTE_MIN(egress->tx_queues, (unsigned int)PORT_QUEUES_MAX);

    for (unsigned int w = 0; w < dp->worker_count; w++) {
        unsigned int queue = queue_for(dp, egress->home, tx_queues, w);
        struct port_queue at = egress->end == LANE_TWIN ? (struct port_queue){egress->port->twin_device, 0}
                                                        : port_queue(egress->port, queue);
        struct lane *lane = &dp->workers[w]->pipe.lanes[egress->lane];

        lane->port = (uint16_t)egress->lane;
        lane->device = at.device;
        lane->queue = at.queue;
        lane->end = (uint8_t)egress->end;
        punt_quota_set_up(&lane->quota, rte_get_tsc_hz());
        lane->full = egress->end == LANE_TWIN ? DROP_PUNT_FULL : DROP_TX_FULL;
        if (owner_of(dp, egress->home, queue) == w) {
            lane->vlan_tci = egress->vlan_tci;
            lane->one_segment = egress->one_segment;
            continue;
        }
        if (rings[queue] == NULL) {
            rings[queue] = add_inbox(dp, egress, queue);
        }
        if (rings[queue] == NULL) {
            return -rte_errno;
        }
        lane->end = LANE_RING;
        lane->ring = rings[queue];
    }
    return 0;
}

static int wire_device(struct dp *dp, unsigned int index)
{
    const struct port *port = &dp->ports[index];

    for (uint16_t q = 0; q < port->rx_queues; q++) {
        struct port_queue at = port_queue(port, q);

        add_source(dp, index, q, &(struct source){at.device, at.queue, (uint16_t)index, false});
    }
    return wire_egress(dp, &(struct egress){index, index, LANE_DEVICE, port, 0, port->tx_queues, port->one_segment});
}

/* The VIDs of a port with sub-interfaces. */
static uint16_t *create_vlans(void)
{
    uint16_t *vlans = malloc(PIPE_VIDS * sizeof(*vlans));

    for (unsigned int vid = 0; vlans != NULL && vid < PIPE_VIDS; vid++) {
        vlans[vid] = PIPE_NO_PORT;
    }
    return vlans;
}

/* No source: its frames come with its parent's. */
static int wire_vlan(struct dp *dp, unsigned int index)
{
    const struct port *port = &dp->ports[index];
    const struct port *parent = &dp->ports[port->parent];

    if (dp->vlans[port->parent] == NULL) {
        dp->vlans[port->parent] = create_vlans();
    }
    if (dp->vlans[port->parent] == NULL) {
        return -ENOMEM;
    }
    dp->vlans[port->parent][port->vlan] = (uint16_t)index;
    dp->pipe_ports[port->parent].vlans = dp->vlans[port->parent];
    return wire_egress(dp, &(struct egress){index, port->parent, LANE_DEVICE, parent, port->vlan, parent->tx_queues,
                                            port->one_segment});
}

/* Workers that receive from the port. */
static unsigned int pollers_of(const struct dp *dp, const struct port *port)
{
    unsigned int queues = port->vlan != 0 ? dp->ports[port->parent].rx_queues : port->rx_queues;

    return RTE_MIN(queues, dp->worker_count);
}

static int wire_port(struct dp *dp, unsigned int index)
{
    const struct port *port = &dp->ports[index];
    struct pipe_port *pipe_port = &dp->pipe_ports[index];
    unsigned int twin = dp->lane_count;
    int result;

    dp_port_set_mac(dp, index, port->mac);
    pipe_port->twin = PIPE_NO_TWIN;
    /* each of them its share, so that the port's rate is what was asked for */
    pipe_port->icmp_interval = rte_get_tsc_hz() * pollers_of(dp, port) / port->icmp_rate;
    pipe_port->icmp_burst = rte_get_tsc_hz() / ICMP_BURST_SHARE;
    result = port->vlan != 0 ? wire_vlan(dp, index) : wire_device(dp, index);
    if (result != 0 || port->twin_device == PORT_NONE) {
        return result;
    }
    dp->lane_count++;
    pipe_port->twin = (uint16_t)twin;
    add_source(dp, twin, 0, &(struct source){port->twin_device, 0, (uint16_t)index, true});
    return wire_egress(dp, &(struct egress){twin, twin, LANE_TWIN, port, 0, 1, false});
}

int dp_wire(struct dp *dp, struct error *error)
{
    dp->lane_count = dp->port_count;
    for (unsigned int i = 0; i < dp->port_count; i++) {
        int result = wire_port(dp, i);

        if (result != 0) {
            return error_set(error, result, "port %s: no memory for its queues (dpdk.memory_mb)", dp->ports[i].name);
        }
    }
    for (unsigned int w = 0; w < dp->worker_count; w++) {
        dp->workers[w]->lane_count = dp->lane_count;
        dp->workers[w]->pipe.tunnel_id = (uint16_t)w;
        dp->workers[w]->pipe.tunnel_id_step = (uint16_t)dp->worker_count;
    }
    return 0;
}

void dp_unwire(struct dp *dp)
{
    for (unsigned int w = 0; w < dp->worker_count; w++) {
        struct worker *worker = dp->workers[w];

        for (unsigned int i = 0; worker != NULL && i < worker->inbox_count; i++) {
            rte_ring_free(worker->inboxes[i].ring);
        }
    }
    for (unsigned int i = 0; i < PIPE_PORTS_MAX; i++) {
        free(dp->vlans[i]);
    }
}
