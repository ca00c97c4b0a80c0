# SPDX-License-Identifier: BSD-3-Clause
"""The kernel twin of a port that has no netdev of its own.

    client eth0 -- up (af_xdp) [ forwarder ] down (tap:wire0, twin "down") -- wire0 server

The far end of the TAP is moved into the server's namespace: the device is a wire, and all that the kernel says and
hears on "down" goes through the data plane.
"""
import os
import time

import pytest
from scapy.all import IP, UDP, Ether, IPv6, Raw

from lab.daemon import Daemon, wait_until
from lab.net import Lab, sh
from lab.traffic import Pump, Sink, ethernet, numbered, pour, send
from london import arrivals

BOTH = pytest.mark.parametrize("family", [4, 6])
CLIENT = {4: "198.51.100.9", 6: "2001:db8:c::9"}
SERVER = {4: "10.20.0.2", 6: "fd00:20::2"}
OWN = {4: "10.20.0.1", 6: "fd00:20::1"}


def config(**changes):
    return {
        "site": {"name": "tap", "asn": 65000, "router_id": "198.51.100.1"},
        "dpdk": {"memory_mb": 256, "control_lcore": 0, "worker_lcores": [1]},
        "ports": [{"name": "up", "device": "af_xdp:up", "steer": "transit"}, {"name": "down", "device": "tap:wire0"}],
        "anycast": ["192.0.2.0/24"],
        **changes,
    }


class Site:
    def __init__(self):
        self.lab = Lab()
        self.forwarder, self.client, self.server = (self.lab.host(name) for name in ("fw", "client", "server"))
        self.lab.link(self.forwarder, "up", ["198.51.100.1/24", "2001:db8:c::1/64"],
                      self.client, "eth0", ["198.51.100.9/24", "2001:db8:c::9/64"])
        self.daemon = Daemon(self.lab, self.forwarder, config())

    def start(self):
        self.daemon.start()
        self.rpc = self.daemon.rpc()
        sh("ip", "-n", self.forwarder.ns, "link", "set", "wire0", "netns", self.server.ns)
        for host, device, addresses in ((self.forwarder, "down", OWN), (self.server, "wire0", SERVER)):
            host.ip("addr", "add", f"{addresses[4]}/24", "dev", device)
            host.ip("addr", "add", f"{addresses[6]}/64", "dev", device, "nodad")
            host.ip("link", "set", "dev", device, "up", "txqueuelen", "10000")
        for host, via in ((self.client, ("198.51.100.1", "2001:db8:c::1")), (self.server, (OWN[4], OWN[6]))):
            host.ip("route", "add", "default", "via", via[0])
            host.ip("-6", "route", "add", "default", "via", via[1])
        return self

    def close(self):
        try:
            self.daemon.stop()
        finally:
            self.lab.close()


@pytest.fixture(scope="module")
def site():
    made = Site()
    try:
        yield made.start()
    finally:
        made.close()


def link_local(host, device):
    return host.ip("-br", "-6", "addr", "show", "dev", device, "scope", "link").split()[2].split("/")[0]


@BOTH
def test_the_twin_is_found_by_arp_and_nd_and_answers_ping(site, family):
    site.server.ip("neigh", "flush", "dev", "wire0")
    assert site.server.answers_ping(OWN[family])
    site.forwarder.ip("neigh", "flush", "dev", "down")
    assert site.forwarder.answers_ping(SERVER[family])


def test_link_local_addresses_and_groups_work(site):
    assert site.server.answers_ping(link_local(site.forwarder, "down"), "-I", "wire0")
    assert site.forwarder.answers_ping(link_local(site.server, "wire0"), "-I", "down")
    site.forwarder.set("ipv4/icmp_echo_ignore_broadcasts", 0)
    assert site.server.answers_ping("224.0.0.1", "-I", "wire0")


@BOTH
def test_a_large_ping_comes_in_fragments_and_is_answered(site, family):
    assert site.server.answers_ping(OWN[family], "-s", "4000")


@BOTH
def test_tcp_to_and_from_the_twins_address_is_unharmed(site, family):
    assert pour(site.server, site.forwarder, OWN[family], 8000 + family)
    assert pour(site.forwarder, site.server, SERVER[family], 8010 + family)


@BOTH
def test_packets_are_forwarded_between_a_tap_and_an_af_xdp_port(site, family):
    assert site.client.answers_ping(SERVER[family])
    assert site.server.answers_ping(CLIENT[family])
    assert pour(site.client, site.server, SERVER[family], 8020 + family)
    assert pour(site.server, site.client, CLIENT[family], 8030 + family)


@pytest.mark.parametrize("family", [pytest.param(4, marks=pytest.mark.long), 6])
def test_a_session_of_the_twin_and_transit_survive_a_flood_of_punted_packets(site, family):
    assert site.server.answers_ping(CLIENT[family])
    to_forwarder = ethernet(site.server.mac("wire0"), site.forwarder.mac("down"))
    punted = bytes(to_forwarder / (IP if family == 4 else IPv6)(src=SERVER[family], dst=OWN[family]) / UDP(sport=7, dport=7) / Raw(b"." * 64))
    transit = numbered(to_forwarder, [CLIENT[family]], 6000, run=9)
    before = site.rpc.call("stats.get")["drops"]
    sink = Sink(site.client)
    pumps = [Pump(site.server, [punted] * 24_000, 8000, "wire0"), Pump(site.server, transit, 2000, "wire0")]
    time.sleep(0.5)
    assert pour(site.server, site.forwarder, OWN[family], 8040 + family)
    assert pour(site.forwarder, site.server, SERVER[family], 8050 + family)
    for pump in pumps:
        pump.wait()
    after = site.rpc.call("stats.get")["drops"]
    assert len(arrivals(sink.stop(), run=9)) == 6000
    assert after["punt_full"] - before["punt_full"] > 10_000
    assert after["tx_full"] == before["tx_full"]


def test_frames_follow_the_twins_mac_address(site):
    site.forwarder.ip("link", "set", "dev", "down", "address", "02:00:00:00:77:01")
    site.server.ip("neigh", "flush", "dev", "wire0")
    for family in (4, 6):
        assert wait_until(lambda f=family: site.server.answers_ping(OWN[f]), 5)
        assert wait_until(lambda f=family: site.client.answers_ping(SERVER[f]), 5)
    sink = Sink(site.server, "wire0")
    assert site.client.answers_ping(SERVER[4])
    assert any(frame[6:12] == bytes.fromhex("020000007701") for _, frame in sink.stop())


def test_a_twin_whose_name_is_taken_is_refused_by_name(site):
    ports = [{"name": "up", "device": "null"}]
    status, stderr = Daemon(site.lab, site.forwarder, config(ports=ports), name="taken").attempt()
    assert status == 1
    assert "there already is an interface up" in stderr


def test_a_twin_that_would_have_its_wires_name_is_a_configuration_error(site):
    ports = [{"name": "wire1", "device": "tap:wire1"}]
    status, stderr = Daemon(site.lab, site.forwarder, config(ports=ports), name="wire").attempt()
    assert status == 2
    assert "add twin: NAME" in stderr


@pytest.mark.skipif(os.cpu_count() < 2, reason="a worker for each of two CPUs")
def test_what_another_worker_gives_to_the_twin_is_told_as_punted():
    with Lab() as lab:
        host = lab.host("fw2")
        daemon = Daemon(lab, host, config(ports=[{"name": "down", "device": "tap:wire2"}], anycast=[],
                                          dpdk={"memory_mb": 256, "control_lcore": 0, "worker_lcores": [0, 1]}))
        daemon.start()
        try:
            rpc = daemon.rpc()
            host.set("ipv6/conf/wire2/disable_ipv6", 1)
            host.ip("link", "set", "dev", "wire2", "up")
            rpc.call("trace.start", source="10.20.0.9")
            send(host, [bytes(Ether(src=host.mac("wire2"), dst="01:00:5e:00:00:05") /
                              IP(src="10.20.0.9", dst="224.0.0.5", ttl=1))], "wire2")
            steps = rpc.receive()["params"]["steps"]
            assert [(step["stage"], step.get("verdict")) for step in steps] == \
                [("received", None), ("parse", "punt"), ("passed", None)], steps
        finally:
            daemon.stop()
