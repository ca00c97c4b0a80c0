/* SPDX-License-Identifier: BSD-3-Clause */
/* The mirror against the real kernel, in a network namespace of the test's own. Skipped without root. */
#include "kernel.h"
#include "unit.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77
#define WAIT_MS 3000

/* What the callbacks said, as text, one line an event, in their order. */
struct log {
    char text[1 << 16];
    unsigned int routes;
};

static void add(struct log *log, const char *line)
{
    if (strlen(log->text) + strlen(line) + 1 < sizeof(log->text)) {
        strcat(log->text, line);
    }
}

static const char *verb(const void *old, const void *now)
{
    return old == NULL ? "new" : now == NULL ? "gone" : "changed";
}

static void on_link(void *owner, const struct kernel_link *old, const struct kernel_link *now)
{
    const struct kernel_link *link = now != NULL ? now : old;
    char line[128];

    snprintf(line, sizeof(line), "%s link %s%s mtu %u\n", verb(old, now), link->name,
             link->running ? " running"
             : link->up    ? " up"
                           : "",
             link->mtu);
    add(owner, line);
}

static void on_address(void *owner, const struct kernel_address *old, const struct kernel_address *now)
{
    const struct kernel_address *address = now != NULL ? now : old;
    char addr[IP_ADDR_STRLEN];
    char subnet[PREFIX_STRLEN];
    char line[256];

    snprintf(line, sizeof(line), "%s address %s in %s\n", verb(old, now), ip_addr_format(&address->addr, addr),
             prefix_format(&address->subnet, subnet));
    add(owner, line);
}

static void on_neighbour(void *owner, const struct kernel_neighbour *old, const struct kernel_neighbour *now)
{
    const struct kernel_neighbour *neighbour = now != NULL ? now : old;
    char addr[IP_ADDR_STRLEN];
    char line[128];

    snprintf(line, sizeof(line), "%s neighbour %s %s %02x\n", verb(old, now), ip_addr_format(&neighbour->addr, addr),
             neighbour->usable ? "usable" : "unusable", neighbour->mac[5]);
    add(owner, line);
}

static void on_routes(void *owner)
{
    ((struct log *)owner)->routes++;
}

static const struct kernel_callbacks callbacks = {on_link, on_address, on_neighbour, on_routes};

static void run(const char *command)
{
    if (system(command) != 0) {
        fail_msg("failed: %s", command);
    }
}

/* A pair v0-v1 in this namespace, v0 with addresses, and no IPv6 but what a test adds. */
struct fixture {
    struct kernel *kernel;
    struct log log;
    uint32_t v0;
};

static struct ip_addr ip(const char *text)
{
    struct ip_addr addr;

    assert_int_equal(ip_addr_parse(text, &addr), 0);
    return addr;
}

static void fixture_open(struct fixture *fixture)
{
    struct error error;

    memset(fixture, 0, sizeof(*fixture));
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    run("sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.all.addr_gen_mode=1 && ip link set lo up &&"
        "ip link add v0 address 02:00:00:00:00:01 type veth peer v1 address 02:00:00:00:00:02 &&"
        "ip link set v0 up && ip link set v1 up && ip address add 10.0.0.1/24 dev v0 &&"
        "ip address add fd00::1/64 dev v0 nodad && ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev v0");
    if (kernel_open(&callbacks, &fixture->log, &fixture->kernel, &error) != 0) {
        fail_msg("%s", error.text);
    }
    fixture->v0 = if_nametoindex("v0");
}

static void fixture_close(struct fixture *fixture)
{
    kernel_close(fixture->kernel);
}

/* Follows until the log holds the text (which is then taken off with all before it), or fails. */
static void expect(struct fixture *fixture, const char *text)
{
    struct pollfd readable = {.fd = kernel_fd(fixture->kernel), .events = POLLIN};
    char *found;

    while ((found = strstr(fixture->log.text, text)) == NULL) {
        if (poll(&readable, 1, WAIT_MS) != 1) {
            fail_msg("missing \"%s\" in:\n%s", text, fixture->log.text);
        }
        assert_int_equal(kernel_dispatch(fixture->kernel), 0);
    }
    found += strlen(text);
    memmove(fixture->log.text, found, strlen(found) + 1);
}

/* Follows until there is nothing more to read. */
static void settle(struct fixture *fixture)
{
    struct pollfd readable = {.fd = kernel_fd(fixture->kernel), .events = POLLIN};

    while (poll(&readable, 1, 50) == 1) {
        assert_int_equal(kernel_dispatch(fixture->kernel), 0);
    }
}

static void what_is_there_is_reported_and_found(void **state)
{
    struct fixture fixture;
    const struct kernel_link *link;
    const struct kernel_neighbour *neighbour;

    (void)state;
    fixture_open(&fixture);
    expect(&fixture, "new link v0 running mtu 1500\n");
    expect(&fixture, "new address 10.0.0.1 in 10.0.0.0/24\n");
    expect(&fixture, "new address fd00::1 in fd00::/64\n");
    expect(&fixture, "new neighbour 10.0.0.9 usable 09\n");
    link = kernel_link_by_name(fixture.kernel, "v0");
    assert_non_null(link);
    assert_int_equal(link->ifindex, fixture.v0);
    assert_memory_equal(link->mac, ((uint8_t[]){2, 0, 0, 0, 0, 1}), 6);
    assert_ptr_equal(kernel_link_get(fixture.kernel, fixture.v0), link);
    assert_null(kernel_link_get(fixture.kernel, 9999));
    assert_null(kernel_link_by_name(fixture.kernel, "v"));
    neighbour = kernel_neighbour_get(fixture.kernel, fixture.v0, &(struct ip_addr){.bytes = {10, 0, 0, 9}});
    assert_non_null(neighbour);
    assert_null(kernel_neighbour_get(fixture.kernel, fixture.v0 + 1, &neighbour->addr));
    fixture_close(&fixture);
}

static void changes_of_links_and_addresses_are_followed(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture);
    run("ip link set v0 mtu 1400");
    expect(&fixture, "changed link v0 running mtu 1400\n");
    run("ip link set v1 down");
    expect(&fixture, "changed link v0 up mtu 1400\n");
    run("ip link set v1 up");
    expect(&fixture, "changed link v0 running mtu 1400\n");
    run("ip link set v0 down");
    expect(&fixture, "changed link v0 mtu 1400\n");
    run("ip link set v0 name v9");
    expect(&fixture, "changed link v9 mtu 1400\n");
    assert_non_null(kernel_link_by_name(fixture.kernel, "v9"));
    assert_null(kernel_link_by_name(fixture.kernel, "v0"));
    run("ip address add 10.1.0.1/16 dev v9");
    expect(&fixture, "new address 10.1.0.1 in 10.1.0.0/16\n");
    run("ip address del 10.1.0.1/16 dev v9");
    expect(&fixture, "gone address 10.1.0.1 in 10.1.0.0/16\n");
    run("ip address add 10.2.0.1 peer 10.2.0.2/30 dev v9");
    expect(&fixture, "new address 10.2.0.1 in 10.2.0.0/30\n");
    fixture_close(&fixture);
}

static void a_link_that_goes_takes_its_addresses_and_neighbours_along(void **state)
{
    struct fixture fixture;
    const struct kernel_address *address = NULL;

    (void)state;
    fixture_open(&fixture);
    settle(&fixture);
    fixture.log.text[0] = '\0';
    run("ip link del v0");
    expect(&fixture, "gone link v0");
    settle(&fixture);
    assert_null(strstr(fixture.log.text, "address"));
    assert_null(strstr(fixture.log.text, "neighbour"));
    assert_null(kernel_link_get(fixture.kernel, fixture.v0));
    while ((address = kernel_address_next(fixture.kernel, address)) != NULL) {
        assert_int_not_equal(address->ifindex, fixture.v0);
    }
    fixture_close(&fixture);
}

static void nothing_is_said_of_what_did_not_change(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture);
    settle(&fixture);
    fixture.log.text[0] = '\0';
    run("ip link set v0 alias same && ip link set v0 txqueuelen 99 && ip address change 10.0.0.1/24 dev v0 &&"
        "ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 nud stale dev v0");
    settle(&fixture);
    assert_string_equal(fixture.log.text, "");
    run("ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:0a nud reachable dev v0");
    expect(&fixture, "changed neighbour 10.0.0.9 usable 0a\n");
    run("ip neigh replace 10.0.0.9 nud failed dev v0");
    expect(&fixture, "changed neighbour 10.0.0.9 unusable 00\n");
    run("ip neigh del 10.0.0.9 dev v0");
    expect(&fixture, "gone neighbour 10.0.0.9 unusable 00\n");
    fixture_close(&fixture);
}

static void many_route_changes_are_one_event(void **state)
{
    struct fixture fixture;
    unsigned int before;

    (void)state;
    fixture_open(&fixture);
    settle(&fixture);
    before = fixture.log.routes;
    run("for i in $(seq 50); do echo route add 10.7.$i.0/24 via 10.0.0.9; done | ip -batch -");
    assert_int_equal(kernel_dispatch(fixture.kernel), 0);
    assert_int_equal(fixture.log.routes, before + 1);
    assert_int_equal(kernel_dispatch(fixture.kernel), 0);
    assert_int_equal(fixture.log.routes, before + 1);
    fixture_close(&fixture);
}

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
    run(command);
    return pid;
}

static void the_kernel_resolves_what_it_is_asked_to(void **state)
{
    struct fixture fixture;
    struct ip_addr v4 = ip("10.0.0.2");
    struct ip_addr v6 = ip("fd00::2");
    struct ip_addr nobody = ip("10.0.0.77");
    pid_t far_end;

    (void)state;
    fixture_open(&fixture);
    /* without a link-local address the kernel sends no neighbour solicitation of its own accord */
    run("sysctl -qw net.ipv4.neigh.v0.mcast_solicit=1 net.ipv4.neigh.v0.retrans_time_ms=100 &&"
        "ip address add fe80::1/64 dev v0 nodad");
    far_end = far_end_start();
    assert_int_equal(kernel_resolve(fixture.kernel, fixture.v0, &v4), 0);
    expect(&fixture, "neighbour 10.0.0.2 usable 02\n");
    assert_int_equal(kernel_resolve(fixture.kernel, fixture.v0, &v6), 0);
    expect(&fixture, "neighbour fd00::2 usable 02\n");
    assert_true(kernel_neighbour_get(fixture.kernel, fixture.v0, &v6)->usable);
    assert_int_equal(kernel_resolve(fixture.kernel, fixture.v0, &nobody), 0);
    expect(&fixture, "new neighbour 10.0.0.77 unusable 00\n");
    settle(&fixture);
    assert_null(strstr(fixture.log.text, "10.0.0.77 usable"));
    assert_int_equal(kernel_resolve(fixture.kernel, 9999, &v4), -ENODEV);
    assert_int_equal(kill(far_end, SIGKILL), 0);
    assert_int_equal(waitpid(far_end, NULL, 0), far_end);
    fixture_close(&fixture);
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
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture);
    run("ip route add 10.7.0.0/16 via 10.0.0.9 && ip route add 10.8.0.0/16 via inet6 fd00::9 dev v0 &&"
        "ip route add fd07::/16 via fd00::9 && ip route add unreachable 10.10.0.0/16 &&"
        "ip route add prohibit 10.11.0.0/16 && ip route add blackhole 10.12.0.0/16");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ip_addr addr = ip(cases[i].addr);
        struct kernel_route route = {0};
        char text[IP_ADDR_STRLEN];
        int result = kernel_route_get(fixture.kernel, &addr, &route);

        if (result != cases[i].result || (result == 0 && route.has_gateway != (cases[i].gateway != NULL))) {
            fail_msg("%s: %d, gateway %d", cases[i].addr, result, route.has_gateway);
        }
        if (result != 0) {
            continue;
        }
        assert_int_equal(route.ifindex, fixture.v0);
        if (route.has_gateway) {
            assert_string_equal(ip_addr_format(&route.gateway, text), cases[i].gateway);
        }
        assert_true(route.has_source);
        assert_string_equal(ip_addr_format(&route.source, text), cases[i].source);
    }
    fixture_close(&fixture);
}

/* Drops on any rtnetlink socket of this namespace, from the last but one column of /proc/net/netlink. */
static unsigned int lost_messages(void)
{
    FILE *file = fopen("/proc/thread-self/net/netlink", "r");
    unsigned int sum = 0;
    unsigned int protocol;
    unsigned int drops;
    char line[256];

    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "%*s %u %*s %*s %*s %*s %*s %*s %u", &protocol, &drops) == 2 && protocol == 0) {
            sum += drops;
        }
    }
    fclose(file);
    return sum;
}

static unsigned int usable_neighbours(const struct kernel *kernel)
{
    const struct kernel_neighbour *neighbour = NULL;
    unsigned int n = 0;

    while ((neighbour = kernel_neighbour_next(kernel, neighbour)) != NULL) {
        n += neighbour->usable;
    }
    return n;
}

static void after_a_loss_the_mirror_is_read_anew(void **state)
{
    struct fixture fixture;
    struct ip_addr kept = ip("10.20.1.1");
    struct ip_addr vanished = ip("10.0.0.9");
    struct ip_addr unconnected = ip("fd00::9");

    (void)state;
    fixture_open(&fixture);
    settle(&fixture);
    /* more notifications than the buffer holds, and the last ones among those lost */
    run("ip link set v0 mtu 1300 && for i in $(seq 80); do for j in $(seq 250); do"
        "  echo neigh replace 10.20.$i.$j lladdr 02:00:00:00:00:$(($i + 10)) dev v0; done; done | ip -batch - &&"
        "ip neigh del 10.0.0.9 dev v0 && ip address del fd00::1/64 dev v0 && ip link set v0 mtu 1400");
    assert_true(lost_messages() > 0);
    assert_non_null(kernel_neighbour_get(fixture.kernel, fixture.v0, &vanished));
    assert_non_null(kernel_connected(fixture.kernel, &unconnected, &fixture.v0, 1));
    settle(&fixture);
    assert_int_equal(kernel_link_get(fixture.kernel, fixture.v0)->mtu, 1400);
    assert_non_null(kernel_neighbour_get(fixture.kernel, fixture.v0, &kept));
    assert_null(kernel_neighbour_get(fixture.kernel, fixture.v0, &vanished));
    assert_null(kernel_connected(fixture.kernel, &unconnected, &fixture.v0, 1));
    assert_int_equal(usable_neighbours(fixture.kernel), 80 * 250);
    fixture_close(&fixture);
}

static void connected_subnets_prefer_the_longest_and_the_first_link(void **state)
{
    struct fixture fixture;
    uint32_t v1;
    const struct {
        const char *addr;
        bool v1_first;
        const char *expected; /* the local address; NULL: none */
    } cases[] = {
        {"10.0.0.7", false, "10.0.0.1"}, {"10.0.0.130", false, "10.0.0.129"},
        {"10.9.0.1", false, NULL},       {"fd00::99", false, "fd00::1"},
        {"fd01::1", false, NULL},        {"10.5.0.9", false, "10.5.0.1"},
        {"10.5.0.9", true, "10.5.0.2"},
    };

    (void)state;
    fixture_open(&fixture);
    run("ip address add 10.0.0.129/25 dev v1 && ip address add 10.5.0.1/24 dev v0 && ip address add 10.5.0.2/24 dev "
        "v1");
    expect(&fixture, "new address 10.5.0.2");
    v1 = if_nametoindex("v1");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t ifindexes[] = {cases[i].v1_first ? v1 : fixture.v0, cases[i].v1_first ? fixture.v0 : v1};
        struct ip_addr addr = ip(cases[i].addr);
        const struct kernel_address *found = kernel_connected(fixture.kernel, &addr, ifindexes, 2);
        char text[IP_ADDR_STRLEN];

        if (cases[i].expected == NULL) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_string_equal(ip_addr_format(&found->addr, text), cases[i].expected);
        }
    }
    assert_null(kernel_connected(fixture.kernel, &(struct ip_addr){.bytes = {10, 0, 0, 200}}, &fixture.v0, 0));
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_reported_and_found),
        cmocka_unit_test(changes_of_links_and_addresses_are_followed),
        cmocka_unit_test(a_link_that_goes_takes_its_addresses_and_neighbours_along),
        cmocka_unit_test(nothing_is_said_of_what_did_not_change),
        cmocka_unit_test(many_route_changes_are_one_event),
        cmocka_unit_test(the_kernel_resolves_what_it_is_asked_to),
        cmocka_unit_test(routes_are_as_the_kernel_would_take_them),
        cmocka_unit_test(connected_subnets_prefer_the_longest_and_the_first_link),
        cmocka_unit_test(after_a_loss_the_mirror_is_read_anew),
    };

    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        printf("skipped: needs root, for a network namespace (%s)\n", strerror(errno));
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
