/* SPDX-License-Identifier: BSD-3-Clause */
/* Every combination of ports, queues and workers: each queue has one owner, and each worker reaches each egress. */
#include "dp_private.h"
#include "unit.h"
#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_OF(port) ((uint16_t)(10 + (port)))
#define TWIN_OF(port)   ((uint16_t)(100 + (port)))

static struct dp *create(unsigned int ports, unsigned int workers, unsigned int rx_queues, unsigned int tx_queues)
{
    struct dp *dp = calloc(1, sizeof(*dp));

    assert_non_null(dp);
    dp->port_count = ports;
    dp->worker_count = workers;
    for (unsigned int w = 0; w < workers; w++) {
        dp->workers[w] = calloc(1, sizeof(struct worker));
        assert_non_null(dp->workers[w]);
    }
    for (unsigned int i = 0; i < ports; i++) {
        dp->ports[i] = (struct port){.device = DEVICE_OF(i),
                                     .twin_device = i % 2 == 0 ? TWIN_OF(i) : PORT_NONE,
                                     .rx_queues = (uint16_t)rx_queues,
                                     .tx_queues = (uint16_t)tx_queues,
                                     .icmp_rate = 1000,
                                     .mac = {2, 0, 0, 0, 0, (uint8_t)i}};
    }
    return dp;
}

static void destroy(struct dp *dp)
{
    dp_unwire(dp);
    for (unsigned int w = 0; w < dp->worker_count; w++) {
        free(dp->workers[w]);
    }
    free(dp);
}

static unsigned int pollers(const struct dp *dp, uint16_t device, unsigned int queue)
{
    unsigned int n = 0;

    for (unsigned int w = 0; w < dp->worker_count; w++) {
        for (unsigned int i = 0; i < dp->workers[w]->source_count; i++) {
            n += dp->workers[w]->sources[i].device == device && dp->workers[w]->sources[i].queue == queue;
        }
    }
    return n;
}

static void every_receive_queue_has_one_worker(const struct dp *dp)
{
    unsigned int sources = 0;
    unsigned int expected = 0;

    for (unsigned int i = 0; i < dp->port_count; i++) {
        for (unsigned int q = 0; q < dp->ports[i].rx_queues; q++) {
            assert_int_equal(pollers(dp, dp->ports[i].device, q), 1);
        }
        expected += dp->ports[i].rx_queues;
        if (dp->ports[i].twin_device != PORT_NONE) {
            assert_int_equal(pollers(dp, dp->ports[i].twin_device, 0), 1);
            expected++;
        }
    }
    for (unsigned int w = 0; w < dp->worker_count; w++) {
        sources += dp->workers[w]->source_count;
    }
    assert_int_equal(sources, expected);
}

/* The worker that empties the ring; -1 unless it is one alone. */
static int owner_of_ring(const struct dp *dp, const struct rte_ring *ring, unsigned int egress)
{
    int owner = -1;

    for (unsigned int w = 0; w < dp->worker_count; w++) {
        for (unsigned int i = 0; i < dp->workers[w]->inbox_count; i++) {
            const struct inbox *inbox = &dp->workers[w]->inboxes[i];

            if (inbox->ring != ring) {
                continue;
            }
            assert_int_equal(inbox->lane, egress);
            assert_int_equal(owner, -1);
            owner = (int)w;
        }
    }
    return owner;
}

static void check_egress(const struct dp *dp, unsigned int egress, uint16_t device, unsigned int tx_queues, bool twin)
{
    bool used[64] = {0};

    for (unsigned int w = 0; w < dp->worker_count; w++) {
        const struct lane *lane = &dp->workers[w]->pipe.lanes[egress];
        int owner;

        assert_int_equal(lane->port, egress);
        assert_int_equal(lane->full, twin ? DROP_PUNT_FULL : DROP_TX_FULL);
        if (lane->end != LANE_RING) {
            assert_int_equal(lane->end, twin ? LANE_TWIN : LANE_DEVICE);
            assert_int_equal(lane->device, device);
            assert_in_range(lane->queue, 0, tx_queues - 1);
            assert_false(used[lane->queue]); /* nobody else sends there */
            used[lane->queue] = true;
            continue;
        }
        owner = owner_of_ring(dp, lane->ring, egress);
        assert_in_range(owner, 0, dp->worker_count - 1);
        assert_int_not_equal(owner, w);
        assert_int_not_equal(dp->workers[owner]->pipe.lanes[egress].end, LANE_RING);
    }
    /* no ring while a queue is left */
    for (unsigned int q = 0; q < tx_queues && q < dp->worker_count; q++) {
        assert_true(used[q]);
    }
}

static void check_wiring(unsigned int ports, unsigned int workers, unsigned int rx_queues, unsigned int tx_queues)
{
    struct dp *dp = create(ports, workers, rx_queues, tx_queues);
    struct error error;
    unsigned int lane = ports;

    assert_int_equal(dp_wire(dp, &error), 0);
    every_receive_queue_has_one_worker(dp);
    for (unsigned int i = 0; i < ports; i++) {
        check_egress(dp, i, DEVICE_OF(i), tx_queues, false);
        if (dp->ports[i].twin_device == PORT_NONE) {
            assert_int_equal(dp->pipe_ports[i].twin, PIPE_NO_TWIN);
            continue;
        }
        assert_int_equal(dp->pipe_ports[i].twin, lane);
        check_egress(dp, lane++, TWIN_OF(i), 1, true);
    }
    assert_int_equal(dp->lane_count, lane);
    for (unsigned int w = 0; w < workers; w++) {
        assert_int_equal(dp->workers[w]->lane_count, lane); /* all of them are flushed */
    }
    destroy(dp);
}

static void each_worker_reaches_each_egress_and_no_queue_is_shared(void **state)
{
    (void)state;
    for (unsigned int ports = 1; ports <= 4; ports++) {
        for (unsigned int workers = 1; workers <= 5; workers++) {
            for (unsigned int rx_queues = 1; rx_queues <= 4; rx_queues++) {
                for (unsigned int tx_queues = 1; tx_queues <= 6; tx_queues++) {
                    check_wiring(ports, workers, rx_queues, tx_queues);
                }
            }
        }
    }
}

/* Two packets to the same tunnel with the same id would be one to who puts their fragments together. */
static void workers_number_their_outer_headers_apart(void **state)
{
    struct dp *dp = create(1, 3, 1, 3);
    struct error error;

    (void)state;
    assert_int_equal(dp_wire(dp, &error), 0);
    for (unsigned int w = 0; w < 3; w++) {
        assert_int_equal(dp->workers[w]->pipe.tunnel_id, w);
        assert_int_equal(dp->workers[w]->pipe.tunnel_id_step, 3);
    }
    destroy(dp);
}

/* So many a second, together, of the workers that receive from the port; the others see none of its packets. */
static void errors_have_the_ports_rate_however_many_workers_there_are(void **state)
{
    (void)state;
    for (unsigned int workers = 1; workers <= 4; workers++) {
        for (unsigned int queues = 1; queues <= 6; queues++) {
            struct dp *dp = create(2, workers, queues, 1);
            struct error error;
            uint64_t pollers = queues < workers ? queues : workers;

            dp->ports[1].vlan = 7;
            dp->ports[1].parent = 0;
            dp->ports[1].rx_queues = 0;
            assert_int_equal(dp_wire(dp, &error), 0);
            for (unsigned int i = 0; i < 2; i++) {
                assert_int_equal(dp->pipe_ports[i].icmp_interval, rte_get_tsc_hz() * pollers / 1000);
                assert_int_equal(dp->pipe_ports[i].icmp_burst, rte_get_tsc_hz() / 20);
            }
            destroy(dp);
        }
    }
}

static void one_queue_ports_spread_over_the_workers(void **state)
{
    struct dp *dp = create(4, 4, 1, 1);
    struct error error;

    (void)state;
    for (unsigned int i = 0; i < 4; i++) {
        dp->ports[i].twin_device = PORT_NONE;
    }
    assert_int_equal(dp_wire(dp, &error), 0);
    for (unsigned int w = 0; w < 4; w++) {
        assert_int_equal(dp->workers[w]->source_count, 1);
    }
    destroy(dp);
}

/* Port 0 has VLANs 7 and 4094. */
static void a_sub_interface_sends_by_its_parents_queues_and_tags_where_it_sends(void **state)
{
    (void)state;
    for (unsigned int workers = 1; workers <= 4; workers++) {
        for (unsigned int tx_queues = 1; tx_queues <= 4; tx_queues++) {
            struct dp *dp = create(4, workers, 2, tx_queues);
            struct error error;

            for (unsigned int i = 2; i < 4; i++) {
                dp->ports[i].vlan = i == 2 ? 7 : 4094;
                dp->ports[i].parent = 0;
                dp->ports[i].device = DEVICE_OF(0);
                dp->ports[i].rx_queues = 0;
                dp->ports[i].tx_queues = 0;
            }
            assert_int_equal(dp_wire(dp, &error), 0);
            every_receive_queue_has_one_worker(dp);
            for (unsigned int i = 2; i < 4; i++) {
                check_egress(dp, i, DEVICE_OF(0), tx_queues, false);
                for (unsigned int w = 0; w < workers; w++) {
                    const struct lane *lane = &dp->workers[w]->pipe.lanes[i];

                    assert_int_equal(lane->end, dp->workers[w]->pipe.lanes[0].end);
                    assert_int_equal(lane->queue, dp->workers[w]->pipe.lanes[0].queue);
                    assert_int_equal(lane->vlan_tci, lane->end == LANE_DEVICE ? dp->ports[i].vlan : 0);
                }
            }
            for (unsigned int vid = 0; vid < PIPE_VIDS; vid++) {
                assert_int_equal(dp->pipe_ports[0].vlans[vid], vid == 7 ? 2 : vid == 4094 ? 3 : PIPE_NO_PORT);
            }
            assert_null(dp->pipe_ports[1].vlans);
            assert_null(dp->pipe_ports[2].vlans);
            destroy(dp);
        }
    }
}

/* As under AF_XDP. */
static void a_queue_that_is_a_device_of_its_own_is_found_there(void **state)
{
    struct dp *dp = create(2, 2, 2, 2);
    struct error error;

    (void)state;
    for (unsigned int i = 0; i < 2; i++) {
        dp->ports[i].twin_device = PORT_NONE;
        dp->ports[i].more[0] = (uint16_t)(DEVICE_OF(i) + 50);
        dp->ports[i].more_count = 1;
    }
    assert_int_equal(dp_wire(dp, &error), 0);
    assert_true(port_has_device(&dp->ports[1], DEVICE_OF(1)));
    assert_true(port_has_device(&dp->ports[1], DEVICE_OF(1) + 50));
    assert_false(port_has_device(&dp->ports[1], DEVICE_OF(0) + 50));
    for (unsigned int i = 0; i < 2; i++) {
        for (unsigned int w = 0; w < 2; w++) {
            const struct lane *lane = &dp->workers[w]->pipe.lanes[i];
            unsigned int queue = (w + i) % 2;

            assert_int_equal(lane->device, queue == 0 ? DEVICE_OF(i) : DEVICE_OF(i) + 50);
            assert_int_equal(lane->queue, 0);
            assert_int_equal(dp->workers[w]->sources[i].device, lane->device);
            assert_int_equal(dp->workers[w]->sources[i].queue, 0);
            assert_int_equal(dp->workers[w]->sources[i].port, i);
        }
    }
    destroy(dp);
}

static void the_largest_machine_fits(void **state)
{
    (void)state;
    check_wiring(PIPE_PORTS_MAX / 2, 1, PORT_QUEUES_MAX, PORT_QUEUES_MAX);
    check_wiring(PIPE_PORTS_MAX / 2, 3, PORT_QUEUES_MAX, 1);
    check_wiring(2, 40, PORT_QUEUES_MAX, PORT_QUEUES_MAX);
}

static int set_up_group(void **state)
{
    struct error error;

    (void)state;
    return eal_start(NULL, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_reaches_each_egress_and_no_queue_is_shared),
        cmocka_unit_test(one_queue_ports_spread_over_the_workers),
        cmocka_unit_test(errors_have_the_ports_rate_however_many_workers_there_are),
        cmocka_unit_test(workers_number_their_outer_headers_apart),
        cmocka_unit_test(a_sub_interface_sends_by_its_parents_queues_and_tags_where_it_sends),
        cmocka_unit_test(a_queue_that_is_a_device_of_its_own_is_found_there),
        cmocka_unit_test(the_largest_machine_fits),
    };
    return cmocka_run_group_tests(tests, set_up_group, NULL);
}
