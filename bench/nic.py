# SPDX-License-Identifier: BSD-3-Clause
"""The daemon on NIC-like devices (bench/nic/nic.c): its own worker, its own API, packets at the rate that is asked for,
and loss and time measured at the devices.

    in (net_ring0) [ anyfwd ] out (net_ring1) -- 16 next hops; prefix i, 20.0.0.0/24 and on, is at instance i modulo 16
"""
import mmap
import os
import random
import struct
import time

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from priority import prefer

WORDS = ["run", "epoch", "rate", "frames", "moving", "ready", "hz", "received", "missed",
         "missed_in_stalls", "sent", "elsewhere", "stalls", "stalled"]
BINS = 34 * 64 + 128
FRAMES_AT, FRAME = 32768, 64
FRAMES = 4096
PREFIXES = 20000
PLACES = 16
BATCH = 100


def prefix(number):
    return f"{20 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.0/24"


def candidate(number, place):
    return {"prefix": prefix(number), "peer": "rs1", "instance": f"i{place % PLACES}", "as_path": [65002]}


def cycles_of(index):
    """The middle of a bin."""
    if index < 128:
        return index
    shift = (index - 64) // 64
    return ((index - shift * 64) << shift) + (1 << shift) / 2


def percentile(bins, part):
    """Of a histogram; None if it is empty."""
    wanted = part * sum(bins)
    for index, count in enumerate(bins):
        wanted -= count
        if wanted <= 0 < count:
            return cycles_of(index)
    return None


def checksum(header):
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def frame(mac, destination, source):
    """Of 60 bytes, and four more that are not sent."""
    header = struct.pack("!BBHHHBBHII", 0x45, 0, 46, 0, 0, 64, 17, 0, source, destination)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return mac + b"\x02\0\0\0\0\x09\x08\0" + header + struct.pack("!HHHH", 1024, 53, 26, 0) + bytes(22)


class Nic:
    def __init__(self, build, prefixes=PREFIXES):
        self.build, self.prefixes = build, prefixes
        self.lab = Lab()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        path = os.path.join(self.lab.dir, "nic")
        with open(path, "w+b") as file:
            file.truncate(FRAMES_AT + FRAMES * FRAME)
            self.memory = mmap.mmap(file.fileno(), 0)
        host = self.host = self.lab.host("fw")
        self.daemon = Daemon(self.lab, host, self.config())
        self.daemon.start(program=os.path.join(self.build, "anyfwd"), start_new_session=True,
                          env={**os.environ, "ANYFWD_NIC": path})
        prefer(self.daemon.process)
        self.rpc = self.daemon.rpc()
        host.ip("addr", "add", "10.0.2.1/24", "dev", "out")
        for i in range(PLACES):
            host.ip("neigh", "replace", f"10.0.2.{100 + i}", "lladdr", f"02:00:00:00:00:{i:02x}", "dev", "out")
        for start in range(0, self.prefixes, 5000):
            self.rpc.call("route.update", add=[candidate(i, i) for i in range(start, min(start + 5000, self.prefixes))])
        if not wait_until(lambda: len(self.rpc.call("neighbour.list")["neighbours"]) >= PLACES):
            raise RuntimeError("the neighbours are not known")
        self._make_frames()
        self.set("run", 1)
        if not wait_until(lambda: self.get("ready")):
            raise RuntimeError(f"the plug-in does nothing:\n{self.daemon.log()}")

    def config(self):
        return {"site": {"name": "bench", "asn": 65000},
                "dpdk": {"memory_mb": 512, "control_lcore": 0, "worker_lcores": [1], "idle": "poll",
                         "plugins": [os.path.realpath(os.path.join(self.build, "bench", "nic.so"))]},
                "ports": [{"name": "in", "device": "vdev:net_ring0"}, {"name": "out", "device": "vdev:net_ring1"}],
                "peers": [{"name": "rs1", "as": 65002, "type": "ebgp"}],
                "instances": [{"name": f"i{i}", "next_hop": f"10.0.2.{100 + i}"} for i in range(PLACES)]}

    def _make_frames(self):
        """Destinations at random; the same ones in every run."""
        rng = random.Random(1)
        mac = next(port["mac"] for port in self.rpc.call("port.list")["ports"] if port["name"] == "in")
        mac = bytes.fromhex(mac.replace(":", ""))
        for i in range(FRAMES):
            destination = 0x14000000 + (rng.randrange(self.prefixes) << 8) + rng.randrange(256)
            at = FRAMES_AT + i * FRAME
            self.memory[at:at + FRAME] = frame(mac, destination, 0xC6336409)
        self.set("frames", FRAMES)

    def get(self, word):
        return struct.unpack_from("=Q", self.memory, WORDS.index(word) * 8)[0]

    def set(self, word, value):
        struct.pack_into("=Q", self.memory, WORDS.index(word) * 8, value)

    def arrive(self, rate):
        """So many packets a second from now on; 0: as many as the worker polls for."""
        self.set("rate", rate)
        self.set("epoch", self.get("epoch") + 1)

    def counts(self):
        return {word: self.get(word) for word in WORDS[WORDS.index("received"):]}

    def bins(self):
        return struct.unpack_from(f"={BINS}Q", self.memory, len(WORDS) * 8)

    def measure(self, seconds):
        """({counter: its growth}, bins) of some seconds from now."""
        counts, bins = self.counts(), self.bins()
        time.sleep(seconds)
        after, bins_after = self.counts(), self.bins()
        return ({word: after[word] - counts[word] for word in after},
                [now - then for now, then in zip(bins_after, bins)])

    def capacity(self, seconds=0.5):
        """Packets a second that the worker takes while it runs."""
        self.arrive(0)
        grown, _ = self.measure(seconds)
        return int(grown["received"] / (seconds - grown["stalled"] / self.get("hz")))

    def verify(self):
        """That what arrives leaves, where it should."""
        grown, _ = self.measure(0.2)
        drops = {reason: n for reason, n in self.rpc.call("stats.get")["drops"].items() if n}
        if grown["received"] == 0 or grown["elsewhere"] or grown["sent"] < grown["received"] * 0.99:
            raise RuntimeError(f"packets do not go where they should: {grown}, drops {drops}")

    def close(self):
        try:
            if hasattr(self, "daemon"):
                self.daemon.stop()
        finally:
            self.lab.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Churn:
    """Updates of the first `moving` prefixes over the API, `per_second` of them, each to its other place and back."""

    def __init__(self, nic, moving=10000, per_second=10000):
        self.nic, self.pause = nic, BATCH / per_second
        self.rpc = nic.daemon.rpc()
        self.requests = [self.rpc.request("route.update", {"add": [candidate(i, i + away)
                                                                   for i in range(start, start + BATCH)]})
                         for away in (1, 0) for start in range(0, moving, BATCH)]
        self.next = self.done = 0
        nic.set("moving", moving)

    def run(self, seconds):
        """At the pace that was asked for, or the daemon's; updates a second that were made."""
        begin = due = time.monotonic()
        done = 0
        while (now := time.monotonic()) < begin + seconds:
            if now < due:
                time.sleep(due - now)
            self.rpc.send(self.requests[self.next])
            answer = self.rpc.receive()
            if answer is None or "error" in answer:
                raise RuntimeError(f"route.update: {answer}")
            self.next = (self.next + 1) % len(self.requests)
            done += BATCH
            due = max(due + self.pause, now - 1)  # makes up for a second at most
        return done / (time.monotonic() - begin)

    def close(self):
        self.rpc.close()
