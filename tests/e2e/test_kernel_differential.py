# SPDX-License-Identifier: BSD-3-Clause
"""The Linux kernel as the judge: the same frames into a namespace in which it forwards and into one in which we do.

Both worlds have the same MAC and IP addresses and the same routes, so that what leaves must be equal byte for byte, but
for INTENDED, where each difference has its reason. The frames are valid, boundary and broken ones; the seed of the
random run is printed, and ANYFWD_SEED repeats it.
"""
import ipaddress
import os
import random
import struct
import time

import pytest

from lab.daemon import Daemon
from lab.net import Lab
from lab.traffic import Pump, Sink, checksum

FRAMES = 20_000 if os.environ.get("ANYFWD_TEST_LONG") else 8_000
RATE = 2_500  # frames a second
EGRESS_MTU = 1400
MACS = {"client": "02:00:00:00:00:11", "up": "02:00:00:00:00:12", "down": "02:00:00:00:00:21",
        "server": "02:00:00:00:00:22"}
FOREIGN = "02:00:00:00:00:99"

# What we do otherwise than Linux, by the kind of frame, and why.
INTENDED = {
    "v4 class E destination": "240/4 is martian (RFC 1812 5.3.7); Linux forwards it",
    "v4 class E source": "the same",
    "v4 TTL 0": "should never have been sent and is dropped in silence; Linux answers it like TTL 1",
    "v6 hop limit 0": "the same",
    "v4 from this net": "0/8 is martian (RFC 1812 5.3.7); Linux forwards it while rp_filter is off",
    "v4 to this net": "the same; Linux says that there is no route",
    "v4 too big, with options that are not copied": "later fragments lose them; Linux writes no-operations instead",
    "v6 to nobody": "a packet to :: is dropped in silence (RFC 4291 2.5.2); Linux says that the address is unreachable",
    "v6 later fragment, hop limit 1": "might be part of an ICMP error, so it is not answered, as in IPv4; Linux does",
    "v6 later fragment, too big": "the same: the first fragment was as large and was answered",
}
# Where Linux may say nothing, and why; when it answers, the answers are compared.
LIMITED = {
    "v4 without route": "Linux tells one source about once a second; our limit is the port's",
    "v4 prohibited": "the same",
}
SOURCES = [f"10.1.0.{i}" for i in range(10, 250)]  # Linux limits how often it tells one source of a missing route

V4 = {"service": "192.0.2.7", "no route": "203.0.113.9", "blackhole": "198.18.0.9",
      "prohibited": "198.19.0.9", "own": "10.1.0.1", "own other": "10.2.0.1", "class E": "240.1.2.3",
      "this net": "0.1.2.3", "loopback": "127.0.0.9", "group": "224.1.2.3", "local group": "224.0.0.5",
      "broadcast": "255.255.255.255"}
V6 = {"client": "fd01::9", "service": "2001:db8:a::7", "no route": "2001:db8:dead::9", "blackhole": "2001:db8:b::9",
      "prohibited": "2001:db8:c::9", "own": "fd01::1", "own other": "fd02::1", "unspecified": "::", "loopback": "::1",
      "group": "ff0e::7", "link-local": "fe80::77"}


def mac(name):
    return bytes.fromhex(MACS.get(name, FOREIGN).replace(":", ""))


class World:
    """client -- up [forwarder] down -- server; the ends have no addresses and never speak."""

    def __init__(self, lab, name):
        self.forwarder, self.client, self.server = (lab.host(f"{name}-{end}") for end in ("fw", "client", "server"))
        for host in (self.client, self.server):
            host.set("ipv6/conf/default/disable_ipv6", 1)
        lab.link(self.forwarder, "up", [], self.client, "eth0", [])
        lab.link(self.forwarder, "down", [], self.server, "eth0", [])
        for host, device, who in ((self.forwarder, "up", "up"), (self.forwarder, "down", "down"),
                                  (self.client, "eth0", "client"), (self.server, "eth0", "server")):
            host.ip("link", "set", "dev", device, "down")
            host.ip("link", "set", "dev", device, "address", MACS[who])
            host.ip("link", "set", "dev", device, "up")
        fw = self.forwarder
        for k, (device, end) in enumerate((("up", "client"), ("down", "server")), 1):
            fw.ip("addr", "add", f"10.{k}.0.1/24", "dev", device)
            fw.ip("addr", "add", f"fd0{k}::1/64", "dev", device, "nodad")
            for address in (f"10.{k}.0.2", f"10.{k}.0.9", f"fd0{k}::2", f"fd0{k}::9"):
                fw.ip("neigh", "replace", address, "lladdr", MACS[end], "dev", device, "nud", "permanent")
        batch = "".join(f"neigh replace {source} lladdr {MACS['client']} dev up nud permanent\n" for source in SOURCES)
        with open(os.path.join(lab.dir, "neighbours"), "w") as file:
            file.write(batch)
        fw.ip("-batch", file.name)
        for host, device in ((fw, "down"), (self.server, "eth0")):
            host.ip("link", "set", "dev", device, "mtu", str(EGRESS_MTU))

    def exchange(self, frames):
        """Sends them and returns what came out: [(end, frame)]."""
        sinks = {"client": Sink(self.client), "server": Sink(self.server)}
        return Pump(self.client, frames, RATE), sinks


def kernel_world(lab):
    world = World(lab, "linux")
    fw = world.forwarder
    for key, value in (("ipv4/ip_forward", 1), ("ipv6/conf/all/forwarding", 1), ("ipv4/icmp_ratelimit", 0),
                       ("ipv4/icmp_msgs_per_sec", 1_000_000), ("ipv4/icmp_msgs_burst", 1_000_000),
                       ("ipv6/icmp/ratelimit", 0), ("ipv6/auto_flowlabels", 0), ("ipv4/conf/all/send_redirects", 0),
                       ("ipv4/conf/up/send_redirects", 0)):
        fw.set(key, value)
    for prefix, how in (("192.0.2.0/24", ["via", "10.2.0.2"]), ("2001:db8:a::/48", ["via", "fd02::2"])):
        fw.ip("route", "add", prefix, *how)
    for kind, v4, v6 in (("blackhole", "198.18.0.0/16", "2001:db8:b::/48"),
                         ("prohibit", "198.19.0.0/16", "2001:db8:c::/48")):
        fw.ip("route", "add", kind, v4)
        fw.ip("-6", "route", "add", kind, v6)
    return world


def our_world(lab):
    world = World(lab, "anyfwd")
    fw = world.forwarder
    fw.set("ipv6/auto_flowlabels", 0)
    peer = {"peer": "p", "origin": "igp"}
    world.daemon = Daemon(lab, fw, {
        "site": {"name": "differential", "asn": 65000},
        "dpdk": {"memory_mb": 256},
        "ports": [{"name": name, "device": f"af_xdp:{name}", "steer": "transit", "icmp_rate": 100_000} for name in ("up", "down")],
        "peers": [{"name": "p", "as": 65001, "type": "ebgp"}],
        "routes": [{"prefix": "192.0.2.0/24", "next_hop": "10.2.0.2", **peer},
                   {"prefix": "2001:db8:a::/48", "next_hop": "fd02::2", **peer},
                   {"prefix": "198.18.0.0/16", "action": "blackhole", **peer},
                   {"prefix": "2001:db8:b::/48", "action": "blackhole", **peer},
                   {"prefix": "198.19.0.0/16", "action": "reject", **peer},
                   {"prefix": "2001:db8:c::/48", "action": "reject", **peer}]})
    world.daemon.start()
    return world


def v4_header(i, src, dst, protocol, payload_length, *, ttl=64, tos=0, fragment=0, options=b"", version=4, ihl=None,
              total=None, bad_checksum=False):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    total = 20 + len(options) + payload_length if total is None else total
    header = bytearray(struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, tos, total & 0xFFFF, i & 0xFFFF, fragment, ttl,
                                   protocol, 0, ipaddress.IPv4Address(src).packed, ipaddress.IPv4Address(dst).packed))
    header += options
    value = checksum(bytes(header))
    header[10:12] = ((value ^ 0x5A5A) if bad_checksum else value).to_bytes(2, "big")
    return bytes(header)


def v6_header(i, src, dst, next_header, payload_length, *, hop_limit=64, traffic_class=0, version=6, length=None):
    length = payload_length if length is None else length
    return struct.pack("!IHBB", version << 28 | traffic_class << 20 | (i & 0xFFFFF), length & 0xFFFF, next_header,
                       hop_limit) + ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed


def payload_of(rng, longest=1460):
    size = rng.choice([0, 1, 7, 8, 9, 26, 100, rng.randint(8, 300), rng.randint(8, longest)])
    return rng.randbytes(size)


# A protocol for experiments (RFC 3692): to hosts and kernels just bytes.
OPAQUE = 253


def make_v4(rng, i):
    """(kind, IP packet)"""
    ttl = rng.choice([2, 3, 64, 64, 64, 128, 255])
    tos = rng.randrange(256)
    data = payload_of(rng)
    to = {"ttl": ttl, "tos": tos}
    client, service = rng.choice(SOURCES), V4["service"]

    def packet(kind, src=client, dst=service, body=data, protocol=OPAQUE, **fields):
        return f"v4 {kind}", v4_header(i, src, dst, protocol, len(body), **{**to, **fields}) + body
    big = rng.randbytes(rng.randint(EGRESS_MTU - 22, 1480))
    edge = rng.randbytes(EGRESS_MTU - 20 + rng.choice([-8, -1, 0, 1, 8]))
    makers = [
        (20, lambda: packet("plain")),
        (2, lambda: packet("UDP", body=struct.pack("!HHHH", rng.randrange(65536), 53, 8 + len(data), 0) + data,
                           protocol=17)),
        (2, lambda: packet("padded")),
        (3, lambda: packet("TTL 1", ttl=1)),
        (1, lambda: packet("TTL 0", ttl=0)),
        (2, lambda: packet("no-operation options", options=bytes([1, 1, 1, 0]), body=data[:1300])),
        (1, lambda: packet("too big, with options that are not copied", options=bytes([1, 1, 1, 0]), body=big[:1440])),
        (1, lambda: packet("unknown option", options=bytes([0x9E, 8, 1, 2, 3, 4, 5, 6]))),
        (2, lambda: packet("too big, DF", body=big, fragment=0x4000)),
        (2, lambda: packet("too big", body=big)),
        (2, lambda: packet("at the MTU", body=edge, fragment=rng.choice([0, 0x4000]))),
        (1, lambda: packet("too big, with options", body=big[:1440], options=bytes([0x9E, 4, 1, 2]))),
        (2, lambda: packet("fragment", fragment=rng.randrange(1, 0x100) | rng.choice([0, 0x2000]),
                           body=rng.randbytes(8 * rng.randint(1, 20)))),
        (1, lambda: packet("too big fragment", fragment=rng.randrange(0, 0x100) | 0x2000,
                           body=rng.randbytes(1456))),
        (1, lambda: packet("TTL 1 fragment", fragment=rng.randrange(1, 0x100), ttl=1)),
        (2, lambda: packet("without route", dst=V4["no route"])),
        (1, lambda: packet("blackholed", dst=V4["blackhole"])),
        (2, lambda: packet("prohibited", dst=V4["prohibited"])),
        (1, lambda: packet("version", version=rng.choice([0, 3, 5, 6, 15]))),
        (1, lambda: packet("header length", ihl=rng.choice([0, 1, 4]))),
        (1, lambda: packet("header beyond the packet", ihl=15, body=b"", total=20)),
        (1, lambda: packet("total length too small", total=rng.randrange(20))),
        (1, lambda: packet("total length too large", total=21 + len(data) + rng.randrange(60) + 46)),
        (2, lambda: packet("checksum", bad_checksum=True)),
        (1, lambda: packet("from this net", src=V4["this net"])),
        (1, lambda: packet("from loopback", src=V4["loopback"])),
        (1, lambda: packet("from a group", src=V4["group"])),
        (1, lambda: packet("from broadcast", src=V4["broadcast"])),
        (1, lambda: packet("class E source", src=V4["class E"])),
        (1, lambda: packet("to this net", dst=V4["this net"])),
        (1, lambda: packet("to loopback", dst=V4["loopback"])),
        (1, lambda: packet("class E destination", dst=V4["class E"])),
        (1, lambda: packet("echo to us", dst=rng.choice([V4["own"], V4["own other"]]), protocol=1,
                           body=echo(8, i, data), ttl=rng.choice([1, 64]))),
        (1, lambda: packet("ICMP error, TTL 1", protocol=1, ttl=1,
                           body=bytes([rng.choice([3, 11, 12]), 0, 0, 0, 0, 0, 0, 0]) + data)),
        (1, lambda: packet("echo, TTL 1", protocol=1, ttl=1, body=echo(8, i, data))),
        (1, lambda: packet("cut off", body=b"")),
    ]
    kind, ip = pick(rng, makers)
    if kind == "v4 cut off":
        ip = ip[:rng.randrange(20)]
    if kind == "v4 padded":
        ip += rng.randbytes(rng.randint(1, 30))
    return kind, ip


def echo(kind, i, data):
    body = struct.pack("!BBHHH", kind, 0, 0, i & 0xFFFF, 1) + data
    value = checksum(body + b"\0" * (len(body) % 2))
    return body[:2] + value.to_bytes(2, "big") + body[4:]


def make_v6(rng, i):
    data = payload_of(rng, 1440)
    to = {"hop_limit": rng.choice([2, 3, 64, 64, 64, 255]), "traffic_class": rng.randrange(256)}
    client, service = V6["client"], V6["service"]

    def packet(kind, src=client, dst=service, body=data, next_header=OPAQUE, **fields):
        return f"v6 {kind}", v6_header(i, src, dst, next_header, len(body), **{**to, **fields}) + body
    hop_by_hop = struct.pack("!BBBBI", OPAQUE, 0, 1, 4, 0)
    destination = struct.pack("!BBBBI", OPAQUE, 0, 1, 4, 0)
    fragment = struct.pack("!BBHI", OPAQUE, 0, rng.randrange(1, 0x100) << 3 | rng.randrange(2), i)
    makers = [
        (20, lambda: packet("plain")),
        (2, lambda: packet("padded")),
        (3, lambda: packet("hop limit 1", hop_limit=1)),
        (1, lambda: packet("hop limit 0", hop_limit=0)),
        (1, lambda: packet("hop-by-hop", next_header=0, body=hop_by_hop + data)),
        (1, lambda: packet("destination options", next_header=60, body=destination + data)),
        (1, lambda: packet("fragment", next_header=44, body=fragment + data[:1300])),
        (1, lambda: packet("first fragment, hop limit 1", next_header=44, hop_limit=1,
                           body=struct.pack("!BBHI", OPAQUE, 0, 1, i) + data)),
        (1, lambda: packet("later fragment, hop limit 1", next_header=44, body=fragment + data, hop_limit=1)),
        (1, lambda: packet("later fragment, too big", next_header=44, body=fragment + rng.randbytes(1400))),
        (3, lambda: packet("too big", body=rng.randbytes(rng.randint(EGRESS_MTU - 39, 1460)))),
        (1, lambda: packet("at the MTU", body=rng.randbytes(EGRESS_MTU - 40 - rng.choice([0, 1])))),
        (2, lambda: packet("without route", dst=V6["no route"])),
        (1, lambda: packet("blackholed", dst=V6["blackhole"])),
        (2, lambda: packet("prohibited", dst=V6["prohibited"])),
        (1, lambda: packet("version", version=rng.choice([0, 4, 5, 7, 15]))),
        (1, lambda: packet("payload length too large", length=len(data) + 1 + rng.randrange(50) + 60)),
        (1, lambda: packet("from nobody", src=V6["unspecified"])),
        (1, lambda: packet("from loopback", src=V6["loopback"])),
        (1, lambda: packet("from a group", src=V6["group"])),
        (1, lambda: packet("to loopback", dst=V6["loopback"])),
        (1, lambda: packet("to nobody", dst=V6["unspecified"])),
        (1, lambda: packet("echo to us", dst=rng.choice([V6["own"], V6["own other"]]), next_header=58,
                           body=echo6(client, data, i), hop_limit=rng.choice([1, 64]))),
        (1, lambda: packet("ICMP error, hop limit 1", next_header=58, hop_limit=1,
                           body=bytes([rng.choice([1, 2, 3, 4]), 0, 0, 0, 0, 0, 0, 0]) + data)),
        (1, lambda: packet("cut off", body=b"")),
    ]
    kind, ip = pick(rng, makers)
    if kind == "v6 cut off":
        ip = ip[:rng.randrange(40)]
    if kind == "v6 padded":
        ip += rng.randbytes(rng.randint(1, 30))
    return kind, ip


def echo6(src, data, i):
    """Its checksum is for the one own address; the kernels judge it alike for the other."""
    body = struct.pack("!BBHHH", 128, 0, 0, i & 0xFFFF, 1) + data
    pseudo = ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(V6["own"]).packed + struct.pack(
        "!II", len(body), 58)
    value = checksum(pseudo + body + b"\0" * (len(body) % 2))
    return body[:2] + value.to_bytes(2, "big") + body[4:]


def pick(rng, makers):
    return rng.choices([make for _, make in makers], [weight for weight, _ in makers])[0]()


def make_frames(seed, count):
    """[(kind, frame)]; packet i carries i where its answer can be told by it: the IPv4 id, the IPv6 flow label."""
    rng = random.Random(seed)
    frames = []
    for i in range(count):
        family = rng.choice([4, 6])
        kind, ip = (make_v4 if family == 4 else make_v6)(rng, i)
        ether_type = b"\x08\x00" if family == 4 else b"\x86\xdd"
        addressing = mac("up") + mac("client")
        chance = rng.randrange(60)
        if chance == 0:
            kind, addressing = f"{kind} to a foreign MAC", mac("foreign") + mac("client")
        elif chance == 1:
            kind, addressing = f"{kind} to the broadcast MAC", b"\xff" * 6 + mac("client")
        frames.append((kind, addressing + ether_type + ip))
    return frames


def quoted(packet):
    """The packet that an ICMP error is about, or None."""
    if packet[0] >> 4 == 4 and packet[9] == 1 and packet[20] in (3, 11, 12):
        return packet[28:]
    if packet[0] >> 4 == 6 and packet[6] == 58 and packet[40] in (1, 2, 3, 4):
        return packet[48:]
    return None


def index_of(packet):
    """Which input a packet comes from."""
    packet = quoted(packet) or packet
    if packet[0] >> 4 == 4:
        if packet[9] == 1 and packet[20] == 0:  # an echo reply: the id is its own
            return int.from_bytes(packet[24:26], "big")
        return int.from_bytes(packet[4:6], "big")
    if packet[6] == 58 and packet[40] == 129:
        return int.from_bytes(packet[44:46], "big")
    return int.from_bytes(packet[1:4], "big") & 0xFFFFF


def normal(frame):
    """The frame but for what hosts choose freely: the id of an IPv4 packet of the forwarder's own."""
    packet = bytearray(frame[14:])
    if packet[0] >> 4 == 4 and (quoted(packet) or (packet[9] == 1 and packet[20] == 0)):
        packet[4:6] = packet[10:12] = b"\0\0"
    return frame[:14] + bytes(packet)


def is_ours(frame):
    """IP that is neither neighbour discovery nor multicast: what the forwarder says on its own behalf is no answer."""
    if frame[12:14] not in (b"\x08\x00", b"\x86\xdd") or frame[0] & 1:
        return False
    return not (frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] in (133, 134, 135, 136, 137, 143))


def outputs(sinks):
    by_index = {}
    for end, sink in sinks.items():
        for _, frame in sink.stop(settle_s=1):
            if is_ours(frame):
                by_index.setdefault(index_of(frame[14:]), []).append((end, normal(frame)))
    return {index: sorted(frames) for index, frames in by_index.items()}


@pytest.mark.parametrize("seed", [pytest.param(1, marks=pytest.mark.long), "random"])
def test_what_leaves_is_what_linux_sends(seed):
    if seed == "random":
        seed = int(os.environ.get("ANYFWD_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed {seed}")
    frames = make_frames(seed, FRAMES)
    with Lab() as lab:
        worlds = [kernel_world(lab), our_world(lab)]
        try:
            time.sleep(1)
            running = [world.exchange([frame for _, frame in frames]) for world in worlds]
            for pump, _ in running:
                pump.wait()
            linux, ours = (outputs(sinks) for _, sinks in running)
        finally:
            ports = worlds[1].daemon.rpc().call("stats.get")["ports"]
            status = worlds[1].daemon.stop()
    assert status == 0, f"the daemon ended with {status}"
    different = {}
    for i, (kind, frame) in enumerate(frames):
        silent = kind in LIMITED and i not in linux
        if linux.get(i) != ours.get(i) and kind not in INTENDED and not silent:
            different.setdefault(kind, []).append((i, frame, linux.get(i), ours.get(i)))
    assert len(linux) > FRAMES // 2, "the kernel itself forwarded too little to be a judge"
    assert not different, f"seed {seed}, {ports}:\n" + "\n".join(describe(*item) for item in sorted(different.items()))


def describe(kind, cases):
    def show(result):
        return "nothing" if not result else ", ".join(f"{end} {frame.hex()[:200]}" for end, frame in result)
    i, frame, linux, ours = cases[0]
    return f"{kind}: {len(cases)} times, first {i}\n  in    {frame.hex()[:200]}\n  linux {show(linux)}\n  ours  {show(ours)}"
