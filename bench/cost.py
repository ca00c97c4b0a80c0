# SPDX-License-Identifier: BSD-3-Clause
"""What a packet of each kind costs: TSC cycles of the daemon's own worker, from receive to transmit.

A pcap: device that repeats a file for ever feeds the worker, a null device takes what leaves. The case "wrong MAC" is
the floor: packets that are dropped at the first look, and so mostly what it costs to receive. Cycles include the
devices' work, which is alike in all cases but for the length of the frames.
"""
import os
import sys
import time

from scapy.all import IP, UDP, Dot1Q, Ether, IPOption_NOP, IPv6, IPv6ExtHdrDestOpt, Raw, fragment, wrpcap

from lab.daemon import Daemon
from lab.net import Lab
from rounds import interleaved

SECONDS = 0.5
FLOWS = 1024
MAC = "02:70:63:61:70:00"  # of the pcap driver's first device
PREFIXES = {4: "192.0.2.0/24", 6: "2001:db8:a::/48"}
NEXT_HOPS = {4: "10.0.2.11", 6: "fd00:2::11"}
"""Instances behind one next hop each, or behind a tunnel."""
PLAIN = [{"name": "i0", "next_hop": list(NEXT_HOPS.values())}]
FOUR = [{"name": f"i{i}", "next_hop": list(NEXT_HOPS.values())} for i in range(4)]


def tunnel(kind):
    return [{"name": "i0", "next_hop": NEXT_HOPS[4],
             "tunnel": {"type": kind, "source": "10.0.2.1", "destination": "203.0.113.5"}}]


def ip(flow, **fields):
    return IP(src=f"198.51.{flow >> 8}.{flow & 255}", dst=f"192.0.2.{flow & 255}", **fields)


def ip6(flow):
    return IPv6(src=f"2001:db8:c::{flow:x}", dst=f"2001:db8:a::{flow:x}")


def udp(flow):
    return UDP(sport=1024 + flow, dport=53) / Raw(bytes(18))


def pieces(flow):
    """A datagram in three fragments."""
    return fragment(ip(flow, id=flow) / UDP(sport=1024 + flow, dport=53) / Raw(bytes(64)), fragsize=24)


def frame(*layers, destination=MAC):
    packet = Ether(src="02:00:00:00:00:09", dst=destination)
    for layer in layers:
        packet = packet / layer
    return packet


"""What the packets are, and where they go."""
CASES = {
    "wrong MAC": (PLAIN, lambda i: [frame(ip(i), udp(i), destination="02:00:00:00:00:01")]),
    "plain v4": (PLAIN, lambda i: [frame(ip(i), udp(i))]),
    "plain v4, 4 instances": (FOUR, lambda i: [frame(ip(i), udp(i))]),
    "plain v6": (PLAIN, lambda i: [frame(ip6(i), udp(i))]),
    "plain v6, 4 instances": (FOUR, lambda i: [frame(ip6(i), udp(i))]),
    "VLAN, 4 instances": (FOUR, lambda i: [frame(Dot1Q(vlan=100), ip(i), udp(i))]),
    "IPIP": (tunnel("ipip"), lambda i: [frame(ip(i), udp(i))]),
    "GRE": (tunnel("gre"), lambda i: [frame(ip(i), udp(i))]),
    "GUE": (tunnel("gue"), lambda i: [frame(ip(i), udp(i))]),
    "v4 options, 4 instances": (FOUR, lambda i: [frame(ip(i, options=[IPOption_NOP()] * 4), udp(i))]),
    "v6 options, 4 instances": (FOUR, lambda i: [frame(ip6(i), IPv6ExtHdrDestOpt(), udp(i))]),
    "v4 fragments, 4 instances": (FOUR, lambda i: [frame(piece) for piece in pieces(i)]),
}


def configuration(case, capture):
    instances, _ = CASES[case]
    ports = [{"name": "in", "device": f"vdev:net_pcap0,rx_pcap={capture},infinite_rx=1"},
             {"name": "out", "device": "null"}]
    if case.startswith("VLAN"):
        ports.append({"name": "in100", "device": ports[0]["device"], "vlan": 100})
    families = [4] if "tunnel" in instances[0] else [4, 6]
    return {
        "site": {"name": "bench", "asn": 65000},
        "dpdk": {"memory_mb": 512, "control_lcore": 0, "worker_lcores": [1]}, "ports": ports,
        "anycast": [PREFIXES[family] for family in families], "instances": instances,
        "peers": [{"name": "rs1", "as": 65002, "type": "ebgp"}],
        "routes": [{"prefix": PREFIXES[family], "peer": "rs1", "path_id": i, "instance": instance["name"],
                    "as_path": [65002]} for i, instance in enumerate(instances) for family in families]}


def worker(rpc):
    """(packets, cycles) of the one worker so far."""
    stats = rpc.call("stats.get")["workers"][0]
    return stats["rx"], stats["rx"] * stats["cycles_per_packet"]


def verify(case, rpc):
    """That the packets went where the case means them to go."""
    before = rpc.call("stats.get")
    time.sleep(0.05)
    after = rpc.call("stats.get")
    received, sent = (after[key] - before[key] for key in ("received", "sent"))
    if (sent if case == "wrong MAC" else abs(received - sent)) > received * 0.01:
        raise RuntimeError(f"{case}: of {received} packets {sent} were sent: {after}")


def measure(case, build):
    """Cycles a packet, or None where this build refuses the configuration."""
    with Lab() as lab:
        host = lab.host("fw")
        capture = os.path.join(lab.dir, "in.pcap")
        wrpcap(capture, [packet for i in range(FLOWS) for packet in CASES[case][1](i)])
        daemon = Daemon(lab, host, configuration(case, capture))
        try:
            daemon.start(program=os.path.join(build, "anyfwd"))
        except RuntimeError as error:
            print(f"{build}: {case}: {error}", file=sys.stderr)
            return None
        try:
            for address in ("10.0.2.1/24", "fd00:2::1/64"):
                host.ip("addr", "add", address, "dev", "out", *(["nodad"] if ":" in address else []))
            for next_hop in NEXT_HOPS.values():
                host.ip("neigh", "replace", next_hop, "lladdr", "02:00:00:00:00:11", "dev", "out")
            host.ip("route", "add", "203.0.113.5/32", "via", NEXT_HOPS[4])
            time.sleep(0.3)
            rpc = daemon.rpc()
            verify(case, rpc)
            packets, cycles = worker(rpc)
            time.sleep(SECONDS)
            packets_after, cycles_after = worker(rpc)
            return (cycles_after - cycles) / (packets_after - packets)
        finally:
            daemon.stop()


def samples(options):
    return interleaved(options, "cycles/packet", CASES, options.builds, measure)
