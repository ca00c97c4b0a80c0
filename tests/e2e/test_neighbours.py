# SPDX-License-Identifier: BSD-3-Clause
"""Packets wait a moment for their neighbour; nobody pays for those whose neighbour never answers."""
import socket
import time

import pytest
from scapy.all import IP, UDP, IPv6, Raw

from lab.daemon import wait_until
from lab.traffic import MAGIC, Pump, Sink, checksum, forwarded, send
from london import arrivals

BOTH = pytest.mark.parametrize("family", [4, 6])
INSTANCE = {4: "10.10.0.2", 6: "fd00:10::2"}
NOBODY = {4: "10.10.0.77", 6: "fd00:10::77"}
DEPTH, QUEUES, WAIT_S = 8, 256, 0.1


def packet(destination, number=0):
    ip = IPv6(src="2001:db8:c::9", dst=destination) if ":" in destination \
        else IP(src="198.51.100.9", dst=destination)
    return ip / UDP(sport=1024 + number, dport=9999) / Raw(MAGIC + bytes([number]))


def sprayed(london, addresses):
    """A frame to each address, fast: only the address and the checksum differ from the first."""
    first = bytes(london.ethernet / packet(addresses[0]))
    family = socket.AF_INET6 if ":" in addresses[0] else socket.AF_INET
    at = 14 + (24 if family == socket.AF_INET6 else 16)
    frames = []
    for address in addresses:
        packed = socket.inet_pton(family, address)
        frame = bytearray(first)
        frame[at:at + len(packed)] = packed
        if family == socket.AF_INET:
            frame[24:26] = b"\0\0"
            frame[24:26] = checksum(bytes(frame[14:34])).to_bytes(2, "big")
        frames.append(bytes(frame))
    return frames


def figures(rpc):
    stats = rpc.call("stats.get")
    return stats["held"], stats["drops"]["no_neighbour"]


def forget(london, device):
    """The kernel loses its neighbours on this device, and the forwarder learns of it."""
    london.forwarder.ip("neigh", "flush", "dev", device)
    time.sleep(0.02)


@BOTH
@pytest.mark.parametrize("through", ["instance", "connected subnet"])
def test_the_first_packets_wait_until_the_kernel_has_resolved_the_neighbour(london, family, through):
    london.announce("lon1", family=family)
    london.expect_at("lon1", family)
    frames = london.packets(DEPTH, family, run=3) if through == "instance" else \
        [bytes(london.ethernet / packet(INSTANCE[family], i)) for i in range(DEPTH)]
    sink = Sink(london.instances["lon1"])
    _, lost_before = figures(london.rpc)
    forget(london, "d0")
    send(london.client, frames)
    got = [frame[14:] for _, frame in sink.stop() if MAGIC in frame]
    assert got == [forwarded(frame) for frame in frames], f"{len(got)} of {len(frames)}\n{london.situation()}"
    assert figures(london.rpc) == (0, lost_before)


@BOTH
def test_a_neighbour_that_is_lost_right_after_it_was_resolved_is_asked_for_again_at_once(london, family):
    london.announce("lon1", family=family)
    london.expect_at("lon1", family)
    _, lost_before = figures(london.rpc)
    for run in (5, 6, 7):
        frames = london.packets(DEPTH, family, run=run)
        sink = Sink(london.instances["lon1"])
        forget(london, "d0")
        send(london.client, frames)
        got = len(arrivals(sink.stop(settle_s=0.05), run=run))
        assert got == DEPTH, f"run {run}\n{london.situation()}"
    assert figures(london.rpc) == (0, lost_before)


@BOTH
def test_the_neighbours_of_backups_are_known_before_they_are_needed(london, family):
    """What no packet goes to is kept resolved all the same, else a failover would wait for ARP or ND."""
    london.announce("lon1", "lon2", "ny1", family=family)
    london.expect_at("lon1", family)
    for device in ("d1", "d2"):
        forget(london, device)

    def resolved():
        known = {each["next_hop"]: each["alive"] for one in london.rpc.call("instance.list")["instances"]
                 for each in one["adjacency"]}
        return all(known[hop] for hop in ("10.11.0.2", "10.12.0.2", "fd00:11::2", "fd00:12::2"))
    assert wait_until(resolved, 3), london.situation()
    frames, sinks = london.packets(1000, family, run=8), london.sinks()
    pump = Pump(london.client, frames, 2000)
    for name in ("lon1", "lon2"):
        time.sleep(0.15)
        london.rpc.call("instance.down", name=name)
    sent, _ = pump.wait()
    got = {name: [number for _, number, _ in arrivals(sink.stop(), run=8)] for name, sink in sinks.items()}
    assert sent == 1000 and sorted(sum(got.values(), [])) == list(range(1000)), london.situation()
    assert all(got.values()), {name: len(numbers) for name, numbers in got.items()}



@BOTH
def test_eight_packets_wait_for_a_neighbour_and_no_longer_than_100_ms(london, family):
    frames = [bytes(london.ethernet / packet(NOBODY[family], i)) for i in range(20)]
    _, before = figures(london.rpc)
    send(london.client, frames)
    assert wait_until(lambda: figures(london.rpc) == (DEPTH, before + len(frames) - DEPTH), WAIT_S, 0.005)
    assert wait_until(lambda: figures(london.rpc) == (0, before + len(frames)), 5 * WAIT_S, 0.01)


@pytest.mark.parametrize("family", [pytest.param(4, marks=pytest.mark.long), 6])
def test_a_spray_at_ten_thousand_addresses_that_nobody_has_takes_nothing_from_resolved_flows(london, family):
    if family == 4:
        london.forwarder.ip("addr", "replace", "10.99.0.1/16", "dev", "d1")
    london.announce("lon1", family=family)
    london.expect_at("lon1", family)
    addresses = [f"10.99.{i >> 8}.{i & 255}" if family == 4 else f"fd00:11::{i:x}" for i in range(256, 10_256)]
    spray = sprayed(london, addresses)
    sink = Sink(london.instances["lon1"])
    held = []
    try:
        pumps = [Pump(london.client, london.packets(6000, family, run=6), 1500), Pump(london.client, spray * 2, 5000)]
        while pumps[1].process.poll() is None:
            held.append(figures(london.rpc)[0])
            time.sleep(0.05)
        for pump in pumps:
            pump.wait()
    finally:
        if family == 4:
            london.forwarder.ip("addr", "del", "10.99.0.1/16", "dev", "d1")
    got = arrivals(sink.stop(), run=6)
    assert len({number for _, number, _ in got}) == 6000, f"{6000 - len(got)} lost\n{london.situation()}"
    assert 0 < max(held) <= DEPTH * QUEUES
    assert wait_until(lambda: figures(london.rpc)[0] == 0, 1)
