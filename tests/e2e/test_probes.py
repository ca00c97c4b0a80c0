# SPDX-License-Identifier: BSD-3-Clause
"""Probes ask the anycast address, which every instance has, at the one instance that they are about."""
import os
import socket
import threading

import pytest

from lab.daemon import wait_until
from london import INSTANCES, SERVICE, London, config

TIMES = {"interval_ms": 50, "timeout_ms": 40}
RULES = {"rise": 2, "fall": 2, "hold_down_ms": 100}


class Server:
    """A TCP server on the anycast addresses of one instance, until close()."""

    def __init__(self, host, port=80):
        self.sockets = [host.run(self._open, address, port) for address in SERVICE.values()]
        for each in self.sockets:
            threading.Thread(target=self._serve, args=(each,), daemon=True).start()

    @staticmethod
    def _open(address, port):
        return socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)

    @staticmethod
    def _serve(server):
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return

    def close(self):
        for each in self.sockets:
            each.shutdown(socket.SHUT_RDWR)
            each.close()


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
    site.reset()
    site.announce(*INSTANCES)
    yield site
    for name in INSTANCES:
        set_health(site, name, None)


def set_health(london, name, health):
    k = INSTANCES.index(name)
    london.rpc.call("instance.set", name=name, next_hop=[f"10.1{k}.0.2", f"fd00:1{k}::2"],
                    **({"health": {**RULES, **health}} if health else {}))


def instance(london, name):
    return next(each for each in london.rpc.call("instance.list")["instances"] if each["name"] == name)


def state_is(london, name, state, timeout_s=5):
    return wait_until(lambda: instance(london, name)["state"] == state, timeout_s)


@pytest.mark.parametrize("family", [4, 6])
def test_a_tcp_probe_asks_that_one_instance(london, family):
    servers = {name: Server(london.instances[name]) for name in ("lon1", "lon2")}
    try:
        for name in servers:
            set_health(london, name, {"tcp": {"address": SERVICE[family], "port": 80, **TIMES}})
        assert not wait_until(lambda: instance(london, "lon1")["state"] != "up" or
                              instance(london, "lon2")["state"] != "up", 0.6)
        servers.pop("lon1").close()
        assert state_is(london, "lon1", "down"), "lon2's server answered for lon1"
        assert instance(london, "lon1")["why"] == "health checks failed"
        assert instance(london, "lon2")["state"] == "up"
        london.expect_at("lon2")
        servers["lon1"] = Server(london.instances["lon1"])
        assert state_is(london, "lon1", "up")
        london.expect_at("lon1")
    finally:
        for server in servers.values():
            server.close()


@pytest.mark.parametrize("family", [4, 6])
def test_an_icmp_probe_asks_that_one_instance(london, family):
    """Of three instances with one address, two go on answering."""
    for name in INSTANCES:
        set_health(london, name, {"icmp": {"address": SERVICE[family], **TIMES}})
    assert not wait_until(lambda: any(instance(london, name)["state"] != "up" for name in INSTANCES), 0.6)
    knob = "ipv4/icmp_echo_ignore_all" if family == 4 else "ipv6/icmp/echo_ignore_all"
    london.instances["lon2"].set(knob, 1)
    try:
        assert state_is(london, "lon2", "down")
        assert [instance(london, name)["state"] for name in ("lon1", "ny1")] == ["up", "up"]
    finally:
        london.instances["lon2"].set(knob, 0)
    assert state_is(london, "lon2", "up")


def test_rules_and_tables_go_with_the_probe(london):
    def ours():
        return [line for family in ("-4", "-6") for line in london.forwarder.ip(family, "rule").splitlines()
                if "0xa51" in line]
    assert ours() == []
    for name in INSTANCES:
        set_health(london, name, {"icmp": {"address": SERVICE[4], **TIMES}})
    assert wait_until(lambda: len(ours()) == 3), ours()
    for name in INSTANCES:
        set_health(london, name, None)
    assert wait_until(lambda: ours() == []), ours()


def test_a_command_is_the_files_alone_and_one_that_hangs_is_bad(london):
    assert london.rpc.code("instance.set", name="lon1", next_hop="10.10.0.2",
                           health={"command": {"run": "true"}}) == -32602


def test_commands_of_the_file_decide_and_a_killed_daemon_leaves_nothing_in_the_kernel():
    london = London()
    try:
        well, seen = (os.path.join(london.lab.dir, name) for name in ("well", "seen"))
        settings = config()
        settings["instances"][0]["health"] = {**RULES, "command": {
            "run": f'echo "$ANYFWD_INSTANCE $ANYFWD_MARK" >{seen}; test -e {well} || sleep 9', **TIMES, "timeout_ms": 200}}
        settings["instances"][1]["health"] = {**RULES, "icmp": {"address": SERVICE[4], **TIMES}}
        london.daemon.write_config(settings)
        with open(well, "w"):
            pass
        london.start()
        assert wait_until(lambda: os.path.exists(seen))
        os.unlink(well)
        assert state_is(london, "lon1", "down")
        assert open(seen).read().split() == ["lon1", str(0x0a510000)]
        assert wait_until(lambda: "0xa51" in london.forwarder.ip("rule"))
        london.daemon.kill()
        assert "0xa51" in london.forwarder.ip("rule")
        del settings["instances"][1]["health"]
        london.daemon.write_config(settings)
        with open(well, "w"):
            pass
        london.start()
        assert "0xa51" not in london.forwarder.ip("rule")
        assert not wait_until(lambda: instance(london, "lon1")["state"] != "up", 0.5)
    finally:
        london.close()
