# SPDX-License-Identifier: BSD-3-Clause
"""The same failure with anyfwd, and with FRR alone on the kernel's forwarding path: the best of two instances goes silent
(SIGSTOP of its BIRD), which serves 5,000 prefixes and is watched by BFD at 10 ms, three of them.

    client -- forwarder -- lon1, the best one
                        -- lon2

"FRR, kernel": zebra, bgpd and bfdd in the forwarder; BIRD in the instances announces the prefixes by BGP, with BFD. Packets
to all prefixes in turn, at a constant rate; the figure is the time from the SIGSTOP until the last prefix's packets were at
lon2: to the arrival of the first packet there after which none went to lon1 or was lost. Each failure is one of a site that
was made for it, so that the other's daemons take no CPU.
"""
import functools
import itertools
import json
import os
import re
import signal
import statistics
import sys
import time

from lab.bfd import Bird as BirdBfd
from lab.daemon import wait_until
from lab.routers import Bird, Frr
from lab.traffic import Pump, ethernet, numbered
from priority import prefer, real_time
from rounds import summary

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
from london import London, arrivals, candidate  # noqa: E402  (beside the tests)

CASE = "silent, 5000 prefixes"
PREFIXES = [f"192.{c}.{i}.0/24" for c, i in itertools.islice(itertools.product(range(10, 40), range(256)), 5000)]
PPS = 20_000
LONGEST_S = 2.5
TRIES = 3
BFD = {"min_tx_ms": 10, "min_rx_ms": 10}
INSTANCES = ["lon1", "lon2"]
FRR_BGP = """router bgp 65000
 bgp router-id 10.10.0.1
 no bgp ebgp-requires-policy
""" + "".join(f" neighbor 10.1{k}.0.2 remote-as 65002\n neighbor 10.1{k}.0.2 bfd profile fast\n"
              f" neighbor 10.1{k}.0.2 timers connect 1\n" for k in range(2))
FRR_BFD = "bfd\n profile fast\n  detect-multiplier 3\n  receive-interval 10\n  transmit-interval 10\n"


class Disturbed(Exception):
    """A BFD session went down by itself before, as they do where something takes the CPU for 30 ms."""


class WithAnyfwd(London):
    """BIRD speaks BFD with anyfwd, which has the prefixes over its API."""

    def __init__(self, build):
        super().__init__()
        self.program, self.bird = os.path.join(build, "anyfwd"), []

    def start(self):
        self.daemon.start(program=self.program, start_new_session=True)
        prefer(self.daemon.process)
        self.rpc = self.daemon.rpc()
        self.warm_up(*INSTANCES)
        for k, name in enumerate(INSTANCES):
            self.bird.append(BirdBfd(self.lab, self.instances[name], [f"10.1{k}.0.1"]))
            real_time(self.bird[-1].daemon)
            self.rpc.call("instance.set", name=name, next_hop=f"10.1{k}.0.2", health={"bfd": BFD, "hold_down_ms": 0})
        self.rpc.call("route.update", add=[candidate(name, prefix) for prefix in PREFIXES for name in INSTANCES])
        if not wait_until(self.all_up, 30):
            raise Disturbed("the BFD sessions do not come up")

    def all_up(self):
        instances = [each for each in self.rpc.call("instance.list")["instances"] if each["name"] in INSTANCES]
        return all(each["alive"] and each["health"]["bfd"][0]["state"] == "up" for each in instances)

    def freeze(self):
        self.bird[0].freeze()

    def close(self):
        for daemon in self.bird:
            daemon.kill()
        super().close()


class FrrAlone(London):
    """BIRD speaks BGP and BFD with FRR, whose routes are the kernel's."""

    def __init__(self):
        super().__init__()
        self.bird, self.frr = [], None

    @staticmethod
    def bird_config(k):
        routes = "".join(f" route {prefix} blackhole;\n" for prefix in PREFIXES)
        return f"""router id 10.1{k}.0.2;
protocol device {{}}
protocol bfd {{ interface "eth0" {{ min rx interval 10 ms; min tx interval 10 ms; multiplier 3; }}; }}
protocol static {{ ipv4;
{routes}}}
protocol bgp frr {{
  local 10.1{k}.0.2 as 65002; neighbor 10.1{k}.0.1 as 65000; bfd on; connect delay time 1; connect retry time 1;
  ipv4 {{ import none; export filter {{ {"bgp_path.prepend(65020);" * k} accept; }}; next hop self; }};
}}
"""

    def start(self):
        self.forwarder.set("ipv4/ip_forward", 1)
        self.frr = Frr(self.lab, self.forwarder, FRR_BGP, fpm=None)
        self.frr.launch("/usr/lib/frr/bfdd", "-f", self.frr.write("bfdd.conf", FRR_BFD), "-i",
                        f"{self.frr.dir}/bfdd.pid", "--bfdctl", f"{self.frr.dir}/bfdd.sock", "-z",
                        f"{self.frr.dir}/zserv.api", "--vty_socket", self.frr.dir, "-P", "0")
        for process in self.frr.processes.values():
            prefer(process)
        real_time(self.frr.processes["bfdd"])  # else its sessions do not stay up on a busy machine
        for k, name in enumerate(INSTANCES):
            self.bird.append(Bird(self.lab, self.instances[name], self.bird_config(k), name=f"bird-{name}"))
            real_time(self.bird[-1].processes["bird"])
        if not wait_until(self.all_up, 60, 0.5):
            raise Disturbed(f"FRR has not all routes and sessions:\n{self.frr.log()}")
        time.sleep(1)

    def bfd(self):
        return json.loads(self.frr.vtysh("show bfd peers json") or "[]")

    def all_up(self):
        """The best routes in the kernel, the others in bgpd, and BFD as fast as was asked for."""
        peers = [each for each in self.bfd() if each["status"] == "up" and each["remote-transmit-interval"] == 10]
        kernel = self.forwarder.ip("route", "show", "proto", "bgp")
        known = re.findall(r"^\s*10\.1\d\.0\.2 .* (\d+) +\d+ \S+$", self.frr.vtysh("show bgp ipv4 summary"), re.M)
        return len(peers) == 2 and kernel.count("via 10.10.0.2") == len(PREFIXES) and \
            [int(count) for count in known] == [len(PREFIXES)] * 2

    def freeze(self):
        self.bird[0].processes["bird"].send_signal(signal.SIGSTOP)

    def close(self):
        for router in [*self.bird, self.frr]:
            if router:
                for process in router.processes.values():
                    process.kill()
                    process.wait()
        super().close()


def outage(site, frames):
    """Milliseconds from the SIGSTOP until all is at lon2."""
    sinks = site.sinks()
    pump = Pump(site.client, frames, PPS)
    time.sleep(0.5)
    frozen = time.time()
    site.freeze()
    sent, _ = pump.wait()
    got = {name: arrivals(sink.stop()) for name, sink in sinks.items()}
    before = max((number for when, number, _ in got["lon1"] if when < frozen), default=-1)
    at_heir = {number: when for when, number, _ in got["lon2"]}
    bad = [number for number in range(before + 1, sent) if number not in at_heir]
    if any(number <= before for number in at_heir) or not bad or bad[-1] + 1 not in at_heir:
        raise Disturbed(f"of {sent} packets lon1 got {len(got['lon1'])}, lon2 {len(at_heir)}")
    return (at_heir[bad[-1] + 1] - frozen) * 1e3


def measure(label, make, frames):
    """outage() of a site that is made for it."""
    for _ in range(TRIES):
        site = make()
        try:
            site.start()
            macs = bytes(site.ethernet)[:12]
            return outage(site, [macs + frame[12:] for frame in frames])
        except Disturbed as error:
            print(f"{label}: {error}; once more", file=sys.stderr)
        finally:
            site.close()
    return None


def samples(options):
    addresses = [prefix.replace(".0/24", ".1") for prefix in PREFIXES]
    frames = numbered(ethernet("02:00:00:00:00:01", "02:00:00:00:00:02"), addresses, int(PPS * LONGEST_S))
    sites = {label: functools.partial(WithAnyfwd, build) for label, build in options.builds} | {"FRR, kernel": FrrAlone}
    times = {label: [] for label in sites if re.search(options.impls, label)}
    for _ in range(options.rounds):
        for label, values in times.items():
            value = measure(label, sites[label], frames)
            values += [] if value is None else [value]
            yield {"case": CASE, "impl": label, "unit": "ms until the last prefix", "value": value}
    for label, values in times.items() if all(times.values()) else []:
        summary(f"{CASE}: {label}, ms", values)
        print(f"  {statistics.median(values) / statistics.median(next(iter(times.values()))):.1f} times the first's")
