# SPDX-License-Identifier: BSD-3-Clause
"""monitor.subscribe, route.list, flow.explain: what there is, what changes, and where a packet goes."""
import collections
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from scapy.all import IP, UDP, Ether, IPv6, Raw

from lab.daemon import wait_until
from lab.rpc import Rpc
from lab.traffic import Sink, send
from london import ANYCAST, SERVICE, candidate

STOPPED = """
import sys, time
sys.path[:0] = sys.argv[2:]
from lab.rpc import Rpc
rpc = Rpc(sys.argv[1])
rpc.call("monitor.subscribe", topics=["best"])
print("here", flush=True)
time.sleep(2)  # in which it is stopped
rpc.socket.settimeout(5)
while True:
    line = rpc.lines.readline()
    sys.stdout.buffer.write(line)
    if b'192.0.2.254/32' in line:
        break
sys.stdout.flush()
"""


@pytest.fixture(autouse=True)
def fresh(london):
    london.reset()
    yield
    london.reset()


@pytest.fixture
def rpc(london):
    client = london.daemon.rpc()
    yield client
    client.close()


def subscribed(london, *topics, **options):
    client = Rpc(london.daemon.socket, timeout=5)
    client.call("monitor.subscribe", topics=list(topics), **options)
    return client


def events(client, until):
    """The parameters of the notifications up to the first for which until(params)."""
    found = []
    while not found or not until(found[-1]):
        message = client.receive()
        assert "id" not in message and message["method"] in ("event", "event_lost")
        found.append(message["params"])
    return found


def test_every_change_of_a_best_path_is_an_event_with_its_cause(london):
    monitor = subscribed(london, "best")
    london.rpc.call("route.update", add=[candidate("lon2")])
    london.rpc.call("route.update", add=[candidate("ny1")])  # longer, so that nothing changes
    london.rpc.call("route.update", add=[candidate("lon1")])
    london.rpc.call("route.update", **{"del": [{"prefix": ANYCAST[4], "peer": "to-lon1"}]})
    london.rpc.call("route.flush", all=True)
    found = events(monitor, lambda event: not event["best"])
    assert [event["seq"] for event in found] == [1, 2, 3, 4]
    assert {event["topic"] for event in found} == {"best"} and {event["prefix"] for event in found} == {ANYCAST[4]}
    assert [[one["instance"] for one in event["best"]] for event in found] == [["lon2"], ["lon1"], ["lon2"], []]
    assert [[one["instance"] for one in event["was"]] for event in found] == [[], ["lon2"], ["lon1"], ["lon2"]]
    assert [event["cause"] for event in found] == ["route.update"] * 3 + ["route.flush"]
    assert [event["why"] for event in found] == [None, "as_path 2 > 1 (to-lon1)", "withdrawn", "withdrawn"]
    generations = [event["generation"] for event in found]
    assert generations == sorted(set(generations)) and generations[-1] == london.rpc.call("status")["generation"]
    monitor.close()


def test_other_attributes_of_the_best_are_a_change_too(london):
    london.announce("lon1")
    monitor = subscribed(london, "best")
    london.announce("lon1")
    london.announce("lon1", med=7)
    assert events(monitor, lambda event: True)[0]["best"][0]["med"] == 7
    monitor.close()


def test_a_snapshot_tells_what_there_is(london):
    london.rpc.call("route.update", add=[candidate("lon1", f"192.0.2.{i}/32") for i in range(50)])
    london.announce("lon2", family=6)
    monitor = subscribed(london, "best", "instance", "port", snapshot=True)
    found = events(monitor, lambda event: event["topic"] == "snapshot_end")
    topics = collections.Counter(event["topic"] for event in found)
    assert topics == {"best": 51, "instance": 3, "port": 4, "snapshot_end": 1}
    assert [event["seq"] for event in found] == list(range(1, 60))
    assert {event["event"] for event in found if event["topic"] in ("instance", "port")} == {"snapshot"}
    monitor.close()


def test_instances_sessions_ports_and_neighbours(london, rpc):
    monitor = subscribed(london, "instance", "session", "port", "neighbour")
    london.rpc.call("instance.down", name="lon1")
    event = events(monitor, lambda event: event["topic"] == "instance")[-1]
    assert (event["name"], event["state"], event["alive"]) == ("lon1", "down", False)
    feed = london.daemon.rpc()
    feed.call("session.open", api=1, client="feed", on_disconnect="withdraw")
    event = events(monitor, lambda event: event["topic"] == "session")[-1]
    assert (event["event"], event["client"], event["state"]) == ("added", "feed", "connected")
    feed.close()
    assert events(monitor, lambda event: event["topic"] == "session")[-1]["event"] == "removed"
    for change in "add", "del":
        london.forwarder.ip("addr", change, "10.12.0.5/24", "dev", "d2")
        event = events(monitor, lambda event: event["topic"] == "port")[-1]
        assert event["name"] == "d2" and ("10.12.0.5/24" in event["addresses"]) == (change == "add")
    london.forwarder.ip("neigh", "replace", "10.12.0.77", "lladdr", "02:00:00:00:00:77", "dev", "d2")
    event = events(monitor, lambda event: event["topic"] == "neighbour" and event["address"] == "10.12.0.77")[-1]
    assert event["state"] == "resolved"
    monitor.close()


def test_a_failover_is_an_event_and_writes_no_table(london):
    london.announce("lon1", "lon2")
    london.expect_at("lon1")
    monitor = subscribed(london, "failover")
    before = london.rpc.call("stats.get")["writes"]
    assert before["routes"] > 0 and before["path_lists"] > 0
    london.rpc.call("instance.down", name="lon1")
    london.expect_at("lon2")
    found = events(monitor, lambda event: event["heir"] is not None)
    assert [event["event"] for event in found][0] == "added"
    assert (found[-1]["instance"], found[-1]["cause"], found[-1]["heir"]) == ("lon1", "admin", "lon2")
    assert london.rpc.call("stats.get")["writes"] == before
    london.rpc.call("instance.up", name="lon1")
    monitor.close()


def test_refusals(rpc):
    assert rpc.code("monitor.subscribe") == -32602
    assert rpc.code("monitor.subscribe", topics=[]) == -32602
    assert rpc.code("monitor.subscribe", topics=["weather"]) == -32602
    assert rpc.code("monitor.subscribe", topics="best") == -32602


@pytest.mark.long
def test_a_monitor_that_does_not_read_is_told_what_it_lost(london):
    here = os.path.dirname(os.path.abspath(__file__))
    process = subprocess.Popen([sys.executable, "-B", "-c", STOPPED, london.daemon.socket, os.path.dirname(here)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"here\n"
    process.send_signal(signal.SIGSTOP)
    addresses = [f"192.0.2.{i}/32" for i in range(1, 251)]
    for med in range(120):
        london.rpc.call("route.update", add=[candidate("lon1", prefix, med=med) for prefix in addresses])
    with open(f"/proc/{london.daemon.process.pid}/status") as file:
        resident = {line.split(":")[0]: line.split()[1] for line in file if line.startswith("VmRSS")}
    assert int(resident["VmRSS"]) < 1 << 20  # KiB
    process.send_signal(signal.SIGCONT)
    time.sleep(0.5)

    def goes_on():
        london.rpc.call("route.update", add=[candidate("lon1", "192.0.2.254/32")])
        london.rpc.call("route.update", **{"del": [{"prefix": "192.0.2.254/32"}]})
        return process.poll() is not None
    output, reader = [], process.stdout
    os.set_blocking(reader.fileno(), False)
    def drained():
        output.append(reader.read() or b"")
        return goes_on()
    assert wait_until(drained, 20, 0.1)
    output.append(reader.read() or b"")
    messages = [json.loads(line) for line in b"".join(output).splitlines()]
    lost = [message["params"] for message in messages if message["method"] == "event_lost"]
    assert lost and all(one["from"] <= one["to"] for one in lost)
    numbers = [message["params"]["seq"] for message in messages if message["method"] == "event"]
    told = set(numbers) | {number for one in lost for number in range(one["from"], one["to"] + 1)}
    assert numbers == sorted(numbers) and told == set(range(1, max(told) + 1))
    assert len(numbers) + sum(one["to"] - one["from"] + 1 for one in lost) == len(told)


def listed(rpc, **params):
    routes, cursor = [], None
    while True:
        page = rpc.call("route.list", **params, **({"cursor": cursor} if cursor else {}))
        routes += page["routes"]
        cursor = page["cursor"]
        if cursor is None:
            return routes


def test_route_list_goes_through_all_by_pages(london, rpc):
    four = [f"192.0.2.{i}/32" for i in range(100)]
    six = [f"2001:db8:a::{i:x}/128" for i in range(1, 31)]
    london.rpc.call("route.update", add=[candidate(name, prefix) for prefix in four + six
                                         for name in ("lon2", "lon1")])
    for limit in (1, 7, 1000):
        routes = listed(rpc, limit=limit)
        assert [one["prefix"] for one in routes] == [prefix for prefix in four + six for _ in range(2)]
        assert {one["instance"] for one in routes if one["best"]} == {"lon1"}
    page = rpc.call("route.list", limit=5)
    assert len(page["routes"]) == 5 and page["cursor"]
    assert [one["prefix"] for one in listed(rpc, family="v6", best_only=True)] == six
    assert len(listed(rpc, family=4)) == 200
    assert [one["prefix"] for one in listed(rpc, within="192.0.2.64/26", peer="to-lon2")] == four[64:]
    assert listed(rpc, within="10.0.0.0/8") == []
    # a cursor survives what happens in between
    half = rpc.call("route.list", limit=41)
    london.rpc.call("route.update", **{"del": [{"prefix": prefix} for prefix in four[10:30]]})
    rest = rpc.call("route.list", cursor=half["cursor"])
    assert [one["prefix"] for one in rest["routes"]][:2] == [four[30], four[30]]
    assert len(rest["routes"]) == 2 * (70 + 30)
    assert rpc.code("route.list", cursor="nonsense") == -32602
    assert rpc.code("route.list", peer="nobody") == -32004
    assert rpc.code("route.list", within="192.0.2.1/24") == -32003
    assert rpc.code("route.list", limit=0) == -32602


def spread(london, rpc, family):
    """Where flows go: as explained, and as seen; {(ports): instance} of each."""
    explained, frames = {}, []
    layer = IP if family == 4 else IPv6
    source = "198.51.100.9" if family == 4 else "2001:db8:c::9"
    for flow in range(150):
        sport, dport = 1024 + 7 * flow, 53 + flow % 3
        answer = rpc.call("flow.explain", src=source, dst=SERVICE[family], proto="udp", sport=sport, dport=dport)
        assert answer["prefix"] == ANYCAST[family] and 0 <= answer["row"] < answer["rows"] and answer["why"]
        explained[sport] = answer["instance"]
        frames.append(bytes(london.ethernet / layer(src=source, dst=SERVICE[family]) / UDP(sport=sport, dport=dport) /
                            Raw(b"flow")))
    sinks = london.sinks()
    send(london.client, frames)
    time.sleep(0.3)
    seen = {}
    for name, sink in sinks.items():
        for _, frame in sink.frames():
            packet = Ether(frame)
            if UDP in packet and bytes(packet[UDP].payload)[:4] == b"flow":
                seen[packet[UDP].sport] = name
        sink.stop(settle_s=0)
    return explained, seen


@pytest.mark.parametrize("family", [4, 6])
def test_flow_explain_says_where_packets_go(london, rpc, family):
    london.warm_up("lon1", "lon2", "ny1", family=family)
    london.rpc.call("route.update", add=[candidate(name, ANYCAST[family], as_path=[65002, 65001])
                                         for name in ("lon1", "lon2", "ny1")])
    explained, seen = spread(london, rpc, family)
    assert explained == seen and len(set(seen.values())) > 1
    london.rpc.call("instance.down", name="lon1")
    explained, seen = spread(london, rpc, family)
    assert explained == seen and "lon1" not in seen.values()


def test_flow_explain_refuses(london, rpc):
    flow = {"src": "198.51.100.9", "dst": SERVICE[4], "proto": "tcp", "sport": 1, "dport": 2}
    assert rpc.code("flow.explain", **flow) == -32013
    london.announce("lon1")
    assert rpc.call("flow.explain", **flow)["instance"] == "lon1"
    assert rpc.call("flow.explain", **{**flow, "proto": 6})["instance"] == "lon1"
    assert rpc.code("flow.explain", **{**flow, "src": "2001:db8::1"}) == -32602
    assert rpc.code("flow.explain", **{**flow, "proto": "ipx"}) == -32602
    assert rpc.code("flow.explain", **{**flow, "sport": 65536}) == -32602
