# SPDX-License-Identifier: BSD-3-Clause
"""failover: numbered packets at a constant rate through the daemon (AF_XDP on veth) into the links of three instances,
while the best one fails.

The outage is derived from what is lost (RFC 6894): packets that reached the failed instance's link after the failure,
or no link at all, over the rate. Also said: packets that came twice or out of order, and how long the worker was kept
from its CPU in the same run, which is in the outage. FRR's bfdd (10 ms, three of them) is the neighbour before each
instance, and a TCP probe asks the best one each 50 ms. "flat" measures in the daemon, whatever the number of prefixes (flat.py), and "silent, 5000 prefixes" beside FRR
alone (frr_alone.py).

A p99 is said only of 300 runs or more (--failovers), else p50, p90 and the maximum.
"""
import contextlib
import itertools
import os
import socket
import sys
import threading
import time

import flat
import frr_alone
from lab.bfd import Frr
from lab.daemon import wait_until
from lab.traffic import Pump, listen, numbered
from priority import outside, prefer
from rounds import selected, summary

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
from london import INSTANCES, SERVICE, London, anycast_addresses, arrivals  # noqa: E402  (beside the tests)

PPS = 10_000
HEALTH = {"bfd": {"min_tx_ms": 10, "min_rx_ms": 10}, "hold_down_ms": 0, "hold_down_max_ms": 0}
TCP = {"address": SERVICE[4], "port": 80, "interval_ms": 50, "timeout_ms": 500}


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


class Listener:
    """The service at lon1, which takes connections until it is closed; then the host's kernel resets them."""

    def __init__(self, host):
        self.socket = listen(host, SERVICE[4], TCP["port"], timeout_s=None)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.socket.accept()[0].close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes accept(), which would keep it open
        self.socket.close()


def reset(site):
    site.listener.close()


def serve(site):
    site.listener = Listener(site.instances["lon1"])


"""What fails, and how it is undone. The first may say when the failure began, else that is when it was called; vtysh
takes a tenth of a second to start, so BFD's goodbye begins when it has returned."""
CASES = {
    "no failure": (lambda site: None, lambda site: None),
    "silent": (silent, thaw),
    "silent, control thread stuck": (silent_and_frozen, thaw_all),
    "BFD admin down": (bfd_shutdown("shutdown"), bfd_shutdown("no shutdown")),
    "link down": (link("down"), link("up")),
    "TCP reset": (reset, serve),
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
        self.daemon.start(program=self.program, start_new_session=True)
        prefer(self.daemon.process)
        self.rpc = self.daemon.rpc()
        self.warm_up(*INSTANCES)
        for k, name in enumerate(INSTANCES):
            self.bfd[name] = Frr(self.lab, self.instances[name], [f"10.1{k}.0.1"])
            outside(self.bfd[name].daemon)
            self.rpc.call("instance.set", name=name, next_hop=f"10.1{k}.0.2", health=HEALTH)
        serve(self)
        self.rpc.call("instance.set", name="lon1", next_hop="10.10.0.2", health={**HEALTH, "tcp": TCP, "fall": 1, "rise": 1})
        self.announce(*INSTANCES)
        return self

    def all_up(self):
        return all(each["alive"] and each["state"] == "up" and
                   all(session["state"] == "up" for session in each["health"]["bfd"]) and
                   all(check["passes"] for check in each["health"]["checks"])
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


def causes(options):
    for label, build in options.builds:
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


def samples(options):
    yield from flat.samples(options)
    yield from causes(options)
    if selected([frr_alone.CASE], options):
        yield from frr_alone.samples(options)
