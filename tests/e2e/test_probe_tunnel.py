# SPDX-License-Identifier: BSD-3-Clause
"""Probes of an instance behind a tunnel go through that tunnel; the answers come back as they are."""
import itertools

import pytest

from lab.daemon import wait_until
from lab.tunnel import FarEnd
from london import ANYCAST, SERVICE, London, candidate, config
from test_probes import RULES, TIMES, Server, Web, instance, state_is

REMOTE, HOST = "ny2", "ny1"  # the instance with the tunnel, and the host it is on
GATEWAY = ["10.12.0.2", "fd00:12::2"]
ENDS = {4: ("10.12.0.1", "203.0.113.11"), 6: ("fd00:12::1", "2001:db8:12::11")}
WEB = {"url": "http://www.example.org:8080/", "status": 200}


def tunnel(kind, outer):
    source, destination = ENDS[outer]
    return {"type": kind, "source": source, "destination": destination}


@pytest.fixture(scope="module")
def site():
    london = London()
    try:
        london.start()
        yield london
    finally:
        london.close()


@pytest.fixture
def london(site):
    """lon1 is asked by its next hop all the while."""
    site.reset()
    site.rpc.call("instance.set", name="lon1", next_hop=["10.10.0.2", "fd00:10::2"],
                  health={**RULES, "icmp": {"address": SERVICE[4], **TIMES}})
    yield site
    assert instance(site, "lon1")["state"] == "up"
    site.rpc.code("instance.del", name=REMOTE)
    assert wait_until(lambda: rules(site) == {"0xa510000"}), rules(site)
    assert tables(site) == {0xa510000}


def tables(london):
    """Of the probes' routes: those that protocol 175 made."""
    routes = [line.split() for family in ("-4", "-6")
              for line in london.forwarder.ip(family, "route", "show", "table", "all").splitlines() if "proto 175" in line]
    return {int(words[words.index("table") + 1], 0) for words in routes}


def rules(london):
    return {line.split("fwmark ")[1].split()[0] for family in ("-4", "-6")
            for line in london.forwarder.ip(family, "rule").splitlines() if "0xa5" in line}


def set_remote(london, kind, outer, health, next_hop=GATEWAY):
    london.rpc.call("instance.set", name=REMOTE, next_hop=next_hop, tunnel=tunnel(kind, outer),
                    health={**RULES, **health})


@pytest.mark.parametrize("kind", [pytest.param("ipip", marks=pytest.mark.long), pytest.param("gre", marks=pytest.mark.long),
                                  "gue"])
def test_an_echo_request_goes_through_the_tunnel_or_not_at_all(london, kind):
    """The host answers all the while: only what comes out of the tunnel's far end reaches it."""
    for outer, inner in itertools.product((4, 6), (4, 6)):
        london.rpc.code("instance.del", name=REMOTE)
        set_remote(london, kind, outer, {"icmp": {"address": SERVICE[inner], **TIMES}})
        assert state_is(london, REMOTE, "down"), (outer, inner)
        with FarEnd(london.instances[HOST], kind, *ENDS[outer], inner):
            assert state_is(london, REMOTE, "up"), (outer, inner, london.situation())
        assert state_is(london, REMOTE, "down"), (outer, inner)


def test_the_tunnel_of_a_probe_follows_the_instances(london):
    health = {"icmp": {"address": SERVICE[4], **TIMES}}
    with FarEnd(london.instances[HOST], "gue", *ENDS[4], 4):
        set_remote(london, "gre", 6, health)
        assert state_is(london, REMOTE, "down")
        set_remote(london, "gue", 4, health)
        assert state_is(london, REMOTE, "up")
    assert state_is(london, REMOTE, "down")
    london.rpc.call("instance.set", name=REMOTE, next_hop=GATEWAY, health={**RULES, **health})
    assert state_is(london, REMOTE, "up")
    assert len(rules(london)) == 2


def test_outside_a_tunnel_over_ipv6_by_an_ipv4_next_hop_the_kernels_routes_lead(london):
    source, destination = ENDS[6]
    with FarEnd(london.instances[HOST], "ipip", source, destination, 4):
        set_remote(london, "ipip", 6, {"icmp": {"address": SERVICE[4], **TIMES}}, next_hop=GATEWAY[0])
        assert state_is(london, REMOTE, "down")
        london.forwarder.ip("route", "add", destination, "via", GATEWAY[1])
        try:
            assert state_is(london, REMOTE, "up")
        finally:
            london.forwarder.ip("route", "del", destination)


@pytest.mark.parametrize("outer", [4, 6], ids=["over4", "over6"])
@pytest.mark.parametrize("inner", [pytest.param(4, marks=pytest.mark.long), 6], ids=["inside4", "inside6"])
def test_traffic_leaves_an_instance_whose_service_stopped_behind_a_tunnel(london, outer, inner):
    services = {"tcp": (lambda: Server(london.instances[HOST]), {"port": 80}),
                "http": (lambda: Web(london.instances[HOST], inner), {**WEB, "timeout_ms": 500})}
    with FarEnd(london.instances[HOST], "gue", *ENDS[outer], inner):
        for check, (serve, keys) in services.items():
            server = serve()
            try:
                set_remote(london, "gue", outer, {check: {"address": SERVICE[inner], **TIMES, **keys}})
                london.rpc.call("route.update", add=[
                    {**candidate(HOST, ANYCAST[inner], local_pref=200), "instance": REMOTE},
                    candidate("lon1", ANYCAST[inner])])
                assert state_is(london, REMOTE, "up"), check
                london.expect_at(HOST, inner)
                assert not wait_until(lambda: instance(london, REMOTE)["state"] != "up", 0.3), check
            finally:
                server.close()
            assert state_is(london, REMOTE, "down"), check
            london.expect_at("lon1", inner)


@pytest.mark.parametrize("behind", [pytest.param(False, marks=pytest.mark.long), True], ids=["by next hop", "in a tunnel"])
def test_probes_go_on_when_the_link_was_taken_down_and_up_again(london, behind):
    """With the link the kernel forgets the routes by it."""
    icmp = {"icmp": {"address": SERVICE[4], **TIMES}}
    set_up = {"name": REMOTE, "next_hop": GATEWAY, **({"tunnel": tunnel("ipip", 4)} if behind else {})}
    with FarEnd(london.instances[HOST], "ipip", *ENDS[4], 4):
        london.rpc.call("instance.set", **set_up, health={**RULES, **icmp})
        assert state_is(london, REMOTE, "up")
        london.forwarder.ip("link", "set", "d2", "down")
        try:
            assert wait_until(lambda: not instance(london, REMOTE)["alive"])
        finally:
            london.forwarder.ip("link", "set", "d2", "up")
            london.forwarder.ip("addr", "replace", "fd00:12::1/64", "dev", "d2", "nodad")
        assert wait_until(lambda: instance(london, REMOTE)["alive"] and
                          not wait_until(lambda: instance(london, REMOTE)["state"] != "up", 0.4), 5), london.situation()


def test_a_killed_daemon_leaves_nothing_of_a_tunnel_that_stops_the_next():
    london = London()
    try:
        settings = config()
        remote = {"name": REMOTE, "next_hop": GATEWAY, "tunnel": tunnel("gue", 6),
                  "health": {**RULES, "icmp": {"address": SERVICE[4], **TIMES}}}
        london.daemon.write_config({**settings, "instances": settings["instances"] + [remote]})
        with FarEnd(london.instances[HOST], "gue", *ENDS[6], 4):
            for _ in range(2):
                london.start()
                assert wait_until(lambda: len(rules(london)) == 2), rules(london)
                assert not wait_until(lambda: instance(london, REMOTE)["state"] != "up", 0.5)
                london.daemon.kill()
        assert len(rules(london)) == 2
        london.daemon.write_config(settings)
        london.start()
        assert rules(london) == set()
    finally:
        london.close()
