# SPDX-License-Identifier: BSD-3-Clause
"""The site that most tests drive: a client and three instances around a forwarder.

    client eth0 -- up [ forwarder ] d0 -- eth0 lon1      192.0.2.1 and 2001:db8:a::1 are on
                                    d1 -- eth0 lon2      every instance's loopback
                                    d2 -- eth0 ny1

Link k to an instance is 10.1k.0.0/24 and fd00:1k::/64, the client's is 198.51.100.0/24 and 2001:db8:c::/64; the
forwarder is .1 and ::1 on each, an instance .2 and ::2, the client .9 and ::9.
"""
import time

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.traffic import Sink, ethernet, number_of, numbered, send

INSTANCES = ["lon1", "lon2", "ny1"]
ANYCAST = {4: "192.0.2.0/24", 6: "2001:db8:a::/48"}
SERVICE = {4: "192.0.2.1", 6: "2001:db8:a::1"}
OWN = {4: "198.51.100.1", 6: "2001:db8:c::1"}
AS_PATHS = {"lon1": [65002], "lon2": [65002, 65020], "ny1": [65001, 65010, 65030]}


def anycast_addresses(family, count=200):
    return [f"192.0.2.{i}" if family == 4 else f"2001:db8:a::{i:x}" for i in range(1, count + 1)]


def config(steer="transit", **changes):
    ports = ["up"] + [f"d{k}" for k in range(len(INSTANCES))]
    return {
        "site": {"name": "london", "asn": 65000, "router_id": "198.51.100.1"},
        "dpdk": {"memory_mb": 256, "control_lcore": 0, "worker_lcores": [1]},
        "ports": [{"name": port, "device": f"af_xdp:{port}", "steer": steer} for port in ports],
        "anycast": list(ANYCAST.values()),
        "peers": [{"name": f"to-{name}", "as": AS_PATHS[name][0], "type": "ebgp", "address": f"10.1{k}.0.2",
                   "router_id": f"10.1{k}.0.2"} for k, name in enumerate(INSTANCES)],
        "instances": [{"name": name, "next_hop": [f"10.1{k}.0.2", f"fd00:1{k}::2"]}
                      for k, name in enumerate(INSTANCES)],
        **changes,
    }


def candidate(instance, prefix=ANYCAST[4], **attributes):
    return {"prefix": prefix, "peer": f"to-{instance}", "instance": instance, "as_path": AS_PATHS[instance],
            **attributes}


class London:
    def __init__(self, steer="transit"):
        self.lab = Lab()
        try:
            self._build(steer)
        except BaseException:
            self.close()
            raise

    def _build(self, steer):
        self.forwarder, self.client = self.lab.host("fw"), self.lab.host("client")
        self.lab.link(self.forwarder, "up", ["198.51.100.1/24", "2001:db8:c::1/64"],
                      self.client, "eth0", ["198.51.100.9/24", "2001:db8:c::9/64"])
        self._default_routes(self.client, "198.51.100.1", "2001:db8:c::1")
        self.instances = {}
        for k, name in enumerate(INSTANCES):
            host = self.instances[name] = self.lab.host(name)
            self.lab.link(self.forwarder, f"d{k}", [f"10.1{k}.0.1/24", f"fd00:1{k}::1/64"],
                          host, "eth0", [f"10.1{k}.0.2/24", f"fd00:1{k}::2/64"])
            self._default_routes(host, f"10.1{k}.0.1", f"fd00:1{k}::1")
            host.ip_all([f"addr add {address} dev lo" for address in SERVICE.values()])
        if steer == "anycast":  # what anycast does not take is the kernel's, the way back to the client included
            self.forwarder.set("ipv4/ip_forward", 1)
            self.forwarder.set("ipv6/conf/all/forwarding", 1)
        self.ethernet = ethernet(self.client.mac(), self.forwarder.mac("up"))
        self.daemon = Daemon(self.lab, self.forwarder, config(steer))

    @staticmethod
    def _default_routes(host, via4, via6):
        host.ip_all([f"route add default via {via4}", f"route add ::/0 via {via6}"])

    def start(self):
        self.daemon.start()
        self.rpc = self.daemon.rpc()
        return self

    def reset(self):
        """As after the start: no routes, every instance up."""
        self.rpc.call("route.flush", all=True)
        for name in INSTANCES:
            self.rpc.call("instance.up", name=name)

    def announce(self, *instances, family=4, **attributes):
        """Adds each instance's candidate for the anycast prefix; they are ranked by the length of the AS path."""
        self.rpc.call("route.update", add=[candidate(name, ANYCAST[family], **attributes) for name in instances])

    def packets(self, count, family=4, addresses=200, **options):
        return numbered(self.ethernet, anycast_addresses(family, addresses), count, **options)

    def sinks(self):
        return {name: Sink(host) for name, host in self.instances.items()}

    def expect_at(self, instance, family=4, timeout_s=10):
        """Waits until a packet of the client arrives at `instance`: neighbours resolved, routes in the workers."""
        sink = Sink(self.instances[instance])
        frames = self.packets(1, family, run=0xFFFF)

        def arrives():
            send(self.client, frames)
            time.sleep(0.01)
            return any(number_of(frame) for _, frame in sink.frames())
        assert wait_until(arrives, timeout_s), f"nothing arrives at {instance}:\n{self.situation()}"
        sink.stop(settle_s=0.05)

    def situation(self):
        """What a failed test wants to know."""
        stats = self.rpc.call("stats.get")
        drops = {reason: n for reason, n in stats["drops"].items() if n}
        lists = "\n".join(str(self.rpc.call(f"{name}.list")) for name in ("instance", "neighbour"))
        return f"drops {drops}\n{stats['workers']}\n{stats['ports']}\n{lists}\n" \
            f"{self.forwarder.ip('neigh')}{self.daemon.log()[-2000:]}"

    def warm_up(self, *instances, family=4):
        """Has the data plane know the neighbours: each instance in turn is the best one and gets a packet."""
        for name in instances:
            self.reset()
            self.announce(name, family=family)
            self.expect_at(name, family)
        self.reset()

    def close(self):
        try:
            if hasattr(self, "daemon"):
                self.daemon.stop()
        finally:
            self.lab.close()


def arrivals(sink_frames, run=0):
    """[(time, number, frame)] of the numbered packets of one run."""
    numbers = ((when, number_of(frame), frame) for when, frame in sink_frames)
    return [(when, number[1], frame) for when, number, frame in numbers if number and number[0] == run]
