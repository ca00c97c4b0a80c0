/* SPDX-License-Identifier: BSD-3-Clause */
/* What is asked of the real kernel, in a network namespace of the test's own. Skipped without root. */
#include "mirror.h"
#include "unit.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process in a namespace of its own that holds v1 and answers for it, until it is killed. */
static pid_t far_end_start(void)
{
    char command[512];
    char byte;
    int ready[2];
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        byte = unshare(CLONE_NEWNET) == 0 ? 1 : 0;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (write(ready[1], &byte, 1) == 1) {
            pause();
        }
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    close(ready[0]);
    close(ready[1]);
    snprintf(command, sizeof(command),
             "ip link set v1 netns %d && nsenter -t %d -n sh -c 'ip address add 10.0.0.2/24 dev v1 &&"
             "ip address add fd00::2/64 dev v1 nodad && ip link set v1 up'",
             pid, pid);
    mirror_run(command);
    return pid;
}

static void the_kernel_resolves_what_it_is_asked_to(void **state)
{
    struct mirror mirror;
    struct ip_addr v4 = mirror_ip("10.0.0.2");
    struct ip_addr v6 = mirror_ip("fd00::2");
    struct ip_addr nobody = mirror_ip("10.0.0.77");
    pid_t far_end;

    (void)state;
    mirror_open(&mirror);
    /* without a link-local address the kernel sends no neighbour solicitation of its own accord */
    mirror_run("sysctl -qw net.ipv4.neigh.v0.mcast_solicit=1 net.ipv4.neigh.v0.retrans_time_ms=100 &&"
               "ip address add fe80::1/64 dev v0 nodad");
    far_end = far_end_start();
    assert_int_equal(kernel_resolve(mirror.kernel, mirror.v0, &v4), 0);
    mirror_expect(&mirror, "neighbour 10.0.0.2 usable 02\n");
    assert_int_equal(kernel_resolve(mirror.kernel, mirror.v0, &v6), 0);
    mirror_expect(&mirror, "neighbour fd00::2 usable 02\n");
    assert_true(kernel_neighbour_get(mirror.kernel, mirror.v0, &v6)->usable);
    assert_int_equal(kernel_resolve(mirror.kernel, mirror.v0, &nobody), 0);
    mirror_expect(&mirror, "new neighbour 10.0.0.77 unusable 00\n");
    mirror_settle(&mirror);
    assert_null(strstr(mirror.log.text, "10.0.0.77 usable"));
    assert_int_equal(kernel_resolve(mirror.kernel, 9999, &v4), -ENODEV);
    assert_int_equal(kill(far_end, SIGKILL), 0);
    assert_int_equal(waitpid(far_end, NULL, 0), far_end);
    mirror_close(&mirror);
}

static void a_neighbour_that_was_set_by_hand_stays_as_it_is(void **state)
{
    struct mirror mirror;
    struct ip_addr nobody = mirror_ip("10.0.0.78");

    (void)state;
    mirror_open(&mirror);
    mirror_run("sysctl -qw net.ipv4.neigh.v0.mcast_solicit=1 net.ipv4.neigh.v0.retrans_time_ms=100 &&"
               "ip neighbour add 10.0.0.78 lladdr 02:00:00:00:00:78 dev v0 nud permanent");
    mirror_expect(&mirror, "new neighbour 10.0.0.78 usable 78\n");
    assert_int_equal(kernel_resolve(mirror.kernel, mirror.v0, &nobody), 0);
    mirror_settle(&mirror);
    assert_true(kernel_neighbour_get(mirror.kernel, mirror.v0, &nobody)->usable);
    assert_null(strstr(mirror.log.text, "10.0.0.78 unusable"));
    mirror_close(&mirror);
}

static void routes_are_as_the_kernel_would_take_them(void **state)
{
    static const struct {
        const char *addr;
        int result;
        const char *gateway; /* NULL: none */
        const char *source;
    } cases[] = {
        {"10.0.0.7", 0, NULL, "10.0.0.1"},        {"10.7.0.1", 0, "10.0.0.9", "10.0.0.1"},
        {"10.8.0.1", 0, "fd00::9", "10.0.0.1"},   {"fd00::7", 0, NULL, "fd00::1"},
        {"fd07::1", 0, "fd00::9", "fd00::1"},     {"10.0.0.1", -EADDRNOTAVAIL, NULL, NULL},
        {"fd00::1", -EADDRNOTAVAIL, NULL, NULL},  {"10.0.0.255", -EADDRNOTAVAIL, NULL, NULL},
        {"10.99.0.1", -ENETUNREACH, NULL, NULL},  {"fd99::1", -ENETUNREACH, NULL, NULL},
        {"10.10.0.1", -EHOSTUNREACH, NULL, NULL}, {"10.11.0.1", -EACCES, NULL, NULL},
        {"10.12.0.1", -EINVAL, NULL, NULL},
    };
    struct mirror mirror;

    (void)state;
    mirror_open(&mirror);
    mirror_run("ip route add 10.7.0.0/16 via 10.0.0.9 mtu 1300 advmss 900 && ip route add 10.8.0.0/16 via inet6 "
               "fd00::9 dev v0 &&"
               "ip route add fd07::/16 via fd00::9 && ip route add unreachable 10.10.0.0/16 &&"
               "ip route add prohibit 10.11.0.0/16 && ip route add blackhole 10.12.0.0/16");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ip_addr addr = mirror_ip(cases[i].addr);
        struct kernel_route route = {0};
        char text[IP_ADDR_STRLEN];
        int result = kernel_route_get(mirror.kernel, &addr, &route);

        if (result != cases[i].result || (result == 0 && route.has_gateway != (cases[i].gateway != NULL))) {
            fail_msg("%s: %d, gateway %d", cases[i].addr, result, route.has_gateway);
        }
        if (result != 0) {
            continue;
        }
        assert_int_equal(route.ifindex, mirror.v0);
        assert_int_equal(route.mtu, i == 1 ? 1300 : 0);
        if (route.has_gateway) {
            assert_string_equal(ip_addr_format(&route.gateway, text), cases[i].gateway);
        }
        assert_true(route.has_source);
        assert_string_equal(ip_addr_format(&route.source, text), cases[i].source);
    }
    mirror_close(&mirror);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_resolves_what_it_is_asked_to),
        cmocka_unit_test(a_neighbour_that_was_set_by_hand_stays_as_it_is),
        cmocka_unit_test(routes_are_as_the_kernel_would_take_them),
    };

    mirror_require();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
