# SPDX-License-Identifier: BSD-3-Clause
"""FRR and BIRD as judges of the decision: the same routes of the same six peers to them and, through ExaBGP and its
bridge, to us; the same winner everywhere, but for INTENDED, where each difference has its reason.

    speakers (ExaBGP: six peers) ---- frr      10.50.1.0/24; peer i is .1i, and for it the judge is .i
                                 ---- bird     10.50.2.0/24
                                 ---- fwd      10.50.3.0/24: ExaBGP with the bridge, anyfwd

The peers' order by address and by router id is the same on every link. Then half of the prefixes change, so that what
is decided anew is judged as well. The seed is printed, and ANYFWD_SEED repeats it.
"""
import collections
import json
import os
import random
import re

import pytest

from lab.daemon import Daemon, wait_until
from lab.exabgp import ExaBgp, neighbor
from lab.net import Lab
from lab.routers import Bird, Frr

LONG = bool(os.environ.get("ANYFWD_TEST_LONG"))
PREFIXES = 2000 if LONG else 300
OWN_AS = 65000
PEER_AS = dict(enumerate([65001, 65001, 65002, 65003, OWN_AS, OWN_AS], 1))  # two of one AS, two others, and iBGP
JUDGES = {"frr": 1, "bird": 2, "fwd": 3}
GSHUT = "65535:0"

ROUTE_OF_BIRD = re.compile(r"(?P<prefix>\S+/\d+)?\s+unicast \[p(?P<peer>\d) [^]]*\] (?P<best>\*)?")

Route = collections.namedtuple("Route", "as_path as_set origin med local_pref communities originator clusters")


def is_ibgp(peer):
    return PEER_AS[peer] == OWN_AS


def random_route(chance, peer):
    """Few values for each attribute, so that most routes tie for a while."""
    ibgp = is_ibgp(peer)
    first = [chance.choice([65001, 65001, 65002, 65003])] if ibgp else [PEER_AS[peer]]
    if ibgp and chance.random() < 0.15:
        first = []  # from inside our AS
    path = first + [chance.choice([65010, 65011]) for _ in range(chance.choice([0, 1, 1, 1, 2]))]
    if path and chance.random() < 0.03:
        path.append(OWN_AS)  # a loop
    as_set = chance.sample([65020, 65021, 65022], chance.choice([1, 2, 3])) if chance.random() < 0.15 else []
    communities = [f"65001:{chance.randrange(1000)}"] if chance.random() < 0.3 else []
    if chance.random() < 0.04:
        communities.append(GSHUT)
    return Route(tuple(path), tuple(as_set), chance.choice(["igp"] * 6 + ["egp", "incomplete"]),
                 chance.choice([None, 0, 10, 10, 20, 4294967295]),
                 chance.choice([None, None, 100, 100, 100, 90, 110]) if ibgp else None, tuple(communities),
                 chance.choice(["10.200.0.1", "10.200.9.9"]) if ibgp and chance.random() < 0.3 else None,
                 chance.choice([0, 1, 2]) if ibgp and chance.random() < 0.3 else 0)


def words_of(route):
    """A route as ExaBGP writes it."""
    path = " ".join(str(asn) for asn in route.as_path)
    path += f" ( {' '.join(str(asn) for asn in route.as_set)} )" if route.as_set else ""
    words = [f"origin {route.origin}"]
    words += [f"as-path [ {path} ]"] if path else []
    words += [f"med {route.med}"] if route.med is not None else []
    words += [f"local-preference {route.local_pref}"] if route.local_pref is not None else []
    words += [f"community [ {' '.join(route.communities)} ]"] if route.communities else []
    words += [f"originator-id {route.originator}"] if route.originator else []
    words += [f"cluster-list [ {' '.join(f'10.201.0.{i}' for i in range(route.clusters))} ]"] if route.clusters else []
    return " ".join(words)


def has_loop(route):
    return OWN_AS in route.as_path


# Where a judge may choose otherwise: (judge, reason, whether that is why it chose peer `theirs`, with {peer: Route}).
INTENDED = [
    ("frr", "takes GRACEFUL_SHUTDOWN from eBGP only, and so chose an iBGP route that has it (RFC 8326 4.2)",
     lambda routes, theirs: is_ibgp(theirs) and GSHUT in routes[theirs].communities),
    ("frr", "takes GRACEFUL_SHUTDOWN from eBGP only, and so lets the MED of an iBGP route that has it count",
     lambda routes, theirs: any(is_ibgp(peer) and GSHUT in route.communities and any(
         other.as_path[:1] == route.as_path[:1] != routes[theirs].as_path[:1] and (other.med or 0) > (route.med or 0)
         for other in routes.values()) for peer, route in routes.items())),
    ("frr", "does not compare MED where an AS path is a set alone; RFC 4271 9.1.2.2 c takes that for our own AS",
     lambda routes, theirs: any(not route.as_path and route.as_set for route in routes.values())),
]

FRR_CONFIG = f"""router bgp {OWN_AS}
 bgp router-id 10.50.1.1
 no bgp ebgp-requires-policy
 bgp deterministic-med
 bgp bestpath compare-routerid
 timers bgp 10 30
""" + "".join(f" neighbor 10.50.1.1{i} remote-as {asn}\n neighbor 10.50.1.1{i} update-source 10.50.1.{i}\n"
              f" neighbor 10.50.1.1{i} timers connect 1\n"
              for i, asn in PEER_AS.items()) + """ address-family ipv4 unicast
  maximum-paths 1
"""
# without "protocol direct" next hops of iBGP do not resolve
BIRD_CONFIG = f"""router id 10.50.2.1;
protocol device {{}}
protocol direct {{ ipv4; }}
template bgp judged {{
  hold time 30;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  deterministic med on;
  ipv4 {{ export none; import filter {{ if (65535, 0) ~ bgp_community then bgp_local_pref = 0; accept; }}; }};
}}
""" + "".join(f"protocol bgp p{i} from judged {{ local 10.50.2.{i} as {OWN_AS}; neighbor 10.50.2.1{i} as {asn}; }}\n"
              for i, asn in PEER_AS.items())




def tables_of_frr(frr):
    """(candidates, {prefix: the peer that won})"""
    table = json.loads(frr.vtysh("show bgp ipv4 unicast json") or "{}").get("routes", {})
    best = {prefix: int(path["peerId"][-1]) for prefix, paths in table.items() for path in paths
            if path.get("bestpath")}
    return sum(len(paths) for paths in table.values()), best


def tables_of_bird(bird):
    """The same. A line has the prefix only where it is another one: 100.64.0.0/24 unicast [p1 ...] * (100) ..."""
    best, prefix, count = {}, None, 0
    for line in bird.birdc("show", "route", check=False).splitlines():
        found = ROUTE_OF_BIRD.match(line)
        if found:
            prefix, count = found["prefix"] or prefix, count + 1
            if found["best"]:
                best[prefix] = int(found["peer"])
    return count, best


def peer_of(candidate):
    return int(candidate["peer"].split("@")[0][-1])


class World:
    def __init__(self, lab, chance):
        self.lab, self.chance, self.routers = lab, chance, {}
        self.routes = collections.defaultdict(dict)  # prefix: {peer: Route}
        self.speakers = lab.host("speakers")
        ids = list(range(1, 7))
        chance.shuffle(ids)
        self.ids = dict(enumerate((f"10.200.5.{i}" for i in ids), 1))
        for judge, k in JUDGES.items():
            lab.link(lab.host(judge), "eth0", [f"10.50.{k}.{i}/24" for i in PEER_AS], self.speakers, judge,
                     [f"10.50.{k}.1{i}/24" for i in PEER_AS])
        self.speaker = ExaBgp(lab, self.speakers, "speaker", [
            neighbor(f"10.50.{k}.{i}", f"10.50.{k}.1{i}", asn, OWN_AS, self.ids[i], passive=True)
            for k in JUDGES.values() for i, asn in PEER_AS.items()])
        self.daemon = Daemon(lab, lab.hosts["fwd"], {
            "site": {"name": "judged", "asn": OWN_AS, "router_id": "10.50.3.1"},
            "dpdk": {"memory_mb": 192, "control_lcore": 0, "worker_lcores": [1]},
            "ports": [{"name": "eth0", "device": "af_xdp:eth0"}], "decision": {"multipath": False}})
        self.exabgp = ExaBgp(lab, lab.hosts["fwd"], "bridge", [
            neighbor(f"10.50.3.1{i}", f"10.50.3.{i}", OWN_AS, asn, "10.50.3.1", "bridge")
            for i, asn in PEER_AS.items()], bridge=f"--socket {self.daemon.socket}")

    def start(self):
        self.speaker.start()
        self.daemon.start()
        self.rpc = self.daemon.rpc()
        self.routers = {"frr": Frr(self.lab, self.lab.hosts["frr"], FRR_CONFIG, None),
                        "bird": Bird(self.lab, self.lab.hosts["bird"], BIRD_CONFIG)}
        self.exabgp.start()

    def tell(self, prefix, peer, route):
        """A peer announces a route to all judges; None: withdraws it."""
        if route is None:
            del self.routes[prefix][peer]
        else:
            self.routes[prefix][peer] = route
        verb, words = ("announce", words_of(route)) if route else ("withdraw", "")
        self.speaker.tell(*(f"neighbor 10.50.{k}.{peer} local-ip 10.50.{k}.1{peer} {verb} route {prefix} next-hop "
                            f"10.50.{k}.1{peer} {words}" for k in JUDGES.values()))

    def ours(self):
        """{prefix: route.explain's answer}"""
        return {prefix: self.rpc.call("route.explain", prefix=prefix) for prefix, at in self.routes.items() if at}

    def all_told(self):
        """Whether each judge has as many candidates as it should; FRR and BIRD do not keep loops."""
        routes = [route for at in self.routes.values() for route in at.values()]
        kept = sum(not has_loop(route) for route in routes)
        return self.rpc.call("status")["candidates"] == len(routes) and \
            tables_of_frr(self.routers["frr"])[0] == kept and tables_of_bird(self.routers["bird"])[0] == kept

    def differences(self):
        """(unexplained, {reason: prefixes}, what ours decided by: {step: candidates})"""
        told = {"frr": tables_of_frr(self.routers["frr"])[1], "bird": tables_of_bird(self.routers["bird"])[1]}
        unexplained, intended, steps = [], collections.Counter(), collections.Counter()
        for prefix, answer in self.ours().items():
            steps.update(c.get("lost_at") or c.get("why_not") or "won" for c in answer["candidates"])
            winner = peer_of(answer["best"][0]) if answer["best"] else None
            for judge, best in told.items():
                if best.get(prefix) != winner:
                    theirs = best.get(prefix)
                    reason = next((f"{judge} {why}" for who, why, holds in INTENDED
                                   if who == judge and theirs and holds(self.routes[prefix], theirs)), None)
                    intended[reason] += 1
                    if not reason:
                        unexplained.append((prefix, judge, theirs, winner, self.routes[prefix], answer))
        del intended[None]
        return unexplained, intended, steps

    def settle(self, what, seconds):
        assert wait_until(self.all_told, 180 if LONG else 60, 0.5), self.situation(what)
        wait_until(lambda: not self.differences()[0], seconds, 0.5)

    def judge(self, what):
        """All three have heard everything, and choose the same."""
        self.settle(what, 10)  # bgpd decides a little after it has heard
        unexplained, intended, steps = self.differences()
        if any(judge == "bird" for _, judge, *_ in unexplained):
            # 2.0.12 may keep a choice of before a change, against its own rules: only what it says of the same routes
            # when it hears all of them anew counts
            self.routers["bird"].birdc("restart", "all")
            wait_until(lambda: not self.all_told(), 5, 0.05)
            self.settle(what, 20)
            before, (unexplained, intended, steps) = len(unexplained), self.differences()
            intended["bird kept a choice of before a change, and no longer when told all anew"] = \
                before - len(unexplained)
        print(f"{what}: {len(self.routes)} prefixes, decided by {dict(steps.most_common())}; intended differences "
              f"{dict(intended)}")
        assert not unexplained, f"{len(unexplained)} unexplained, the first:\n" + "\n".join(
            f"{prefix}: {judge} chose {theirs}, we {ours}\n{routes}\n{json.dumps(answer)}"
            for prefix, judge, theirs, ours, routes, answer in unexplained[:3])
        return steps

    def situation(self, what):
        counts = {name: tables(self.routers[name])[0] for name, tables in
                  (("frr", tables_of_frr), ("bird", tables_of_bird))}
        routes = [route for at in self.routes.values() for route in at.values()]
        return f"{what}: told {len(routes)} routes, {sum(map(has_loop, routes))} of them loops; {counts}\n" \
            f"{self.rpc.call('status')}\n{self.exabgp.log()[-1500:]}\n{self.speaker.log()[-1500:]}\n" \
            f"{self.daemon.log()[-1500:]}\n{self.routers['frr'].log()}\n{self.routers['bird'].log()}"

    def close(self):
        for router in self.routers.values():
            router.close()
        self.exabgp.kill()
        self.speaker.kill()
        self.daemon.stop()


@pytest.fixture
def world():
    seed = int(os.environ.get("ANYFWD_SEED", random.randrange(1 << 32)))
    print("seed", seed)
    with Lab() as lab:
        made = World(lab, random.Random(seed))
        try:
            made.start()
            yield made
        finally:
            made.close()


@pytest.mark.long
def test_frr_bird_and_we_choose_the_same_winner_or_there_is_a_reason(world):
    chance, steps = world.chance, collections.Counter()
    for i in range(PREFIXES):
        for peer in chance.sample(list(PEER_AS), chance.choice([1, 2, 3, 4, 6])):
            world.tell(f"100.{64 + i // 256}.{i % 256}.0/24", peer, random_route(chance, peer))
    steps.update(world.judge("as first told"))

    for prefix in chance.sample(list(world.routes), PREFIXES // 2):
        peer = chance.choice(list(world.routes[prefix]))
        world.tell(prefix, peer, random_route(chance, peer) if chance.random() < 0.6 else None)
    steps.update(world.judge("after changes"))
    # every step of the decision that these routes can reach has decided
    assert {"local_pref", "as_path", "origin", "med", "ebgp", "router_id", "as_loop"} <= set(steps), steps
