# SPDX-License-Identifier: BSD-3-Clause
"""BFD at 10 ms, three of them, with FRR's bfdd: how soon silence is detected, and whether anybody is ever taken for silent
who is not (bfd_false.py).

    client eth0 -- up [ anyfwd ] d0 -- eth0 n0     neighbour k is the best for 203.0.113.(16 k)/28
                                 ...               spare, which nobody checks, comes after each of them
                                 d9 -- eth0 n9
                                d10 -- eth0 spare

A round stops each neighbour's bfdd (SIGSTOP) once, in random order, for 80 ms. The detection is seen from
outside: from the kernel's time stamp of the last BFD packet that the neighbour sent, to that of the first packet of its
prefix that the spare got, of 2,000 a second for each prefix. Beside it: from the SIGSTOP, and what the daemon's own
record says. "control thread stuck": it sleeps (debug.freeze) while all of the round happens.
"""
import os
import random
import sys
import time

import bfd_false
from lab.bfd import BfdTimes, Frr
from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.traffic import Pump, Sink, ethernet, numbered
from priority import outside, prefer, receive_outside
from rounds import selected, summary

NEIGHBOURS = 10
PPS = 20_000
SILENCE_S = 0.08
STUCK_MS = 2000
LONGEST_S = 4  # that a round takes
BFD = {"min_tx_ms": 10, "min_rx_ms": 10}
CASES = {"silent": False, "silent, control thread stuck": True}
SPARE = "spare"


def add_options(parser):
    parser.add_argument("--detections", type=int, default=300, metavar="N", help="of each case: %(default)s")
    parser.add_argument("--false-seconds", type=int, default=600, metavar="N", help="of the run that must see nobody go: "
                        "%(default)s")


def prefix(k):
    return f"203.0.113.{16 * k}/28"


class Bed:
    def __init__(self, build):
        self.lab, self.bfd = Lab(), {}
        try:
            self._build()
            self._start(build)
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.forwarder, self.client = self.lab.host("fw"), self.lab.host("client")
        self.lab.link(self.forwarder, "up", ["198.51.100.1/24"], self.client, "eth0", ["198.51.100.9/24"])
        self.names = [f"n{k}" for k in range(NEIGHBOURS)]
        self.hosts = {}
        for k, name in enumerate([*self.names, SPARE]):
            host = self.hosts[name] = self.lab.host(name)
            self.lab.link(self.forwarder, f"d{k}", [f"10.1.{k}.1/24"], host, "eth0", [f"10.1.{k}.2/24"])
            receive_outside(host)
            self.forwarder.ip("neigh", "replace", f"10.1.{k}.2", "lladdr", host.mac(), "dev", f"d{k}")
        self.frames = numbered(ethernet(self.client.mac(), self.forwarder.mac("up")),
                               [f"203.0.113.{16 * k + i}" for i in range(1, 15) for k in range(NEIGHBOURS)],
                               PPS * LONGEST_S)

    def _start(self, build):
        self.daemon = Daemon(self.lab, self.forwarder, {
            "site": {"name": "bench", "asn": 65000},
            "dpdk": {"memory_mb": 768, "control_lcore": 0, "worker_lcores": [1]},
            "ports": [{"name": port, "device": f"af_xdp:{port}", "steer": "transit"}
                      for port in ["up", *(f"d{k}" for k in range(NEIGHBOURS + 1))]],
            "anycast": ["203.0.113.0/24"],
            "peers": [{"name": f"to-{name}", "as": 65002, "type": "ebgp"} for name in self.hosts],
            "instances": [{"name": name, "next_hop": f"10.1.{k}.2",
                           **({"health": {"bfd": BFD, "hold_down_ms": 0, "hold_down_max_ms": 0}} if name != SPARE else {})}
                          for k, name in enumerate(self.hosts)]})
        for k, name in enumerate(self.names):
            self.bfd[name] = Frr(self.lab, self.hosts[name], [f"10.1.{k}.1"])
            outside(self.bfd[name].daemon)
        self.daemon.start(program=os.path.join(build, "anyfwd"), start_new_session=True)
        prefer(self.daemon.process)
        self.rpc = self.daemon.rpc()
        self.rpc.call("route.update", add=[
            {"prefix": prefix(k), "peer": f"to-{name}", "instance": name, "as_path": [65002] * length}
            for k in range(NEIGHBOURS) for name, length in ((f"n{k}", 1), (SPARE, 2))])

    def all_up(self):
        return all(each["state"] == "up" and each["alive"] and
                   all(session["state"] == session["remote_state"] == "up" for session in each["health"]["bfd"])
                   for each in self.rpc.call("instance.list")["instances"])

    def silence_each(self):
        """{neighbour: when its bfdd was stopped}."""
        silent = {}
        for name in random.sample(self.names, len(self.names)):
            time.sleep(random.uniform(0, 0.01))  # anywhere between two packets
            silent[name] = time.time()
            self.bfd[name].freeze()
            time.sleep(SILENCE_S)
            self.bfd[name].thaw()
        return silent

    def stuck(self):
        """silence_each(), while the control thread sleeps."""
        control = self.daemon.rpc()
        began = time.monotonic()
        control.send(control.request("debug.freeze", {"ms": STUCK_MS}))
        time.sleep(0.05)
        silent = self.silence_each()
        took = time.monotonic() - began
        control.receive()
        control.close()
        if took > STUCK_MS / 1e3:
            raise RuntimeError(f"the control thread woke after {STUCK_MS} ms, and the round took {took:.1f} s")
        return silent

    def records(self, since):
        """{instance: microseconds from the last packet heard to the detection}, of the failovers since then."""
        return {each["instance"]: each["detection_us"] for each in self.rpc.call("failover.list")["failovers"]
                if each["cause"] == "bfd" and each["at"] > since}

    def round(self, stuck):
        """(milliseconds from the last packet, from SIGSTOP, by the daemon's record) of each neighbour."""
        if not wait_until(self.all_up, 60, 0.1):
            raise RuntimeError("the BFD sessions do not stay up on this machine")
        taps = {name: BfdTimes(self.hosts[name]) for name in self.names}
        sink = Sink(self.hosts[SPARE])
        pump = Pump(self.client, self.frames, PPS)
        outside(pump.process)
        time.sleep(0.3)
        began = time.time()
        silent = self.stuck() if stuck else self.silence_each()
        pump.stop()
        at_spare = {name: [] for name in self.names}
        for when, frame in sink.stop():
            if frame[30:33] == b"\xcb\x00\x71":
                at_spare[f"n{frame[33] // 16}"].append(when)
        records = self.records(began)
        for name, when in silent.items():
            yield self.judge(name, when, at_spare[name], taps[name].look().sent, records)
            taps[name].stop(0)

    @staticmethod
    def judge(name, silent, at_spare, sent, records):
        if any(silent - 0.2 < when < silent for when in at_spare):
            print(f"{name} was down before it went silent", file=sys.stderr)
            return None
        detected = min((when for when in at_spare if when > silent), default=None)
        if detected is None or name not in records:
            raise RuntimeError(f"nobody noticed that {name} was silent for {SILENCE_S} s")
        last = max(when for when in sent if when < detected)
        return (detected - last) * 1e3, (detected - silent) * 1e3, records[name] / 1e3

    def close(self):
        try:
            for daemon in self.bfd.values():
                daemon.kill()
            if hasattr(self, "daemon"):
                self.daemon.stop()
        finally:
            self.lab.close()


WAYS = ["from the last BFD packet", "from SIGSTOP", "by the daemon's record"]


def detections(options, label, build):
    cases = selected(CASES, options)
    if not cases:
        return
    found, bed = {case: [] for case in cases}, Bed(build)
    try:
        while min(map(len, found.values())) < options.detections:
            for case in cases:
                found[case] += filter(None, bed.round(CASES[case]))
        stalls = [(worker["stalls"], worker["stall_longest_us"]) for worker in bed.rpc.call("stats.get")["workers"]]
        print(f"stalls of the worker, and the longest in us: {stalls}", file=sys.stderr)
    finally:
        bed.close()
    for case, values in found.items():
        for way, times in zip(WAYS, zip(*values)):
            summary(f"{case}: {way}, ms", times)
            for value in times:
                yield {"case": f"{case}: {way}", "impl": label, "unit": "ms", "value": value}


def samples(options):
    for label, build in options.builds:
        yield from detections(options, label, build)
        if selected([bfd_false.CASE], options):
            yield from bfd_false.samples(options, label, build)
