# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's routes as a source: those of `ip route`, of next hop objects and of BIRD."""
import json
import os
import signal

import pytest

from lab.daemon import wait_until
from lab.routers import Bird
from london import London, config

LON1, LON2 = "10.10.0.2", "10.11.0.2"
FEED = {"name": "kernel", "type": "kernel", "tables": [254], "max_withdraw_percent": 100}
BIRD = """router id 198.51.100.1;
protocol device {}
protocol direct { ipv4; }
protocol kernel { ipv4 { export where source = RTS_STATIC; }; merge paths on; }
protocol static {
  ipv4;
  route 198.18.0.0/24 via 10.10.0.2;
  route 198.18.1.0/24 via 10.10.0.2 via 10.11.0.2;
  route 198.18.2.0/24 blackhole;
}
"""


class Kernel(London):
    def __init__(self):
        super().__init__("anycast")
        self.daemon.write_config(config("anycast", feeds=[FEED]))
        self.start()

    def has(self):
        """{prefix: sorted next hops or actions, the best metric's first} of all prefixes below 198.18.0.0/15 and
        2001:db8:5::/48 in play."""
        found = {}
        for prefix in [f"198.18.{i}.0/24" for i in range(10)] + [f"2001:db8:5:{i}::/64" for i in range(4)]:
            try:
                candidates = self.rpc.call("route.get", prefix=prefix)["candidates"]
            except Exception:
                continue
            found[prefix] = sorted((c["med"], c.get("next_hop", c.get("action"))) for c in candidates)
        return {prefix: [to for _, to in entries] for prefix, entries in found.items() if entries}

    def expect(self, expected):
        assert wait_until(lambda: self.has() == expected, 10, 0.05), \
            f"{self.has()}\n{self.forwarder.ip('route')}\n{self.rpc.call('feed.list')}\n{self.daemon.log()[-2000:]}"


@pytest.fixture
def kernel():
    made = Kernel()
    try:
        yield made
    finally:
        made.close()


def test_routes_of_ip_route_and_next_hop_objects(kernel):
    ip = kernel.forwarder.ip
    ip("route", "add", "198.18.0.0/24", "via", LON1)
    ip("route", "add", "198.18.1.0/24", "nexthop", "via", LON1, "nexthop", "via", LON2)
    ip("route", "add", "blackhole", "198.18.2.0/24")
    ip("route", "add", "198.18.3.0/24", "via", LON1, "table", "100")  # not ours
    ip("-6", "route", "add", "2001:db8:5:1::/64", "nexthop", "via", "fd00:10::2", "nexthop", "via", "fd00:11::2")
    kernel.expect({"198.18.0.0/24": [LON1], "198.18.1.0/24": [LON1, LON2], "198.18.2.0/24": ["blackhole"],
                   "2001:db8:5:1::/64": ["fd00:10::2", "fd00:11::2"]})
    assert kernel.rpc.call("route.get", prefix="198.18.1.0/24")["best"][1]["instance"] == "lon2"  # they share

    # by weight: the first has a quarter of the flows
    ip("route", "replace", "198.18.1.0/24", "nexthop", "via", LON1, "weight", "1", "nexthop", "via", LON2, "weight", "3")

    def shares():
        return sorted(one.get("share", 1) for one in kernel.rpc.call("route.get", prefix="198.18.1.0/24")["best"])
    assert wait_until(lambda: shares() == [1, 3]), kernel.rpc.call("route.get", prefix="198.18.1.0/24")
    chosen = [kernel.rpc.call("flow.explain", src="198.51.100.9", dst=f"198.18.1.{i % 250}", proto="udp", sport=i,
                              dport=53)["instance"] for i in range(1, 1001)]
    assert 190 <= chosen.count("lon1") <= 310 and len(chosen) == chosen.count("lon1") + chosen.count("lon2")
    ip("route", "replace", "198.18.1.0/24", "nexthop", "via", LON1, "nexthop", "via", LON2)

    ip("route", "replace", "198.18.0.0/24", "via", LON2)
    ip("route", "add", "198.18.0.0/24", "via", LON1, "metric", "50")  # a backup
    ip("route", "del", "198.18.2.0/24")
    ip("-6", "route", "del", "2001:db8:5:1::/64", "via", "fd00:10::2")
    kernel.expect({"198.18.0.0/24": [LON2, LON1], "198.18.1.0/24": [LON1, LON2],
                   "2001:db8:5:1::/64": ["fd00:11::2"]})

    # next hop objects: what one of them becomes, its routes follow
    ip("nexthop", "add", "id", "10", "via", LON1, "dev", "d0")
    ip("nexthop", "add", "id", "11", "via", LON2, "dev", "d1")
    ip("nexthop", "add", "id", "20", "group", "10/11")
    ip("route", "add", "198.18.4.0/24", "nhid", "20")
    ip("route", "del", "198.18.1.0/24")
    kernel.expect({"198.18.0.0/24": [LON2, LON1], "198.18.4.0/24": [LON1, LON2], "2001:db8:5:1::/64": ["fd00:11::2"]})
    ip("nexthop", "replace", "id", "20", "group", "11")
    kernel.expect({"198.18.0.0/24": [LON2, LON1], "198.18.4.0/24": [LON2], "2001:db8:5:1::/64": ["fd00:11::2"]})

    # a link that goes takes its IPv4 routes with it, of which the kernel says nothing
    ip("link", "set", "d1", "down")
    kernel.expect({"198.18.0.0/24": [LON1]})

    # what was lost while we did not read is read anew
    kernel.daemon.process.send_signal(signal.SIGSTOP)
    batch = os.path.join(kernel.lab.dir, "batch")
    with open(batch, "w") as file:
        file.write("".join(f"route add 198.19.{i // 256}.{i % 256}/32 via {LON1}\n" for i in range(40000)))
        file.write("".join(f"route del 198.19.{i // 256}.{i % 256}/32\n" for i in range(1, 40000)))
        file.write(f"route add 198.18.5.0/24 via {LON1}\n")
    ip("-batch", batch)
    kernel.daemon.process.send_signal(signal.SIGCONT)
    kernel.expect({"198.18.0.0/24": [LON1], "198.18.5.0/24": [LON1]})
    assert wait_until(lambda: kernel.rpc.call("feed.list")["feeds"][0]["routes"] == 3, 10), \
        kernel.rpc.call("feed.list")  # with 198.19.0.0/32
    assert "lost notifications of the kernel's routes" in kernel.daemon.log()

    # as after kill -9
    kernel.daemon.kill()
    kernel.daemon.start()
    kernel.rpc = kernel.daemon.rpc()
    kernel.expect({"198.18.0.0/24": [LON1], "198.18.5.0/24": [LON1]})

    # a reload without the feed takes its routes away, one with it brings them back
    for feeds, expected in (([], {}), ([FEED], {"198.18.0.0/24": [LON1], "198.18.5.0/24": [LON1]})):
        kernel.daemon.write_config(config("anycast", feeds=feeds))
        kernel.daemon.process.send_signal(signal.SIGHUP)
        kernel.expect(expected)


def test_a_link_local_gateway_counts_with_its_interface(kernel):
    """The same address on two ports: a route leads to the one that it names."""
    hosts = {"d0": kernel.instances["lon1"], "d1": kernel.instances["lon2"]}
    for host in hosts.values():
        host.ip("addr", "add", "fe80::77/64", "dev", "eth0", "nodad")
    destination = {"d0": "2001:db8:5:0::1", "d1": "2001:db8:5:1::1"}
    for number, (port, host) in enumerate(hosts.items()):
        host.ip("addr", "add", f"{destination[port]}/128", "dev", "lo")
        kernel.forwarder.ip("-6", "route", "add", f"2001:db8:5:{number}::/64", "via", "fe80::77", "dev", port)
    kernel.expect({"2001:db8:5:0::/64": ["fe80::77"], "2001:db8:5:1::/64": ["fe80::77"]})
    for number, port in enumerate(hosts):
        best = kernel.rpc.call("route.get", prefix=f"2001:db8:5:{number}::/64")["best"][0]
        assert best["port"] == port, best

        def found():
            return kernel.rpc.call("fib.lookup", address=destination[port])["tiers"][0][0]
        assert wait_until(lambda: found()["alive"] and found()["port"] == port, 5), found()
    kernel.forwarder.ip("link", "set", "d1", "down")
    kernel.expect({"2001:db8:5:0::/64": ["fe80::77"]})


def test_routes_of_bird(kernel):
    bird = Bird(kernel.lab, kernel.forwarder, BIRD)
    try:
        kernel.expect({"198.18.0.0/24": [LON1], "198.18.1.0/24": [LON1, LON2], "198.18.2.0/24": ["blackhole"]})
        bird.write("bird.conf", BIRD.replace("198.18.0.0/24 via 10.10.0.2", "198.18.0.0/24 via 10.11.0.2")
                   .replace("  route 198.18.2.0/24 blackhole;\n", ""))
        bird.birdc("configure")
        kernel.expect({"198.18.0.0/24": [LON2], "198.18.1.0/24": [LON1, LON2]})
        routes = json.loads(kernel.forwarder.ip("-j", "route", "show", "proto", "bird"))
        assert {route["dst"] for route in routes} == set(kernel.has())
    finally:
        bird.close()
    kernel.expect({})  # BIRD takes its routes with it
