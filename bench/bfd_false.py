# SPDX-License-Identifier: BSD-3-Clause
"""False downs: the worker forwards at 80 % of its capacity on NIC-like ports (nic.py) and runs BFD sessions at 10 ms, three
of them, with bfdd on links of their own, while the API loads 100,000 routes and takes them away again, twice a second.

A down is the neighbour's own if the kernel's time stamps of what it sent have a gap of over 25 ms before. A neighbour says
that it is down when it did not hear us; if our packets reached its kernel with such a gap it was right, for something had
kept the worker from its CPU. Every other down is false, and there must be none.
"""
import itertools
import os
import threading
import time

from churn import SHARE, loss_free
from lab.bfd import BfdTimes, Frr
from lab.daemon import wait_until
from nic import PLACES, Nic
from priority import CONTROL_CPU, outside, receive_outside

CASE = "no false down"
NEIGHBOURS = 4
BFD = {"min_tx_ms": 10, "min_rx_ms": 10}
ROUTES, LINE = 100_000, 1000
LOAD_EVERY_S = 0.5
GAP_S = 0.025
WINDOW_S = 0.1  # before a down
SIGNALED = "neighbour signaled session down"


class Watched(Nic):
    """The NIC-like forwarder with BFD neighbours."""

    def __init__(self, build):
        self.neighbours, self.bfd = {}, {}
        super().__init__(build)

    def config(self):
        config = super().config()
        config["peers"].append({"name": "bulk", "as": 65003, "type": "ebgp"})
        for k in range(NEIGHBOURS):
            host = self.neighbours[f"n{k}"] = self.lab.host(f"n{k}")
            self.lab.link(self.host, f"d{k}", [f"10.1.{k}.1/24"], host, "eth0", [f"10.1.{k}.2/24"])
            receive_outside(host)
            config["ports"].append({"name": f"d{k}", "device": f"af_xdp:d{k}"})
            config["instances"].append({"name": f"n{k}", "next_hop": f"10.1.{k}.2",
                                        "health": {"bfd": BFD, "hold_down_ms": 0, "hold_down_max_ms": 0}})
        return config

    def start_bfd(self):
        for k, (name, host) in enumerate(self.neighbours.items()):
            self.bfd[name] = Frr(self.lab, host, [f"10.1.{k}.1"])
            outside(self.bfd[name].daemon)
        if not wait_until(lambda: all(each["state"] == "up" for each in self.sessions()), 30, 0.1):
            raise RuntimeError(f"the BFD sessions do not come up: {self.sessions()}")

    def sessions(self):
        """Of n0 and on."""
        instances = {each["name"]: each for each in self.rpc.call("instance.list")["instances"]}
        return [instances[name]["health"]["bfd"][0] for name in self.neighbours]

    def failures(self):
        return sum(session["failures"] for session in self.sessions())

    def close(self):
        for daemon in self.bfd.values():
            daemon.kill()
        super().close()


class Loader(threading.Thread):
    """Loads the routes and takes them away, twice a second, on the control thread's CPU."""

    def __init__(self, nic):
        super().__init__()
        self.rpc, self.ending, self.loads, self.error = nic.daemon.rpc(), False, 0, None
        self.rpc.socket.settimeout(120)
        self.lines = [self.rpc.request("route.update", {"add": [
            {"prefix": f"{40 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.0/24", "peer": "bulk", "instance": f"i{i % PLACES}",
             "as_path": [65003]} for i in range(start, start + LINE)]}) for start in range(0, ROUTES, LINE)]
        self.lines.append(self.rpc.request("route.flush", {"peer": "bulk"}))

    def run(self):
        os.sched_setaffinity(0, {CONTROL_CPU})
        try:
            while not self.ending:
                due = time.monotonic() + LOAD_EVERY_S
                for line in self.lines:
                    self.rpc.send(line)
                    answer = self.rpc.receive()
                    if answer is None or "error" in answer or answer["result"].get("errors"):
                        raise RuntimeError(f"the load is refused: {answer}")
                self.loads += 1
                time.sleep(max(0.0, due - time.monotonic()))
        except Exception as error:
            self.error = error

    def end(self):
        self.ending = True
        self.join()
        self.rpc.close()
        if self.error:
            raise self.error


def longest_gap(times, end):
    """Between two of the times, or the last one and the end, within WINDOW_S before that."""
    within = [when for when in times if end - WINDOW_S < when < end]
    return max((b - a for a, b in itertools.pairwise([*within, end])), default=WINDOW_S)


SILENT, UNHEARD, FALSE = "the neighbour was silent", "the neighbour did not hear us", "false"


def blame(detail, sent_gap, received_gap):
    if sent_gap > GAP_S:
        return SILENT
    return UNHEARD if detail == SIGNALED and received_gap > GAP_S else FALSE


class Watch:
    """Every BFD failover from now on, with the times of its neighbour's packets."""

    def __init__(self, nic):
        self.nic, self.downs, self.failures = nic, [], nic.failures()
        self.taps = {name: BfdTimes(host) for name, host in nic.neighbours.items()}
        self.seen = nic.rpc.call("failover.list", limit=1)["count"]

    def look(self):
        listed = self.nic.rpc.call("failover.list")
        for tap in self.taps.values():
            tap.look()
        for record in reversed(listed["failovers"]):
            if record["sequence"] > self.seen and record["cause"] == "bfd":
                tap = self.taps[record["instance"]]
                gaps = [longest_gap(times, record["at"]) for times in (tap.sent, tap.received)]
                self.downs.append(blame(record["detail"], *gaps))
                print(f"{record['at']:.3f}: {record['instance']}: {record['detail']}; longest gap of what it sent "
                      f"{gaps[0] * 1e3:.1f} ms, of what it was sent {gaps[1] * 1e3:.1f} ms: {self.downs[-1]}")
                if self.downs[-1] == FALSE:
                    print(f"  it sent (true) or was sent (time, state, diagnostic): {tap.said[-8:]}")
        self.seen = listed["count"]

    def end(self):
        """Whose fault each down was."""
        self.look()
        for name, tap in self.taps.items():
            print(f"{name}: {len(tap.sent)} packets, longest gap "
                  f"{max(b - a for a, b in itertools.pairwise(tap.sent)) * 1e3:.1f} ms; it was sent {len(tap.received)}, "
                  f"longest gap {max(b - a for a, b in itertools.pairwise(tap.received)) * 1e3:.1f} ms")
            tap.stop(0)
        failures = self.nic.failures() - self.failures
        if failures != len(self.downs):
            raise RuntimeError(f"{failures} sessions went down, and {len(self.downs)} failovers are recorded")
        return self.downs


def samples(options, label, build):
    with Watched(build) as nic:
        nic.verify()
        rate = loss_free(nic, options.churn_loss)
        nic.arrive(int(rate * SHARE))
        nic.start_bfd()
        time.sleep(1)
        watch, loader, before = Watch(nic), Loader(nic), nic.counts()
        loader.start()
        begin = time.monotonic()
        try:
            while time.monotonic() < begin + options.false_seconds and loader.is_alive():
                time.sleep(0.5)
                watch.look()
        finally:
            seconds = time.monotonic() - begin
            loader.end()
        downs = watch.end()
        grown = {word: after - before[word] for word, after in nic.counts().items()}
        for unit, value in (("Mpps, capacity", rate / 1e6), ("Mpps", grown["received"] / seconds / 1e6),
                            ("ppm missed", grown["missed"] * 1e6 / (grown["received"] + grown["missed"])),
                            ("seconds", seconds), ("loads of 100,000 routes", loader.loads), ("downs", len(downs)),
                            *((f"downs: {why}", downs.count(why)) for why in (SILENT, UNHEARD, FALSE)),
                            ("ms, longest stall", max(worker["stall_longest_us"] for worker in
                                                      nic.rpc.call("stats.get")["workers"]) / 1e3)):
            yield {"case": CASE, "impl": label, "unit": unit, "value": value}
