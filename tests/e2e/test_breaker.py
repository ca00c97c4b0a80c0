# SPDX-License-Identifier: BSD-3-Clause
"""The withdraw breaker: sources that suddenly take most of what they had away, by mistake or rightly."""
import os
import time

import pytest

from lab.bmp import BmpRouter
from lab.daemon import wait_until
from lab.rpc import Rpc, RpcError
from london import ANYCAST, London, candidate, config

ROUTES = [f"198.18.{i}.0/24" for i in range(200)]
LON1, LON2 = "10.10.0.2", "10.11.0.2"


@pytest.fixture(scope="module")
def site():
    london = London("anycast")
    try:
        london.daemon.write_config(config("anycast", feeds=[
            {"name": "kernel", "type": "kernel", "withdraw_window_s": 2},
            {"name": "rtr", "type": "bmp", "stale_s": 2, "withdraw_min": 10}]))
        yield london.start()
    finally:
        london.close()


def feed(site, name):
    return next(one for one in site.rpc.call("feed.list")["feeds"] if one["name"] == name)


def expect(site, name, **wanted):
    """Waits until routes, held, tripped of a feed are these."""
    def now():
        shown = feed(site, name)
        return {key: {**shown, **shown["breaker"]}[key] for key in wanted}
    assert wait_until(lambda: now() == wanted, 15, 0.05), (feed(site, name), site.daemon.log()[-2000:])


def ip_batch(site, lines):
    batch = os.path.join(site.lab.dir, "batch")
    with open(batch, "w") as file:
        file.write("\n".join(lines) + "\n")
    site.forwarder.ip("-batch", batch)


def confirm(site, name):
    return site.rpc.call("session.confirm", session=feed(site, name)["session"])["withdrawn"]


def test_a_daemon_that_takes_its_routes_out_of_the_kernel(site):
    watcher = Rpc(site.daemon.socket)
    watcher.call("monitor.subscribe", topics=["session"])
    ip_batch(site, [f"route add {prefix} via {LON1}" for prefix in ROUTES])
    expect(site, "kernel", routes=200, held=0, tripped=False)
    ip_batch(site, [f"route replace {prefix} via {LON2}" for prefix in ROUTES])  # all of them, and none is lost
    expect(site, "kernel", routes=200, held=0, tripped=False)
    ip_batch(site, [f"route del {prefix}" for prefix in ROUTES])
    expect(site, "kernel", routes=100, held=100, tripped=True)
    assert site.rpc.call("status")["breakers_tripped"] == 1
    assert site.rpc.call("fib.lookup", address="198.18.199.1")["tiers"][0][0]["next_hop"] == LON2
    assert site.rpc.call("route.get", prefix=ROUTES[-1])["candidates"][0]["held"] is True
    assert wait_until(lambda: "withdrawals are stopped" in site.daemon.log())
    event = watcher.receive()["params"]
    assert event["topic"] == "session" and event["client"] == "kernel" and event["breaker"]["tripped"] is True
    watcher.close()

    # it was a restart: all is back, and nobody need do anything
    ip_batch(site, [f"route add {prefix} via {LON1}" for prefix in ROUTES])
    expect(site, "kernel", routes=200, held=0, tripped=False)
    assert "nothing is held any more" in site.daemon.log()

    # it was meant
    time.sleep(2)
    ip_batch(site, [f"route del {prefix}" for prefix in ROUTES])
    expect(site, "kernel", routes=100, held=100, tripped=True)
    assert confirm(site, "kernel") == 100
    expect(site, "kernel", routes=0, held=0, tripped=False)
    assert site.rpc.code("fib.lookup", address="198.18.199.1") == -32013


def test_what_a_feed_tells_is_its_own(site):
    """Its peers and its session, while it is connected."""
    router = BmpRouter(site.forwarder)
    router.up(LON1)
    router.announce(LON1, ROUTES)
    router.end_of_rib(LON1)
    expect(site, "rtr", routes=200, peers=1, state="connected")
    name = f"{LON1}@rtr"
    peer = next(peer for peer in site.rpc.call("peer.list")["peers"] if peer["name"] == name)
    facts = {key: peer[key] for key in ("as", "type", "address", "router_id") if peer[key] is not None}
    assert site.rpc.code("peer.del", name=name) == -32002
    for changed in (facts, {**facts, "as": 7}):
        assert site.rpc.code("peer.set", name=name, **changed) == -32002
    assert site.rpc.code("session.close", session=feed(site, "rtr")["session"], withdraw=True) == -32012
    site.rpc.call("peer.set", name="another", **{"as": 65009, "type": "ebgp"})
    router.withdraw(LON1, ROUTES[:10])
    expect(site, "rtr", routes=190)
    router.announce(LON1, ROUTES)
    expect(site, "rtr", routes=200)
    assert site.rpc.call("route.get", prefix=ROUTES[150])["best"][0]["peer"] == name
    site.rpc.call("peer.del", name="another")
    router.close()
    expect(site, "rtr", routes=0)


@pytest.mark.long
def test_a_bmp_router_that_loses_its_neighbours_or_its_mind(site):
    router = BmpRouter(site.forwarder)
    for neighbour in (LON1, LON2):
        router.up(neighbour)
        router.announce(neighbour, ROUTES)
        router.end_of_rib(neighbour)
    expect(site, "rtr", routes=400, peers=2, state="connected", tripped=False)
    router.withdraw(LON1, ROUTES)  # the other one has them, too
    expect(site, "rtr", routes=200, held=0, tripped=False)
    router.withdraw(LON2, ROUTES)
    expect(site, "rtr", routes=100, held=100, tripped=True)
    router.announce(LON1, ROUTES)  # in their place, by the other neighbour: what is held is of no more use
    expect(site, "rtr", routes=200, held=0, tripped=False)
    assert site.rpc.call("route.get", prefix=ROUTES[150])["best"][0]["peer"] == f"{LON1}@rtr"

    # a neighbour that is down takes all with it, and the next withdrawals are judged by what is left
    router.announce(LON2, ROUTES[:40])
    expect(site, "rtr", routes=240)
    router.down(LON1)
    expect(site, "rtr", routes=40, peers=1, held=0, tripped=False)
    router.withdraw(LON2, ROUTES[:20])
    expect(site, "rtr", routes=20, held=0, tripped=False)

    # a connection that comes back tells all again, but for some
    router.announce(LON2, ROUTES)
    expect(site, "rtr", routes=200)
    router.close()
    expect(site, "rtr", state="stale", routes=200)
    router = BmpRouter(site.forwarder)
    router.up(LON2)
    router.announce(LON2, ROUTES[5:])
    router.end_of_rib(LON2)
    expect(site, "rtr", state="connected", routes=195, held=0, tripped=False)

    # so does a neighbour whose end was never told
    router.up(LON2)
    router.announce(LON2, ROUTES[10:])
    router.end_of_rib(LON2)
    expect(site, "rtr", state="connected", routes=190, held=0, tripped=False)
    router.announce(LON2, ROUTES[5:])

    # one that comes back empty has not learned its routes yet
    router.close()
    expect(site, "rtr", state="stale")
    router = BmpRouter(site.forwarder)
    router.up(LON2)
    router.end_of_rib(LON2)
    expect(site, "rtr", state="connected", routes=195, held=195, tripped=True)
    router.announce(LON2, ROUTES[5:])
    expect(site, "rtr", routes=195, held=0, tripped=False)

    # and one that does not come back has its time
    router.close()
    expect(site, "rtr", state="waiting", routes=0, tripped=False)


def test_a_client_is_told_and_asks_again_when_somebody_has_confirmed(site):
    client = Rpc(site.daemon.socket)
    session = client.call("session.open", api=1, client="feeder")["session"]
    client.call("route.update", add=[candidate("lon1", prefix) for prefix in ROUTES] + [candidate("lon1")])
    everything = [{"prefix": prefix} for prefix in ROUTES + [ANYCAST[4]]]
    assert client.call("route.update", **{"del": everything[:100]})["deleted"] == 100
    assert client.code("route.update", **{"del": everything[:101]}) == -32009
    assert client.code("route.update", **{"del": everything[-1:], "atomic": False}) == -32009  # from now on any
    assert client.code("route.flush", all=True) == -32009
    assert client.code("session.confirm", session=session) == -32002  # not by itself
    assert client.call("route.update", add=[candidate("lon1", prefix) for prefix in ROUTES])["added"] == 100
    assert client.call("route.update", add=[candidate("lon2")], **{"del": everything[-1:]})["deleted"] == 1
    with pytest.raises(RpcError, match="more than 50 % of the prefixes of session \"feeder\" would be withdrawn"):
        client.call("route.update", **{"del": everything})
    assert site.rpc.call("session.confirm", session=session)["withdrawn"] == 0
    assert client.call("route.update", **{"del": everything})["deleted"] == 201

    client.close()


def session_of(site, name):
    return next(one for one in site.rpc.call("session.list")["sessions"] if one["client"] == name)


def opened(site, name, **options):
    client = Rpc(site.daemon.socket)
    client.session = client.call("session.open", api=1, client=name, **options)
    return client


def test_a_client_that_comes_back_with_little_to_say(site):
    client = opened(site, "forgetful")
    client.call("route.update", add=[candidate("lon1", prefix) for prefix in ROUTES])
    client.close()
    assert wait_until(lambda: session_of(site, "forgetful")["state"] == "stale")
    client = opened(site, "forgetful")
    client.call("route.update", add=[candidate("lon1", prefix) for prefix in ROUTES[:10]])
    assert client.code("session.eor") == -32009
    shown = session_of(site, "forgetful")
    assert (shown["routes"], shown["stale"], shown["breaker"]["held"], shown["breaker"]["tripped"]) == \
        (200, 190, 190, True)
    client.call("route.update", add=[candidate("lon1", prefix) for prefix in ROUTES[:-5]])
    assert client.call("session.eor")["swept"] == 5
    assert wait_until(lambda: not session_of(site, "forgetful")["breaker"]["tripped"])

    # within a transaction, which it aborts
    client.call("txn.begin")
    client.call("route.update", **{"del": [{"prefix": prefix} for prefix in ROUTES[:90]]})
    assert client.code("route.update", **{"del": [{"prefix": prefix} for prefix in ROUTES[90:150]]}) == -32009
    assert client.code("txn.commit") == -32008
    assert session_of(site, "forgetful")["routes"] == 195
    assert site.rpc.call("session.confirm", session=client.session["session"])["withdrawn"] == 0
    assert client.call("route.update", **{"del": [{"prefix": prefix} for prefix in ROUTES]})["deleted"] == 195
    client.call("session.close", withdraw=True)
    client.close()


def test_a_session_that_ends_takes_all_with_it(site):
    client = opened(site, "leaver")
    client.call("route.update", add=[candidate("lon1", prefix) for prefix in ROUTES])
    assert client.call("session.close", withdraw=True)["withdrawn"] == 200
    client.call("session.open", api=1, client="leaver", on_disconnect="withdraw")
    client.call("route.update", add=[candidate("lon1", prefix) for prefix in ROUTES])
    client.close()
    assert wait_until(lambda: site.rpc.call("status")["candidates"] == 0)
    assert site.rpc.call("status")["breakers_tripped"] == 0


def test_the_operator_is_asked_only_if_he_wants_to_be(site):
    add = [candidate("lon1", prefix) for prefix in ROUTES]
    site.rpc.call("route.update", add=add)
    assert site.rpc.call("route.flush", all=True)["deleted"] == 200
    site.daemon.write_config(config("anycast", feeds=[], api={"socket": site.daemon.socket, "max_withdraw_percent": 10}))
    site.rpc.call("config.reload")
    site.rpc.call("route.update", add=add)
    assert site.rpc.code("route.flush", all=True) == -32009
    assert site.rpc.call("status")["breakers_tripped"] == 1
    site.rpc.call("session.confirm", session=0)
    assert site.rpc.call("route.flush", all=True)["deleted"] == 200
