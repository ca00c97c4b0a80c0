# SPDX-License-Identifier: BSD-3-Clause
"""anyfwd-replay: a capture through the forwarder, alone, with what came of each packet in files."""
import json
import os
import subprocess

import pytest
from scapy.all import (ARP, GRE, ICMP, IP, UDP, Dot1Q, Ether, ICMPv6TimeExceeded, IPv6, Raw, fragment, rdpcap,
                       wrpcap)

from lab.net import BUILD

ROUTER, UP, DOWN, LON1, LON2 = ("02:00:00:00:00:" + last for last in ("09", "01", "02", "11", "12"))
CONFIG = {
    "site": {"name": "lon", "asn": 65000},
    "dpdk": {"memory_mb": 256},
    # devices that are not here: a replay has none
    "ports": [{"name": "up", "device": "af_xdp:eth7", "steer": "transit"},
              {"name": "up100", "device": "af_xdp:eth7", "vlan": 100},
              {"name": "down", "device": "pci:0000:3b:00.0", "queues": 4, "twin": "eth8"}],
    "anycast": ["192.0.2.0/24", "2001:db8:a::/48"],
    "peers": [{"name": "rs1", "as": 65002, "type": "ebgp"}],
    "instances": [{"name": "lon1", "next_hop": ["10.0.2.11", "fd00:2::11"]}, {"name": "lon2", "next_hop": "10.0.2.12"},
                  {"name": "far", "next_hop": "10.0.2.11",
                   "tunnel": {"type": "gre", "source": "10.0.2.1", "destination": "203.0.113.5"}}],
    "routes": [{"prefix": "192.0.2.0/24", "peer": "rs1", "instance": "lon1", "as_path": [65002]},
               {"prefix": "2001:db8:a::/48", "peer": "rs1", "instance": "lon1", "as_path": [65002]},
               {"prefix": "192.0.2.128/25", "peer": "rs1", "instance": "far", "as_path": [65002]}]}
KERNEL = f"""\
link set dev eth7 address {UP}
link set dev eth8 address {DOWN} mtu 1500
address add 198.51.100.1/24 dev eth7
address add 2001:db8:1::1/64 dev eth7 nodad
address add 10.0.2.1/24 dev eth8
address add fd00:2::1/64 dev eth8 nodad
neighbour replace 10.0.2.11 lladdr {LON1} dev eth8
neighbour replace fd00:2::11 lladdr {LON1} dev eth8
neighbour replace 10.0.2.12 lladdr {LON2} dev eth8
neighbour replace 198.51.100.9 lladdr {ROUTER} dev eth7
neighbour replace 2001:db8:1::9 lladdr {ROUTER} dev eth7
"""
CLIENT = {4: "198.51.100.9", 6: "2001:db8:1::9"}


def frame(*layers, destination=UP):
    packet = Ether(src=ROUTER, dst=destination)
    for layer in layers:
        packet = packet / layer
    return packet


def ip(destination="192.0.2.1", **fields):
    return IP(src=CLIENT[4], dst=destination, **fields)


def udp(size=20):
    return UDP(sport=5353, dport=53) / Raw(bytes(range(256)) * (size // 256) + bytes(size % 256))


class Replay:
    def __init__(self, folder):
        self.dir = folder

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def run(self, packets, *options, out="out", config=CONFIG, begin=1_700_000_000, gap=0.001, kernel=KERNEL):
        if not isinstance(packets, str):
            for number, packet in enumerate(packets):
                packet.time = begin + number * gap
            wrpcap(self.path("in.pcap"), packets)
            packets = self.path("in.pcap")
        self.write("anyfwd.yaml", json.dumps(config, indent=1))
        self.write("kernel", kernel)
        return subprocess.run([os.path.join(BUILD, "anyfwd-replay"), "-c", self.path("anyfwd.yaml"), "--in", packets,
                               "--out", self.path(out), "--kernel", self.path("kernel"), *options],
                              capture_output=True, text=True, timeout=60)

    def counters(self, packets, *options, **more):
        done = self.run(packets, *options, **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def sent(self, port, out="out"):
        return list(rdpcap(self.path(f"{out}/{port}.pcap")))

    def blocks(self, name, out="out"):
        """[(frame, comment)], the comments as Wireshark reads them."""
        file = self.path(f"{out}/{name}.pcapng")
        comments = subprocess.run(["tshark", "-r", file, "-T", "fields", "-e", "frame.comment"], capture_output=True,
                                  text=True, timeout=60, check=True).stdout.splitlines()
        return [(bytes(packet), comment) for packet, comment in zip(rdpcap(file), comments, strict=True)]


@pytest.fixture
def replay(tmp_path):
    return Replay(str(tmp_path))


def drops(counters):
    return {reason: n for reason, n in counters["drops"].items() if n}


def test_each_packet_is_in_the_file_of_where_it_went(replay):
    packets = [frame(ip(ttl=9), udp()), frame(IPv6(src=CLIENT[6], dst="2001:db8:a::1", hlim=9), udp()),
               frame(Dot1Q(vlan=100), ip(), udp()), frame(ip("192.0.2.200"), udp()), frame(ip("198.51.100.1"), udp()),
               frame(ip("8.8.8.8"), udp()), frame(ip(), udp(), destination="02:00:00:00:00:77"),
               frame(ip(chksum=1), udp())]
    counters = replay.counters(packets)
    down = replay.sent("down")
    assert [packet.src for packet in down] == [DOWN] * 4 and [packet.dst for packet in down] == [LON1] * 4
    assert down[0][IP].ttl == 8 and down[1][IPv6].hlim == 8
    assert down[3][IP].dst == "203.0.113.5" and down[3][GRE][IP].dst == "192.0.2.200"
    assert [packet.time for packet in down] == [packets[i].time for i in range(4)]
    assert [bytes(packets[4])] == [punted for punted, _ in replay.blocks("punted")]
    assert [(bytes(packets[i]), reason) for i, reason in ((5, "no_route"), (6, "not_for_us"), (7, "bad_checksum"))] \
        == replay.blocks("dropped")
    assert drops(counters) == {"no_route": 1, "not_for_us": 1, "bad_checksum": 1}
    assert (counters["received"], counters["sent"], counters["punted"], counters["created"]) == (8, 5, 1, 1)
    answer, = replay.sent("up")  # about no route
    assert (answer.dst, answer[IP].src, answer[IP].dst, answer[ICMP].type) == (ROUTER, "198.51.100.1", CLIENT[4], 3)


def test_what_the_forwarder_makes_itself(replay):
    counters = replay.counters([frame(ip(ttl=1), udp()), frame(IPv6(src=CLIENT[6], dst="2001:db8:a::1", hlim=1), udp()),
                                frame(ip(), udp(3000))])
    expired, expired6 = replay.sent("up")
    assert (expired[ICMP].type, expired[IP].src) == (11, "198.51.100.1") and ICMPv6TimeExceeded in expired6
    pieces = replay.sent("down")
    assert [len(piece[IP]) for piece in pieces] == [len(p) for p in fragment(ip() / udp(3000), fragsize=1480)]
    assert b"".join(bytes(piece[IP].payload) for piece in pieces) == bytes((ip() / udp(3000))[UDP])
    assert drops(counters) == {"ttl_expired": 2}


@pytest.mark.parametrize("begin", [pytest.param(1_700_000_000, marks=pytest.mark.long), 0])  # tools that make captures have no clock
def test_time_is_the_packets_own(replay, begin):
    """A fragment waits 100 ms for the first of its datagram; ICMP errors have a rate a second, and 50 come at once."""
    first, second = fragment(ip() / udp(100), fragsize=64)
    config = {**CONFIG, "routes": CONFIG["routes"] + [
        {"prefix": "192.0.2.0/24", "peer": "rs1", "path_id": 1, "instance": "lon2", "as_path": [65002]}]}
    for gap, unmatched in ((0.09, 0), (0.12, 1)):
        told = replay.counters([frame(second), frame(first)], config=config, begin=begin, gap=gap)
        assert told["fragments_unmatched"] == unmatched, gap
    for gap, errors in ((0, 51), (0.001, 200)):
        refused = [frame(ip("8.8.8.8"), udp()) for _ in range(200)]
        assert replay.counters(refused, begin=begin, gap=gap)["icmp_sent"] == errors, gap


def test_calls_come_before_the_first_packet(replay):
    calls = replay.write("calls", '{"jsonrpc":"2.0","id":1,"method":"instance.down","params":{"name":"lon1"}}\n\n'
                                  '[{"jsonrpc":"2.0","id":2,"method":"status"}]\n')
    counters = replay.counters([frame(ip(), udp())], "--calls", calls)
    assert drops(counters) == {"no_instance": 1}


def test_the_same_again(replay):
    packets = [frame(ip(f"192.0.2.{i % 256}", ttl=i % 3 + 1, id=i), udp(i * 7 % 2000)) for i in range(600)]
    first = replay.run(packets, out="a")
    second = replay.run(replay.path("in.pcap"), out="b")
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert first.stdout == second.stdout
    for name in os.listdir(replay.path("a")):
        with open(replay.path(f"a/{name}"), "rb") as a, open(replay.path(f"b/{name}"), "rb") as b:
            assert a.read() == b.read(), name


def test_wireshark_reads_why_a_packet_was_dropped(replay):
    replay.counters([frame(ip("8.8.8.8"), udp())])
    shown = subprocess.run(["tshark", "-r", replay.path("out/dropped.pcapng"), "-T", "fields", "-e", "frame.comment",
                            "-e", "frame.interface_name", "-e", "frame.packet_flags_direction", "-e", "ip.dst"],
                           capture_output=True, text=True, timeout=60, check=True)
    assert shown.stdout.split() == ["no_route", "up", "0x00000001", "8.8.8.8"]


@pytest.mark.parametrize("options, told", [
    (["--in", "/nonexistent.pcap"], "/nonexistent.pcap"),
    (["--port", "left"], 'no port "left"'),
    (["--kernel", "/nonexistent"], "ip -batch /nonexistent failed"),
    (["--calls", "/nonexistent"], "/nonexistent"),
])
def test_what_is_wrong_is_told(replay, options, told):
    done = replay.run([frame(ip(), udp())], *options)
    assert done.returncode == 1 and told in done.stderr and len(done.stderr.splitlines()) <= 2


def test_a_call_that_is_refused_ends_it(replay):
    calls = replay.write("calls", '\n{"jsonrpc":"2.0","id":1,"method":"instance.down","params":{"name":"who"}}\n')
    done = replay.run([frame(ip(), udp())], "--calls", calls)
    assert done.returncode == 1 and f'{calls}:2: ' in done.stderr and "who" in done.stderr


@pytest.mark.parametrize("keep", [10, 30, 70])
def test_a_damaged_capture_is_told(replay, keep):
    replay.counters([frame(ip(), udp()), frame(ip(), udp())])
    with open(replay.path("in.pcap"), "r+b") as file:
        file.truncate(keep)
    done = replay.run(replay.path("in.pcap"))
    assert done.returncode == 1 and "in.pcap" in done.stderr and "trunc" in done.stderr


def test_packets_that_are_no_ethernet_frames_are_refused(replay):
    wrpcap(replay.path("raw.pcap"), [ip() / udp()], linktype=101)
    done = replay.run(replay.path("raw.pcap"))
    assert done.returncode == 1 and "Ethernet" in done.stderr


@pytest.mark.parametrize("family", [4, 6])
def test_a_trace_says_what_each_stage_did(replay, family):
    whole, expired = (frame(ip(ttl=ttl) if family == 4 else IPv6(src=CLIENT[6], dst="2001:db8:a::1", hlim=ttl), udp())
                      for ttl in (64, 1))
    result = replay.run([whole, expired], "--trace")
    assert result.returncode == 0, result.stderr
    with open(replay.path("out/trace.txt")) as file:
        lines = file.read().splitlines()
    stages = [line.split()[0] for line in lines]
    forwarded = ["packet", "received", "parse", "lookup", "steer"]
    assert stages == forwarded + ["rewrite", "sent"] + forwarded + ["rewrite"] + \
        ["packet", "made", "lookup", "steer", "rewrite", "sent"], lines
    assert "first choice of its row" in lines[4] and "instance lon1" in lines[4]
    assert f"{DOWN} > {LON1}" in lines[5] and "ttl 63" in lines[5]
    assert lines[12].split() == ["rewrite", "dropped,", "ttl_expired"]
    assert lines[13].startswith("packet 3, made of 2:")


def test_a_trace_of_what_the_kernels_quota_refuses_says_so(replay):
    requests = [Ether(src=ROUTER, dst="ff:ff:ff:ff:ff:ff") / ARP(psrc=CLIENT[4], pdst="198.51.100.1") for _ in range(210)]
    assert drops(replay.counters(requests, "--trace", gap=0)) == {"punt_full": 9}
    with open(replay.path("out/trace.txt")) as file:
        lines = [line.split() for line in file]
    assert [line[1] for line in lines if line[0] == "parse"] == ["punt"] * 210
    assert [line[1:] for line in lines if line[0] == "transmit"] == [["dropped,", "punt_full"]] * 9


@pytest.mark.parametrize("loopback", [(), ("10.99.0.1/32", "fd99::1/128")])
def test_a_port_without_addresses_speaks_from_another_ones(replay, loopback):
    """Or its senders would never hear of a smaller MTU."""
    kernel = "".join(line for line in KERNEL.splitlines(True) if "/" not in line or "eth7" not in line)
    kernel += "".join(f"address add {address} dev lo\n" for address in loopback)
    replay.counters([frame(ip("8.8.8.8"), udp()), frame(IPv6(src=CLIENT[6], dst="2001:db9::1"), udp())], kernel=kernel)
    answers = [packet[1].src for packet in replay.sent("up")]
    assert answers == [address.split("/")[0] for address in loopback or ("10.0.2.1", "fd00:2::1")]
