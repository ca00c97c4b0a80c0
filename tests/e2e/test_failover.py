# SPDX-License-Identifier: BSD-3-Clause
"""How fast traffic moves, seen from the wire: 10,000 packets a second, and the time stamps of the old instance."""
import itertools
import statistics
import time

import pytest

from lab.daemon import wait_until
from lab.traffic import Pump, numbered
from london import ANYCAST, anycast_addresses, arrivals, candidate

PPS = 10_000
PAUSE_S = 0.05
LONGEST_S = 20  # that a measurement takes on a busy machine
STALL_MS = 20  # of a worker: what came meanwhile leaves at once, and a veth has room for 256 packets


class Move:
    """What one change did: from its call and from its reply to the last packet at the old instance, in ms."""

    def __init__(self, called, replied, undone, old):
        last = max((when for when in old if called <= when < undone), default=called)
        self.from_call, self.from_reply = (last - called) * 1e3, (last - replied) * 1e3


def longest_stall_ms(london):
    return max(worker["stall_longest_us"] for worker in london.rpc.call("stats.get")["workers"]) / 1e3


def measure(london, *args, attempts=3, **options):
    """Moves traffic off `old` and back again, under load; every packet must arrive somewhere, once. Again where
    something else kept the worker from its CPU for longer than ever before."""
    before = longest_stall_ms(london)
    moves, complaint = attempt(london, *args, **options)
    if complaint and longest_stall_ms(london) > max(before, STALL_MS) and attempts > 1:
        return measure(london, *args, attempts=attempts - 1, **options)
    assert not complaint, complaint
    return moves


def attempt(london, addresses, change, undo, old, repeats):
    """The moves, and what is wrong with the packets that arrived, if anything is."""
    frames = numbered(london.ethernet, addresses, PPS * LONGEST_S, run=1)
    sinks = london.sinks()
    pump = Pump(london.client, frames, PPS)
    at_old, times = [], []

    def flows_at_old():
        at_old.extend(sinks[old].frames())
        return sum(when > time.time() - PAUSE_S for when, _ in at_old[-PPS:]) >= PPS * PAUSE_S / 3
    for _ in range(repeats):
        assert wait_until(flows_at_old), "the old instance has no traffic to lose"
        called = time.time()
        change()
        replied = time.time()
        time.sleep(PAUSE_S)
        times.append((called, replied, time.time()))
        undo()
    sent, lag_s = pump.stop()
    got = {name: sink.stop() for name, sink in sinks.items()}
    got[old] = at_old + got[old]
    got = {name: arrivals(sunk, run=1) for name, sunk in got.items()}
    numbers = [number for at in got.values() for _, number, _ in at]
    when_old = [when for when, _, _ in got[old]]
    moves = [Move(*when, when_old) for when in times]
    if len(numbers) == len(set(numbers)) == sent:
        return moves, None
    missing = sorted(set(range(sent)) - set(numbers))
    return moves, f"{len(missing)} lost of {sent}, such as {missing[:20]}, {len(numbers) - len(set(numbers))} doubled; " \
        f"the sender was held up for {lag_s * 1e3:.1f} ms at worst\n{london.situation()}"


def slowest(moves):
    return max(move.from_reply for move in moves)


@pytest.mark.parametrize("family", [pytest.param(4, marks=pytest.mark.long), 6])
def test_a_better_candidate_moves_new_packets_within_10_ms(london, family):
    london.announce("lon2", family=family)
    london.expect_at("lon2", family)
    better = candidate("lon1", ANYCAST[family])
    moves = measure(london, anycast_addresses(family),
                    lambda: london.rpc.call("route.update", add=[better]),
                    lambda: london.rpc.call("route.update", **{"del": [{"prefix": ANYCAST[family], "peer": "to-lon1"}]}),
                    "lon2", repeats=10)
    assert slowest(moves) < 10


@pytest.mark.parametrize("family", [pytest.param(4, marks=pytest.mark.long), 6])
def test_instance_down_moves_its_traffic_within_5_ms(london, family):
    london.announce("lon1", "lon2", "ny1", family=family)
    london.expect_at("lon1", family)
    moves = measure(london, anycast_addresses(family),
                    lambda: london.rpc.call("instance.down", name="lon1"),
                    lambda: london.rpc.call("instance.up", name="lon1"),
                    "lon1", repeats=20)
    assert slowest(moves) < 5


def test_drain_moves_its_traffic_and_loses_nothing(london):
    london.announce("lon1", "lon2", "ny1")
    london.expect_at("lon1")
    moves = measure(london, anycast_addresses(4),
                    lambda: london.rpc.call("instance.drain", name="lon1"),
                    lambda: london.rpc.call("instance.up", name="lon1"),
                    "lon1", repeats=20)
    assert slowest(moves) < 5
    record = london.rpc.call("failover.list", limit=1)["failovers"][0]
    assert (record["cause"], record["instance"], record["packets_lost"], record["heir"]) == ("drain", "lon1", 0, None)
    assert record["flip_us"] < 100_000


def test_a_second_death_moves_the_traffic_to_the_last_instance_and_a_third_is_no_instance(london):
    london.announce("lon1", "lon2", "ny1")
    for dead, heir in (("lon1", "lon2"), ("lon2", "ny1")):
        london.rpc.call("instance.down", name=dead)
        london.expect_at(heir)
    london.rpc.call("instance.down", name="ny1")
    before = london.rpc.call("stats.get")["drops"]["no_instance"]
    sinks = london.sinks()
    Pump(london.client, london.packets(500, run=1), PPS).wait()
    assert [len(arrivals(sink.stop(), run=1)) for sink in sinks.values()] == [0, 0, 0]
    assert london.rpc.call("stats.get")["drops"]["no_instance"] - before == 500
    london.rpc.call("instance.up", name="lon2")
    london.expect_at("lon2")


def bulk_prefixes(count):
    """192.0.2.0/24 and others, all different."""
    others = (f"{a}.{b}.{c}.0/24" for a, b, c in itertools.product(range(11, 14), range(256), range(256)))
    return [ANYCAST[4], *itertools.islice(others, count - 1)]


def feed(london, prefixes, *instances, batch=5000):
    for start in range(0, len(prefixes), batch):
        london.rpc.call("route.update", add=[candidate(name, prefix) for prefix in prefixes[start:start + batch]
                                             for name in instances])


@pytest.mark.long
def test_instance_down_takes_the_same_time_for_1_and_1000_and_100000_prefixes(london):
    medians = {}
    for count in (1, 1000, 100_000):
        london.reset()
        prefixes = bulk_prefixes(count)
        feed(london, prefixes, "lon1", "lon2")
        london.expect_at("lon1")
        assert london.rpc.call("status")["routes"]["v4"] == count
        addresses = [prefixes[i * len(prefixes) // 200].replace(".0/24", f".{i + 1}") for i in range(200)]
        moves = measure(london, addresses,
                        lambda: london.rpc.call("instance.down", name="lon1"),
                        lambda: london.rpc.call("instance.up", name="lon1"),
                        "lon1", repeats=20)
        medians[count] = statistics.median(move.from_call for move in moves)
    assert max(medians.values()) - min(medians.values()) < 1, f"medians in ms: {medians}"
