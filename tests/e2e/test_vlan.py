# SPDX-License-Identifier: BSD-3-Clause
"""A VLAN sub-interface is a port of its own: it forwards to and from other ports, and its addresses are the kernel's.

    west v100 (VLAN 100 of eth0) -- up100 (VLAN 100 of up) [ forwarder ] down -- eth0 east
    west eth0 (untagged)         -- up
"""
import hashlib
import threading
import time

import pytest

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.traffic import Sink, connect, ethernet, listen, number_of, numbered, send
from lab.vlan import VlanDevice, tagged

VID = 100
DOWNLOAD = 3_000_000
OWN = {4: "10.0.100.1", 6: "fd00:100::1"}
WEST = {4: "10.0.100.9", 6: "fd00:100::9"}
EAST = {4: "10.0.2.9", 6: "fd00:2::9"}
BOTH = pytest.mark.parametrize("family", [4, 6])


class Site:
    def __init__(self):
        self.lab = Lab()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.forwarder, self.west, self.east = (self.lab.host(name) for name in ("fw", "west", "east"))
        self.lab.link(self.forwarder, "up", ["198.51.100.1/24"], self.west, "eth0", ["198.51.100.9/24"])
        self.lab.link(self.forwarder, "down", ["10.0.2.1/24", "fd00:2::1/64"],
                      self.east, "eth0", ["10.0.2.9/24", "fd00:2::9/64"])
        self.vlan = VlanDevice(self.west, "v100", VID, ["10.0.100.9/24", "fd00:100::9/64"])
        self.daemon = Daemon(self.lab, self.forwarder, {
            "site": {"name": "vlan", "asn": 65000},
            "dpdk": {"memory_mb": 256, "control_lcore": 0, "worker_lcores": [1]},
            "ports": [{"name": "up", "device": "af_xdp:up", "steer": "transit"},
                      {"name": "up100", "device": "af_xdp:up", "vlan": VID},
                      {"name": "down", "device": "af_xdp:down", "steer": "transit"}]})
        self.daemon.start()
        self.rpc = self.daemon.rpc()
        for address in ("10.0.100.1/24", "fd00:100::1/64"):
            self.forwarder.ip("addr", "add", address, "dev", "up100", *(["nodad"] if ":" in address else []))
        for host, to, via in ((self.west, EAST, OWN), (self.east, WEST, {4: "10.0.2.1", 6: "fd00:2::1"})):
            host.ip("route", "add", to[4], "via", via[4])
            host.ip("-6", "route", "add", to[6], "via", via[6])

    def port(self, name):
        return next(port for port in self.rpc.call("port.list")["ports"] if port["name"] == name)

    def counters(self, name):
        return next(port for port in self.rpc.call("stats.get")["ports"] if port["name"] == name)

    def close(self):
        try:
            if hasattr(self, "daemon"):
                self.daemon.stop()
            if hasattr(self, "vlan"):
                self.vlan.close()
        finally:
            self.lab.close()


@pytest.fixture(scope="module")
def site():
    site = Site()
    try:
        yield site
    finally:
        site.close()


def meet(site, family):
    assert wait_until(lambda: site.west.answers_ping(EAST[family], wait_s=1), 10), \
        f"{site.rpc.call('stats.get')}\n{site.rpc.call('neighbour.list')}\n{site.daemon.log()}"


def test_a_sub_interface_is_listed_with_its_vlan_and_shares_its_ports_mac_and_link(site):
    up, vlan = site.port("up"), site.port("up100")
    assert (up["vlan"], vlan["vlan"]) == (None, VID)
    assert (vlan["netdev"], vlan["mac"], vlan["link"]) == ("up100", up["mac"], "up")
    assert {"10.0.100.1/24", "fd00:100::1/64"} <= set(vlan["addresses"])
    assert site.forwarder.mac("up100") == up["mac"]


@BOTH
def test_the_sub_interfaces_own_address_is_found_and_answers_ping_in_the_vlan(site, family):
    site.west.ip("neigh", "flush", "dev", "v100")
    assert site.west.answers_ping(OWN[family])
    assert site.forwarder.answers_ping(WEST[family])


def test_the_untagged_port_of_the_device_works_beside_it(site):
    assert site.west.answers_ping("198.51.100.1")


@BOTH
def test_packets_pass_between_a_vlan_and_an_untagged_port_both_ways(site, family):
    meet(site, family)
    before = {name: site.counters(name) for name in ("up", "up100")}
    assert ", 0% packet loss" in site.west.sh("ping", "-n", "-c20", "-i0.02", "-W2", EAST[family], check=False)
    assert ", 0% packet loss" in site.east.sh("ping", "-n", "-c20", "-i0.02", "-W2", WEST[family], check=False)
    for name in ("up", "up100"):  # the device's figures hold the sub-interface's
        now = site.counters(name)
        assert now["rx_packets"] - before[name]["rx_packets"] >= 40
        assert now["tx_packets"] - before[name]["tx_packets"] >= 40


@BOTH
@pytest.mark.parametrize("server, client, address", [("east", "west", EAST), ("west", "east", WEST)])
def test_a_download_through_the_vlan_has_the_right_hash(site, family, server, client, address):
    meet(site, family)
    content = bytes(range(251)) * (DOWNLOAD // 251 + 1)
    listener = listen(getattr(site, server), address[family], 8000 + family)

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.sendall(content[:DOWNLOAD])
    thread = threading.Thread(target=serve)
    thread.start()
    digest, length = hashlib.sha256(), 0
    with listener, connect(getattr(site, client), address[family], 8000 + family) as connection:
        while data := connection.recv(1 << 16):
            digest.update(data)
            length += len(data)
        thread.join()
    assert length == DOWNLOAD
    assert digest.hexdigest() == hashlib.sha256(content[:DOWNLOAD]).hexdigest()


def test_an_icmp_error_comes_from_the_vlans_address(site):
    meet(site, 4)
    assert f"From {OWN[4]} icmp_seq=1 Time to live exceeded" in \
        site.west.sh("ping", "-n", "-c1", "-t1", "-W2", EAST[4], check=False)


def test_a_priority_tag_is_no_vlan_and_a_foreign_vlan_is_not_forwarded(site):
    meet(site, 4)
    plain = ethernet(site.west.mac(), site.forwarder.mac("up"))
    by_run = {run: numbered(plain, [EAST[4]], 10, run=run) for run in (1, 2, 3, 4)}
    sink = Sink(site.east)
    send(site.west, by_run[1])
    send(site.west, [tagged(frame, 0, priority=5) for frame in by_run[2]])
    send(site.west, [tagged(frame, VID, priority=5) for frame in by_run[3]])
    send(site.west, [tagged(frame, VID + 1) for frame in by_run[4]])
    time.sleep(0.5)
    numbers = [number for _, frame in sink.stop() if (number := number_of(frame))]
    assert {run: sum(number[0] == run for number in numbers) for run in by_run} == {1: 10, 2: 10, 3: 10, 4: 0}


def test_two_tags_are_dropped_and_counted(site):
    frames = numbered(ethernet(site.west.mac(), site.forwarder.mac("up")), [EAST[4]], 10)
    before = site.rpc.call("stats.get")["drops"]["unknown_vlan"]
    send(site.west, [tagged(tagged(frame, 7), VID) for frame in frames])
    assert wait_until(lambda: site.rpc.call("stats.get")["drops"]["unknown_vlan"] == before + 10)


def test_the_sub_interface_follows_its_ports_link_and_mac(site):
    site.west.ip("link", "set", "dev", "eth0", "down")
    assert wait_until(lambda: site.port("up100")["link"] == "down")
    site.west.ip("link", "set", "dev", "eth0", "up")
    assert wait_until(lambda: site.port("up100")["link"] == "up")
    old = site.forwarder.mac("up")
    try:
        site.forwarder.ip("link", "set", "dev", "up", "address", "02:00:00:00:be:ef")
        assert wait_until(lambda: site.forwarder.mac("up100") == "02:00:00:00:be:ef")
        assert site.port("up100")["mac"] == "02:00:00:00:be:ef"
        site.west.ip("neigh", "flush", "dev", "v100")
        meet(site, 4)
    finally:
        site.forwarder.ip("link", "set", "dev", "up", "address", old)
