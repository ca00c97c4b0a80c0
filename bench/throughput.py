# SPDX-License-Identifier: BSD-3-Clause
"""RFC 2544 and RFC 9004 through the daemon: the loss-free rate (26.1), and the longest burst back to back (26.4).

    tester port 0 == up [ anyfwd ] down == tester port 1      == a veth pair (AF_XDP against AF_PACKET), or a memif

The tester (bench/trial.c) sends frames of 60 bytes, 64 with FCS, in 1024 flows to 192.0.2.0/24, at a rate, and counts
what comes back. Each round is a search by halving, in trials of --trial-seconds; a trial passes that loses at most
--loss of its packets, and at which the tester kept its rate. Tester and forwarder have a CPU each: on two CPUs these
figures are those of the slower of the two, kernel work included, and no NIC's. A back-to-back figure is the longest
burst of which nothing was lost, as RFC 9004 has it, up to two seconds' worth of the loss-free rate.
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
MAC = "02:70:00:00:00:00"
FAR_MAC = "02:70:00:00:00:11"  # of the next hop
MOST = 100_000_000  # more than any tester sends


def add_options(parser):
    parser.add_argument("--trial-seconds", type=float, default=1.0, metavar="S", help="RFC 2544 says 60; %(default)s")
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
        self.mac = self.host.mac("up")
        return [{"name": name, "device": f"af_xdp:{name}", "steer": "transit"} for name in ("up", "down")]

    def _memif_ports(self):
        sockets = [os.path.join(self.lab.dir, f"memif{i}") for i in range(2)]
        self.vdevs = [f"net_memif{i},role=client,id=0,socket={path},socket-abstract=no,rsize=11"
                      for i, path in enumerate(sockets)]
        self.mac = MAC
        return [{"name": name, "device": f"vdev:net_memif{i},role=server,id=0,socket={sockets[i]},socket-abstract=no,"
                 f"rsize=11,mac={MAC[:-1]}{i}"} for i, name in enumerate(("up", "down"))]

    def _start_daemon(self, ports):
        self.daemon = Daemon(self.lab, self.host, {
            "site": {"name": "bench", "asn": 65000},
            "dpdk": {"memory_mb": 512, "control_lcore": 0, "worker_lcores": [1]}, "ports": ports,
            "anycast": ["192.0.2.0/24"], "peers": [{"name": "rs1", "as": 65002, "type": "ebgp"}],
            "instances": [{"name": "i0", "next_hop": "10.0.2.11"}],
            "routes": [{"prefix": "192.0.2.0/24", "peer": "rs1", "instance": "i0", "as_path": [65002]}]})
        self.daemon.start(program=os.path.join(self.build, "anyfwd"), start_new_session=True)
        prefer(self.daemon.process)
        if self.case == "memif":
            self.host.ip("addr", "add", "10.0.2.1/24", "dev", "down")
        self.host.ip("neigh", "replace", "10.0.2.11", "lladdr", FAR_MAC, "dev", "down")

    def _start_tester(self):
        frames = os.path.join(self.lab.dir, "frames")
        with open(frames, "wb") as file:
            for i in range(FLOWS):
                frame = bytes(Ether(src="02:70:00:00:00:99", dst=self.mac) /
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
            raise RuntimeError(f"nothing comes through: {self.daemon.rpc().call('stats.get')}")

    def trial(self, text):
        """(sent, received, seconds)"""
        self.tester.stdin.write(text + "\n")
        self.tester.stdin.flush()
        sent, received, us = map(int, self.tester.stdout.readline().split())
        return sent, received, us / 1e6

    def loss_free_rate(self, seconds, loss):
        """Packets a second."""
        _, received, took = self.trial(f"rate {MOST} {seconds}")
        low, high = 0, 1.1 * received / took
        for _ in range(STEPS):
            rate = (low + high) / 2
            sent, received, took = self.trial(f"rate {rate:.0f} {seconds}")
            if sent - received <= sent * loss and sent >= rate * seconds * 0.98:
                low = sent / took
            else:
                high = rate
        return low

    def back_to_back(self, most):
        """Frames."""
        low, high = 0, most
        for _ in range(STEPS):
            count = int(low + high + 1) // 2
            sent, received, _ = self.trial(f"burst {count}")
            low, high = (count, high) if sent == received else (low, count - 1)
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
                    rate = bed.loss_free_rate(options.trial_seconds, options.loss)
                    burst = bed.back_to_back(max(int(2 * rate), 1))
                    yield {"case": f"{case}, loss-free rate", "impl": label, "unit": "Mpps", "value": rate / 1e6}
                    yield {"case": f"{case}, back to back", "impl": label, "unit": "frames", "value": burst}
        finally:
            for _, bed in beds:
                bed.close()
