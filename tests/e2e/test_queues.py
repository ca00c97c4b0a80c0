# SPDX-License-Identifier: BSD-3-Clause
"""A port with two receive queues, a worker for each: who gets a packet does not decide where it goes.

    client eth0 == up [ forwarder, workers on both CPUs ] d0 -- eth0 lon1
         two queues                                       d1 -- eth0 lon2

On a veth the sender chooses the receiver's queue: by the flow's hash, or, where the test maps CPUs to queues (XPS), by
the CPU that it sends on.
"""
import os
import time

import pytest
from scapy.all import IP, UDP, IPv6, IPv6ExtHdrFragment, Raw, fragment, fragment6

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.traffic import MAGIC, Sink, ethernet, send

pytestmark = pytest.mark.skipif(os.cpu_count() < 2, reason="a queue for each of two CPUs")
BOTH = pytest.mark.parametrize("family", [4, 6])
INSTANCES = ["lon1", "lon2"]
ANYCAST = {4: "192.0.2.0/24", 6: "2001:db8:a::/48"}
SERVICE = {4: "192.0.2.1", 6: "2001:db8:a::1"}
CLIENT = {4: "198.51.100.9", 6: "2001:db8:c::9"}
FLOWS, COPIES = 64, 20
DATAGRAMS = 10  # at a time, well within 100 ms


class Site:
    def __init__(self):
        self.lab = Lab()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.forwarder, self.client = self.lab.host("fw"), self.lab.host("client")
        self.lab.link(self.forwarder, "up", ["198.51.100.1/24", "2001:db8:c::1/64"],
                      self.client, "eth0", ["198.51.100.9/24", "2001:db8:c::9/64"])
        for host, device in ((self.forwarder, "up"), (self.client, "eth0")):
            host.sh("ethtool", "-L", device, "rx", "2", "tx", "2")
        self.instances = {}
        for k, name in enumerate(INSTANCES):
            self.instances[name] = self.lab.host(name)
            self.lab.link(self.forwarder, f"d{k}", [f"10.1{k}.0.1/24", f"fd00:1{k}::1/64"],
                          self.instances[name], "eth0", [f"10.1{k}.0.2/24", f"fd00:1{k}::2/64"])
        self.ethernet = ethernet(self.client.mac(), self.forwarder.mac("up"))
        self.daemon = Daemon(self.lab, self.forwarder, {
            "site": {"name": "queues", "asn": 65000},
            "dpdk": {"memory_mb": 320, "control_lcore": 0, "worker_lcores": [0, 1]},
            "ports": [{"name": "up", "device": "af_xdp:up", "queues": 2, "steer": "transit"}] +
                     [{"name": f"d{k}", "device": f"af_xdp:d{k}", "steer": "transit"} for k in range(2)],
            "anycast": list(ANYCAST.values()),
            "peers": [{"name": "rs1", "as": 65002, "type": "ebgp"}],
            "instances": [{"name": name, "next_hop": [f"10.1{k}.0.2", f"fd00:1{k}::2"]}
                          for k, name in enumerate(INSTANCES)],
            "routes": [{"prefix": prefix, "peer": "rs1", "path_id": k, "instance": name, "as_path": [65002]}
                       for prefix in ANYCAST.values() for k, name in enumerate(INSTANCES)]})
        self.daemon.start()
        self.rpc = self.daemon.rpc()
        for k, name in enumerate(INSTANCES):
            for address in (f"10.1{k}.0.2", f"fd00:1{k}::2"):
                self.forwarder.ip("neigh", "replace", address, "lladdr", self.instances[name].mac(), "dev", f"d{k}")
        assert wait_until(lambda: all(adjacency["alive"] for instance in self.rpc.call("instance.list")["instances"]
                                      for adjacency in instance["adjacency"]))
        self.map_cpus(False)

    def map_cpus(self, by_cpu):
        for cpu in range(2):
            self.client.sh("sh", "-c", f"echo {1 << cpu if by_cpu else 0} > "
                           f"/sys/class/net/eth0/queues/tx-{cpu}/xps_cpus")

    def send(self, frames, cpu=None):
        def pin(cpus):
            os.sched_setaffinity(0, cpus)
        if cpu is not None:
            self.client.run(pin, {cpu})
        send(self.client, frames)
        self.client.run(pin, range(os.cpu_count()))

    def received(self):
        """By each worker."""
        return [worker["rx"] for worker in self.rpc.call("stats.get")["workers"]]

    def deliver(self, act, count):
        """Does something that has `count` packets forwarded; {instance: [what it got, IP packets as scapy reads them]}."""
        sinks = {name: Sink(host) for name, host in self.instances.items()}
        before = sum(self.received())
        act()
        wait_until(lambda: sum(self.received()) >= before + count and not self.rpc.call("stats.get")["held"])
        return {name: [frame[14:] for _, frame in sink.stop(0.1) if MAGIC in frame] for name, sink in sinks.items()}

    def close(self):
        try:
            if hasattr(self, "daemon"):
                self.daemon.stop()
        finally:
            self.lab.close()


@pytest.fixture(scope="module")
def site():
    site = Site()
    yield site
    site.close()


def packet(family, flow, payload=b""):
    """Of UDP; the flow is told by its source port."""
    ip = IP(src=CLIENT[4], dst=SERVICE[4], flags="") if family == 4 else IPv6(src=CLIENT[6], dst=SERVICE[6])
    return ip / UDP(sport=2000 + flow, dport=53) / Raw(MAGIC + payload)


def flow_of(data):
    return int.from_bytes(data[20:22] if data[0] >> 4 == 4 else data[40:42], "big") - 2000


@BOTH
def test_a_flow_stays_on_one_queue_and_its_worker(site, family):
    site.map_cpus(False)
    shares = [0, 0]
    for flow in range(FLOWS):
        before = site.received()
        site.send([bytes(site.ethernet / packet(family, flow))] * COPIES, cpu=flow % 2)
        assert wait_until(lambda: sum(site.received()) >= sum(before) + COPIES, every_s=0.002)
        got = [now - then for now, then in zip(site.received(), before)]
        assert max(got) >= COPIES > 2 * min(got), got  # a stray packet of the kernel's may come in between
        shares[got.index(max(got))] += 1
    assert min(shares) >= FLOWS // 5, shares


def places(got):
    """{flow: instance}, with one place each."""
    pairs = {(flow_of(data), name) for name, packets in got.items() for data in packets}
    assert len(pairs) == len({flow for flow, _ in pairs})
    return dict(pairs)


@BOTH
def test_a_flows_instance_is_the_same_whichever_worker_gets_it(site, family):
    site.map_cpus(True)
    frames = [bytes(site.ethernet / packet(family, flow)) for flow in range(FLOWS)]
    where = []
    for cpu in range(2):
        before = site.received()
        where.append(places(site.deliver(lambda: site.send(frames, cpu), FLOWS)))
        assert site.received()[cpu] - before[cpu] >= FLOWS
        assert len(where[cpu]) == FLOWS
    assert where[0] == where[1]
    assert set(where[0].values()) == set(INSTANCES)


def pieces(site, family, flow, number):
    """A datagram in fragments, the first one first; each has MAGIC in it."""
    whole = packet(family, flow, (MAGIC + b"." * 33) * 20)
    if family == 4:
        whole.id = number
        parts = fragment(whole, fragsize=400)
    else:
        whole = IPv6(src=CLIENT[6], dst=SERVICE[6]) / IPv6ExtHdrFragment(id=number) / whole[UDP]
        parts = fragment6(whole, 500)
    assert len(parts) > 2
    return [bytes(site.ethernet / part) for part in parts]


@BOTH
@pytest.mark.parametrize("first_is_late", [False, True])
def test_fragments_reach_their_flows_instance_though_two_workers_share_them(site, family, first_is_late):
    site.map_cpus(True)
    frames = [bytes(site.ethernet / packet(family, flow)) for flow in range(FLOWS)]
    where = places(site.deliver(lambda: site.send(frames), FLOWS))
    unmatched = site.rpc.call("stats.get")["fragments_unmatched"]
    wrong = sent = 0
    for start in range(0, FLOWS, DATAGRAMS):
        flows = range(start, min(start + DATAGRAMS, FLOWS))
        cut = {flow: pieces(site, family, flow, 1000 * first_is_late + flow + 1) for flow in flows}
        firsts = [parts[0] for parts in cut.values()]
        others = [part for parts in cut.values() for part in parts[1:]]

        def act():
            batches = [(firsts, 0), (others, 1)]
            for batch, cpu in reversed(batches) if first_is_late else batches:
                site.send(batch, cpu)
                time.sleep(0.005)
        got = site.deliver(act, len(firsts) + len(others))
        at = {name: {data[4:6] if family == 4 else data[44:48] for data in packets} for name, packets in got.items()}
        assert sum(map(len, got.values())) == len(firsts) + len(others)
        sent += len(others)
        for flow in flows:
            number = (1000 * first_is_late + flow + 1).to_bytes(2 if family == 4 else 4, "big")
            wrong += [name for name in INSTANCES if number in at[name]] != [where[flow]]
    unmatched = site.rpc.call("stats.get")["fragments_unmatched"] - unmatched
    assert wrong <= unmatched <= sent // 20, f"{wrong} of {FLOWS} datagrams; {unmatched} of {sent} fragments waited in vain"
