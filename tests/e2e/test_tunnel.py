# SPDX-License-Identifier: BSD-3-Clause
"""An instance behind a tunnel: what the tunnel's far end takes out is what the client sent, and TCP works through it."""
import hashlib
import signal
import threading

import pytest
from scapy.all import GRE, ICMP, IP, UDP, Ether, IPv6

from lab.daemon import wait_until
from lab.traffic import Sink, checksum, connect, forwarded, listen, send
from lab.tunnel import GUE_PORT, IP_LENGTH, FarEnd, overhead
from london import ANYCAST, INSTANCES, SERVICE, arrivals, candidate, config

REMOTE, HOST = "ny2", "ny1"  # the instance with the tunnel, and the host it is on
GATEWAY = "10.12.0.2"
ENDS = {4: ("10.12.0.1", "203.0.113.11"), 6: ("fd00:12::1", "2001:db8:12::11")}
UPLOAD = 2_000_000

KINDS = pytest.mark.parametrize("kind", ["ipip", "gre", "gue"])
OUTER = pytest.mark.parametrize("outer", [4, 6], ids=["over4", "over6"])
INNER = pytest.mark.parametrize("inner", [4, 6], ids=["inside4", "inside6"])


def tunnel(kind, outer):
    source, destination = ENDS[outer]
    return {"type": kind, "source": source, "destination": destination}


@pytest.fixture
def remote(london):
    """A function that puts an instance behind a tunnel and gives it the traffic of both prefixes."""
    def set_up(kind, outer):
        london.rpc.call("instance.set", name=REMOTE, next_hop=GATEWAY, tunnel=tunnel(kind, outer))
        london.rpc.call("route.update", add=[{**candidate(HOST, prefix), "instance": REMOTE}
                                              for prefix in ANYCAST.values()])
        for family in (4, 6):
            london.expect_at(HOST, family)
        return london
    yield set_up
    london.rpc.code("instance.del", name=REMOTE)


def take_out(frame, kind, outer, inner):
    """The packet inside, after scapy's reading of every header outside."""
    packet = Ether(frame)[IP if outer == 4 else IPv6]
    source, destination = ENDS[outer]
    assert (packet.src, packet.dst) == (source, destination)
    inside = {4: 4, 6: 41}[inner]
    assert (packet.proto if outer == 4 else packet.nh) == {"ipip": inside, "gre": 47, "gue": 17}[kind]
    if outer == 4:
        assert (packet.ttl, packet.len, packet.flags) == (64, len(packet), "DF" if inner == 6 else "")
        assert checksum(bytes(packet)[:20]) == 0
    else:
        assert (packet.hlim, packet.plen) == (64, len(packet) - 40)
    if kind == "gre":
        assert bytes(packet[GRE])[:4] == bytes.fromhex("00000800" if inner == 4 else "000086dd")
    elif kind == "gue":
        assert (packet[UDP].dport, packet[UDP].len, packet[UDP].chksum) == (GUE_PORT, len(packet) - IP_LENGTH[outer], 0)
        assert packet[UDP].sport >= 49152
        assert bytes(packet[UDP].payload)[:4] == bytes([0, inside, 0, 0])
    return bytes(packet)[overhead(kind, outer):]


@KINDS
@OUTER
@INNER
def test_a_tunnel_carries_every_packet_with_nothing_but_the_ttl_changed(remote, kind, outer, inner):
    london = remote(kind, outer)
    frames = london.packets(200, inner, run=1)
    sink = Sink(london.instances[HOST])
    send(london.client, frames)
    got = arrivals(sink.stop(), run=1)
    assert sorted(number for _, number, _ in got) == list(range(200))
    for _, number, frame in got:
        assert take_out(frame, kind, outer, inner) == forwarded(frames[number])


@KINDS
@OUTER
@INNER
def test_an_upload_through_a_tunnel_has_the_right_hash_and_learns_its_mtu(remote, kind, outer, inner):
    london = remote(kind, outer)
    host = london.instances[HOST]
    content = bytes(range(251)) * (UPLOAD // 251 + 1)
    digest = hashlib.sha256()
    london.client.ip(f"-{inner}", "route", "flush", "cache")
    server = listen(host, SERVICE[inner], 8000)

    def serve():
        connection, _ = server.accept()
        connection.settimeout(20)
        with connection:
            while data := connection.recv(1 << 16):
                digest.update(data)
    thread = threading.Thread(target=serve)
    thread.start()
    with server, FarEnd(host, kind, *ENDS[outer], inner):
        with connect(london.client, SERVICE[inner], 8000) as client:
            client.sendall(content[:UPLOAD])
        thread.join()
    assert digest.hexdigest() == hashlib.sha256(content[:UPLOAD]).hexdigest()
    assert f"mtu {1500 - overhead(kind, outer)}" in london.client.ip("route", "get", SERVICE[inner])


@OUTER
def test_a_route_that_states_the_mtu_of_its_path_is_believed(remote, outer):
    london = remote("gre", outer)
    london.client.ip("-4", "route", "flush", "cache")
    host, (_, destination) = london.forwarder, ENDS[outer]

    def told(length):
        """The MTU that a datagram of so many bytes, which may not be fragmented, is answered with."""
        packet = IP(src="198.51.100.9", dst=SERVICE[4], flags="DF") / UDP(sport=5, dport=5) / bytes(length - 28)
        sink = Sink(london.client)
        send(london.client, [bytes(london.ethernet / packet)])
        errors = [Ether(frame)[ICMP] for _, frame in sink.stop() if ICMP in Ether(frame)]
        return errors[0].nexthopmtu if errors else None
    assert told(1400) is None
    way = ["route", "add", destination, "via", GATEWAY if outer == 4 else "fd00:12::2", "dev", "d2"]
    host.ip(*way, "mtu", "1300")
    try:
        assert wait_until(lambda: told(1400) == 1300 - overhead("gre", outer))
    finally:
        host.ip("route", "del", destination, "dev", "d2")
    assert wait_until(lambda: told(1400) is None)


def test_a_tunnel_of_the_configuration_comes_and_goes_with_a_reload(london):
    def listed():
        return {i["name"]: i for i in london.rpc.call("instance.list")["instances"]}
    instances = config()["instances"]
    behind = {"name": REMOTE, "next_hop": [GATEWAY], "tunnel": tunnel("gue", 6)}
    try:
        london.daemon.write_config(config(instances=instances + [behind]))
        london.daemon.process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: REMOTE in listed()), london.daemon.log()
        instance = listed()[REMOTE]
        assert instance["tunnel"] == tunnel("gue", 6)
        assert instance["next_hop"] == [GATEWAY]
        assert [(a["family"], a["next_hop"], a["port"]) for a in instance["adjacency"]] == \
            [("v4", GATEWAY, "d2"), ("v6", GATEWAY, "d2")]
        assert all(listed()[name]["tunnel"] is None for name in INSTANCES)
        # what a peer says is at the far end is the instance's
        london.rpc.call("route.update", add=[{"prefix": ANYCAST[4], "peer": f"to-{HOST}", "next_hop": ENDS[6][1]}])
        assert london.rpc.call("fib.lookup", address=SERVICE[4])["tiers"][0][0]["instance"] == REMOTE
    finally:
        london.daemon.write_config(config())
        london.daemon.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: REMOTE not in listed()), london.daemon.log()


def test_packets_move_when_an_instance_gets_another_tunnel_or_none(remote):
    london = remote("ipip", 4)
    frames = london.packets(50, 4, run=2)
    for now in (tunnel("gre", 6), tunnel("gue", 4), None, tunnel("ipip", 4)):
        london.rpc.call("instance.set", name=REMOTE, next_hop=GATEWAY, **({"tunnel": now} if now else {}))
        sink = Sink(london.instances[HOST])
        send(london.client, frames)
        got = arrivals(sink.stop(), run=2)
        assert len(got) == len(frames)
        longer = overhead(now["type"], 4 if "." in now["source"] else 6) if now else 0
        assert {len(frame) for _, _, frame in got} == {len(frames[0]) + longer}


@pytest.mark.parametrize("wrong", [
    {"type": "vxlan", "source": "10.0.0.1", "destination": "10.0.0.2"},
    {"type": "gre", "source": "10.0.0.1", "destination": "fd00::2"},
    {"type": "gre", "source": "10.0.0.1"},
    {"type": "gre", "source": "10.0.0.1", "destination": "10.0.0.2", "key": 7},
], ids=["type", "families", "missing", "unknown"])
def test_a_tunnel_that_cannot_be_is_refused(london, wrong):
    assert london.rpc.code("instance.set", name=REMOTE, next_hop=GATEWAY, tunnel=wrong) == -32602
    assert REMOTE not in [i["name"] for i in london.rpc.call("instance.list")["instances"]]
