# SPDX-License-Identifier: BSD-3-Clause
"""DPDK's drivers of network cards: the daemon in a virtual machine, between two hosts outside of it.

    west c0 (which fragments) on eth0 == e1000 [ up  anyfwd  down ] vmxnet3 == eth0, or
                                               in the guest         e1000e  == eth1 under c0 east

The cards belong to vfio-pci; the twins up and down have the guest's addresses. West and east are namespaces, and their
devices are the far ends of the cards' wires. Jumbo frames go by e1000e: of those that take several buffers, QEMU's
vmxnet3 gives DPDK's driver none.
"""
import json

import pytest

from lab.daemon import wait_until
from lab.guest import Guest
from lab.net import Lab
from lab.traffic import pour
from lab.vlan import ChoppingDevice

BOTH = pytest.mark.parametrize("family", [4, 6])
VID = 100
OWN = {"up": ("10.0.1.1", "fd00:1::1"), "down": ("10.0.2.1", "fd00:2::1")}
EAST = {4: "10.0.2.9", 6: "fd00:2::9"}
WEST = {4: "10.0.1.9", 6: "fd00:1::9"}
SERVICE = {4: "192.0.2.1", 6: "2001:db8:a::1"}
MACS = ["52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"]
SIZE = 2_000_000


class Site:
    """The guest, which boots once, and in it a daemon whose ports have an MTU, or are VLANs."""

    def __init__(self):
        self.lab, self.devices, self.pid = Lab(), [], None
        try:
            self.west, self.east = self.lab.host("west"), self.lab.host("east")
            self.guest = Guest(self.lab, [("e1000", MACS[0], self.west, "eth0"), ("vmxnet3", MACS[1], self.east, "eth0"),
                                          ("e1000e", MACS[2], self.east, "eth1")])
            self.guest.boot()
            self.east.ip("addr", "add", f"{SERVICE[4]}/32", "dev", "lo")
            self.east.ip("addr", "add", f"{SERVICE[6]}/128", "dev", "lo", "nodad")
        except BaseException:
            self.close()
            raise

    def start(self, mtu, vid):
        ports, self.mtu, self.vid = [], mtu, vid
        self.cards = {"up": 0, "down": 1 if mtu == 1500 else 2}
        for name, card in self.cards.items():
            device = {"device": f"pci:{self.guest.pci(card)}", "mtu": mtu}
            ports += [{"name": name, **device}] + ([{"name": f"{name}{vid}", **device, "vlan": vid}] if vid else [])
        self._run({
            "site": {"name": "nic", "asn": 65000}, "ports": ports, "anycast": ["192.0.2.0/24", "2001:db8:a::/48"],
            "dpdk": {"memory_mb": 256, "control_lcore": 0, "worker_lcores": [1], "idle": "backoff"},
            "peers": [{"name": "rs1", "as": 65002, "type": "ebgp"}],
            "instances": [{"name": "east", "next_hop": [EAST[4], EAST[6]]}],
            "routes": [{"prefix": prefix, "peer": "rs1", "instance": "east", "as_path": [65002]}
                       for prefix in ("192.0.2.0/24", "2001:db8:a::/48")]})
        for name, (v4, v6) in OWN.items():
            for address in (f"{v4}/24", f"{v6}/64"):
                self.guest.sh(f"ip addr add {address} dev {name}{vid or ''}")
        for host, device, own, addresses in ((self.west, "eth0", OWN["up"], WEST),
                                             (self.east, f"eth{self.cards['down'] - 1}", OWN["down"], EAST)):
            host.ip("link", "set", "dev", device, "mtu", str(mtu + (4 if vid else 0)), "txqueuelen", "10000", "up")
            self.devices.append(ChoppingDevice(host, "c0", vid, [f"{addresses[4]}/24", f"{addresses[6]}/64"], device, mtu))
            host.set("ipv4/ip_no_pmtu_disc", 1)  # no DF
            host.ip("route", "add", "default", "via", own[0])
            host.ip("-6", "route", "add", "default", "via", own[1])
        return self

    def _run(self, config):
        self.guest.sh(f"cat >/etc/anyfwd.yaml <<'END'\n{json.dumps(config)}\nEND")
        self.pid = self.guest.sh("anyfwd -c /etc/anyfwd.yaml >/run/log 2>&1 </dev/null & echo $!").strip()
        if not wait_until(lambda: self.guest.sh("anyctl status >/dev/null 2>&1 && echo ready", check=False), 60, 0.5):
            raise RuntimeError(f"the daemon is not ready:\n{self.log()}")

    def stop(self):
        if self.pid:
            self.guest.sh(f"kill {self.pid}; while kill -0 {self.pid}; do sleep 0.1; done", check=False)
        self.pid = None
        for device in self.devices:
            device.close()
        self.devices = []

    def port(self, name):
        return next(port for port in self.guest.call("port.list")["ports"] if port["name"] == name)

    def log(self):
        return self.guest.sh("cat /run/log", check=False)

    def situation(self):
        return f"{self.guest.call('neighbour.list')}\n{self.guest.sh('anyctl stats')}\n{self.log()}"

    def close(self):
        try:
            for device in self.devices:
                device.close()
            if hasattr(self, "guest"):
                self.guest.close()
        finally:
            self.lab.close()


@pytest.fixture(scope="module")
def machine():
    made = Site()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module", params=[(1500, None), (9000, None), (9000, VID)],
                ids=["MTU 1500", "MTU 9000", "VLAN, MTU 9000"])
def site(machine, request):
    try:
        yield machine.start(*request.param)
    finally:
        machine.stop()


def test_the_ports_are_the_cards_and_say_so(site):
    for name, card in site.cards.items():
        assert wait_until(lambda n=name: site.port(n)["link"] == "up", 10, 0.3), site.log()
        port = site.port(name)
        assert (port["device"], port["mac"], port["mtu"], port["netdev"]) == \
            (f"pci:{site.guest.pci(card)}", MACS[card], site.mtu, name)


@BOTH
def test_the_twins_are_found_by_arp_and_nd_and_answer_ping(site, family):
    for host, own in ((site.west, OWN["up"]), (site.east, OWN["down"])):
        assert wait_until(lambda h=host, o=own: h.answers_ping(o[family == 6]), 10), site.situation()


@BOTH
def test_neighbours_are_resolved_and_packets_pass_both_ways(site, family):
    for host, to in ((site.west, EAST), (site.east, WEST), (site.west, SERVICE)):
        assert wait_until(lambda h=host, t=to: h.answers_ping(t[family]), 10), site.situation()
    # as large as may be: 28 and 48 bytes of headers
    assert site.west.answers_ping(EAST[family], "-M", "do", "-s", str(site.mtu - (28 if family == 4 else 48)))
    assert site.west.answers_ping(EAST[family], "-s", str(3 * site.mtu))


@BOTH
def test_tcp_comes_through_unharmed_with_one_packet_in_a_hundred_in_fragments(site, family):
    before = site.guest.call("stats.get")["drops"]
    assert pour(site.west, site.east, SERVICE[family], 8000 + family, SIZE)
    assert pour(site.east, site.west, WEST[family], 8010 + family, SIZE)
    if family == 4:
        assert all(device.chopped >= SIZE // site.mtu // 100 for device in site.devices)
    after = site.guest.call("stats.get")["drops"]
    assert after == before, {reason: n for reason, n in after.items() if n != before[reason]}


def test_a_wire_that_is_pulled_and_put_back_is_noticed(site):
    for name, card in site.cards.items():
        assert site.port(name)["link"] == "up"
        site.guest.set_link(card, False)
        assert wait_until(lambda n=name: site.port(n)["link"] == "down", 10, 0.3), site.log()
        assert not site.west.answers_ping(EAST[4], wait_s=1)
        site.guest.set_link(card, True)
        assert wait_until(lambda n=name: site.port(n)["link"] == "up", 10, 0.3), site.log()
        assert f"port {name}: link down" in site.log()
        for family in (4, 6):
            assert wait_until(lambda f=family: site.west.answers_ping(SERVICE[f]), 10), site.situation()
