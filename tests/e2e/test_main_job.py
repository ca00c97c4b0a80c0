# SPDX-License-Identifier: BSD-3-Clause
"""The one job: what is sent to the anycast prefix arrives at the selected instance, whole, and only there."""
import hashlib
import os
import threading

import pytest

from lab.traffic import Pump, connect, forwarded, listen
from london import ANYCAST, SERVICE, arrivals, candidate

PACKETS = 100_000 if os.environ.get("ANYFWD_TEST_LONG") else 30_000
PPS = 10_000  # a rate that half a core holds
DOWNLOAD = 10_000_000


@pytest.mark.parametrize("family", [4, 6])
def test_every_packet_arrives_once_at_the_selected_instance_with_nothing_but_the_ttl_changed(london, family):
    london.announce("lon2", "lon1", "ny1", family=family)
    london.expect_at("lon1", family)
    frames = london.packets(PACKETS, family, run=1)
    sinks = london.sinks()
    sent, _ = Pump(london.client, frames, PPS).wait()
    assert sent == PACKETS
    got = {name: arrivals(sink.stop(), run=1) for name, sink in sinks.items()}
    assert {name: len(at) for name, at in got.items()} == {"lon1": PACKETS, "lon2": 0, "ny1": 0}
    assert len({number for _, number, _ in got["lon1"]}) == PACKETS
    source, destination = london.forwarder.mac("d0"), london.instances["lon1"].mac()
    header = bytes.fromhex((destination + source).replace(":", "")) + frames[0][12:14]
    wrong = [number for _, number, frame in got["lon1"] if frame != header + forwarded(frames[number])]
    assert not wrong, f"{len(wrong)} packets differ, the first is {wrong[0]}"


@pytest.mark.parametrize("family", [4, 6])
def test_a_download_through_the_forwarder_has_the_right_hash(london, family):
    london.announce("lon1", family=family)
    london.expect_at("lon1", family)
    content = bytes(range(251)) * (DOWNLOAD // 251 + 1)
    server = listen(london.instances["lon1"], SERVICE[family], 8000)

    def serve():
        connection, _ = server.accept()
        with connection:
            connection.sendall(content[:DOWNLOAD])
    thread = threading.Thread(target=serve)
    thread.start()
    digest, length = hashlib.sha256(), 0
    with server, connect(london.client, SERVICE[family], 8000) as client:
        while data := client.recv(1 << 16):
            digest.update(data)
            length += len(data)
        thread.join()
    assert length == DOWNLOAD
    assert digest.hexdigest() == hashlib.sha256(content[:DOWNLOAD]).hexdigest()


def test_the_decision_picks_the_instance_and_explains_itself(london):
    london.announce("ny1", "lon2", "lon1")
    explained = london.rpc.call("route.explain", prefix=ANYCAST[4])
    assert [best["instance"] for best in explained["best"]] == ["lon1"]
    lost = {c["instance"]: c.get("lost_at") for c in explained["candidates"] if not c["best"]}
    assert lost == {"lon2": "as_path", "ny1": "as_path"}
    london.rpc.call("route.update", add=[candidate("ny1", local_pref=200)])
    explained = london.rpc.call("route.explain", prefix=ANYCAST[4])
    assert [best["instance"] for best in explained["best"]] == ["ny1"]
    assert {c.get("lost_at") for c in explained["candidates"] if not c["best"]} == {"local_pref"}
    london.expect_at("ny1")


@pytest.mark.parametrize("family", [4, 6])
def test_equal_candidates_share_the_flows_and_a_flow_stays_at_its_instance(london, family):
    both = [candidate(name, ANYCAST[family], as_path=[65002]) for name in ("lon1", "lon2")]
    london.rpc.call("peer.set", name="to-lon2", **{"as": 65002, "type": "ebgp"})
    london.rpc.call("route.update", add=both)
    frames = london.packets(4000, family, run=2)  # 200 flows, 20 packets each
    sinks = london.sinks()
    Pump(london.client, frames, PPS).wait()
    flows = {name: [number % 200 for _, number, _ in arrivals(sink.stop(), run=2)] for name, sink in sinks.items()}
    assert len(flows["lon1"]) + len(flows["lon2"]) == 4000
    assert not set(flows["lon1"]) & set(flows["lon2"])
    assert min(len(set(flows["lon1"])), len(set(flows["lon2"]))) >= 60


def test_a_longer_prefix_wins_and_its_withdrawal_gives_the_traffic_back(london):
    london.announce("lon1")
    london.expect_at("lon1")
    london.rpc.call("route.update", add=[candidate("lon2", "192.0.2.0/25")])
    sinks = london.sinks()
    Pump(london.client, london.packets(2000, run=3), PPS).wait()
    got = {name: {number % 200 + 1 for _, number, _ in arrivals(sink.stop(), run=3)} for name, sink in sinks.items()}
    assert got == {"lon1": set(range(128, 201)), "lon2": set(range(1, 128)), "ny1": set()}
    london.rpc.call("route.update", **{"del": [{"prefix": "192.0.2.0/25"}]})
    london.expect_at("lon1")
