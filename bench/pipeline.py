# SPDX-License-Identifier: BSD-3-Clause
"""What the whole path of a packet costs one core, from receive to transmit: TSC cycles a packet, of 64-byte packets in
bursts of 32 unless a case says otherwise.

In process (bench/pipeline/): the daemon's own worker on a NIC-like device made of DPDK's public interface, in turns with
a loop that only receives and sends ("io"), and with the same worker that looks up in rte_lpm or rte_fib.

With --plugin LIB the daemon itself, dpdk-testpmd and the l3fwd of --l3fwd PATH, one after the other on that driver,
which is given as LIB and makes net_synth devices; they print what a packet costs them.
"""
import array
import functools
import ipaddress
import os
import random
import re
import shutil
import statistics
import time

import tables
from lab.daemon import Daemon, wait_until
from lab.net import Lab
from rounds import program, selected

UNIT = "cycles/packet"
MEMORY_MB = 512
SECONDS = 2
LOAD_SECONDS = 60  # that a program may take to load a full table
DESTINATIONS = 1 << 20
WHOLE = 1_006_000
TABLE_HOPS = 16
"""What the device prints, for 2^23 packets each time."""
REPORT = re.compile(r"synth0 rx .* ([\d.]+) tsc/pkt")


class Case:
    """Prefixes, each with the number of its egress port, and what the device is to receive; so many routes of a full table
    beside them, by TABLE_HOPS next hops of the first port. spread: it receives for addresses in those, each alike."""

    def __init__(self, device, prefixes, instances=1, egresses=1, routes=0, spread=False):
        self.device, self.prefixes, self.instances, self.egresses = device, prefixes, instances, egresses
        self.routes, self.spread = routes, spread

    @functools.cached_property
    def table(self):
        whole = tables.table(4, WHOLE) if self.routes else []
        return [prefix for prefix, _ in random.Random(1).sample(whole, self.routes)]

    def next_hops(self):
        """(name, port, last octet) of each."""
        own = [(f"i{i}", i % self.egresses, 11 + i) for i in range(self.instances)]
        return own + [(f"r{i}", 0, 100 + i) for i in range(TABLE_HOPS if self.routes else 0)]


def parts(count, pattern):
    return [pattern(i) for i in range(count)]


def spread(case, path):
    """Writes addresses in routes of the table."""
    networks = [ipaddress.ip_network(prefix) for prefix in case.table]
    chosen = random.Random(1).choices(networks, k=DESTINATIONS)
    with open(path, "wb") as file:
        array.array("I", (int(net.network_address) | random.getrandbits(32) & int(net.hostmask)
                          for net in chosen)).tofile(file)


RANDOM = ",rand=1,base=128.0.0.0,bits=30"
PARTS = parts(16, lambda i: f"{128 + 4 * i}.0.0.0/6")
CASES = {
    "v4 hot, one next hop": Case("", ["198.18.0.0/20"]),
    "v4 hot, 2 egress ports, 4 instances": Case("", ["198.18.0.0/21", "198.18.8.0/21"], 4, 2),
    "v4 random, few routes": Case(RANDOM, PARTS),
    "v4 random, 200,000 routes": Case(RANDOM, PARTS, routes=200_000),
    "v4 over prefixes, full table": Case("", ["198.18.0.0/20"], routes=WHOLE, spread=True),
    "v6 few /64s": Case(",v6=1", parts(16, lambda i: f"2001:200:0:{i:x}::/64")),
}


def add_options(parser):
    parser.add_argument("--plugin", metavar="LIB", help="a driver library with net_synth devices, to run programs on")
    parser.add_argument("--l3fwd", metavar="PATH", help="DPDK's example, one of these programs")


def median_report(log):
    """Without the first reports, while caches and branches are new."""
    with open(log, errors="replace") as file:
        figures = [float(figure) for figure in REPORT.findall(file.read())]
    return statistics.median(figures[3:]) if len(figures) > 6 else None


def devices(case, lab):
    device = case.device
    if case.spread:
        destinations = os.path.join(lab.dir, "destinations")
        spread(case, destinations)
        device += f",dsts={destinations}"
    return [f"net_synth0{device}"] + [f"net_synth{i + 1},rx=0" for i in range(case.egresses)]


def eal(options, case, lab):
    """As the daemon starts its own."""
    memory = ["--in-memory"] if free_hugepages_mb() >= MEMORY_MB else ["--no-huge", "--no-shconf"]
    return [*memory, "-m", str(MEMORY_MB), "--no-pci", "--no-telemetry", "--iova-mode=va", "-d", options.plugin,
            "--force-max-simd-bitwidth=512", *(f"--vdev={device}" for device in devices(case, lab))]


def free_hugepages_mb():
    with open("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") as file:
        return int(file.read()) * 2


def run_program(lab, *argv):
    """For a while, with an open standard input: the figure that it prints."""
    log = os.path.join(lab.dir, "log")
    host = lab.host("peer")
    with open(log, "w") as file:
        process = host.spawn(*argv, stdin=-1, stdout=file, stderr=file)
    wait_until(lambda: process.poll() is not None or median_report(log) is not None, LOAD_SECONDS)
    time.sleep(SECONDS)
    process.terminate()
    process.wait(10)
    return median_report(log)


def testpmd(mode):
    def measure(options, case, lab):
        if case.egresses > 1 or shutil.which("dpdk-testpmd") is None:
            return None
        return run_program(lab, "dpdk-testpmd", "-l", "0,1", *eal(options, case, lab), "--", f"--forward-mode={mode}",
                           "--nb-cores=1", "--auto-start", "--total-num-mbufs=32768", "--burst=32")
    return measure


def l3fwd(options, case, lab):
    if options.l3fwd is None:
        return None
    rules = {4: os.path.join(lab.dir, "rules4"), 6: os.path.join(lab.dir, "rules6")}
    for family, path in rules.items():
        with open(path, "w") as file:
            prefixes = [prefix for prefix in case.prefixes if (":" in prefix) == (family == 6)]
            for i, prefix in enumerate(prefixes or ["203.0.113.0/24" if family == 4 else "2001:db8::/64"]):
                file.write(f"R{prefix} {1 + i % case.egresses}\n")
            file.writelines(f"R{prefix} 1\n" for prefix in case.table if family == 4)
    return run_program(lab, options.l3fwd, "-l", "1", *eal(options, case, lab), "--", "-p",
                       hex((2 << case.egresses) - 1), "--config=(0,0,1)", "-P", "--lookup=lpm",
                       f"--rule_ipv4={rules[4]}", f"--rule_ipv6={rules[6]}")


def addresses(port, octet):
    return f"10.0.{port}.{octet}", f"fd00:{port:x}::{octet:x}"


def load(rpc, table):
    for begin in range(0, len(table), tables.LINE):
        rpc.call("route.update", add=[
            {"prefix": prefix, "peer": "rs1", "instance": f"r{i % TABLE_HOPS}", "as_path": [65002]}
            for i, prefix in enumerate(table[begin:begin + tables.LINE])])


def configuration(options, case, lab):
    ports = [{"name": name, "device": f"vdev:{device}"}
             for name, device in zip(["in", "out0", "out1"], devices(case, lab))]
    return {
        "site": {"name": "bench", "asn": 65000},
        "dpdk": {"memory_mb": MEMORY_MB, "control_lcore": 0, "worker_lcores": [1], "plugins": [options.plugin]},
        "ports": ports, "anycast": case.prefixes,
        "instances": [{"name": name, "next_hop": list(addresses(port, octet))}
                      for name, port, octet in case.next_hops()],
        "peers": [{"name": "rs1", "as": 65002, "type": "ebgp"}],
        "routes": [{"prefix": prefix, "peer": "rs1", "path_id": i, "instance": f"i{i}", "as_path": [65002]}
                   for i in range(case.instances) for prefix in case.prefixes]}


def anyfwd(options, case, lab):
    host = lab.host("fw")
    daemon = Daemon(lab, host, configuration(options, case, lab))
    daemon.start(program=os.path.join(options.build, "anyfwd"))
    try:
        for i in range(case.egresses):
            host.ip("addr", "add", f"10.0.{i}.1/24", "dev", f"out{i}")
            host.ip("addr", "add", f"fd00:{i:x}::1/64", "dev", f"out{i}", "nodad")
        for _, port, octet in case.next_hops():
            for hop in addresses(port, octet):
                host.ip("neigh", "replace", hop, "lladdr", f"02:00:00:00:00:{octet:02x}", "dev", f"out{port}")
        rpc = daemon.rpc()  # whose routes stay as long as it does
        load(rpc, case.table)
        time.sleep(0.3)
        before = rpc.call("stats.get")
        begin = os.path.getsize(daemon.log_file)
        time.sleep(SECONDS)
        after = rpc.call("stats.get")
        received, sent = (after[key] - before[key] for key in ("received", "sent"))
        if abs(received - sent) > received * 0.01:
            raise RuntimeError(f"of {received} packets {sent} were sent: {after}")
        with open(daemon.log_file, errors="replace") as file:
            file.seek(begin)
            figures = [float(figure) for figure in REPORT.findall(file.read())]
        return statistics.median(figures) if figures else None
    finally:
        daemon.stop()


PROGRAMS = {"testpmd io": testpmd("io"), "testpmd macswap": testpmd("macswap"), "l3fwd": l3fwd, "anyfwd": anyfwd}


def samples(options):
    if options.plugin is None:
        yield from program(options, "bench-pipeline")
        return
    for _ in range(options.rounds):
        for case in selected(CASES, options):
            for label, measure in PROGRAMS.items():
                if re.search(options.impls, label):
                    with Lab() as lab:
                        yield {"case": case, "impl": label, "unit": UNIT,
                               "value": measure(options, CASES[case], lab)}
