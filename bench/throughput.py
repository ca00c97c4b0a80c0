# SPDX-License-Identifier: BSD-3-Clause
"""RFC 2544 and RFC 9004 through the daemon: the loss-free rate (26.1), and the longest burst back to back (26.4).

    tester port 0 == up [ anyfwd ] down == tester port 1      == a veth pair (AF_XDP against AF_PACKET), or a memif

The tester (bench/trial.c) sends frames of 60 bytes, 64 with FCS, in 1024 flows to 192.0.2.0/24, at a rate, and counts
what comes back. Each round is a search by halving, in trials of --trial-seconds, below what comes through when the tester
sends all it can ("overload"). A trial passes that loses at most --loss of its packets; one that fails is tried --verify
times more, as ETSI GS NFV-TST 009 has it (12.3.3, binary search with loss verification), since a CPU that was taken away
for a moment says nothing about the rate. The figure is the highest rate of a trial that passed, as the tester really sent:
it, too, is held up, and does not make up for it. A back-to-back figure is the longest burst of which nothing was lost (RFC
9004), up to half a second of overload. Tester and forwarder have a CPU each: these figures are those of the
slower of the two, kernel work and copies included, and no NIC's.
"""
import os
import subprocess

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from priority import prefer
from rounds import selected
from scapy.all import IP, UDP, Ether, Raw

CASES = ["veth", "memif"]
FLOWS = 1024
STEPS = 8
FAR_MAC = "02:70:00:00:00:11"  # of the next hop
BURST_S = 0.5
MOST = 100_000_000  # more than any tester sends


def add_options(parser):
    parser.add_argument("--trial-seconds", type=float, default=1.0, metavar="S", help="RFC 2544 says 60; %(default)s")
    parser.add_argument("--verify", type=int, default=2, metavar="N", help="more chances of a trial; %(default)s")
    parser.add_argument("--loss", type=float, default=0.0, metavar="PART", help="of a trial's packets; %(default)s")


class Bed:
    """The daemon and the tester around it."""

    def __init__(self, case, build):
        self.case, self.build = case, build
        self.lab = Lab()
        try:
            self.host, self.far = self.lab.host("fw"), self.lab.host("tester")
            self._start_daemon(getattr(self, f"_{case}_ports")())
            self._start_tester()
        except BaseException:
            self.close()
            raise

    def _veth_ports(self):
        for near, far, address in (("up", "t0", "198.51.100.1/24"), ("down", "t1", "10.0.2.1/24")):
            self.lab.link(self.host, near, [address], self.far, far, [])
        self.vdevs = [f"net_af_packet{i},iface=t{i},blocksz=65536,framesz=2048,framecnt=2048" for i in range(2)]
        return [{"name": name, "device": f"af_xdp:{name}", "steer": "transit"} for name in ("up", "down")]

    def _memif_ports(self):
        sockets = [os.path.join(self.lab.dir, f"memif{i}") for i in range(2)]
        self.vdevs = [f"net_memif{i},role=client,id=0,socket={path},socket-abstract=no,rsize=11"
                      for i, path in enumerate(sockets)]
        return [{"name": name, "device": f"memif:{sockets[i]}"} for i, name in enumerate(("up", "down"))]

    def _start_daemon(self, ports):
        self.daemon = Daemon(self.lab, self.host, {
            "site": {"name": "bench", "asn": 65000},
            "dpdk": {"memory_mb": 512, "control_lcore": 0, "worker_lcores": [1]}, "ports": ports,
            "anycast": ["192.0.2.0/24"], "peers": [{"name": "rs1", "as": 65002, "type": "ebgp"}],
            "instances": [{"name": "i0", "next_hop": "10.0.2.11"}],
            "routes": [{"prefix": "192.0.2.0/24", "peer": "rs1", "instance": "i0", "as_path": [65002]}]})
        self.daemon.start(program=os.path.join(self.build, "anyfwd"), start_new_session=True)
        prefer(self.daemon.process)
        self.rpc = self.daemon.rpc()
        if self.case == "memif":
            self.host.ip("addr", "add", "10.0.2.1/24", "dev", "down")
        self.host.ip("neigh", "replace", "10.0.2.11", "lladdr", FAR_MAC, "dev", "down")

    def _start_tester(self):
        frames = os.path.join(self.lab.dir, "frames")
        mac = next(port["mac"] for port in self.rpc.call("port.list")["ports"] if port["name"] == "up")
        with open(frames, "wb") as file:
            for i in range(FLOWS):
                frame = bytes(Ether(src="02:70:00:00:00:99", dst=mac) /
                              IP(src=f"198.51.100.{2 + i % 250}", dst=f"192.0.2.{i % 256}") /
                              UDP(sport=1024 + i, dport=53) / Raw(bytes(18)))
                file.write(len(frame).to_bytes(2, "big") + frame)
        command = [os.path.join(self.build, "bench", "bench-trial"), "--lcores", "0", "--no-huge", "-m", "256", "--no-pci",
                   "--no-shconf", "--no-telemetry", "--log-level=*:error"]
        for vdev in self.vdevs:
            command += ["--vdev", vdev]
        self.tester = self.far.spawn(*command, "--", frames, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                     start_new_session=True)
        prefer(self.tester)
        if self.tester.stdout.readline() != "ready\n":
            raise RuntimeError("the tester does not start")
        if not wait_until(lambda: self.trial("rate 1000 0.1")[1] > 90, timeout_s=20):
            raise RuntimeError(f"nothing comes through: {self.rpc.call('stats.get')}")

    def trial(self, text):
        """(sent, received, seconds)"""
        self.tester.stdin.write(text + "\n")
        self.tester.stdin.flush()
        sent, received, us = map(int, self.tester.stdout.readline().split())
        return sent, received, us / 1e6

    def overload(self, seconds):
        """Packets a second that come through when all come that can."""
        _, received, took = self.trial(f"rate {MOST} {seconds}")
        return received / took

    def passed(self, text, chances, loss):
        """Frames a second of the trial, if it loses no more than that at one of its chances; else 0."""
        for _ in range(chances):
            sent, received, took = self.trial(text)
            if sent - received <= sent * loss:
                return sent / took
        return 0

    def loss_free_rate(self, most, options):
        """Packets a second."""
        low, high, best = 0, most, 0
        for _ in range(STEPS):
            rate = (low + high) / 2
            passed = self.passed(f"rate {rate:.0f} {options.trial_seconds}", 1 + options.verify, options.loss)
            low, high = (rate, high) if passed else (low, rate)
            best = max(best, passed)
        return best

    def back_to_back(self, most, options):
        """Frames."""
        low, high = 0, int(most)
        for _ in range(STEPS):
            count = (low + high + 1) // 2
            passed = self.passed(f"burst {count}", 1 + options.verify, 0)
            low, high = (count, high) if passed else (low, count - 1)
            if low >= high:
                break
        return low

    def close(self):
        try:
            if hasattr(self, "tester"):
                self.tester.stdin.close()
                self.tester.wait(10)
            if hasattr(self, "daemon"):
                self.daemon.stop()
        finally:
            self.lab.close()


def samples(options):
    for case in selected(CASES, options):
        beds = [(label, Bed(case, build)) for label, build in options.builds]
        try:
            for _ in range(options.rounds):
                for label, bed in beds:
                    overload = bed.overload(options.trial_seconds)
                    rate = bed.loss_free_rate(1.1 * overload, options)
                    burst = bed.back_to_back(max(BURST_S * overload, 1), options)
                    yield {"case": f"{case}, overload", "impl": label, "unit": "Mpps", "value": overload / 1e6}
                    yield {"case": f"{case}, loss-free rate", "impl": label, "unit": "Mpps", "value": rate / 1e6}
                    yield {"case": f"{case}, back to back", "impl": label, "unit": "frames", "value": burst}
        finally:
            for _, bed in beds:
                bed.close()
