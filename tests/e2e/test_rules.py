# SPDX-License-Identifier: BSD-3-Clause
"""Rules of forwarding that only the whole daemon can break: limits over time, an MTU that changes, what never passes."""
import time

import pytest
from scapy.all import IP, UDP, IPv6, Raw

from lab.daemon import wait_until
from lab.traffic import Pump, Sink, send
from london import arrivals

BOTH = pytest.mark.parametrize("family", [4, 6])
ICMP_RATE, ICMP_BURST = 1000, 50  # of a port, as by default
NARROW = 1300


@pytest.mark.parametrize("family", [pytest.param(4, marks=pytest.mark.long), 6])
def test_a_flood_of_expiring_packets_is_answered_at_the_rate_and_costs_transit_nothing(london, family):
    london.announce("lon1", family=family)
    london.expect_at("lon1", family)
    expiring = london.packets(200, family, run=8, ttl=1) * 50
    before, began = london.rpc.call("stats.get"), time.monotonic()
    sink = Sink(london.instances["lon1"])
    pumps = [Pump(london.client, expiring, 5000), Pump(london.client, london.packets(4000, family, run=9), 2000)]
    for pump in pumps:
        pump.wait()
    got = arrivals(sink.stop(), run=9)
    after, seconds = london.rpc.call("stats.get"), time.monotonic() - began
    assert len({number for _, number, _ in got}) == 4000, f"{4000 - len(got)} lost\n{london.situation()}"
    assert after["drops"]["ttl_expired"] - before["drops"]["ttl_expired"] == len(expiring)
    errors = after["icmp_sent"] - before["icmp_sent"]
    assert ICMP_RATE <= errors <= ICMP_RATE * seconds + ICMP_BURST + 1, f"{errors} in {seconds:.2f} s"


@BOTH
def test_a_ports_mtu_is_followed_at_run_time(london, family):
    london.announce("lon1", family=family)
    london.expect_at("lon1", family)
    too_big = london.packets(1, family, run=10, size=NARROW)

    def set_mtu(mtu):
        london.forwarder.ip("link", "set", "dev", "d0", "mtu", str(mtu))
        assert wait_until(lambda: {port["name"]: port["mtu"] for port in london.rpc.call("port.list")["ports"]}["d0"]
                          == mtu)

    def exchange():
        sinks = Sink(london.instances["lon1"]), Sink(london.client)
        send(london.client, too_big)
        lon1, client = ([frame for _, frame in sink.stop(settle_s=0.3)] for sink in sinks)
        source = slice(26, 30) if family == 4 else slice(22, 38)
        return [frame for frame in lon1 if frame[source] == too_big[0][source]], \
            [frame for frame in client if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 2]
    set_mtu(NARROW)
    try:
        arrived, told = exchange()
        if family == 4:  # without DF: in pieces
            assert len(arrived) == 2 and max(len(frame) for frame in arrived) <= NARROW + 14, arrived
        else:
            assert not arrived and [int.from_bytes(frame[58:62], "big") for frame in told] == [NARROW]
    finally:
        set_mtu(1500)
    arrived, told = exchange()
    assert [len(frame) for frame in arrived] == [len(too_big[0])] and not told


@pytest.mark.parametrize("destination", ["10.10.0.255", "224.0.0.99", "239.1.2.3", "ff02::77", "ff0e::77"])
def test_broadcasts_and_groups_of_other_links_are_never_forwarded(london, destination):
    london.announce("lon1")
    ip = IPv6(src="2001:db8:c::9", dst=destination) if ":" in destination \
        else IP(src="198.51.100.9", dst=destination)
    frame = bytes(london.ethernet / ip / UDP(sport=7, dport=7) / Raw(b"never forwarded"))
    sinks, before = london.sinks(), london.rpc.call("stats.get")["drops"]
    send(london.client, [frame] * 10)
    time.sleep(0.2)
    assert london.rpc.call("stats.get")["drops"] == before  # nor is there a neighbour that they wait for
    for name, sink in sinks.items():
        assert not [got for _, got in sink.stop(settle_s=0.05) if b"never forwarded" in got], name
