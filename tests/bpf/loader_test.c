/* SPDX-License-Identifier: BSD-3-Clause */
/* Attaching: what can go wrong and what is said of it, and what needs no permission afterwards. */
#include "lab.h"
#include "steer_loader.h"
#include "unit.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *object_path;
static const char *refused_path;
static const char *foreign_path;

static struct steer *attach_or_fail(void)
{
    struct steer *steer;
    struct error error;

    if (steer_attach(object_path, lab_ifindex(LAB_PORT), LAB_PORT, STEER_ANYCAST, &steer, &error) != 0) {
        fail_msg("%s", error.text);
    }
    return steer;
}

/* Fails as told, in one line that holds these words, and leaves the interface as it was. */
static void expect_failure(const char *path, const char *ifname, unsigned int ifindex, int result, const char *words)
{
    unsigned int before = lab_program(LAB_PORT);
    struct steer *steer = NULL;
    struct error error = {""};
    int actual = steer_attach(path, ifindex, ifname, STEER_TRANSIT, &steer, &error);

    if (actual != result || strstr(error.text, words) == NULL || strchr(error.text, '\n') != NULL) {
        fail_msg("%d: %s", actual, error.text);
    }
    assert_null(steer);
    assert_int_equal(lab_program(LAB_PORT), before);
}

static void each_failure_says_what_is_wrong(void **state)
{
    unsigned int ifindex = lab_ifindex(LAB_PORT);

    (void)state;
    expect_failure("/nowhere/steer.bpf.o", LAB_PORT, ifindex, -ENOENT, "/nowhere/steer.bpf.o: No such file");
    expect_failure("/proc/self/status", LAB_PORT, ifindex, -EINVAL, "/proc/self/status: not a BPF object");
    expect_failure(object_path, "lab9", 99, -ENODEV, "no interface lab9");
    expect_failure(object_path, LAB_PORT, 0, -ENODEV, "no interface " LAB_PORT);
    expect_failure(object_path, LAB_PORT, lab_ifindex(LAB_PEER), -ENODEV, "no interface " LAB_PORT);
    expect_failure(object_path, "lo", lab_ifindex("lo"), -EINVAL, "lo is not an Ethernet interface");
    expect_failure(refused_path, LAB_PORT, ifindex, -EINVAL, "verifier: R1 offset is outside of the packet");
    expect_failure(foreign_path, LAB_PORT, ifindex, -EINVAL, "map \"steer_v4\" is missing");
}

static void a_program_of_somebody_else_is_named_and_left_alone(void **state)
{
    (void)state;
    lab_run("ip link set " LAB_PORT " xdp obj %s sec xdp", foreign_path);
    expect_failure(object_path, LAB_PORT, lab_ifindex(LAB_PORT), -EBUSY,
                   "already has an XDP program, \"xsk_def_prog\"");
    lab_run("ip link set " LAB_PORT " xdp off");
    lab_run("ip link set " LAB_PORT " xdpgeneric obj %s sec xdp", foreign_path);
    expect_failure(object_path, LAB_PORT, lab_ifindex(LAB_PORT), -EBUSY,
                   "already has an XDP program, \"xsk_def_prog\"");
    lab_run("ip link set " LAB_PORT " xdpgeneric off");
    steer_detach(attach_or_fail());
}

static unsigned int attach_mode(void)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);

    assert_int_equal(bpf_xdp_query((int)lab_ifindex(LAB_PORT), 0, &query), 0);
    return query.attach_mode;
}

static void a_driver_that_cannot_leaves_it_to_the_kernel(void **state)
{
    struct steer *steer = attach_or_fail();

    (void)state;
    assert_int_equal(attach_mode(), XDP_ATTACHED_DRV);
    steer_detach(steer);
    assert_int_equal(attach_mode(), XDP_ATTACHED_NONE);
    lab_run("ip link set " LAB_PEER " mtu 9000"); /* more than veth can do natively */
    steer = attach_or_fail();
    assert_int_equal(attach_mode(), XDP_ATTACHED_SKB);
    steer_detach(steer);
    lab_run("ip link set " LAB_PEER " mtu 1500");
}

/* Runs in a child process, for capabilities do not come back. */
static void in_child(bool (*body)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(body() ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    return syscall(SYS_capset, &header, none) == 0;
}

static bool attach_is_refused(void)
{
    struct steer *steer;
    struct error error = {""};

    return drop_capabilities() &&
           steer_attach(object_path, lab_ifindex(LAB_PORT), LAB_PORT, STEER_ANYCAST, &steer, &error) == -EPERM &&
           strstr(error.text, "needs CAP_BPF and CAP_NET_ADMIN") != NULL;
}

static bool maps_still_change(void)
{
    static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x77};
    struct steer *steer = attach_or_fail();
    struct steer_counters counters;
    struct prefix v4;
    struct prefix v6;

    return prefix_parse("192.0.2.0/24", &v4) == 0 && prefix_parse("2001:db8:a::/48", &v6) == 0 && drop_capabilities() &&
           steer_set(steer, &v4, STEER_REDIRECT) == 0 && steer_set(steer, &v6, STEER_REDIRECT) == 0 &&
           steer_set(steer, &v4, STEER_PASS) == 0 && steer_del(steer, &v4) == 0 && steer_del(steer, &v4) == 0 &&
           steer_set_mac(steer, mac) == 0 && steer_counters_get(steer, &counters) == 0;
}

static void without_capabilities_nothing_attaches(void **state)
{
    (void)state;
    in_child(attach_is_refused);
    assert_int_equal(lab_program(LAB_PORT), 0);
}

static void without_capabilities_the_maps_still_change(void **state)
{
    (void)state;
    in_child(maps_still_change);
    assert_int_equal(lab_program(LAB_PORT), 0); /* and the child's end detached it */
}

static void a_full_table_is_told_and_keeps_what_it_has(void **state)
{
    struct steer *steer = attach_or_fail();
    struct prefix prefix = {.length = 32};

    (void)state;
    for (uint32_t i = 0; i < STEER_MAX_PREFIXES; i++) {
        prefix.addr = ip_addr_v4(0x0a000000 + i);
        assert_int_equal(steer_set(steer, &prefix, STEER_REDIRECT), 0);
    }
    prefix.addr = ip_addr_v4(0x0b000000);
    assert_int_equal(steer_set(steer, &prefix, STEER_REDIRECT), -ENOSPC);
    prefix.addr = ip_addr_v4(0x0a000000);
    assert_int_equal(steer_set(steer, &prefix, STEER_PASS), 0);
    steer_detach(steer);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_says_what_is_wrong),
        cmocka_unit_test(a_program_of_somebody_else_is_named_and_left_alone),
        cmocka_unit_test(a_driver_that_cannot_leaves_it_to_the_kernel),
        cmocka_unit_test(without_capabilities_nothing_attaches),
        cmocka_unit_test(without_capabilities_the_maps_still_change),
        cmocka_unit_test(a_full_table_is_told_and_keeps_what_it_has),
    };

    if (argc != 4) {
        fprintf(stderr, "usage: %s steer.bpf.o refused.bpf.o foreign.bpf.o\n", argv[0]);
        return 2;
    }
    object_path = argv[1];
    refused_path = argv[2];
    foreign_path = argv[3];
    lab_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
