# SPDX-License-Identifier: BSD-3-Clause
"""What the operator sets over the API outlives the daemon, however that ends; and transactions."""
import json
import os
import random
import subprocess
import threading
import time

import pytest

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.rpc import Rpc, RpcError

OWN = {"name": "own", "as": 65009, "type": "ebgp", "address": "10.0.2.99", "router_id": "10.0.2.99"}
PLACE = {"name": "place", "next_hop": ["10.0.2.50"], "site": "lon", "weight": 7}
ROUTE = {"prefix": "192.0.2.0/24", "peer": "own", "instance": "place", "path_id": 3, "as_path": [65009, [1, 2]],
         "med": 5, "origin": "egp", "communities": ["65000:1"], "large_communities": ["65000:1:2"]}


@pytest.fixture
def daemon():
    with Lab() as lab:
        host = lab.host("fw")
        daemon = Daemon(lab, host, {
            "site": {"name": "saved", "asn": 65000},
            "dpdk": {"memory_mb": 128, "control_lcore": 0, "worker_lcores": [1]},
            "ports": [{"name": "out", "device": "null"}],
            "peers": [{"name": "rs1", "as": 65001, "type": "ebgp"}],
            "instances": [{"name": "i0", "next_hop": "10.0.2.10"}, {"name": "i1", "next_hop": "10.0.2.11"}],
            "routes": [{"prefix": "198.51.100.0/24", "peer": "rs1", "instance": "i0", "as_path": [65001]}]})
        daemon.state = os.path.join(lab.dir, "state", "saved", "operator.jsonl")
        daemon.begin = lambda: (daemon.start(), host.ip("addr", "add", "10.0.2.1/24", "dev", "out", check=False))[0]
        daemon.begin()
        try:
            yield daemon
        finally:
            daemon.stop()


def facts(rpc):
    """What is to be the same afterwards."""
    peers = [{key: value for key, value in peer.items()} for peer in rpc.call("peer.list")["peers"]]
    instances = [{key: one[key] for key in ("name", "next_hop", "site", "weight", "state", "source")}
                 for one in rpc.call("instance.list")["instances"]]
    routes = [{key: value for key, value in route.items() if key not in ("why_not", "detail")}
              for route in rpc.call("route.list")["routes"]]
    by_name = lambda one: one["name"]
    return sorted(peers, key=by_name), sorted(instances, key=by_name), routes


def set_all(rpc):
    rpc.call("peer.set", **OWN)
    rpc.call("instance.set", **PLACE)
    rpc.call("instance.down", name="i1")
    rpc.call("route.update", add=[ROUTE, {"prefix": "2001:db8::/32", "peer": "rs1", "next_hop": "fd00::2"},
                                  {"prefix": "203.0.113.0/24", "peer": "own", "action": "blackhole"}])


def test_the_file_is_on_the_disk_before_it_counts(daemon):
    """By the system calls: written, synchronized, renamed, and the folder synchronized, before the call is answered."""
    trace = os.path.join(daemon.lab.dir, "trace")
    process = daemon.process.pid
    tracer = subprocess.Popen(["strace", "-qq", "-y", "-s", "200", "-e", "trace=fsync,rename,sendto", "-o", trace, "-p",
                               str(process)])
    rpc = daemon.rpc()
    try:
        assert wait_until(lambda: f"TracerPid:\t{tracer.pid}" in open(f"/proc/{process}/status").read())
        rpc.call("peer.set", **OWN)
    finally:
        tracer.terminate()
        tracer.wait()
    with open(trace) as file:
        calls = [line for line in file if "= 0" in line or line.startswith("sendto")]
    names = [line.split("(")[0] for line in calls]
    at = names.index("fsync")
    assert names[at:at + 4] == ["fsync", "rename", "fsync", "sendto"], calls
    assert "operator.jsonl.next>" in calls[at] and "/operator.jsonl" in calls[at + 1] and "saved>" in calls[at + 2]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_what_was_set_is_there_again(daemon, end):
    rpc = daemon.rpc()
    set_all(rpc)
    before = facts(rpc)
    getattr(daemon, end)()
    daemon.begin()
    assert facts(daemon.rpc()) == before
    # and what is removed stays removed
    rpc = daemon.rpc()
    assert rpc.call("route.update", add=[ROUTE])["unchanged"] == 1
    rpc.call("route.update", **{"del": [{"prefix": ROUTE["prefix"]}]})
    rpc.call("instance.del", name="place")
    rpc.call("instance.up", name="i1")
    before = facts(rpc)
    time.sleep(0.5)
    getattr(daemon, end)()
    daemon.begin()
    assert facts(daemon.rpc()) == before


def test_sessions_and_the_configuration_are_not_saved(daemon):
    feed = daemon.rpc()
    feed.call("session.open", api=1, client="feed")
    feed.call("peer.set", name="feeds", **{"as": 65003, "type": "ebgp"})
    feed.call("route.update", add=[{"prefix": "203.0.113.0/24", "peer": "rs1", "instance": "i0"}])
    set_all(daemon.rpc())
    time.sleep(0.5)
    with open(daemon.state) as file:
        lines = [json.loads(line) for line in file]
    assert lines[-1] == {"end": True}
    assert [line["peer"]["name"] for line in lines if "peer" in line] == ["own"]
    assert {line["route"]["prefix"] for line in lines if "route" in line} == {
        "192.0.2.0/24", "2001:db8::/32", "203.0.113.0/24"}
    assert all(line["route"].get("instance") != "i0" for line in lines if "route" in line)


def test_the_configuration_wins(daemon):
    rpc = daemon.rpc()
    rpc.call("peer.set", **OWN)
    rpc.call("route.update", add=[{**ROUTE, "instance": "i1"}])
    daemon.kill()
    with open(daemon.config_file) as file:
        config = json.load(file)
    config["peers"].append({"name": "own", "as": 65010, "type": "ibgp"})
    config["routes"].append({"prefix": ROUTE["prefix"], "peer": "own", "path_id": 3, "instance": "i0"})
    daemon.write_config(config)
    daemon.begin()
    rpc = daemon.rpc()
    own = next(peer for peer in rpc.call("peer.list")["peers"] if peer["name"] == "own")
    assert own["as"] == 65010 and own["source"] == "config"
    assert [one["instance"] for one in rpc.call("route.get", prefix=ROUTE["prefix"])["candidates"]] == ["i0"]
    assert "is the configuration's now" in daemon.log()


@pytest.mark.long
def test_a_kill_at_any_moment_leaves_a_file_that_loads(daemon):
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    print(f"seed {seed}")
    for _ in range(4):
        rpc, over = daemon.rpc(), threading.Event()

        def churn():
            i = 0
            try:
                while not over.is_set():
                    rpc.call("route.update", add=[{"prefix": f"20.{i % 200}.{j}.0/24", "peer": "rs1", "instance": "i0",
                                                   "med": i} for j in range(200)])
                    i += 1
            except (OSError, EOFError):
                pass
        thread = threading.Thread(target=churn)
        thread.start()
        time.sleep(rng.uniform(0.2, 0.7))
        daemon.kill()
        over.set()
        thread.join()
        with open(daemon.state) as file:
            lines = [json.loads(line) for line in file]
        assert lines[-1] == {"end": True}
        daemon.begin()
        kept = daemon.rpc().call("status")["candidates"] - 1
        assert kept == sum("route" in line for line in lines)
        assert "cannot be read" not in daemon.log() and "its end is missing" not in daemon.log()


def test_a_damaged_file_costs_what_is_damaged(daemon):
    set_all(daemon.rpc())
    daemon.stop()
    with open(daemon.state, "a") as file:
        file.write('{"route": {"prefix": "1.2.3.4/24", "peer": "own", "instance": "i0"}}\n{"rou\n\0\xff\n')
    daemon.begin()
    rpc = daemon.rpc()
    assert rpc.call("route.get", prefix=ROUTE["prefix"])["candidates"]
    assert "cannot be read" in daemon.log() and "bits set beyond its length" in daemon.log()


def test_a_full_disk_is_told_once_and_tried_again(daemon):
    rpc, following = daemon.rpc(), daemon.state + ".next"
    rpc.call("peer.set", **OWN)
    rpc.call("instance.set", **PLACE)
    os.symlink("/dev/full", following)  # once: what is left of a failed attempt is removed
    rpc.call("route.update", add=[ROUTE])
    assert not os.path.lexists(following)
    with open(daemon.state) as file:
        assert ROUTE["prefix"] not in file.read()
    assert wait_until(lambda: "saved again" in daemon.log(), 5)
    assert daemon.log().count("will not outlive the daemon") == 1
    assert "No space left on device" in daemon.log()
    daemon.kill()
    daemon.begin()
    assert daemon.rpc().call("route.get", prefix=ROUTE["prefix"])["candidates"]


def test_an_admin_line_that_is_none_removes_nothing(daemon):
    set_all(daemon.rpc())
    daemon.stop()
    with open(daemon.state) as file:
        lines = file.readlines()
    with open(daemon.state, "w") as file:
        file.writelines(['{"admin": {"name": "i1", "method": "instance.drain"}}\n' if "admin" in line else line
                         for line in lines[:-1]])
        file.write('{"admin": {"name": "place", "method": "instance.del"}}\n' + lines[-1])
    daemon.begin()
    states = {one["name"]: one["state"] for one in daemon.rpc().call("instance.list")["instances"]}
    assert "place" in states and states["i1"] != "up", states
    assert "neither takes an instance down nor drains it" in daemon.log()


def candidate(prefix, instance="i0"):
    return {"prefix": prefix, "peer": "rs1", "instance": instance}


def looked_up(rpc, address):
    try:
        return rpc.call("fib.lookup", address=address)["tiers"][0][0]["instance"]
    except RpcError as error:
        assert error.code == -32013
        return None


def test_a_transaction_is_one_generation(daemon):
    rpc, other = daemon.rpc(), daemon.rpc()
    before = other.call("status")["generation"]
    rpc.call("txn.begin")
    rpc.call("instance.set", **PLACE)
    assert rpc.call("route.update", add=[candidate("192.0.2.0/25")])["added"] == 1
    assert rpc.call("route.update", add=[candidate("192.0.2.128/25", "place")],
                    **{"del": [{"prefix": "198.51.100.0/24"}]})["deleted"] == 1
    assert looked_up(other, "192.0.2.1") is None and looked_up(other, "198.51.100.1") == "i0"
    assert other.call("status")["generation"] == before
    # others' changes are published meanwhile, and theirs alone
    other.call("route.update", add=[candidate("203.0.113.0/24")])
    assert looked_up(other, "203.0.113.1") == "i0" and looked_up(other, "192.0.2.1") is None
    time.sleep(0.1)
    assert looked_up(other, "192.0.2.1") is None
    assert rpc.call("txn.commit")["generation"] == before + 2 == other.call("status")["generation"]
    assert looked_up(other, "192.0.2.1") == "i0" and looked_up(other, "192.0.2.129") == "place"
    assert looked_up(other, "198.51.100.1") is None


@pytest.mark.parametrize("end", ["abort", "refusal", "hang-up"])
def test_an_aborted_transaction_has_never_been(daemon, end):
    rpc, other = daemon.rpc(), daemon.rpc()
    before = facts(other), other.call("status")
    rpc.call("txn.begin")
    rpc.call("peer.set", **OWN)
    rpc.call("route.update", add=[candidate("192.0.2.0/25"), candidate("198.51.100.0/24", "i1")])
    rpc.call("route.update", **{"del": [{"prefix": "198.51.100.0/24"}, {"prefix": "192.0.2.0/25"}]})
    if end == "abort":
        rpc.call("txn.abort")
    elif end == "refusal":
        assert rpc.code("route.update", add=[candidate("192.0.2.1/24")]) == -32003
        assert rpc.code("route.update", add=[candidate("192.0.2.0/24")]) == -32008
        assert rpc.code("txn.commit") == -32008
        assert rpc.code("txn.commit") == -32007
    else:
        rpc.close()
        assert wait_until(lambda: other.call("route.list")["routes"][0]["prefix"] == "198.51.100.0/24")
    after = facts(other), other.call("status")
    assert after[0] == before[0]
    assert all(after[1][key] == before[1][key] for key in ("generation", "candidates", "routes"))


def test_one_transaction_at_a_time(daemon):
    rpc, other = daemon.rpc(), daemon.rpc()
    rpc.call("txn.begin")
    assert rpc.code("txn.begin") == -32007 and other.code("txn.begin") == -32012
    assert other.code("txn.commit") == -32007
    rpc.call("txn.abort")
    other.call("txn.begin")
    other.call("txn.abort")


def test_a_flush_within_a_transaction_is_one_with_what_replaces_it(daemon):
    rpc, other = daemon.rpc(), daemon.rpc()
    before = facts(other), other.call("status")["generation"]
    assert looked_up(other, "198.51.100.1") is not None
    for end in ("txn.abort", "txn.commit"):
        rpc.call("txn.begin")
        flushed = rpc.call("route.flush", all=True)["deleted"]
        assert flushed == other.call("status")["candidates"] + flushed > 0
        assert rpc.call("route.update", add=[candidate("192.0.2.0/25")])["added"] == 1
        assert looked_up(other, "198.51.100.1") is not None and other.call("status")["generation"] == before[1]
        rpc.call(end)
        if end == "txn.abort":
            assert (facts(other), other.call("status")["generation"]) == before
    assert other.call("status")["generation"] == before[1] + 1
    assert looked_up(other, "198.51.100.1") is None and looked_up(other, "192.0.2.1") == "i0"
