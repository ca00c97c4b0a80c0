# SPDX-License-Identifier: BSD-3-Clause
"""Probes ask the anycast address, which every instance has, at the one instance that they are about."""
import contextlib
import http.server
import os
import socket
import ssl
import subprocess
import threading
import time

import pytest

from lab.daemon import wait_until
from lab.net import sh
from lab.rpc import Rpc
from lab.traffic import Pump
from london import INSTANCES, SERVICE, London, arrivals, config

TIMES = {"interval_ms": 50, "timeout_ms": 40}
RULES = {"rise": 2, "fall": 2, "hold_down_ms": 100, "hold_down_max_ms": 100}


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


class Web:
    """An HTTP server on the anycast address of one instance, HTTPS with a certificate; it says `status`."""

    def __init__(self, host, family, status=200, certificate=None):
        web = self
        self.status, self.hosts = status, set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.hosts.add(self.headers["Host"] + self.path)
                self.send_response(web.status)
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(b"x" * 100_000)  # more than anybody wants

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer((SERVICE[family], 0), Handler, bind_and_activate=False)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who asks does not stay for the end
        self.server.socket = host.run(Server._open, SERVICE[family], 8443 if certificate else 8080)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Dns:
    """dnsmasq on an instance: it knows www.example.org."""

    def __init__(self, london, name):
        self.log = os.path.join(london.lab.dir, f"dnsmasq-{name}.log")
        with open(self.log, "ab") as log:
            self.process = london.instances[name].spawn(
                "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
                "--pid-file=", "--log-facility=-", "--log-queries", "--local=/example.org/",
                "--host-record=www.example.org,192.0.2.80,2001:db8:a::80", stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        assert wait_until(lambda: "started" in open(self.log).read()), open(self.log).read()

    def close(self):
        self.process.kill()
        self.process.wait()


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
    assert wait_until(lambda: all(instance(site, name)["state"] == "up" for name in INSTANCES))  # of the last test
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


def says(london, text):
    return wait_until(lambda: text in london.daemon.log(), 5)


@pytest.mark.parametrize("family", [4, 6])
def test_an_http_probe_judges_the_status_of_that_one_instance(london, family):
    probe = {"address": SERVICE[family], "url": "http://www.example.org:8080/health", **TIMES, "timeout_ms": 500}
    servers = {name: Web(london.instances[name], family) for name in ("lon1", "lon2")}
    try:
        set_health(london, "lon1", {"http": probe})
        set_health(london, "lon2", {"http": {**probe, "status": 200}})
        assert wait_until(lambda: all(server.hosts == {"www.example.org:8080/health"} for server in servers.values()))
        servers["lon1"].status = 503
        assert state_is(london, "lon1", "down"), london.daemon.log()[-1000:]
        assert says(london, "instance lon1: http: status 503")
        assert instance(london, "lon2")["state"] == "up"
        servers["lon1"].status = 204
        servers["lon2"].status = 204
        assert state_is(london, "lon1", "up") and state_is(london, "lon2", "down")
    finally:
        for server in servers.values():
            server.close()
    assert state_is(london, "lon1", "down")  # nobody listens


def test_an_https_probe_looks_at_the_certificate_unless_told_otherwise(london):
    pem = os.path.join(london.lab.dir, "web.pem")
    sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
       "-subj", "/CN=www.example.org", "-addext", "subjectAltName=DNS:www.example.org", "-keyout", pem, "-out", pem + ".crt")
    with open(pem, "a") as both, open(pem + ".crt") as certificate:
        both.write(certificate.read())
    probe = {"address": SERVICE[4], "url": "https://www.example.org:8443/", **TIMES, "timeout_ms": 1000}
    server = Web(london.instances["lon1"], 4, certificate=pem)
    try:
        set_health(london, "lon1", {"http": {**probe, "insecure": True}})
        assert wait_until(lambda: server.hosts == {"www.example.org:8443/"})
        set_health(london, "lon1", {"http": probe})
        assert state_is(london, "lon1", "down")
        assert says(london, "certificate")
        set_health(london, "lon1", {"http": {**probe, "insecure": True}})
        assert state_is(london, "lon1", "up")
    finally:
        server.close()


def test_a_server_that_accepts_and_says_nothing_is_bad_and_holds_up_nobody(london):
    silent = london.instances["lon1"].run(Server._open, SERVICE[4], 8080)
    with silent:
        set_health(london, "lon1", {"http": {"address": SERVICE[4], "url": "http://a:8081/", **TIMES}})
        assert state_is(london, "lon1", "down")  # nobody listens there; what follows is told all the same
        set_health(london, "lon1", {"http": {"address": SERVICE[4], "url": "http://a:8080/", **TIMES}})
        slowest, end = 0, time.monotonic() + 5
        while "lon1: http: no answer in time" not in london.daemon.log() and time.monotonic() < end:
            began = time.monotonic()
            london.rpc.call("status")
            slowest = max(slowest, time.monotonic() - began)
        assert says(london, "instance lon1: http: no answer in time")
        assert state_is(london, "lon1", "down")
    assert slowest < 0.2


@pytest.mark.parametrize("family", [4, 6])
def test_a_dns_probe_wants_a_record_of_that_one_instance(london, family):
    probe = {"address": SERVICE[family], "name": "www.example.org", "type": "A" if family == 4 else "AAAA", **TIMES,
             "timeout_ms": 500}
    servers = {name: Dns(london, name) for name in ("lon1", "lon2")}
    try:
        for name in servers:
            set_health(london, name, {"dns": probe})
        assert wait_until(lambda: all("www.example.org from" in open(server.log).read() for server in servers.values()))
        assert not wait_until(lambda: any(instance(london, name)["state"] != "up" for name in servers), 0.4)
        set_health(london, "lon2", {"dns": {**probe, "name": "ftp.example.org"}})
        assert state_is(london, "lon2", "down") and says(london, "instance lon2: dns: the server says NXDOMAIN")
        servers.pop("lon1").close()
        assert state_is(london, "lon1", "down")
        servers["lon1"] = Dns(london, "lon1")
        assert state_is(london, "lon1", "up")
    finally:
        for server in servers.values():
            server.close()


def set_answers(london, name, answers):
    london.instances[name].set("ipv4/icmp_echo_ignore_all", 0 if answers else 1)


def test_an_instance_that_flaps_at_5_hz_goes_and_stays_away_until_it_is_steady(london):
    """With the hold-down as it is unless somebody says otherwise."""
    monitor = Rpc(london.daemon.socket)
    monitor.call("monitor.subscribe", topics=["instance"])
    london.rpc.call("instance.set", name="lon1", next_hop=["10.10.0.2", "fd00:10::2"],
                    health={"icmp": {"address": SERVICE[4], "interval_ms": 20, "timeout_ms": 15}, "rise": 2, "fall": 2})
    try:
        for i in range(21):
            set_answers(london, "lon1", i % 2 == 1)
            time.sleep(0.1)
        assert state_is(london, "lon1", "down")
        london.expect_at("lon2")
        set_answers(london, "lon1", True)
        states = []
        while "down" not in states or states[-1] != "up":
            event = monitor.receive()["params"]
            states += [event["state"]] if event["name"] == "lon1" and states[-1:] != [event["state"]] else []
        assert states in (["up", "down", "up"], ["down", "up"]), states  # set; failed; steady for a second
    finally:
        set_answers(london, "lon1", True)
        monitor.close()


def test_when_all_probes_are_lost_at_once_the_prober_is_suspected_and_traffic_flows_on(london):
    for name in INSTANCES:
        set_health(london, name, {"icmp": {"address": SERVICE[4], **TIMES}})
    london.expect_at("lon1")
    assert not london.rpc.call("status")["failopen"]
    try:
        for name in INSTANCES:
            set_answers(london, name, False)
        assert wait_until(lambda: london.rpc.call("status")["failopen"], 5)
        assert wait_until(lambda: not any(check["passes"] for name in INSTANCES
                                      for check in instance(london, name)["health"]["checks"]))
        sinks = london.sinks()
        Pump(london.client, london.packets(1000, run=5), 5000).wait()
        got = [len(arrivals(sink.stop(), run=5)) for sink in sinks.values()]
        assert sum(got) == 1000, got
    finally:
        for name in INSTANCES:
            set_answers(london, name, True)
    assert wait_until(lambda: not london.rpc.call("status")["failopen"], 5)


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
