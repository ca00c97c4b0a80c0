# SPDX-License-Identifier: BSD-3-Clause
"""Every packet ends in exactly one counter, and the counters of a run add up to the packets received."""
import time

import pytest
from scapy.all import IP, UDP, Ether, IPOption_RR, IPv6, IPv6ExtHdrHopByHop, Raw

from lab.daemon import wait_until
from lab.traffic import MAGIC, Pump, send
from london import arrivals, candidate

COPIES = 50
# Addresses of the service that no instance has: none of them answers.
SILENT = {4: "192.0.2.77", 6: "2001:db8:a::77"}


def v4(**fields):
    return IP(**{"src": "198.51.100.9", "dst": SILENT[4], **fields}) / UDP(sport=5, dport=9) / Raw(MAGIC + b"." * 9)


def v6(**fields):
    return IPv6(**{"src": "2001:db8:c::9", "dst": SILENT[6], **fields}) / UDP(sport=5, dport=9) / Raw(MAGIC + b"." * 9)


def cut(packet, length):
    return Raw(bytes(packet)[:length])



# name: (EtherType, IP packet, where it ends: a drop reason, or "forwarded")
PACKETS = {
    "a valid packet": (0x0800, v4(), "forwarded"),
    "a valid IPv6 packet": (0x86DD, v6(), "forwarded"),
    "a packet with padding behind it": (0x0800, bytes(v4()) + b"\0" * 20, "forwarded"),
    "an IPv6 packet with padding behind it": (0x86DD, bytes(v6()) + b"\0" * 20, "forwarded"),
    "a packet with options": (0x0800, v4(options=[IPOption_RR(length=11, routers=["0.0.0.0"] * 2)]), "forwarded"),
    "a packet with a hop-by-hop header": (
        0x86DD, IPv6(src="2001:db8:c::9", dst=SILENT[6]) / IPv6ExtHdrHopByHop() / UDP(sport=5, dport=9) / Raw(b"."),
        "forwarded"),
    "TTL 1": (0x0800, v4(ttl=1), "ttl_expired"),
    "TTL 0": (0x0800, v4(ttl=0), "ttl_expired"),
    "hop limit 1": (0x86DD, v6(hlim=1), "ttl_expired"),
    "hop limit 0": (0x86DD, v6(hlim=0), "ttl_expired"),
    "version 5": (0x0800, v4(version=5), "bad_version"),
    "version 4 as IPv6": (0x86DD, v6(version=4), "bad_version"),
    "a header of 16 bytes": (0x0800, v4(ihl=4), "bad_header_length"),
    "a header longer than the packet": (0x0800, cut(v4(ihl=15, len=40), 60), "bad_header_length"),
    "a total length beyond the frame": (0x0800, v4(len=200), "bad_total_length"),
    "a payload length beyond the frame": (0x86DD, v6(plen=200), "bad_total_length"),
    "a wrong checksum": (0x0800, v4(chksum=0xBAD), "bad_checksum"),
    "from 0/8": (0x0800, v4(src="0.0.0.7"), "martian_source"),
    "from 127/8": (0x0800, v4(src="127.0.0.7"), "martian_source"),
    "from 224/4": (0x0800, v4(src="224.0.0.7"), "martian_source"),
    "from broadcast": (0x0800, v4(src="255.255.255.255"), "martian_source"),
    "from ::": (0x86DD, v6(src="::"), "martian_source"),
    "from ::1": (0x86DD, v6(src="::1"), "martian_source"),
    "from ff00::/8": (0x86DD, v6(src="ff0e::7"), "martian_source"),
    "to 0/8": (0x0800, v4(dst="0.0.0.7"), "martian_destination"),
    "to 127/8": (0x0800, v4(dst="127.9.9.9"), "martian_destination"),
    "to 240/4": (0x0800, v4(dst="240.0.0.7"), "martian_destination"),
    "to ::": (0x86DD, v6(dst="::"), "martian_destination"),
    "without a route": (0x0800, v4(dst="9.9.9.9"), "no_route"),
    "without an IPv6 route": (0x86DD, v6(dst="2001:db8:dead::1"), "no_route"),
    "to a next hop that nobody has": (0x0800, v4(dst="198.18.0.1"), "no_neighbour"),
    "to a dead instance": (0x0800, v4(dst="198.19.0.1"), "no_instance"),
}


def totals(rpc):
    """(what came and was made, what left in any way, the drops by reason)"""
    stats = rpc.call("stats.get")
    received = sum(worker["rx"] for worker in stats["workers"])
    sent = sum(worker["tx"] for worker in stats["workers"])
    arrived = received + stats["created"]
    ended = sent + stats["punted"] + stats["consumed"] + sum(stats["drops"].values()) + stats["held"]
    return arrived, ended, {"forwarded": sent - stats["icmp_sent"], "received": received, **stats["drops"]}


def totals_after(rpc, before, received):
    """The totals when that many more packets have come and none is held (for its neighbour) any more, and a moment
    later, for no other should come."""
    def all_came():
        return totals(rpc)[2]["received"] >= before["received"] + received and not rpc.call("stats.get")["held"]
    wait_until(all_came, timeout_s=3)
    time.sleep(0.05)
    return totals(rpc)


@pytest.fixture
def routed(london):
    """Both families reach lon1; two prefixes end nowhere."""
    london.announce("lon1")
    london.announce("lon1", family=6)
    london.rpc.call("route.update", add=[
        {"prefix": "198.18.0.0/24", "peer": "to-lon1", "next_hop": "10.10.0.77", "as_path": [65002]},
        candidate("ny1", "198.19.0.0/24")])
    london.rpc.call("instance.down", name="ny1")
    for family in (4, 6):
        london.expect_at("lon1", family)
    time.sleep(0.2)
    return london


@pytest.mark.parametrize("name", PACKETS)
def test_each_packet_is_counted_once_for_what_became_of_it(routed, name):
    ether_type, packet, end = PACKETS[name]
    frame = bytes(Ether(src=routed.client.mac(), dst=routed.forwarder.mac("up"), type=ether_type)) + bytes(packet)
    _, _, before = totals(routed.rpc)
    send(routed.client, [frame] * COPIES)
    arrived, ended, after = totals_after(routed.rpc, before, COPIES)
    changes = {reason: after[reason] - before[reason] for reason in after if after[reason] != before[reason]}
    assert changes == {"received": COPIES, end: COPIES}
    assert arrived == ended


def test_a_source_address_that_no_host_may_have_is_refused_in_the_ethernet_header_too(routed):
    _, _, before = totals(routed.rpc)
    for source in ("01:00:5e:00:00:01", routed.forwarder.mac("up")):
        send(routed.client, [bytes(Ether(src=source, dst=routed.forwarder.mac("up")) / v4())] * COPIES)
    arrived, ended, after = totals_after(routed.rpc, before, 2 * COPIES)
    assert after["bad_source_mac"] - before["bad_source_mac"] == 2 * COPIES
    assert arrived == ended


def test_the_counters_add_up_under_a_mix_at_speed(routed):
    good = routed.packets(20_000, run=4)
    ethernet = {kind: bytes(Ether(src=routed.client.mac(), dst=routed.forwarder.mac("up"), type=kind))
                for kind in (0x0800, 0x86DD)}
    bad = [(ethernet[kind] + bytes(packet), end) for kind, packet, end in PACKETS.values() if end != "forwarded"]
    frames, expected = [], {}
    for i, frame in enumerate(good):
        frames.append(frame)
        if i % 4 == 0:
            broken, end = bad[i // 4 % len(bad)]
            frames.append(broken)
            expected[end] = expected.get(end, 0) + 1
    _, _, before = totals(routed.rpc)
    sinks = routed.sinks()
    Pump(routed.client, frames, 10_000).wait()
    got = {name: len(arrivals(sink.stop(), run=4)) for name, sink in sinks.items()}
    arrived, ended, after = totals(routed.rpc)
    assert got == {"lon1": len(good), "lon2": 0, "ny1": 0}
    assert {end: after[end] - before[end] for end in expected} == expected
    assert arrived == ended


def test_ports_instances_and_workers_tell_the_same_story(routed):
    def figures():
        stats = routed.rpc.call("stats.get")
        return ({port["name"]: (port["rx_packets"], port["tx_packets"]) for port in stats["ports"]},
                {instance["name"]: (instance["packets"], instance["bytes"]) for instance in stats["instances"]})
    ports, instances = figures()
    frame = bytes(routed.ethernet / v4())
    send(routed.client, [frame] * COPIES)
    wait_until(lambda: figures()[1]["lon1"][0] >= instances["lon1"][0] + COPIES, timeout_s=3)
    ports_after, instances_after = figures()
    assert ports_after["up"][0] - ports["up"][0] == COPIES
    assert ports_after["d0"][1] - ports["d0"][1] == COPIES
    assert instances_after["lon1"][0] - instances["lon1"][0] == COPIES
    per_packet = (instances_after["lon1"][1] - instances["lon1"][1]) / COPIES
    assert len(frame) - 14 <= per_packet <= len(frame) + 4
    assert instances_after["lon2"] == instances["lon2"]
