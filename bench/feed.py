# SPDX-License-Identifier: BSD-3-Clause
"""A full table, from its source to the last prefix forwarding; and how soon one update is in the forwarding table.

anyfwd's control thread, on a CPU of its own that it shares with whoever sends, takes the IPv4 routes as JSON over its
socket, from an MRT file, and by BMP, beside a worker that forwards all the while. BIRD and FRR take the same table by
BGP, into the kernel. "memory": what the daemon has of the machine with two candidates for each of the IPv4 prefixes and
of a quarter as many IPv6 ones. "others": how long another client of the socket waits for an answer while a session of the
whole table is withdrawn, flushed, closed, lost or swept. Each starts anew each round, in a network namespace of its own;
the tables are tables.py's.
"""
import contextlib
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import kernel_tables
import tables
from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.rpc import Rpc, RpcError
from priority import prefer
from rounds import selected

ROUTES = 1_000_000
UPDATES_A_SECOND, BATCH = 10_000, 10
CONTROL_CPU = 0


def add_options(parser):
    parser.add_argument("--routes", type=int, default=ROUTES, metavar="N", help="of the IPv4 table: %(default)s")
    parser.add_argument("--update-seconds", type=int, default=10, metavar="N", help="of updates, for their latency: "
                        "%(default)s")


class Forwarder:
    """A daemon whose worker forwards what a pcap device repeats for ever."""

    def __init__(self, build):
        self.lab = Lab()
        try:
            self._start(build)
        except BaseException:
            self.lab.close()
            raise

    def _start(self, build):
        from scapy.all import IP, UDP, Ether, wrpcap
        capture = os.path.join(self.lab.dir, "in.pcap")
        wrpcap(capture, [Ether(src="02:00:00:00:00:09", dst="02:70:63:61:70:00") /
                         IP(src="198.51.100.9", dst="192.0.2.1") / UDP(sport=1024 + i) for i in range(256)])
        self.host = self.lab.host("fw")
        self.daemon = Daemon(self.lab, self.host, {
            "site": {"name": "bench", "asn": 65000},
            "dpdk": {"memory_mb": 512, "control_lcore": 0, "worker_lcores": [1]},
            "ports": [{"name": "in", "device": f"vdev:net_pcap0,rx_pcap={capture},infinite_rx=1"},
                      {"name": "out", "device": "null"}],
            "api": {"socket": os.path.join(self.lab.dir, "fw.sock"),
                    "clients": [{"name": "bench", "max_withdraw_percent": 100}]},
            "anycast": ["192.0.2.0/24"], "instances": [{"name": "i0", "next_hop": "10.0.2.1"}],
            "peers": [{"name": "rs1", "as": 65001, "type": "ebgp"}], "feeds": [{"name": "bmp", "type": "bmp"}],
            "routes": [{"prefix": "192.0.2.0/24", "peer": "rs1", "instance": "i0", "as_path": [65001]}]}, "fw")
        self.daemon.start(program=os.path.join(build, "anyfwd"), start_new_session=True)
        prefer(self.daemon.process)
        self.host.ip("addr", "add", "10.0.0.1/16", "dev", "out")
        self.host.ip("addr", "add", "fd00:2::ffff/64", "dev", "out", "nodad")
        self.host.ip("neigh", "replace", "10.0.2.1", "lladdr", "02:00:00:00:00:11", "dev", "out")
        self.rpc = Rpc(self.daemon.socket, timeout=120)
        time.sleep(0.5)

    def has(self, prefix):
        try:
            return self.rpc.call("fib.lookup", address=prefix.split("/")[0])["prefix"] == prefix
        except RpcError:  # no route at all
            return False

    def wait_for(self, start, routes):
        """Seconds from `start` until all routes forward; the last one is told last."""
        if not wait_until(lambda: self.has(routes[-1][0]), 60, 0.005):
            raise RuntimeError("the last route does not come")
        seconds = time.monotonic() - start
        if not self.has(routes[0][0]) or not self.has(routes[len(routes) // 2][0]):
            raise RuntimeError("a route is missing")
        return seconds

    def check(self, routes):
        if not wait_until(lambda: self.rpc.call("status")["routes"]["v4"] == len(routes) + 1, 5):
            raise RuntimeError(f"{self.rpc.call('status')['routes']} are there, and {len(routes)} were told")
        if not self.rpc.call("stats.get")["workers"][0]["tx"]:
            raise RuntimeError("the worker forwarded nothing")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.daemon.stop()
        finally:
            self.lab.close()


@contextlib.contextmanager
def beside_control():
    """On the control thread's CPU, so that the worker keeps its own."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CONTROL_CPU})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def by_socket(forwarder, source):
    client = Rpc(forwarder.daemon.socket, timeout=120)
    sender = threading.Thread(target=lambda: [client.send(line) for line in source])
    sender.start()
    for _ in source:
        answer = client.receive()
        if "error" in answer or answer["result"]["errors"]:
            raise RuntimeError(f"an update is refused: {answer}")
    sender.join()
    client.close()


def by_mrt(forwarder, source):
    with open(source, "rb") as file:
        socket.send_fds(forwarder.rpc.socket, [forwarder.rpc.request("feed.load", {"name": "mrt"})], [file.fileno()])
        answer = forwarder.rpc.receive()
    if "error" in answer:
        raise RuntimeError(f"the file is refused: {answer}")


def by_bmp(forwarder, source):
    """The router stays, so that its routes are not stale."""
    forwarder.host.spawn("bash", "-c", 'exec 3<>/dev/tcp/127.0.0.1/11019; cat "$1" >&3; exec sleep 60', "bmp", source)


TELL = {"socket": by_socket, "MRT": by_mrt, "BMP": by_bmp}


def measure_load(build, routes, tell, source):
    """Seconds from the first byte to the last prefix in the forwarding table."""
    with Forwarder(build) as forwarder, beside_control():
        start = time.monotonic()
        tell(forwarder, source)
        seconds = forwarder.wait_for(start, routes)
        forwarder.check(routes)
        return seconds


def measure_memory(build, routes, path):
    """Bytes: resident in all, and of the control thread's heap."""
    with Forwarder(build) as forwarder:
        before = forwarder.rpc.call("stats.get")["memory"]["resident"]
        by_mrt(forwarder, path)
        forwarder.wait_for(time.monotonic(), routes)
        if not wait_until(lambda: forwarder.rpc.call("status")["candidates"] == 2 * len(routes) + 1, 60, 0.1):
            raise RuntimeError(f"{forwarder.rpc.call('status')}: not all candidates are there")
        memory = forwarder.rpc.call("stats.get")["memory"]
        return memory["resident"], memory["resident"] - before, memory["heap"]


def measure_latency(build, seconds):
    """Seconds from a request's first byte to its answer, by when the change forwards: [p50, p99, max]."""
    with Forwarder(build) as forwarder:
        rpc, times, start = forwarder.rpc, [], time.monotonic()
        for i in range(UPDATES_A_SECOND * seconds // BATCH):
            adds = [{"prefix": f"20.{j % 64}.{i % 256}.0/24", "peer": "rs1", "next_hop": tables.hop(i + j),
                     "as_path": [65001]} for j in range(BATCH)]
            request = rpc.request("route.update", {"add": adds})
            before = time.monotonic()
            rpc.send(request)
            if "error" in rpc.receive():
                raise RuntimeError("an update is refused")
            times.append(time.monotonic() - before)
            time.sleep(max(0.0, start + (i + 1) * BATCH / UPDATES_A_SECOND - time.monotonic()))
        if time.monotonic() - start > seconds * 1.2:
            print("feed: the rate was not reached", file=sys.stderr)
        times.sort()
        return times[len(times) // 2], times[len(times) * 99 // 100], times[-1]


class Other:
    """A client in a process of its own that asks for the instances a hundred times a second."""

    def __init__(self, path):
        self.ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=self._ask, args=(path, theirs), daemon=True)
        self.process.start()
        self.ours.recv()  # it has begun

    @staticmethod
    def _ask(path, pipe):
        rpc, times = Rpc(path, timeout=60), []
        rpc.call("instance.list")
        pipe.send(None)
        due = time.monotonic()
        while not pipe.poll():
            try:
                rpc.call("instance.list")
            except OSError:  # the daemon has gone: somebody else says why
                return
            times.append(time.monotonic() - due)  # since it was to be asked, also where it could not be
            due += 0.01
            time.sleep(max(0.0, due - time.monotonic()))
        pipe.send(times)

    def stop(self):
        """Seconds that each answer took, ascending."""
        self.ours.send(None)
        times = self.ours.recv()
        self.process.join()
        return sorted(times)


def open_session(path, on_disconnect):
    client = Rpc(path, timeout=120)
    client.call("session.open", api=1, client="bench", on_disconnect=on_disconnect)
    return client


def withdraw_all(forwarder, client, _):
    for start in range(0, len(forwarder.told), tables.LINE):
        client.call("route.update", **{"del": [{"prefix": prefix} for prefix, _ in
                                               forwarder.told[start:start + tables.LINE]]})


def flush_all(_, client, __):
    client.call("route.flush", all=True)


def close_session(_, client, __):
    client.call("session.close", withdraw=True)


def lose_session(_, client, __):
    client.socket.shutdown(socket.SHUT_RDWR)  # the other's process has it as well


def sweep_all(forwarder, client, path):
    client.socket.shutdown(socket.SHUT_RDWR)
    again = open_session(path, "stale")
    time.sleep(1)  # in which others would tell their routes again
    again.call("session.eor")
    forwarder.kept = again


ENDS = {"withdrawn": (withdraw_all, "stale"), "flushed": (flush_all, "stale"), "closed": (close_session, "stale"),
        "lost": (lose_session, "withdraw"), "swept": (sweep_all, "stale")}


def measure_others(build, routes, source, end):
    """How long another client waits while a session loses all routes: seconds, (p99, max, until all are gone)."""
    act, on_disconnect = ENDS[end]
    with Forwarder(build) as forwarder:
        path = forwarder.daemon.socket
        client = open_session(path, on_disconnect)
        for line in source:
            client.send(line)
            if "error" in client.receive():
                raise RuntimeError("an update is refused")
        forwarder.wait_for(time.monotonic(), routes)
        forwarder.told = routes
        other, start = Other(path), time.monotonic()
        time.sleep(0.2)
        act(forwarder, client, path)
        if not wait_until(lambda: not forwarder.has(routes[-1][0]) and
                          forwarder.rpc.call("status")["routes"]["v4"] == 1, 60, 0.1):
            raise RuntimeError(f"{forwarder.rpc.call('status')}: not all routes are gone")
        seconds = time.monotonic() - start
        times = other.stop()
        return times[len(times) * 99 // 100], times[-1], seconds


def attempt(name, measure, *args):
    try:
        return measure(*args)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"feed: {name}: {error}", file=sys.stderr)
        return None


CASES = ["load", "memory", "update to FIB"] + [f"others, {end}" for end in ENDS]
PEERS = [("BIRD, BGP into the kernel", "bird", kernel_tables.bird),
         ("FRR, BGP into the kernel", f"{kernel_tables.FRR}/bgpd", kernel_tables.frr)]


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def loads(options, routes, sources):
    """A round of it: (implementation, seconds)."""
    for label, build in options.builds:
        for way, tell in TELL.items():
            if re.search(options.impls, f"{label}, {way}"):
                yield f"{label}, {way}", attempt(label, measure_load, build, routes, tell, sources[way])
    for label, program, measure in PEERS:
        if shutil.which(program) and re.search(options.impls, label):
            yield label, attempt(label, measure, routes)


def samples(options):
    cases = selected(CASES, options)
    routes = tables.table(4, options.routes)
    both = routes + tables.table(6, options.routes // 4)
    with tempfile.TemporaryDirectory() as folder:
        ends = [end for end in ENDS if f"others, {end}" in cases]
        lines = tables.lines(routes) if "load" in cases or ends else []
        sources = {"socket": lines, "MRT": write(folder, "mrt", tables.mrt_table(routes)),
                   "BMP": write(folder, "bmp", tables.bmp_table(routes))} if "load" in cases else {}
        backups = write(folder, "backups", tables.mrt_table(both, True)) if "memory" in cases else ""
        for _ in range(options.rounds):
            if "load" in cases:
                for label, seconds in loads(options, routes, sources):
                    yield {"case": f"load of {len(routes)} IPv4 routes", "impl": label, "unit": "s", "value": seconds}
            for label, build in options.builds if "memory" in cases else []:
                sizes = attempt(label, measure_memory, build, both, backups) or (None,) * 3
                for name, value in zip(("resident", "resident, without what it has empty", "heap"), sizes):
                    yield {"case": f"memory with 2 candidates for {len(both)} prefixes: {name}", "impl": label,
                           "unit": "MiB", "value": value and value / 2 ** 20}
            for end in ends:
                for label, build in options.builds:
                    times = attempt(label, measure_others, build, routes, lines, end) or (None,) * 3
                    for name, value in zip(("p99", "max", "until it is gone"), times):
                        yield {"case": f"others, while {len(routes)} routes are {end}: {name}", "impl": label,
                               "unit": "ms", "value": value and value * 1e3}
            for label, build in options.builds if "update to FIB" in cases else []:
                times = attempt(label, measure_latency, build, options.update_seconds) or (None,) * 3
                for name, value in zip(("p50", "p99", "max"), times):
                    yield {"case": f"update to FIB at {UPDATES_A_SECOND} routes/s: {name}", "impl": label, "unit": "ms",
                           "value": value and value * 1e3}
