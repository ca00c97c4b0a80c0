# SPDX-License-Identifier: BSD-3-Clause
"""Packets up to the MTU of each kind of port, and TCP on a path that fragments one packet in a hundred.

    west c0 (which fragments) on eth0 -- up [ forwarder ] down -- eth0 east

The anycast prefix has two instances, which are two addresses of east's device, so that every fragment is steered.
"""
import hashlib
import socket
import threading

import pytest

from lab.daemon import Daemon, wait_until
from lab.net import Lab, sh
from lab.vlan import ChoppingDevice

VID = 100
LARGEST_XDP = 3438
SERVICE = "192.0.2.1"
SIZE = 4_000_000
OWN = {"up": "10.0.1.1", "down": "10.0.2.1"}

"""Device and VLAN of the forwarder's ports, and their MTU."""
PATHS = {
    "veth": ("af_xdp", None, 1500), "veth, as large as it can be": ("af_xdp", None, LARGEST_XDP),
    "VLAN on veth": ("af_xdp", VID, 1500), "VLAN on veth, as large as it can be": ("af_xdp", VID, LARGEST_XDP),
    "tap": ("tap", None, 1500), "VLAN on tap": ("tap", VID, 1500),
}


class Site:
    def __init__(self, kind, vid, mtu):
        self.lab, self.kind, self.mtu, self.devices = Lab(), kind, mtu, []
        try:
            self._build(kind, vid, mtu)
        except BaseException:
            self.close()
            raise

    def _build(self, kind, vid, mtu):
        self.forwarder, self.west, self.east = (self.lab.host(name) for name in ("fw", "west", "east"))
        ports = []
        for name, host in (("up", self.west), ("down", self.east)):
            if kind == "af_xdp":
                self.lab.link(self.forwarder, name, [], host, "eth0", [])
                self.forwarder.ip("link", "set", "dev", name, "mtu", str(mtu))
                host.ip("link", "set", "dev", "eth0", "mtu", str(mtu + (4 if vid else 0)))
            device = {"device": f"{kind}:{'' if kind == 'af_xdp' else 'wire-'}{name}"}
            ports.append({"name": name, **device, **({"steer": "transit"} if kind == "af_xdp" else {})})
            if vid:
                ports.append({"name": f"{name}{vid}", **device, "vlan": vid})
        self.daemon = Daemon(self.lab, self.forwarder, {
            "site": {"name": "mtu", "asn": 65000}, "ports": ports, "anycast": ["192.0.2.0/24"],
            "dpdk": {"memory_mb": 384, "control_lcore": 0, "worker_lcores": [1]},
            "peers": [{"name": "rs1", "as": 65002, "type": "ebgp"}],
            "instances": [{"name": f"i{i}", "next_hop": f"10.0.2.1{i}"} for i in (1, 2)],
            "routes": [{"prefix": "192.0.2.0/24", "peer": "rs1", "path_id": i, "instance": f"i{i}", "as_path": [65002]}
                       for i in (1, 2)]}).start()
        if kind == "tap":
            for name, host in (("up", self.west), ("down", self.east)):
                sh("ip", "-n", self.forwarder.ns, "link", "set", f"wire-{name}", "netns", host.ns, "name", "eth0")
                host.ip("link", "set", "dev", "eth0", "mtu", str(mtu + (4 if vid else 0)), "txqueuelen", "10000", "up")
        for name, address in OWN.items():
            self.forwarder.ip("addr", "add", f"{address}/24", "dev", f"{name}{vid or ''}")
        addresses = ["10.0.2.11/24", "10.0.2.12/24"]
        self.chopper = ChoppingDevice(self.west, "c0", vid, ["10.0.1.9/24"], mtu=mtu)
        self.devices = [self.chopper, ChoppingDevice(self.east, "c0", vid, addresses, mtu=mtu)]
        self.east.ip("addr", "add", f"{SERVICE}/32", "dev", "lo")
        self.west.ip("route", "add", "default", "via", OWN["up"])
        self.east.ip("route", "add", "default", "via", OWN["down"])
        for host in (self.west, self.east):
            host.set("ipv4/ip_no_pmtu_disc", 1)  # no DF
        self.rpc = self.daemon.rpc()

    def close(self):
        try:
            if hasattr(self, "daemon"):
                self.daemon.stop()
            for device in self.devices:
                device.close()
        finally:
            self.lab.close()


@pytest.fixture(params=PATHS.values(), ids=PATHS.keys())
def site(request):
    made = Site(*request.param)
    try:
        yield made
    finally:
        made.close()


def echo_hash(server):
    """Takes one connection and answers with the SHA-256 of all that came."""
    connection, _ = server.accept()
    with connection:
        digest = hashlib.sha256()
        while data := connection.recv(1 << 16):
            digest.update(data)
        connection.sendall(digest.digest())


def upload(site, data):
    """The SHA-256 of what arrived at the service."""
    server = site.east.run(socket.create_server, (SERVICE, 8080))
    thread = threading.Thread(target=echo_hash, args=(server,))
    thread.start()
    with server, site.west.run(socket.create_connection, (SERVICE, 8080), 30) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = client.recv(32)
        thread.join(30)
    return answer


def test_the_mtu_and_not_a_byte_less_and_tcp_with_fragments(site):
    assert wait_until(lambda: site.west.answers_ping("10.0.2.11"))
    # IP and ICMP headers: 28 bytes. DF
    assert site.west.answers_ping("10.0.2.11", "-M", "do", "-s", str(site.mtu - 28))
    assert site.west.answers_ping("10.0.2.12", "-s", str(site.mtu * 3))
    before = site.rpc.call("stats.get")
    data = bytes(range(251)) * (SIZE // 251)
    assert upload(site, data) == hashlib.sha256(data).digest()
    after = site.rpc.call("stats.get")
    assert site.chopper.chopped >= SIZE // site.mtu // 100
    assert after["drops"] == before["drops"], {key: n for key, n in after["drops"].items() if n}


@pytest.mark.parametrize("device, changes, told", [
    ("af_xdp:up", {"mtu": 9000}, "an MTU of 9000 is too large for AF_XDP, which takes 3438 at most"),
    ("tap:wire0", {"mtu": 9000}, "mtu is 9000, but the device takes 1504 at most"),
])
def test_more_than_the_device_takes_is_refused(device, changes, told):
    with Lab() as lab:
        forwarder, west = lab.host("fw"), lab.host("west")
        lab.link(forwarder, "up", [], west, "eth0", [])
        status, stderr = Daemon(lab, forwarder, {
            "site": {"name": "mtu", "asn": 65000}, "dpdk": {"memory_mb": 256, "worker_lcores": [1]},
            "ports": [{"name": "p", "device": device, **changes}]}).attempt()
        assert status == 1 and stderr == f"anyfwd: port p: {told}\n"


def test_an_interface_with_a_larger_mtu_than_af_xdp_takes_is_refused():
    with Lab() as lab:
        forwarder, west = lab.host("fw"), lab.host("west")
        lab.link(forwarder, "up", [], west, "eth0", [])
        forwarder.ip("link", "set", "dev", "up", "mtu", "9000")
        status, stderr = Daemon(lab, forwarder, {
            "site": {"name": "mtu", "asn": 65000}, "dpdk": {"memory_mb": 256, "worker_lcores": [1]},
            "ports": [{"name": "p", "device": "af_xdp:up"}]}).attempt()
        assert status == 1 and "an MTU of 9000 is too large for AF_XDP" in stderr and len(stderr.splitlines()) == 1
