/* SPDX-License-Identifier: BSD-3-Clause */
#include "devargs.h"
#include "unit.h"
#include <errno.h>
#include <string.h>

static void a_port_becomes_the_device_arguments_of_its_driver(void **state)
{
    static const struct {
        enum port_kind kind;
        const char *argument;
        unsigned int queues;
        unsigned int index;
        const char *devargs; /* NULL: refused */
    } cases[] = {
        {PORT_PCI, "0000:3b:00.0", 4, 0, "0000:3b:00.0"},
        {PORT_VDEV, "net_ring0", 1, 0, "net_ring0"},
        {PORT_AF_XDP, "veth-up", 1, 0, "net_af_xdp0,iface=veth-up,start_queue=0,queue_count=1,busy_budget=0"},
        {PORT_AF_XDP, "eth0", 4, 3, "net_af_xdp3,iface=eth0,start_queue=0,queue_count=1,busy_budget=0"},
        {PORT_TAP, "dtap0", 1, 2, "net_tap2,iface=dtap0"},
        {PORT_TAP, "", 1, 0, NULL},
        {PORT_TAP, "dtap0,mac=fixed", 1, 0, NULL},
        {PORT_AF_XDP, "", 1, 0, NULL},
        {PORT_AF_XDP, "eth0,xdp_prog=x", 1, 0, NULL},
        {PORT_PCAP, "in.pcap,out.pcap", 1, 0, "net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap"},
        {PORT_PCAP, "in.pcap", 1, 1, "net_pcap1,rx_pcap=in.pcap"},
        {PORT_PCAP, "in.pcap,", 1, 1, "net_pcap1,rx_pcap=in.pcap"},
        {PORT_PCAP, ",out.pcap", 1, 1, "net_pcap1,tx_pcap=out.pcap"},
        {PORT_PCAP, "a,b,c", 1, 0, NULL},
        {PORT_PCAP, ",", 1, 0, NULL},
        {PORT_PCAP, "", 1, 0, NULL},
        {PORT_NULL, "", 1, 5, "net_null5,no-rx=1"},
        {PORT_VDEV, "", 1, 0, NULL},
        {PORT_PCI, "", 1, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct port_settings settings = {
            .name = "p", .kind = cases[i].kind, .argument = cases[i].argument, .queues = cases[i].queues};
        char out[128] = "";

        if (cases[i].devargs == NULL) {
            assert_int_equal(devargs_format(&settings, cases[i].index, out, sizeof(out)), -EINVAL);
        } else {
            assert_int_equal(devargs_format(&settings, cases[i].index, out, sizeof(out)), 0);
            assert_string_equal(out, cases[i].devargs);
        }
    }
}

static void a_queue_of_an_af_xdp_port_is_a_device(void **state)
{
    char out[128];

    (void)state;
    assert_int_equal(devargs_format_xdp("eth0", 3, 0, out, sizeof(out)), 0);
    assert_string_equal(out, "net_af_xdp3,iface=eth0,start_queue=0,queue_count=1,busy_budget=0");
    assert_int_equal(devargs_format_xdp("eth0", 3, 15, out, sizeof(out)), 0);
    assert_string_equal(out, "net_af_xdp3q15,iface=eth0,start_queue=15,queue_count=1,busy_budget=0");
    assert_int_equal(devargs_format_xdp("eth0", 3, 15, out, 20), -EINVAL);
}

static void a_memif_has_room_for_a_frame_in_one_buffer(void **state)
{
    static const struct {
        struct port_memif memif;
        unsigned int mtu;
        const char *devargs;
    } cases[] = {
        {{.socket = "/run/m"}, 0, "net_memif7,role=server,id=0,socket=/run/m,socket-abstract=no,bsize=2048"},
        {{.socket = "lan", .abstract = true, .client = true, .id = 9, .ring = 512, .secret = "s"},
         9000,
         "net_memif7,role=client,id=9,socket=lan,socket-abstract=yes,bsize=9024,rsize=9,secret=s"},
        {{.socket = "/m"}, 65535, "net_memif7,role=server,id=0,socket=/m,socket-abstract=no,bsize=65535"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct port_settings settings = {
            .name = "p", .kind = PORT_MEMIF, .argument = "", .memif = &cases[i].memif, .mtu = cases[i].mtu};
        char out[256];

        assert_int_equal(devargs_format(&settings, 7, out, sizeof(out)), 0);
        assert_string_equal(out, cases[i].devargs);
    }
}

static void device_arguments_that_do_not_fit_are_refused(void **state)
{
    struct port_settings settings = {.kind = PORT_VDEV, .argument = "net_ring0"};
    char out[16];

    (void)state;
    assert_int_equal(devargs_format(&settings, 0, out, 9), -EINVAL);
    assert_int_equal(devargs_format(&settings, 0, out, 10), 0);
    assert_string_equal(out, "net_ring0");
}

static void a_twin_has_the_mac_of_its_port(void **state)
{
    static const uint8_t mac[6] = {0x02, 0, 0x5e, 0x10, 0xaa, 0xff};
    char out[128];

    (void)state;
    assert_int_equal(devargs_format_twin("up", 3, mac, out, sizeof(out)), 0);
    assert_string_equal(out, "net_tap_twin3,iface=up,mac=02:00:5e:10:aa:ff");
    assert_int_equal(devargs_format_twin("up", 3, mac, out, 20), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_becomes_the_device_arguments_of_its_driver),
        cmocka_unit_test(a_queue_of_an_af_xdp_port_is_a_device),
        cmocka_unit_test(a_memif_has_room_for_a_frame_in_one_buffer),
        cmocka_unit_test(device_arguments_that_do_not_fit_are_refused),
        cmocka_unit_test(a_twin_has_the_mac_of_its_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
