# SPDX-License-Identifier: BSD-3-Clause
"""failover: numbered packets at a constant rate through the daemon (AF_XDP on veth) into the links of three instances,
while the best one fails.

The outage is derived from what is lost (RFC 6894): packets that reached the failed instance's link after the failure,
or no link at all, over the rate. Also said: packets that came twice or out of order, and how long the worker was kept
from its CPU in the same run, which is in the outage. FRR's bfdd (10 ms, three of them) is the neighbour before each
instance. "flat" measures in the daemon, on a device that repeats a file at full speed: from the call to the first packet
elsewhere, by the daemon's own records, whatever the number of prefixes; and that nothing is decided or installed for it.

A p99 is said only of 300 runs or more (--failovers), else p50, p90 and the maximum.
"""
import itertools
import os
import statistics
import sys
import time

from scapy.all import IP, UDP, Ether, Raw, wrpcap

from lab.bfd import Frr
from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.traffic import Pump, numbered
from rounds import selected

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
from london import INSTANCES, London, anycast_addresses, arrivals, candidate  # noqa: E402  (beside the tests)

PPS = 10_000
BFD = {"min_tx_ms": 10, "min_rx_ms": 10}
FLAT = {"flat, 1 prefix": 1, "flat, 1000 prefixes": 1000, "flat, 1000000 prefixes": 1_000_000}
MAC = "02:70:63:61:70:00"  # of the pcap driver's first device


def silent(site):
    site.bfd["lon1"].freeze()
    return time.time()


def thaw(site):
    site.bfd["lon1"].thaw()


def silent_and_frozen(site):
    """The control thread sleeps through it."""
    site.frozen = site.daemon.rpc()
    site.frozen.send(site.frozen.request("debug.freeze", {"ms": 1000}))
    time.sleep(0.05)
    return silent(site)


def thaw_all(site):
    site.frozen.receive()
    site.frozen.close()
    thaw(site)


def bfd_shutdown(word):
    def change(site):
        site.bfd["lon1"].command(f"configure\nbfd\npeer 10.10.0.1 interface eth0\n{word}")
        return time.time()
    return change


def link(word):
    def change(site):
        site.instances["lon1"].ip("link", "set", "eth0", word)
    return change


def call(method, **params):
    def change(site):
        site.rpc.call(method, **params)
    return change


"""What fails, and how it is undone. The first may say when the failure began, else that is when it was called; vtysh
takes a tenth of a second to start, so BFD's goodbye begins when it has returned."""
CASES = {
    "no failure": (lambda site: None, lambda site: None),
    "silent": (silent, thaw),
    "silent, control thread stuck": (silent_and_frozen, thaw_all),
    "BFD admin down": (bfd_shutdown("shutdown"), bfd_shutdown("no shutdown")),
    "link down": (link("down"), link("up")),
    "API down": (call("instance.down", name="lon1"), call("instance.up", name="lon1")),
    "API drain": (call("instance.drain", name="lon1"), call("instance.up", name="lon1")),
    "route withdraw": (call("route.update", **{"del": [{"prefix": "192.0.2.0/24", "peer": "to-lon1"}]}),
                       lambda site: site.announce("lon1")),
}


def add_options(parser):
    parser.add_argument("--failovers", type=int, default=100, metavar="N", help="of each flat case (default: 100)")


class Site(London):
    """The tests' site with a BFD neighbour before each instance."""

    def __init__(self, build):
        super().__init__()
        self.program, self.bfd = os.path.join(build, "anyfwd"), {}

    def start(self):
        self.daemon.start(program=self.program)
        self.rpc = self.daemon.rpc()
        self.warm_up(*INSTANCES)
        for k, name in enumerate(INSTANCES):
            self.bfd[name] = Frr(self.lab, self.instances[name], [f"10.1{k}.0.1"])
            self.rpc.call("instance.set", name=name, next_hop=f"10.1{k}.0.2",
                          health={"bfd": BFD, "hold_down_ms": 0, "hold_down_max_ms": 0})
        self.announce(*INSTANCES)
        return self

    def all_up(self):
        return all(each["alive"] and each["state"] == "up" and
                   all(session["state"] == "up" for session in each["health"]["bfd"])
                   for each in self.rpc.call("instance.list")["instances"])

    def close(self):
        for daemon in self.bfd.values():
            daemon.kill()
        super().close()


def stalls(rpc):
    return sum(worker["stalls"] for worker in rpc.call("stats.get")["workers"])


def run(site, case):
    """{unit: value} of one failure under load."""
    fail, undo = CASES[case]
    if not wait_until(site.all_up, 30):
        print(f"{case}: the BFD sessions do not stay up on this machine", file=sys.stderr)
        return {}
    frames = numbered(site.ethernet, anycast_addresses(4), int(PPS * 1.5), run=1)
    sinks, before = site.sinks(), stalls(site.rpc)
    pump = Pump(site.client, frames, PPS)
    time.sleep(0.4)
    called = time.time()
    failed = fail(site) or called
    sent, lag_s = pump.wait()
    undo(site)
    got = {name: arrivals(sink.stop(), run=1) for name, sink in sinks.items()}
    numbers = [number for name in got for when, number, _ in sorted(got[name], key=lambda each: each[0])]
    wrong = sum(1 for when, _, _ in got["lon1"] if when > failed) if case not in ("no failure", "API drain") else 0
    lost = sent - len(set(numbers)) + wrong
    reordered = sum(a > b for each in got.values() for (_, a, _), (_, b, _) in itertools.pairwise(each))
    return {"ms": lost / PPS * 1e3, "packets twice": len(numbers) - len(set(numbers)), "reordered": reordered,
            "worker stalls": stalls(site.rpc) - before, "ms sender lag": lag_s * 1e3}


def flat_config(capture):
    return {
        "site": {"name": "bench", "asn": 65000},
        "dpdk": {"memory_mb": 1024, "control_lcore": 0, "worker_lcores": [1]},
        "ports": [{"name": "in", "device": f"vdev:net_pcap0,rx_pcap={capture},infinite_rx=1"},
                  {"name": "out", "device": "null"}],
        "peers": [{"name": f"to-{name}", "as": 65002, "type": "ebgp"} for name in INSTANCES],
        "instances": [{"name": name, "next_hop": f"10.0.2.1{i}"} for i, name in enumerate(INSTANCES)]}


def feed(rpc, count):
    """192.0.2.0/24 and others, lon1 before lon2."""
    others = (f"{a}.{b}.{c}.0/24" for a, b, c in itertools.product(range(11, 40), range(256), range(256)))
    prefixes = ["192.0.2.0/24", *itertools.islice(others, count - 1)]
    for start in range(0, count, 5000):
        rpc.call("route.update", add=[candidate(name, prefix) for prefix in prefixes[start:start + 5000]
                                      for name in ("lon1", "lon2")])


def taken_over(rpc):
    """The last record, as soon as somebody has taken over."""
    record = rpc.call("failover.list", limit=1)["failovers"][0]
    return record if record["takeover_us"] is not None else None


def flat(build, count, failovers):
    """Microseconds from the decision that lon1 is down to the first packet that lon2 got, of each failover."""
    with Lab() as lab:
        host = lab.host("fw")
        capture = os.path.join(lab.dir, "in.pcap")
        wrpcap(capture, [Ether(src="02:00:00:00:00:09", dst=MAC) / IP(src=f"198.51.100.{i}", dst="192.0.2.1") /
                         UDP(sport=1024 + i, dport=53) / Raw(bytes(18)) for i in range(1, 200)])
        daemon = Daemon(lab, host, flat_config(capture)).start(program=os.path.join(build, "anyfwd"))
        try:
            host.ip("addr", "add", "10.0.2.1/24", "dev", "out")
            for i in range(len(INSTANCES)):
                host.ip("neigh", "replace", f"10.0.2.1{i}", "lladdr", "02:00:00:00:00:11", "dev", "out")
            rpc = daemon.rpc()
            rpc.socket.settimeout(120)
            feed(rpc, count)
            time.sleep(0.5)
            before = rpc.call("status")["generation"], rpc.call("stats.get")["writes"]
            stalled = stalls(rpc)
            for _ in range(failovers):
                rpc.call("instance.down", name="lon1")
                record = wait_until(lambda: taken_over(rpc), 2, 0.005)
                assert record and record["heir"] == "lon2", rpc.call("failover.list", limit=1)
                yield record["flip_us"] + record["takeover_us"]
                rpc.call("instance.up", name="lon1")
            after = rpc.call("status")["generation"], rpc.call("stats.get")["writes"]
            assert before == after, f"a failover decided or wrote something: {before} {after}"
            print(f"{count} prefixes: worker stalls while it was measured: {stalls(rpc) - stalled}, "
                  "table writes: 0", file=sys.stderr)
        finally:
            daemon.stop()


def summary(case, values):
    """The quantiles as cases of their own, for a table of medians would hide them."""
    values = sorted(values)
    quantiles = [("p90", 0.9)] + ([("p99", 0.99)] if len(values) >= 300 else [])
    text = ", ".join(f"{name} {values[int(len(values) * q)]:g}" for name, q in quantiles)
    print(f"{case}: p50 {statistics.median(values):g}, {text}, max {values[-1]:g}, n {len(values)}")


def samples(options):
    for label, build in options.builds:
        for case in selected(FLAT, options):
            values = list(flat(build, FLAT[case], options.failovers))
            summary(f"{case}, us", values)
            for value in values:
                yield {"case": case, "impl": label, "unit": "us", "value": value}
        cases = selected(CASES, options)
        if not cases:
            continue
        site, outages = Site(build), {case: [] for case in cases}
        try:
            site.start()
            for _ in range(options.rounds):
                for case in cases:
                    figures = run(site, case)
                    outages[case].append(figures.get("ms"))
                    for unit, value in (figures or {"ms": None}).items():
                        yield {"case": case, "impl": label, "unit": unit, "value": value}
        finally:
            site.close()
        for case, values in outages.items():
            if any(value is not None for value in values):
                summary(f"{case}, ms", [value for value in values if value is not None])
