# SPDX-License-Identifier: BSD-3-Clause
"""The story of the demo; configs/demo/run starts it. Exit status 0: every step went as told."""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tests"))

from lab.daemon import Daemon, wait_until  # noqa: E402
from lab.net import BUILD, Lab, sh  # noqa: E402

SERVICE, PORT = "192.0.2.1", 7000
PROBES_PER_S = 1000

PICTURE = """
  client ---- [ anyfwd, AS 65000 ] ---- lon1     London, AS 65002
  198.51.100.9        |   |
                      |   +------------ lon2     London, AS 65002
                      |
                      +--- router ----- ny1      New York, AS 65010 behind AS 65001

  All three servers have the same address, 192.0.2.1. The forwarder decides which of them a packet reaches."""

CANDIDATES = [
    {"prefix": "192.0.2.0/24", "peer": "london", "path_id": 1, "instance": "lon1", "as_path": [65002], "med": 10},
    {"prefix": "192.0.2.0/24", "peer": "london", "path_id": 2, "instance": "lon2", "as_path": [65002], "med": 20},
    {"prefix": "192.0.2.0/24", "peer": "newyork", "instance": "ny1", "as_path": [65001, 65010]},
]


class Probe:
    """Asks the service 1,000 times a second over UDP, and knows which of the questions nobody answered."""

    def __init__(self, client):
        self.socket = client.run(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(0.1)
        self.sent, self.answered, self.over = 0, {}, False
        self.threads = [threading.Thread(target=work) for work in (self._ask, self._listen)]
        for thread in self.threads:
            thread.start()

    def _ask(self):
        due = time.monotonic()
        while not self.over:
            self.socket.sendto(str(self.sent).encode(), (SERVICE, PORT))
            self.sent += 1
            due += 1 / PROBES_PER_S
            time.sleep(max(0, due - time.monotonic()))

    def _listen(self):
        while not self.over:
            try:
                name, number = self.socket.recv(2048).split()
                self.answered[int(number)] = name.decode()
            except TimeoutError:
                pass

    def lost(self, first, end):
        return sum(number not in self.answered for number in range(first, end))

    def close(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        self.socket.close()


class Server:
    """A host that serves 192.0.2.1. Dead, it neither serves nor answers a ping; its link stays up, as behind a switch."""

    def __init__(self, host):
        self.host, self.name, self.process = host, host.name, None

    def start(self):
        self.host.ip("addr", "add", f"{SERVICE}/32", "dev", "lo")
        self.process = self.host.spawn("/usr/bin/python3", "-B", os.path.join(HERE, "server.py"), self.name, SERVICE,
                                       stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def die(self):
        self.process.kill()
        self.process.wait()
        self.host.ip("addr", "del", f"{SERVICE}/32", "dev", "lo")

    def pings_answered(self):
        """The kernel's own count of echo requests received."""
        names, values = [line.split() for line in self.host.read("/proc/net/snmp").splitlines()
                         if line.startswith("Icmp:")]
        return int(values[names.index("InEchos")])


class Site:
    def __init__(self, lab):
        forwarder = lab.host("forwarder")
        self.client = lab.host("client")
        router = lab.host("router")
        hosts = {name: lab.host(name) for name in ("lon1", "lon2", "ny1")}
        lab.link(forwarder, "clients", ["198.51.100.1/24"], self.client, "eth0", ["198.51.100.9/24"])
        lab.link(forwarder, "lon1", ["10.0.1.1/24"], hosts["lon1"], "eth0", ["10.0.1.2/24"])
        lab.link(forwarder, "lon2", ["10.0.2.1/24"], hosts["lon2"], "eth0", ["10.0.2.2/24"])
        lab.link(forwarder, "newyork", ["10.0.3.1/24"], router, "eth0", ["10.0.3.2/24"])
        lab.link(router, "eth1", ["10.9.0.1/24"], hosts["ny1"], "eth0", ["10.9.0.2/24"])
        router.set("ipv4/ip_forward", 1)
        router.ip("route", "add", "192.0.2.0/24", "via", "10.9.0.2")
        for host, gateway in ((self.client, "198.51.100.1"), (router, "10.0.3.1"), (hosts["lon1"], "10.0.1.1"),
                              (hosts["lon2"], "10.0.2.1"), (hosts["ny1"], "10.9.0.1")):
            host.ip("route", "add", "default", "via", gateway)
        self.servers = {name: Server(host) for name, host in hosts.items()}
        with open(os.path.join(HERE, "london.yaml")) as file:
            self.daemon = Daemon(lab, forwarder, file.read())

    def start(self):
        for server in self.servers.values():
            server.start()
        self.daemon.start("--socket", self.daemon.socket)

    def close(self):
        """The forwarder's exit status."""
        return self.daemon.stop()

    def anyctl(self, *argv):
        return sh(os.path.join(BUILD, "anyctl"), "-s", self.daemon.socket, *argv)

    def tcp_answer(self):
        try:
            with self.client.run(socket.create_connection, (SERVICE, PORT), 1) as connection:
                return connection.recv(100).decode()
        except OSError:
            return "nobody"

    def ping_answer(self):
        before = {name: server.pings_answered() for name, server in self.servers.items()}
        if not self.client.answers_ping(SERVICE, wait_s=1):
            return "nobody"
        return next(name for name, server in self.servers.items() if server.pings_answered() > before[name])


ROW = "  {:<4}  {:<46}  {:<10}  {:<10}  {:<16}  {}"


class Story:
    """Plays steps and prints a row of the table for each."""

    def __init__(self, site):
        self.site, self.probe, self.step, self.good = site, None, 0, True

    def head(self):
        print(ROW.format("step", "what happens", "TCP from", "ping from", "probes lost", "as told?"))
        print(ROW.format("-" * 4, "-" * 46, "-" * 10, "-" * 10, "-" * 16, "-" * 8))

    def play(self, what, expected, act, may_lose):
        """act, then look who answers; all but `may_lose` of the probes sent meanwhile must be answered."""
        self.step += 1
        first = self.probe.sent if self.probe else 0
        act()
        if not self.probe:
            self.probe = Probe(self.site.client)
        time.sleep(0.5)
        tcp, ping = self.site.tcp_answer(), self.site.ping_answer()
        end = self.probe.sent
        time.sleep(0.3)  # for the last answers
        lost = self.probe.lost(first, end)
        well = tcp == ping == expected and lost <= may_lose
        self.good = self.good and well
        print(ROW.format(self.step, what, tcp, ping, f"{lost} of {end - first}", "yes" if well else "NO"), flush=True)

    def announce(self):
        """Feeds the candidates, and waits until the first of them serves: the kernel has a neighbour to resolve."""
        self.site.anyctl("call", "route.update", json.dumps({"add": CANDIDATES}))
        wait_until(lambda: self.site.tcp_answer() != "nobody")

    def death_of(self, name):
        def act():
            self.site.servers[name].die()
            self.site.anyctl("instance", "down", name)
        return act

    def return_of(self, name):
        def act():
            self.site.servers[name].start()
            self.site.anyctl("instance", "up", name)
        return act

    def close(self):
        if self.probe:
            self.probe.close()


def tell(site):
    story = Story(site)
    # A death costs what is sent between it and the operator's word, and no more than half a second of that.
    noticed, nothing = PROBES_PER_S // 2, 0
    try:
        print("\nThe story. A client asks 192.0.2.1 a thousand times a second while servers die and return.\n")
        story.head()
        story.play("London and New York announce 192.0.2.0/24", "lon1", story.announce, nothing)
        explained = site.anyctl("route", "explain", "192.0.2.0/24")
        story.play("lon1 dies; operator: anyctl instance down lon1", "lon2", story.death_of("lon1"), noticed)
        story.play("lon2 dies; operator: anyctl instance down lon2", "ny1", story.death_of("lon2"), noticed)
        story.play("lon2 is back:        anyctl instance up lon2", "lon2", story.return_of("lon2"), nothing)
        story.play("lon1 is back:        anyctl instance up lon1", "lon1", story.return_of("lon1"), nothing)
    finally:
        story.close()
    print("\nWhy lon1, in the forwarder's own words (anyctl route explain 192.0.2.0/24):\n")
    print("\n".join("  " + line for line in explained.rstrip().splitlines()))
    print("""
What you saw
  1     Both sites announce the prefix. London's AS path (65002) is shorter than New York's (65001 65010), so
        London wins; of its two servers lon1 is preferred by the lower MED, 10 against 20. That is BGP's order.
  2, 3  A server dies. What was on its way until the forwarder was told is lost; from then on every packet is at
        the next best server. No prefix was recomputed for it: one byte in one adjacency was set.
  4, 5  It is back. First it serves, then the forwarder is told: nothing is lost.

  The demo kills a server and then says so over the API, as an operator or a monitoring system would; what a death
  costs here is the time from the kill to that call. With checks of its instances (BFD, TCP, ICMP and others,
  anyfwd.yaml(5), "health") anyfwd notices by itself: BFD at 10 ms within 40 ms.""")
    return story.good


def perform(picture, make_site, tell_story):
    """Makes a site in a lab and tells its story: the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    print(picture, flush=True)
    try:
        with Lab() as lab:
            site = make_site(lab)
            try:
                site.start()
                good = tell_story(site)
            finally:
                status = site.close()
    except KeyboardInterrupt:
        return 130
    good = good and status == 0
    print("\nEvery step went as told." if good else "\nNot every step went as told.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(perform(PICTURE, Site, tell))
