# SPDX-License-Identifier: BSD-3-Clause
"""The "flat" cases of failover: whatever the number of prefixes, a failover takes as long, and decides and installs
nothing.

On a device that repeats a file at full speed, by the daemon's own records: from the call (instance.down) to the first packet
that a worker steered elsewhere. This machine takes CPUs away, so each failover also says whether it did: "preempted" are
those in which the worker's loop of that first packet and the one before took over GAP_US (worker_gap_us of the record, by
the TSC, so that what a hypervisor does is in it), or in which the kernel let the worker or the control thread wait for a CPU
(schedstat(5)).
"""
import itertools
import os
import sys
import time

from scapy.all import IP, UDP, Ether, Raw, wrpcap

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from priority import prefer
from rounds import selected, summary

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
from london import INSTANCES, candidate  # noqa: E402  (beside the tests)

CASES = {"flat, 1 prefix": 1, "flat, 1000 prefixes": 1000, "flat, 1000000 prefixes": 1_000_000}
MAC = "02:70:63:61:70:00"  # of the pcap driver's first device
GAP_US = 100


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


def waits(pid):
    """Nanoseconds that the kernel has let the process's threads wait for a CPU."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[1])
    return total


def flat(build, count, failovers):
    """(microseconds from the decision that lon1 is down to the flip, from there to the first packet that lon2 got,
    worker_gap_us, microseconds that the kernel let threads wait) of each failover."""
    with Lab() as lab:
        host = lab.host("fw")
        capture = os.path.join(lab.dir, "in.pcap")
        wrpcap(capture, [Ether(src="02:00:00:00:00:09", dst=MAC) / IP(src=f"198.51.100.{i}", dst="192.0.2.1") /
                         UDP(sport=1024 + i, dport=53) / Raw(bytes(18)) for i in range(1, 200)])
        daemon = Daemon(lab, host, flat_config(capture))
        daemon.start(program=os.path.join(build, "anyfwd"), start_new_session=True)
        prefer(daemon.process)
        try:
            host.ip("addr", "add", "10.0.2.1/24", "dev", "out")
            for i in range(len(INSTANCES)):
                host.ip("neigh", "replace", f"10.0.2.1{i}", "lladdr", "02:00:00:00:00:11", "dev", "out")
            rpc = daemon.rpc()
            rpc.socket.settimeout(120)
            feed(rpc, count)
            time.sleep(0.5)
            before = rpc.call("status")["generation"], rpc.call("stats.get")["writes"]
            for _ in range(failovers):
                waited = waits(daemon.process.pid)
                rpc.call("instance.down", name="lon1")
                record = wait_until(lambda: taken_over(rpc), 2, 0.005)
                assert record and record["heir"] == "lon2", rpc.call("failover.list", limit=1)
                yield (record["flip_us"], record["takeover_us"], record["worker_gap_us"],
                       (waits(daemon.process.pid) - waited) / 1e3)
                rpc.call("instance.up", name="lon1")
            after = rpc.call("status")["generation"], rpc.call("stats.get")["writes"]
            assert before == after, f"a failover decided or wrote something: {before} {after}"
        finally:
            daemon.stop()


def samples(options):
    for label, build in options.builds:
        for case in selected(CASES, options):
            failovers = list(flat(build, CASES[case], options.failovers))
            longest = sorted(failovers, key=lambda each: each[0] + each[1])[-5:]
            print(f"{case}: the longest (us to the flip, us to the first packet, worker's gap, waits): {longest}")
            for name, values in ((case, failovers), (f"{case}, not preempted", [each for each in failovers
                                                                               if max(each[2:]) < GAP_US])):
                values = [to_flip + to_first for to_flip, to_first, _, _ in values]
                summary(f"{name}, us", values)
                for value in values:
                    yield {"case": name, "impl": label, "unit": "us", "value": value}
