# SPDX-License-Identifier: BSD-3-Clause
"""A port that forwards is still the kernel's port: its addresses answer, whatever the daemon does or how it ends."""
import re
import signal
import subprocess
import threading
import time

import pytest

from lab.traffic import Pump, connect, listen
from london import INSTANCES, OWN, SERVICE, London, arrivals

BOTH = pytest.mark.parametrize("family", [4, 6])


@pytest.fixture(scope="module", params=["anycast", "transit"])
def site(request):
    london = London(steer=request.param)
    try:
        london.start()
        for family in (4, 6):
            london.warm_up("lon1", family=family)
        announce(london)
        yield london
    finally:
        london.close()


def announce(site):
    for family in (4, 6):
        site.announce("lon1", family=family)


def end(site, how):
    site.daemon.process.send_signal(how)
    status = site.daemon.process.wait(20)
    assert status == (-signal.SIGKILL if how == signal.SIGKILL else 0), site.daemon.log()


def restart(site):
    site.start()
    announce(site)


class EchoServer:
    """Gives back what it gets on one TCP connection."""

    def __init__(self, host, address, port):
        self.server = listen(host, address, port)
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        connection, _ = self.server.accept()
        connection.settimeout(60)
        with self.server, connection:
            while data := connection.recv(1 << 16):
                connection.sendall(data)

    def close(self):
        self.thread.join()


def exchange(connection, data):
    connection.sendall(data)
    got = b""
    while len(got) < len(data):
        more = connection.recv(1 << 16)
        assert more, "the connection was closed"
        got += more
    assert got == data


@BOTH
def test_the_forwarder_is_found_by_arp_and_nd_and_answers_ping(site, family):
    site.client.ip("neigh", "flush", "dev", "eth0")
    assert site.client.answers_ping(OWN[family])
    for k, name in enumerate(INSTANCES):
        site.instances[name].ip("neigh", "flush", "dev", "eth0")
        assert site.instances[name].answers_ping(f"10.1{k}.0.1" if family == 4 else f"fd00:1{k}::1")


@BOTH
def test_tcp_to_the_forwarders_own_address_works(site, family):
    server = EchoServer(site.forwarder, OWN[family], 8000)
    with connect(site.client, OWN[family], 8000) as connection:
        exchange(connection, bytes(range(256)) * 400)
    server.close()


@BOTH
def test_the_anycast_service_and_an_instances_own_address_answer_the_client(site, family):
    site.expect_at("lon1", family)
    assert site.client.answers_ping("192.0.2.1" if family == 4 else "2001:db8:a::1")
    assert site.client.answers_ping("10.10.0.2" if family == 4 else "fd00:10::2")


def test_an_instance_cannot_draw_the_service_to_itself_by_arp(site):
    thief = site.instances["lon2"]
    thief.ip("neigh", "flush", "dev", "eth0")
    thief.answers_ping("10.11.0.1", "-I", SERVICE[4])  # asks for the MAC in the name of the service's address
    assert SERVICE[4] in site.forwarder.ip("neigh", "show", "dev", "d1"), "the kernel has learned nothing"
    end(site, signal.SIGTERM)
    restart(site)
    site.expect_at("lon1")
    sinks = site.sinks()
    Pump(site.client, site.packets(200, addresses=1, run=5), 2000).wait()
    assert {name: len(arrivals(sink.stop(), run=5)) for name, sink in sinks.items()} == \
        {"lon1": 200, "lon2": 0, "ny1": 0}


def test_a_large_ping_to_the_forwarder_comes_in_fragments_and_is_answered(site):
    assert ", 0% packet loss" in site.client.sh("ping", "-n", "-c2", "-s4000", "-W2", OWN[4], check=False)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_ports_own_addresses_outlive_the_daemon_and_the_next_start_needs_no_help(site, how):
    server = EchoServer(site.forwarder, OWN[4], 8001)
    pings = site.client.spawn("ping", "-n", "-i0.02", "-c100", "-W1", OWN[4], stdout=subprocess.PIPE, text=True)
    with connect(site.client, OWN[4], 8001) as connection:
        exchange(connection, b"before")
        time.sleep(0.5)
        end(site, how)
        for address in OWN.values():
            assert site.client.answers_ping(address)
        exchange(connection, b"while it is away")
        restart(site)
        exchange(connection, b"after")
    server.close()
    received = int(re.search(r"(\d+) received", pings.communicate()[0]).group(1))
    assert received >= 99, f"{100 - received} of 100 pings lost while the daemon ended"
    for family in (4, 6):
        site.expect_at("lon1", family)
