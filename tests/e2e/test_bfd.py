# SPDX-License-Identifier: BSD-3-Clause
"""BFD with real neighbours: FRR's bfdd before lon1 and BIRD before lon2, in both families; ny1 has none.

The intervals are long (100 ms, three of them), since the machine may have few CPUs: what is checked here is who says
what to whom and where packets go. How fast it is, bench/run failover measures.
"""
import time

import pytest

from lab.bfd import Bird, Frr
from lab.daemon import wait_until
from lab.traffic import Pump, number_of, numbered
from london import ANYCAST, INSTANCES, London, anycast_addresses

INTERVAL_MS = 100
DETECTION_S = 0.3
BFD = {"min_tx_ms": INTERVAL_MS, "min_rx_ms": INTERVAL_MS}


def set_instance(london, name, **health):
    k = INSTANCES.index(name)
    london.rpc.call("instance.set", name=name, next_hop=[f"10.1{k}.0.2", f"fd00:1{k}::2"],
                    **({"health": {"hold_down_ms": 200, **health}} if health else {}))


def instance(london, name):
    return next(each for each in london.rpc.call("instance.list")["instances"] if each["name"] == name)


def sessions(london, name):
    return instance(london, name)["health"]["bfd"]


def udp_without_listener(london):
    """Datagrams that the forwarder's kernel got and nobody wanted."""
    names, numbers = (line.split() for line in london.forwarder.read("/proc/net/snmp").splitlines()
                      if line.startswith("Udp:"))
    return int(numbers[names.index("NoPorts")])


def sent_v4(london, name):
    return next(each["packets"] for each in instance(london, name)["adjacency"] if each["family"] == "v4")


def all_up(london, name):
    each = instance(london, name)
    return len(each["health"]["bfd"]) == 2 and each["state"] == "up" and each["alive"] and \
        all(session["state"] == session["remote_state"] == "up" for session in each["health"]["bfd"])


@pytest.fixture(scope="module")
def site():
    """(site, the BFD daemons by instance), with all sessions up."""
    london, daemons = London(), {}
    try:
        london.start()
        for family in (4, 6):
            london.warm_up(*INSTANCES, family=family)
        for k, (name, program) in enumerate((("lon1", Frr), ("lon2", Bird))):
            daemons[name] = program(london.lab, london.instances[name], [f"10.1{k}.0.1", f"fd00:1{k}::1"],
                                    interval_ms=INTERVAL_MS)
            set_instance(london, name, bfd=BFD)
        yield london, daemons
    finally:
        for daemon in daemons.values():
            daemon.kill()
        london.close()


@pytest.fixture
def london(site):
    """The site with routes to all instances, every session up."""
    london, _ = site
    london.reset()
    for family in (4, 6):
        london.announce(*INSTANCES, family=family)
    for name in ("lon1", "lon2"):
        assert wait_until(lambda: all_up(london, name), 15), instance(london, name)
    return london


@pytest.fixture
def daemons(site, london):
    yield site[1]
    for daemon in site[1].values():
        if daemon.processes:
            daemon.thaw()
        else:
            daemon.start()


def test_sessions_are_up_with_both_daemons_in_both_families(london, daemons):
    for name in ("lon1", "lon2"):
        for session in sessions(london, name):
            assert session["detection_ms"] == 300, session
            assert session["diag"] == "no diagnostic"
            assert session["remote_discriminator"] != 0
    peers = daemons["lon1"].command("show bfd peers brief")
    assert peers.count("up") == 2, peers
    before = udp_without_listener(london)
    time.sleep(0.5)
    assert udp_without_listener(london) == before  # all of it is ours, none the kernel's


@pytest.mark.parametrize("name,heir", [("lon1", "lon2"), ("lon2", "ny1")])
def test_a_silent_instance_loses_its_traffic_within_the_detection_time(london, daemons, name, heir):
    """SIGSTOP: no socket closes, no link goes down; the last to be heard are its BFD packets."""
    if name == "lon2":
        london.rpc.call("instance.down", name="lon1")
    london.expect_at(name)
    before = sent_v4(london, name)
    sinks = london.sinks()
    pump = Pump(london.client, numbered(london.ethernet, anycast_addresses(4), 50_000, run=1), 5000)
    time.sleep(0.3)
    frozen = time.time()
    daemons[name].freeze()
    time.sleep(DETECTION_S + 0.7)
    sent, _ = pump.stop()
    got = {each: [(when, number_of(frame)[1]) for when, frame in sink.stop() if number_of(frame)]
           for each, sink in sinks.items()}
    assert sum(len(each) for each in got.values()) == sent  # the sinks are the links: nothing is lost on the way to them
    last = max(when for when, _ in got[name]) - frozen
    assert DETECTION_S - 0.2 < last < DETECTION_S + 0.15, f"{last * 1e3:.0f} ms"
    assert min(when for when, _ in got[heir]) - frozen > 0.1
    for session in sessions(london, name):
        assert (session["state"], session["diag"]) == ("down", "control detection time expired")
    assert instance(london, name)["why"] == "BFD session down"
    # the record agrees with what the sinks saw, packet for packet
    records = [each for each in london.rpc.call("failover.list", limit=2)["failovers"] if each["takeover_us"] is not None]
    assert [(each["instance"], each["cause"], each["heir"]) for each in records] == [(name, "bfd", heir)]
    assert records[0]["packets"] - before == len(got[name])
    assert 0 < records[0]["packets_lost"] <= records[0]["detection_us"] * 5000 / 1e6 * 1.2 + 10
    assert abs(records[0]["at"] - frozen - last) < 0.1
    daemons[name].thaw()
    assert wait_until(lambda: all_up(london, name), 10), instance(london, name)
    london.expect_at(name)


def test_the_two_best_dying_together_leave_the_third(london, daemons):
    """ny1, which nobody checks, counts as alive: no floor stands in its way."""
    london.expect_at("lon1")
    sinks = london.sinks()
    pump = Pump(london.client, numbered(london.ethernet, anycast_addresses(4), 50_000, run=3), 5000)
    time.sleep(0.3)
    frozen = time.time()
    daemons["lon1"].freeze()
    daemons["lon2"].freeze()
    time.sleep(DETECTION_S + 0.7)
    sent, _ = pump.stop()
    got = {name: [when - frozen for when, frame in sink.stop() if number_of(frame)] for name, sink in sinks.items()}
    assert sum(len(each) for each in got.values()) == sent
    assert max(got["lon1"] + got["lon2"]) < DETECTION_S + 0.25, "a dead instance was sent packets after the detection"
    assert len(got["ny1"]) > 1000
    assert not london.rpc.call("status")["failopen"]


def test_a_killed_daemon_is_a_dead_instance_and_comes_back_with_the_daemon(london, daemons):
    daemons["lon2"].kill()
    assert wait_until(lambda: instance(london, "lon2")["state"] == "down", 2)
    assert instance(london, "lon1")["state"] == "up"
    daemons["lon2"].start()
    assert wait_until(lambda: all_up(london, "lon2"), 10), instance(london, "lon2")


def test_a_daemon_that_says_goodbye_is_believed_at_once(london, daemons):
    daemons["lon1"].command("configure\nbfd\npeer 10.10.0.1 interface eth0\nshutdown")
    try:
        assert wait_until(lambda: instance(london, "lon1")["state"] == "down", 0.25, 0.01)
        v4, v6 = sessions(london, "lon1")
        assert (v4["state"], v4["remote_state"], v4["diag"]) == ("down", "admin_down", "neighbour signaled session down")
        assert v6["state"] == "up"
    finally:
        daemons["lon1"].command("configure\nbfd\npeer 10.10.0.1 interface eth0\nno shutdown")


def test_when_all_go_silent_together_traffic_flows_on(london, daemons):
    """It is the prober that is suspected, and nobody but the operator takes an instance away."""
    london.rpc.call("instance.down", name="ny1")  # the one that nobody checks
    london.expect_at("lon1")
    daemons["lon1"].freeze()
    daemons["lon2"].freeze()
    assert wait_until(lambda: london.rpc.call("status")["failopen"], 3)
    sinks = london.sinks()
    Pump(london.client, london.packets(2000, run=2), 5000).wait()
    got = {name: sum(1 for _, frame in sink.stop() if number_of(frame)) for name, sink in sinks.items()}
    assert got == {"lon1": 2000, "lon2": 0, "ny1": 0}
    daemons["lon1"].thaw()
    daemons["lon2"].thaw()
    assert wait_until(lambda: not london.rpc.call("status")["failopen"], 10)


def test_the_daemon_says_goodbye_when_a_session_ends(london, daemons):
    set_instance(london, "lon1")
    try:
        peers = daemons["lon1"].command("show bfd peers")
        assert peers.count("Remote diagnostics: administratively down") == 2, peers
    finally:
        set_instance(london, "lon1", bfd=BFD)


def test_a_bfd_daemon_beside_the_forwarder_keeps_its_sessions(london, daemons):
    """bfdd in the forwarder's own host, with ny1: its packets are the kernel's."""
    beside = far = None
    try:
        beside = Frr(london.lab, london.forwarder, ["10.12.0.2"], INTERVAL_MS, device="d2")
        far = Frr(london.lab, london.instances["ny1"], ["10.12.0.1"], INTERVAL_MS)
        assert wait_until(lambda: "up" in beside.command("show bfd peers brief").split(), 10, 0.2)
        assert all_up(london, "lon1")
    finally:
        for daemon in (beside, far):
            if daemon:
                daemon.kill()
