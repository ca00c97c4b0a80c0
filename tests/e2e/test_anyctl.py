# SPDX-License-Identifier: BSD-3-Clause
"""anyctl against the real daemon: every verb does what its method does, and the exit status says how it went."""
import json
import os
import subprocess

import pytest

from lab.net import BUILD
from london import ANYCAST, candidate

PROGRAM = os.path.join(BUILD, "anyctl")


@pytest.fixture
def anyctl(london):
    """anyctl(words) -> what it printed; the status must be 0, or the one given."""
    def run(words, status=0, stdin=""):
        argv = words.split() if isinstance(words, str) else words
        done = subprocess.run([PROGRAM, "-s", london.daemon.socket, *argv], text=True, capture_output=True, timeout=20,
                              input=stdin)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stderr
    return run


@pytest.fixture
def ask(anyctl):
    """The same with --json, parsed."""
    return lambda words: json.loads(anyctl(f"--json {words}"))


READING = {
    "version": "version", "status": "status", "stats": "stats.get", "peer list": "peer.list",
    "instance list": "instance.list", "port list": "port.list", "neighbour list": "neighbour.list",
    "config get": "config.get",
}


@pytest.mark.parametrize("words", READING)
def test_a_reading_verb_prints_text_or_what_the_method_answers(london, anyctl, ask, words):
    assert ask(words).keys() == london.rpc.call(READING[words]).keys()
    assert anyctl(words).strip() not in ("", anyctl(f"--json {words}").strip())


def test_routes_are_added_explained_found_and_removed(london, anyctl, ask):
    anyctl(f"route add {ANYCAST[4]} peer to-lon1 instance lon1 as-path 65002 med 10")
    anyctl(["route", "add", ANYCAST[4], "peer", "to-ny1", "instance", "ny1", "as-path", "65001 65010"])
    got = london.rpc.call("route.get", prefix=ANYCAST[4])
    assert [(c["peer"], c["instance"], c["as_path"], c.get("med")) for c in got["candidates"]] == \
        [("to-lon1", "lon1", [65002], 10), ("to-ny1", "ny1", [65001, 65010], None)]
    assert ask(f"route get {ANYCAST[4]}") == got
    assert {c["instance"]: c.get("lost_at") for c in ask(f"route explain {ANYCAST[4]}")["candidates"]} == \
        {"lon1": None, "ny1": "as_path"}
    explained = anyctl(f"route explain {ANYCAST[4]}")
    assert "lost at as_path" in explained and explained.index("lon1") < explained.index("ny1")
    assert [tier[0]["instance"] for tier in ask("lookup 192.0.2.9")["tiers"]] == ["lon1", "ny1"]
    assert ask(f"route del {ANYCAST[4]} peer to-lon1")["deleted"] == 1
    london.expect_at("ny1")
    assert ask("route flush peer to-ny1")["deleted"] == 1
    assert "-32013" in anyctl("lookup 192.0.2.9", status=1)


def test_peers_and_instances_are_set_and_deleted(london, anyctl):
    anyctl("peer set new as 65077 type ebgp address 10.10.0.7")
    anyctl("instance set new next-hop 10.10.0.7,fd00:10::7 weight 3 site here")
    peer = next(p for p in london.rpc.call("peer.list")["peers"] if p["name"] == "new")
    assert (peer["as"], peer["type"], peer["address"]) == (65077, "ebgp", "10.10.0.7")
    instance = next(i for i in london.rpc.call("instance.list")["instances"] if i["name"] == "new")
    assert (instance["next_hop"], instance["weight"], instance["site"]) == (["10.10.0.7", "fd00:10::7"], 3, "here")
    anyctl("instance del new")
    anyctl("peer del new")
    assert "new" not in anyctl("peer list") + anyctl("instance list")


def test_down_and_up_move_the_traffic(london, anyctl):
    london.announce("lon1", "lon2")
    london.expect_at("lon1")
    anyctl("instance down lon1")
    london.expect_at("lon2")
    anyctl("instance up lon1")
    london.expect_at("lon1")


def test_call_takes_its_parameters_as_an_argument_or_from_the_standard_input(london, anyctl):
    anyctl(["call", "route.update", json.dumps({"add": [candidate("lon1")]})])
    anyctl(["call", "route.update", "-"], stdin=json.dumps({"add": [candidate("lon2")]}))
    assert len(london.rpc.call("route.get", prefix=ANYCAST[4])["candidates"]) == 2


@pytest.mark.parametrize("words, status, told", [
    ("instance down ghost", 1, "ghost"), ("call nope", 1, "-32601"), ("route add 192.0.2.1/24 peer to-lon1", 1, "-32003"),
    ("nonsense", 2, "nonsense"), ("instance down", 2, ""), ("call version {", 2, ""), ("route flush", 2, ""),
])
def test_the_exit_status_says_how_it_went(anyctl, words, status, told):
    assert told in anyctl(words, status)


def test_a_daemon_that_cannot_be_reached_is_status_3(london):
    done = subprocess.run([PROGRAM, "-s", london.daemon.socket + ".nowhere", "version"], text=True, capture_output=True)
    assert done.returncode == 3
    assert ".nowhere" in done.stderr
