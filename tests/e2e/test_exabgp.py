# SPDX-License-Identifier: BSD-3-Clause
"""The ExaBGP bridge: real BGP in, with all candidates and attributes, and announcements out."""
import importlib.util
import json
import random
import sys

import pytest

from lab.daemon import Daemon, wait_until
from lab.exabgp import BRIDGE, ExaBgp, neighbor
from lab.net import Lab

spec = importlib.util.spec_from_file_location("exabgp_bridge", BRIDGE)
bridge = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(bridge)

# What ExaBGP 4.2.21 really writes.
UPDATE = {"update": {
    "attribute": {"origin": "igp", "as-path": [65001, 65010], "as-set": [3, 4], "confederation-path": [], "med": 10,
                  "local-preference": 200, "community": [[65001, 100]], "large-community": [[65001, 1, 2]],
                  "originator-id": "1.1.1.1", "cluster-list": ["2.2.2.2"]},
    "announce": {"ipv4 unicast": {"10.90.3.1": [{"nlri": "192.0.2.0/24", "path-information": "0.0.1.2"},
                                                {"nlri": "198.51.100.0/24"}]},
                 "ipv4 flow": {"no-nexthop": [{"string": "flow"}]}},
    "withdraw": {"ipv6 unicast": [{"nlri": "2001:db8::/32"}]}}}


def test_an_update_is_told_with_all_its_attributes():
    changes = bridge.changes_of(UPDATE, "p@x", True)
    shared = {"as_path": [65001, 65010, [3, 4]], "origin": "igp", "med": 10, "local_pref": 200,
              "communities": ["65001:100"], "large_communities": ["65001:1:2"], "originator_id": "1.1.1.1",
              "cluster_list": ["2.2.2.2"], "peer": "p@x", "next_hop": "10.90.3.1"}
    assert changes == [
        (("p@x", "2001:db8::/32", 0), None),
        (("p@x", "192.0.2.0/24", 258), {"prefix": "192.0.2.0/24", "path_id": 258, **shared}),
        (("p@x", "198.51.100.0/24", 0), {"prefix": "198.51.100.0/24", **shared}),
    ]


def test_what_is_for_the_inside_of_an_as_is_not_taken_from_outside():
    """RFC 4271 5.1.5, RFC 7606 7.5, 7.9, 7.10: a neighbour in another AS has no say in our preferences."""
    changes = bridge.changes_of(UPDATE, "p@x", False)
    assert not {"local_pref", "originator_id", "cluster_list"} & set(changes[1][1]) and changes[1][1]["med"] == 10



def test_a_broken_update_withdraws_its_routes():
    message = {"update": {"attribute": {"error": "treat-as-withdraw"},
                          "announce": {"ipv4 unicast": {"10.90.3.1": [{"nlri": "192.0.2.0/24"}]}}}}
    assert bridge.changes_of(message, "p@x", False) == [(("p@x", "192.0.2.0/24", 0), None)]


def test_batches_come_to_what_the_changes_one_by_one_do():
    """Any changes in any order: told in batches, each route has the state of its last change."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(50):
        keys = [("p", f"10.{i}.0.0/16", 0) for i in range(chance.randrange(1, 3000))]
        changes = [(key, {"n": n} if chance.random() < 0.7 else None)
                   for n, key in enumerate(chance.choices(keys, k=4000))]
        table = {}
        for params in bridge.split_changes([(key, route and {**route, "key": key}) for key, route in changes]):
            for gone in params["del"]:
                table.pop((gone["peer"], gone["prefix"], gone["path_id"]), None)
            table.update({route["key"]: route["n"] for route in params["add"]})
            assert len(params["add"]) + len(params["del"]) <= bridge.BATCH
        expected = {key: route["n"] for key, route in dict(changes).items() if route}
        assert table == expected


EVENTS = [
    {"exabgp": "4.0.1", "type": "open", "neighbor": {
        "address": {"local": "10.0.0.1", "peer": "10.90.3.1"}, "asn": {"local": 65000, "peer": 65001},
        "direction": "receive", "open": {"version": 4, "asn": 65001, "hold_time": 180, "router_id": "10.90.3.1"}}},
    {"exabgp": "4.0.1", "type": "state", "neighbor": {
        "address": {"local": "10.0.0.1", "peer": "10.90.3.1"}, "asn": {"local": 65000, "peer": 65001}, "state": "up"}},
    {"exabgp": "4.0.1", "type": "update", "neighbor": {
        "address": {"local": "10.0.0.1", "peer": "10.90.3.1"}, "asn": {"local": 65000, "peer": 65001},
        "direction": "receive", "message": UPDATE}}]


def damaged(value, chance):
    """The same with something else in some place."""
    if chance.random() < 0.1 or not isinstance(value, (dict, list)) or not value:
        return chance.choice([None, True, -1, 1e300, "", "x", [], {}, [[]], {"nlri": []}, "0.0.0.999", value])
    place = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
    copy = value.copy()
    if chance.random() < 0.1:
        del copy[place]
    else:
        copy[place] = damaged(value[place], chance)
    return copy


def test_a_line_that_cannot_be_read_costs_itself_alone(capsys):
    """Whatever ExaBGP writes, the bridge goes on with what it knows, and with the next line."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    told = bridge.Bridge(bridge.read_options([]))
    whole = [json.dumps(event).encode() for event in EVENTS]
    for line in whole:
        told.hear(line)
    before = dict(told.routes)
    assert len(before) == 2
    for _ in range(5000):
        line = json.dumps(damaged(chance.choice(EVENTS), chance)).encode()
        dice = chance.random()
        if dice < 0.2:
            line = line[:chance.randrange(len(line) + 1)]
        elif dice < 0.4:
            at = chance.randrange(len(line))
            line = line[:at] + bytes([chance.randrange(256)]) + line[at + 1:]
        told.hear(line)
    told.hear(b"[" * 100000)
    told.hear(b"{" + b'"a":{' * 100000)
    for line in whole:
        told.hear(line)
    assert before.items() <= told.routes.items()
    assert "cannot be used" in capsys.readouterr().err


class Stopped:
    """An anyfwd whose breaker has tripped."""

    def __init__(self):
        self.calls, self.tripped = [], True

    def call(self, method, **params):
        if self.tripped and params["del"]:
            raise bridge.Refused(method, {"code": -32009, "message": "more than 50 % would be withdrawn"})
        self.calls.append((params["add"], params["del"]))
        return {"errors": []}


def test_what_the_breaker_stops_is_told_again_until_it_passes():
    here, there, new = ("p", "10.0.0.0/8", 0), ("p", "10.1.0.0/16", 0), ("p", "10.2.0.0/16", 0)
    ours = bridge.Bridge(bridge.read_options([]))
    ours.anyfwd = anyfwd = Stopped()
    ours.learn([(here, None), (there, None), (new, {"n": 1})])
    ours.tell_changes()
    assert anyfwd.calls == [([{"n": 1}], [])]  # what is announced is told all the same
    ours.learn([(there, {"n": 2})])            # back again: not to be withdrawn any more
    ours.tell_changes()
    assert anyfwd.calls[1:] == [([{"n": 2}], [])]
    ours.withheld_at -= bridge.WITHHELD_S
    ours.tell_changes()
    assert ours.withheld == {here: None}
    anyfwd.tripped = False
    ours.tell_changes()
    assert len(anyfwd.calls) == 3              # not yet
    ours.withheld_at -= bridge.WITHHELD_S
    ours.tell_changes()
    assert anyfwd.calls[3:] == [([], [{"peer": "p", "prefix": "10.0.0.0/8", "path_id": 0}])] and not ours.withheld



class Site:
    """router (AS 65001, ExaBGP) --- forwarder (ExaBGP with the bridge, AS 65000; anyfwd) --- instance"""

    def __init__(self, lab):
        self.lab = lab
        self.router, self.forwarder, self.instance = (lab.host(name) for name in ("router", "fw", "inst"))
        lab.link(self.router, "eth0", ["10.90.3.1/24"], self.forwarder, "up", ["10.90.3.2/24"])
        lab.link(self.instance, "eth0", ["10.90.4.1/24"], self.forwarder, "down", ["10.90.4.2/24"])
        self.daemon = Daemon(lab, self.forwarder, {
            "site": {"name": "exa", "asn": 65000, "router_id": "10.90.3.2"},
            "dpdk": {"memory_mb": 256, "control_lcore": 0, "worker_lcores": [1]},
            "ports": [{"name": "up", "device": "af_xdp:up"}, {"name": "down", "device": "af_xdp:down"}],
            "anycast": ["192.0.2.0/24"],
            "peers": [{"name": "local", "as": 65000, "type": "local"}],
            "instances": [{"name": "inst", "next_hop": "10.90.4.1", "bgp_next_hop": ["10.90.3.1", "10.90.4.1"]}],
        }).start()
        self.rpc = self.daemon.rpc()
        self.speaker = ExaBgp(lab, self.router, "speaker",
                              [neighbor("10.90.3.2", "10.90.3.1", 65001, 65000, "10.90.3.1", passive=True)]).start()
        self.make_bridge()

    def make_bridge(self):
        arguments = f"--socket {self.daemon.socket} --settle 6 --announce '192.0.2.0/24 next-hop self med 30'"
        self.exabgp = ExaBgp(self.lab, self.forwarder, "bridge",
                             [neighbor("10.90.3.1", "10.90.3.2", 65000, 65001, "10.90.3.2", "bridge")],
                             bridge=arguments).start()

    def candidates(self, prefix):
        try:
            return self.daemon.rpc().call("route.get", prefix=prefix)["candidates"]
        except (OSError, EOFError, Exception):
            return []

    def fail(self, what):
        return f"{what}\n{self.daemon.log()[-2000:]}\n{self.exabgp.log()[-3000:]}\n{self.speaker.log()[-2000:]}"


@pytest.fixture
def site():
    with Lab() as lab:
        made = Site(lab)
        try:
            yield made
        finally:
            made.exabgp.kill()
            made.speaker.kill()
            made.daemon.stop()


def test_routes_come_in_go_out_and_survive_either_end(site):
    announce = "announce route 198.51.100.0/24 next-hop self med 10 community [65001:100] as-path [ 65001 65010 ]"
    site.speaker.tell(announce, "announce route 203.0.113.0/24 next-hop self",
                      "announce route 2001:db8:5::/48 next-hop 2001:db8::1")
    assert wait_until(lambda: site.candidates("198.51.100.0/24"), 30), site.fail("no route arrives")
    got = site.candidates("198.51.100.0/24")[0]
    assert (got["peer"], got["next_hop"], got["as_path"], got["med"], got["communities"], got["origin"]) == \
        ("10.90.3.1@exabgp", "10.90.3.1", [65001, 65010], 10, ["65001:100"], "igp")
    peers = {peer["name"]: peer for peer in site.rpc.call("peer.list")["peers"]}
    assert (peers["10.90.3.1@exabgp"]["as"], peers["10.90.3.1@exabgp"]["type"]) == (65001, "ebgp")
    assert peers["10.90.3.1@exabgp"]["router_id"] == "10.90.3.1"
    assert wait_until(lambda: site.candidates("2001:db8:5::/48")), site.fail("no IPv6 route")

    # replaced, and withdrawn
    site.speaker.tell(announce.replace("med 10", "med 20"), "withdraw route 203.0.113.0/24 next-hop self")
    assert wait_until(lambda: (site.candidates("198.51.100.0/24") or [{}])[0].get("med") == 20), site.fail("med")
    assert wait_until(lambda: not site.candidates("203.0.113.0/24")), site.fail("not withdrawn")

    # out: with a route to a living instance, and no longer without one
    assert "192.0.2.0/24" not in site.speaker.known()
    site.rpc.call("route.update", add=[{"prefix": "192.0.2.0/24", "peer": "local", "instance": "inst"}])
    assert wait_until(lambda: site.speaker.known().get("192.0.2.0/24") == "10.90.3.2"), site.fail("not announced")
    site.rpc.call("instance.down", name="inst")
    assert wait_until(lambda: "192.0.2.0/24" not in site.speaker.known()), site.fail("not withdrawn from BGP")
    site.rpc.call("instance.up", name="inst")
    assert wait_until(lambda: "192.0.2.0/24" in site.speaker.known()), site.fail("not announced again")

    # anyfwd dies: BGP hears of it, and a new one is told everything
    site.daemon.kill()
    assert wait_until(lambda: "192.0.2.0/24" not in site.speaker.known()), site.fail("a dead forwarder is announced")
    site.daemon.start()
    assert wait_until(lambda: site.candidates("198.51.100.0/24")), site.fail("not told again")

    # ExaBGP dies: its routes stay; what its successor is not told is swept
    site.exabgp.kill()
    site.speaker.tell("withdraw route 198.51.100.0/24 next-hop self", "announce route 203.0.113.0/24 next-hop self")
    assert site.candidates("198.51.100.0/24"), site.fail("lost with ExaBGP")
    site.make_bridge()
    assert wait_until(lambda: site.candidates("203.0.113.0/24"), 40), site.fail("not told by the next one")
    assert wait_until(lambda: not site.candidates("198.51.100.0/24"), 20), site.fail("not swept")

    # the neighbour goes: its routes go
    site.speaker.kill()
    assert wait_until(lambda: not site.candidates("203.0.113.0/24"), 40), site.fail("a peer that is down has routes")
