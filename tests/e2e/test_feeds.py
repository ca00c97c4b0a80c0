# SPDX-License-Identifier: BSD-3-Clause
"""Real routers as sources: FRR by FPM and GoBGP by BMP, with traffic flowing meanwhile.

lon1 and lon2 announce the anycast prefix by BGP (ExaBGP) to the router on the forwarder's host, which tells anyfwd.
"""
import random

import pytest

from lab.daemon import wait_until
from lab.exabgp import ExaBgp, neighbor
from lab.routers import Frr, GoBgp
from lab.traffic import Pump
from london import ANYCAST, INSTANCES, London, arrivals, config

PPS = 2000
SPEAKERS = {"lon1": ("10.10.0.2", 65001), "lon2": ("10.11.0.2", 65002)}
FRR_BGP = """router bgp 65000
 bgp router-id 198.51.100.1
 no bgp ebgp-requires-policy
 bgp bestpath as-path multipath-relax
 timers bgp 3 9
 neighbor 10.10.0.2 remote-as 65001
 neighbor 10.11.0.2 remote-as 65002
 address-family ipv4 unicast
  maximum-paths 8
"""
GOBGP = """[global.config]
  as = 65000
  router-id = "198.51.100.1"
[[bmp-servers]]
  [bmp-servers.config]
    address = "127.0.0.1"
    port = 11019
    route-monitoring-policy = "all"
""" + "".join(f"""[[neighbors]]
  [neighbors.config]
    neighbor-address = "{address}"
    peer-as = {asn}
  [neighbors.timers.config]
    connect-retry = 5
    hold-time = 9
    keepalive-interval = 3
""" for address, asn in SPEAKERS.values())


class Routed:
    """A London with feeds, and speakers on two of its instances."""

    def __init__(self, feeds, **settings):
        self.london = london = London("anycast")
        self.speakers, self.router = {}, None
        try:
            london.daemon.write_config(config("anycast", feeds=feeds, **settings))
            for name, (address, asn) in SPEAKERS.items():
                fw = address[:-1] + "1"
                self.speakers[name] = ExaBgp(london.lab, london.instances[name], name, [
                    neighbor(fw, address, asn, 65000, address, passive=True)]).start()
            london.start()
        except BaseException:
            self.close()
            raise

    def close(self):
        for speaker in self.speakers.values():
            speaker.kill()
        if self.router:
            self.router.close()
        self.london.close()

    def table(self, prefixes):
        """{prefix: {next hop}} as anyfwd has it."""
        rpc, found = self.london.daemon.rpc(), {}
        for prefix in prefixes:
            try:
                hops = {c["next_hop"] for c in rpc.call("route.get", prefix=prefix)["candidates"]}
            except Exception:
                hops = set()
            if hops:
                found[prefix] = hops
        rpc.close()
        return found

    def feed(self):
        return self.london.daemon.rpc().call("feed.list")["feeds"][0]

    def agrees(self, expected, timeout_s=20):
        """Waits until anyfwd has what expected() says of all prefixes in play."""
        def same():
            wanted = expected()
            return self.table(PREFIXES) == {p: hops for p, hops in wanted.items() if p in PREFIXES}
        assert wait_until(same, timeout_s, 0.1), self.situation(expected)

    def situation(self, expected):
        return f"expected {expected()}\nhas {self.table(PREFIXES)}\n{self.feed()}\n{self.router.log()}\n" \
            f"{self.london.daemon.log()[-3000:]}\n{[s.log()[-800:] for s in self.speakers.values()]}"

    def lossless(self, change, seconds=2.0):
        """Runs the change in the middle of a steady flow: the instances that got packets. None may be lost."""
        london, count = self.london, int(PPS * seconds)
        frames = london.packets(count, run=7)
        sinks = london.sinks()
        pump = Pump(london.client, frames, PPS)
        change()
        sent, _ = pump.wait()
        got = {name: arrivals(sink.stop(), run=7) for name, sink in sinks.items()}
        numbers = {number for at in got.values() for _, number, _ in at}
        assert sent == count and len(numbers) == count, \
            f"{count - len(numbers)} of {count} packets are lost: {london.situation()}"
        return {name for name, at in got.items() if at}


PREFIXES = [ANYCAST[4]] + [f"203.0.{i}.0/24" for i in range(40)]


@pytest.fixture
def fpm():
    routed = Routed([{"name": "frr", "type": "fpm"}])
    try:
        routed.router = Frr(routed.london.lab, routed.london.forwarder, FRR_BGP)
        yield routed
    finally:
        routed.close()


@pytest.fixture
def bmp():
    routed = Routed([{"name": "gobgp", "type": "bmp"}], decision={"multipath_relax": True})
    try:
        routed.router = GoBgp(routed.london.lab, routed.london.forwarder, GOBGP)
        yield routed
    finally:
        routed.close()


def announce(speaker, prefixes, med=10, path=""):
    speaker.tell(*(f"announce route {prefix} next-hop self med {med}{path}" for prefix in prefixes))


def withdraw(speaker, prefixes):
    speaker.tell(*(f"withdraw route {prefix} next-hop self" for prefix in prefixes))


def start_over(routed):
    """kill -9, and what is needed after it."""
    routed.london.daemon.kill()
    routed.london.daemon.start()
    routed.london.rpc = routed.london.daemon.rpc()


@pytest.mark.long
def test_frr_by_fpm(fpm):
    lon1, lon2, frr = fpm.speakers["lon1"], fpm.speakers["lon2"], fpm.router
    announce(lon1, PREFIXES)
    assert wait_until(lambda: len(frr.table()) == len(PREFIXES), 30), fpm.situation(frr.table)
    fpm.agrees(frr.table)
    fpm.london.expect_at("lon1")

    # a second router, with the same length of AS path: both, and nothing is lost on the way
    def ecmp():
        announce(lon2, PREFIXES)
        fpm.agrees(lambda: {prefix: {"10.10.0.2", "10.11.0.2"} for prefix in PREFIXES})
    assert fpm.lossless(ecmp) == {"lon1", "lon2"}
    assert frr.table() == fpm.table(PREFIXES)

    # replaced: lon1 is farther away now, so that FRR takes the route away and gives another
    def replace():
        announce(lon1, PREFIXES, path=" as-path [ 65001 65010 65020 ]")
        fpm.agrees(lambda: {prefix: {"10.11.0.2"} for prefix in PREFIXES})
    fpm.lossless(replace)
    assert fpm.lossless(lambda: None, 0.5) == {"lon2"}

    # withdrawn, some
    withdraw(lon2, PREFIXES[1:20])
    withdraw(lon1, PREFIXES[1:20])
    fpm.agrees(lambda: {prefix: {"10.11.0.2"} for prefix in PREFIXES[:1] + PREFIXES[20:]})

    # the connection ends and comes back: nothing is lost by the resync, and what was withdrawn meanwhile is swept
    def reconnect():
        frr.vtysh("configure terminal", "no fpm address")
        assert wait_until(lambda: fpm.feed()["state"] == "stale"), fpm.feed()
        withdraw(lon2, PREFIXES[30:])
        withdraw(lon1, PREFIXES[30:])
        assert wait_until(lambda: len(frr.table()) == 11), frr.table()
        assert len(fpm.table(PREFIXES)) == 22
        frr.vtysh("configure terminal", "fpm address 127.0.0.1 port 2620")
        fpm.agrees(frr.table)
    fpm.lossless(reconnect, 12)
    assert fpm.feed()["state"] == "connected"

    # a neighbour goes, without a word
    lon2.kill()
    fpm.agrees(lambda: {prefix: {"10.10.0.2"} for prefix in PREFIXES[:1] + PREFIXES[20:30]}, 30)
    assert frr.table() == fpm.table(PREFIXES)

    start_over(fpm)
    fpm.agrees(frr.table, 30)


@pytest.mark.long
def test_gobgp_by_bmp(bmp):
    lon1, lon2, gobgp = bmp.speakers["lon1"], bmp.speakers["lon2"], bmp.router

    def told():
        """What the neighbours have told GoBGP, which is what we want of it: every candidate."""
        table = {}
        for address, _ in SPEAKERS.values():
            for prefix, hop in gobgp.adj_in(address).items():
                table.setdefault(prefix, set()).add(hop)
        return table
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    announce(lon1, PREFIXES)
    announce(lon2, chance.sample(PREFIXES[1:], 20), path=" as-path [ 65002 65010 65020 ]")
    assert wait_until(lambda: len(told()) == len(PREFIXES) and sum(map(len, told().values())) == 61, 30), told()
    bmp.agrees(told)
    assert "3.10" in str(bmp.feed()) and bmp.feed()["peers"] == 2, bmp.feed()
    bmp.london.expect_at("lon1")
    candidate = bmp.london.rpc.call("route.get", prefix=ANYCAST[4])["candidates"][0]
    assert (candidate["peer"], candidate["as_path"], candidate["med"]) == ("10.10.0.2@gobgp", [65001], 10)

    # replaced and moved: the decision is ours, and loses nothing
    def move():
        announce(lon2, PREFIXES[:1], path=" as-path [ 65002 ]")
        announce(lon1, PREFIXES[:1], path=" as-path [ 65001 65010 ]")
        bmp.agrees(told)
    assert "lon2" in bmp.lossless(move)
    assert bmp.lossless(lambda: None, 0.5) == {"lon2"}
    withdraw(lon1, chance.sample(PREFIXES[1:], 20))
    bmp.agrees(told)

    # the connection ends and comes back
    def reconnect():
        gobgp.cli("bmp", "del", "127.0.0.1:11019")
        assert wait_until(lambda: bmp.feed()["state"] == "stale"), bmp.feed()
        withdraw(lon2, PREFIXES[1:])
        assert wait_until(lambda: len(gobgp.adj_in("10.11.0.2")) == 1), told()
        gobgp.cli("bmp", "add", "127.0.0.1:11019", "all")
        bmp.agrees(told)
    bmp.lossless(reconnect, 12)

    # as near as each other: both; then the neighbour of one goes down, and what it had goes to the other
    def ecmp():
        announce(lon1, PREFIXES[:1])
        bmp.agrees(told)
    assert bmp.lossless(ecmp) == {"lon1", "lon2"}
    assert len(bmp.london.rpc.call("route.get", prefix=PREFIXES[0])["best"]) == 2

    def peer_down():
        lon2.kill()
        bmp.agrees(lambda: {prefix: {"10.10.0.2"} for prefix in gobgp.adj_in("10.10.0.2")}, 30)
    assert bmp.lossless(peer_down) == {"lon1", "lon2"}
    assert bmp.lossless(lambda: None, 0.5) == {"lon1"}
    assert bmp.feed()["peers"] == 1, bmp.feed()
    start_over(bmp)
    for med in range(20, 28):  # GoBGP notices that its server has gone when it has something to tell
        announce(lon1, PREFIXES[:1], med)
        if wait_until(lambda: bmp.feed()["state"] != "waiting", 3):
            break
    bmp.agrees(told, 30)
