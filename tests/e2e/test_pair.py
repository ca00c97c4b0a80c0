# SPDX-License-Identifier: BSD-3-Clause
"""Two forwarders of one site behind a router that shares flows between them (ECMP): they choose alike.

    client eth0 -- client [ router ] fw1 -- up [ forwarder 1 ] d0, d1, d2 -- eth1 of lon1, lon2, ny1
                                     fw2 -- up [ forwarder 2 ] d0, d1, d2 -- eth2 of lon1, lon2, ny1

Instance k is 10.<n>k.0.2 and fd00:<n>k::2 to forwarder n, which has 10.9.n.1 and fd00:9:n::1 to the router.
"""
import os
import time

import pytest

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.traffic import Pump, Sink, ethernet, number_of, numbered
from london import ANYCAST, INSTANCES, anycast_addresses

FLOWS = 200
PPS = 2000


class Forwarder:
    def __init__(self, lab, number, router, instances):
        self.number, self.host = number, lab.host(f"forwarder{number}")
        lab.link(self.host, "up", [f"10.9.{number}.1/24", f"fd00:9:{number}::1/64"],
                 router, f"fw{number}", [f"10.9.{number}.2/24", f"fd00:9:{number}::2/64"])
        for k, instance in enumerate(instances):
            lab.link(self.host, f"d{k}", [f"10.{number}{k}.0.1/24", f"fd00:{number}{k}::1/64"],
                     instance, f"eth{number}", [f"10.{number}{k}.0.2/24", f"fd00:{number}{k}::2/64"])
        self.daemon = Daemon(lab, self.host, {
            "site": {"name": "london", "asn": 65000, "router_id": f"10.9.{number}.1"},
            "dpdk": {"memory_mb": 256, "control_lcore": 0, "worker_lcores": [1]},
            "state_dir": os.path.join(lab.dir, f"state{number}"),
            "api": {"socket": os.path.join(lab.dir, f"forwarder{number}.sock")},
            "ports": [{"name": port, "device": f"af_xdp:{port}"} for port in ["up", "d0", "d1", "d2"]],
            "decision": {"multipath_relax": True},
            "anycast": list(ANYCAST.values()),
            "peers": [{"name": name, "as": 65002, "type": "ebgp"} for name in INSTANCES],
            "instances": [{"name": name, "next_hop": [f"10.{number}{k}.0.2", f"fd00:{number}{k}::2"]}
                          for k, name in self.order()],
        }, f"forwarder{number}").start()
        rpc = self.daemon.rpc()
        rpc.call("route.update", add=[{"prefix": prefix, "peer": name, "instance": name, "as_path": [65002]}
                                      for _, name in self.order() for prefix in ANYCAST.values()])
        rpc.close()

    def order(self):
        """What is common to both is the instances' names, not when they were told of them."""
        instances = list(enumerate(INSTANCES))
        return instances if self.number == 1 else instances[::-1]


class Pair:
    def __init__(self):
        self.lab = Lab()
        self.forwarders = []
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.router, self.client = self.lab.host("router"), self.lab.host("client")
        self.lab.link(self.router, "client", ["198.51.100.1/24", "2001:db8:c::1/64"],
                      self.client, "eth0", ["198.51.100.9/24", "2001:db8:c::9/64"])
        self.instances = [self.lab.host(name) for name in INSTANCES]
        for number in (1, 2):
            self.forwarders.append(Forwarder(self.lab, number, self.router, self.instances))
        for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv4/fib_multipath_hash_policy",
                    "ipv6/fib_multipath_hash_policy"):
            self.router.set(key, 1)  # policy 1: by addresses and ports
        self.ethernet = ethernet(self.client.mac(), self.router.mac("client"))

    def route_to(self, *numbers):
        for family, via in ((4, "10.9.{}.1"), (6, "fd00:9:{}::1")):
            self.router.ip(f"-{family}", "route", "replace", ANYCAST[family],
                           *(word for n in numbers for word in ("nexthop", "via", via.format(n))))

    def packets_at(self, family, rounds, run):
        """{flow: {(instance, forwarder) it was sent to}}, and how many packets came."""
        sinks = {(name, n): Sink(host, f"eth{n}") for name, host in zip(INSTANCES, self.instances) for n in (1, 2)}
        frames = numbered(self.ethernet, anycast_addresses(family, FLOWS), rounds * FLOWS, run=run)
        Pump(self.client, frames, PPS).wait()
        at, count = {}, 0
        time.sleep(0.2)
        for where, sink in sinks.items():
            for _, frame in sink.stop(settle_s=0):
                if (number_of(frame) or [None])[0] == run:
                    at.setdefault(number_of(frame)[1] % FLOWS, set()).add(where)
                    count += 1
        return at, count

    def close(self):
        try:
            for forwarder in self.forwarders:
                forwarder.daemon.kill()
        finally:
            self.lab.close()


@pytest.fixture
def pair():
    pair = Pair()
    yield pair
    pair.close()


def instances_of(at):
    return {flow: {name for name, _ in where} for flow, where in at.items()}


def test_when_one_is_killed_every_flow_reaches_the_same_instance_through_the_other(pair):
    for n in (1, 2):  # neighbours are known
        pair.route_to(n)
        for family in (4, 6):
            assert wait_until(lambda: len(pair.packets_at(family, 1, run=9)[0]) == FLOWS, 10, 0.1)
    pair.route_to(1, 2)
    before = {}
    for family in (4, 6):
        at, count = pair.packets_at(family, 3, run=1)
        before[family] = instances_of(at)
        assert count == 3 * FLOWS and all(len(where) == 1 for where in at.values())
        through = [sum((name, n) in where for where in at.values() for name in INSTANCES) for n in (1, 2)]
        assert min(through) > FLOWS / 5, f"the router did not share the flows: {through}"
        shares = [sum(where == {name} for where in before[family].values()) for name in INSTANCES]
        assert min(shares) > FLOWS / 5, f"the instances do not share the flows: {shares}"
    pair.forwarders[0].daemon.kill()
    pair.route_to(2)  # as the router's BGP or BFD would
    for family in (4, 6):
        at, count = pair.packets_at(family, 3, run=2)
        assert count == 3 * FLOWS
        assert instances_of(at) == before[family]
