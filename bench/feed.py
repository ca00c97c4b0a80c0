# SPDX-License-Identifier: BSD-3-Clause
"""A full table, from its source to the last prefix forwarding; and how soon one update is in the forwarding table.

anyfwd takes 1,000,000 IPv4 routes as JSON over its socket, beside a worker that forwards all the while; BIRD takes the
same table from a file into the kernel, FRR as many routes by its sharpd into zebra and the kernel. The table is
../shared/data where that is there, else a generated one of the same size. Each starts anew each round, in a network
namespace of its own.
"""
import json
import lzma
import os
import shutil
import subprocess
import sys
import threading
import time

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.rpc import Rpc
from rounds import selected

ROUTES = 1_000_000
LINE = 16_000  # routes of an update: some 1.5 MB
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "shared", "data", "table-v4.txt.xz")
NEXT_HOPS = 254
UPDATES_A_SECOND, UPDATE_SECONDS = 10_000, 5
FRR = "/usr/lib/frr"


def add_options(parser):
    parser.add_argument("--routes", type=int, default=ROUTES, metavar="N", help="of the table: %(default)s")


def table(count):
    """[(prefix, number of its next hop)]"""
    if not os.path.exists(TABLE):
        return [(f"{20 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.0/24", i * 2654435761 % 65536 % NEXT_HOPS)
                for i in range(count)]
    with lzma.open(TABLE, "rt") as file:
        return [(prefix, int(value) % NEXT_HOPS) for prefix, value in (line.split() for line, _ in zip(file, range(count)))]


def address_in(prefix):
    return prefix.split("/")[0]


def lines_of(routes):
    for start in range(0, len(routes), LINE):
        adds = [{"prefix": prefix, "peer": "rs1", "next_hop": f"10.0.2.{hop + 1}", "as_path": [65001, 64512 + hop]}
                for prefix, hop in routes[start:start + LINE]]
        yield json.dumps({"jsonrpc": "2.0", "id": start, "method": "route.update", "params": {"add": adds}},
                         separators=(",", ":")).encode() + b"\n"


def forwarder(lab, options, build):
    """A daemon whose worker forwards what a pcap device repeats for ever."""
    from scapy.all import IP, UDP, Ether, wrpcap
    capture = os.path.join(lab.dir, "in.pcap")
    wrpcap(capture, [Ether(src="02:00:00:00:00:09", dst="02:70:63:61:70:00") / IP(src="198.51.100.9", dst="192.0.2.1") /
                     UDP(sport=1024 + i) for i in range(256)])
    host = lab.host("fw")
    daemon = Daemon(lab, host, {
        "site": {"name": "bench", "asn": 65000},
        "dpdk": {"memory_mb": 512, "control_lcore": 0, "worker_lcores": [1]},
        "ports": [{"name": "in", "device": f"vdev:net_pcap0,rx_pcap={capture},infinite_rx=1"},
                  {"name": "out", "device": "null"}],
        "anycast": ["192.0.2.0/24"], "instances": [{"name": "i0", "next_hop": "10.0.2.1"}],
        "peers": [{"name": "rs1", "as": 65001, "type": "ebgp"}],
        "routes": [{"prefix": "192.0.2.0/24", "peer": "rs1", "instance": "i0", "as_path": [65001]}]})
    daemon.start(program=os.path.join(build, "anyfwd"))
    host.ip("addr", "add", "10.0.2.0/16", "dev", "out")
    host.ip("neigh", "replace", "10.0.2.1", "lladdr", "02:00:00:00:00:11", "dev", "out")
    time.sleep(0.5)
    return daemon


def load(daemon, lines, last):
    """Seconds from the first byte to the last prefix in the forwarding table."""
    client = Rpc(daemon.socket, timeout=120)
    start = time.monotonic()
    sender = threading.Thread(target=lambda: [client.send(line) for line in lines])
    sender.start()
    for _ in lines:
        answer = client.receive()
        if "error" in answer or answer["result"]["errors"]:
            raise RuntimeError(f"an update is refused: {answer}")
    found = client.call("fib.lookup", address=address_in(last))
    seconds = time.monotonic() - start
    sender.join()
    client.close()
    if found["prefix"] != last:
        raise RuntimeError(f"{last} is not in the table: {found}")
    return seconds


def measure_load(options, build, routes, lines):
    with Lab() as lab:
        daemon = forwarder(lab, options, build)
        try:
            seconds = load(daemon, lines, routes[-1][0])
            rpc = daemon.rpc()
            rate = rpc.call("stats.get")["workers"][0]
            if not rate["rx"]:
                raise RuntimeError("the worker forwarded nothing")
            rpc.close()
            return seconds
        finally:
            daemon.stop()


def measure_latency(options, build):
    """Seconds from a request's last byte to its answer, by when the change forwards: [p50, p99, max]."""
    with Lab() as lab:
        daemon = forwarder(lab, options, build)
        try:
            rpc = daemon.rpc()
            times, start = [], time.monotonic()
            for i in range(UPDATES_A_SECOND * UPDATE_SECONDS // 10):
                adds = [{"prefix": f"20.{j % 64}.{i % 256}.0/24", "peer": "rs1",
                         "next_hop": f"10.0.2.{(i + j) % NEXT_HOPS + 1}", "as_path": [65001]} for j in range(10)]
                request = rpc.request("route.update", {"add": adds})
                before = time.monotonic()
                rpc.send(request)
                if "error" in rpc.receive():
                    raise RuntimeError("an update is refused")
                times.append(time.monotonic() - before)
                time.sleep(max(0.0, start + (i + 1) * 10 / UPDATES_A_SECOND - time.monotonic()))
            if time.monotonic() - start > UPDATE_SECONDS * 1.2:
                print("feed: the rate was not reached", file=sys.stderr)
            times.sort()
            return times[len(times) // 2], times[len(times) * 99 // 100], times[-1]
        finally:
            daemon.stop()


def kernel_prefixes(host):
    """How many prefixes the namespace's IPv4 tables have."""
    lines = host.read("/proc/net/fib_triestat").splitlines()
    return sum(int(line.split(":")[1]) for line in lines if line.strip().startswith("Prefixes"))


def router(lab):
    """A namespace with the next hops on a dummy device."""
    host = lab.host("router")
    host.ip("link", "add", "out", "type", "dummy")
    host.ip("link", "set", "out", "up")
    host.ip("addr", "add", "10.0.0.1/16", "dev", "out")
    return host


def until_loaded(host, count, process):
    start = time.monotonic()
    if not wait_until(lambda: kernel_prefixes(host) >= count or process.poll() is not None, 300, 0.02) \
            or process.poll() is not None:
        raise RuntimeError(f"the kernel has {kernel_prefixes(host)} of {count} routes")
    return time.monotonic() - start


def measure_bird(options, routes):
    """From the start, which reads the table from its configuration, to the last route in the kernel."""
    with Lab() as lab:
        host = router(lab)
        path = os.path.join(lab.dir, "bird.conf")
        with open(path, "w") as file:
            file.write("router id 10.0.0.1;\nprotocol device { }\nprotocol direct { ipv4; }\n"
                       "protocol kernel { ipv4 { import none; export where source = RTS_STATIC; }; }\n"
                       "protocol static {\n ipv4;\n")
            file.writelines(f" route {prefix} via 10.0.2.{hop + 1};\n" for prefix, hop in routes)
            file.write("}\n")
        process = host.spawn("bird", "-f", "-c", path, "-s", os.path.join(lab.dir, "bird.ctl"),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return until_loaded(host, len(routes), process)
        finally:
            process.kill()
            process.wait()


def measure_frr(options, routes):
    """From the order to install to the last route in the kernel: /32s, as its sharpd makes them."""
    with Lab() as lab:
        host = router(lab)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        common = ["-u", "root", "-g", "root", "-f", "/dev/null", "-z", os.path.join(lab.dir, "zserv"),
                  "--vty_socket", lab.dir]
        daemons = []
        try:
            for name in ("zebra", "sharpd"):
                daemons.append(host.spawn(f"{FRR}/{name}", *common, "-i", os.path.join(lab.dir, f"{name}.pid"), **quiet))
                if not wait_until(lambda: os.path.exists(os.path.join(lab.dir, f"{name}.vty")), 10):
                    raise RuntimeError(f"FRR's {name} does not start")
            time.sleep(1)
            host.sh("vtysh", "--vty_socket", lab.dir, "-d", "sharpd", "-c",
                    f"sharp install routes 20.0.0.0 nexthop 10.0.2.1 {len(routes)}")
            return until_loaded(host, len(routes), daemons[0])
        finally:
            for daemon in daemons:
                daemon.kill()
                daemon.wait()


def attempt(name, measure, *args):
    try:
        return measure(*args)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"feed: {name}: {error}", file=sys.stderr)
        return None


CASES = ["load", "update to FIB"]


def samples(options):
    cases = selected(CASES, options)
    routes = table(options.routes)
    lines = list(lines_of(routes))
    load_case = f"load of {len(routes)} IPv4 routes"
    for _ in range(options.rounds):
        if "load" in cases:
            for label, build in options.builds:
                yield {"case": load_case, "impl": label, "unit": "s",
                       "value": attempt(label, measure_load, options, build, routes, lines)}
            for label, program, measure in [("BIRD, into the kernel", "bird", measure_bird),
                                            ("FRR sharpd, into the kernel", f"{FRR}/sharpd", measure_frr)]:
                if shutil.which(program):
                    yield {"case": load_case, "impl": label, "unit": "s",
                           "value": attempt(label, measure, options, routes)}
        if "update to FIB" in cases:
            for label, build in options.builds:
                times = attempt(label, measure_latency, options, build) or (None,) * 3
                for name, value in zip(("p50", "p99", "max"), times):
                    yield {"case": f"update to FIB at 10,000 routes/s, {name}", "impl": label, "unit": "ms",
                           "value": value and value * 1e3}
