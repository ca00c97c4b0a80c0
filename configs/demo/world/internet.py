# SPDX-License-Identifier: BSD-3-Clause
"""The network of the story: hosts, links, and who runs which routing daemon with which words. world.py draws it."""
import os

from lab.daemon import Daemon
from lab.exabgp import ExaBgp, neighbor
from lab.routers import Bird, Frr
from story import Server

HERE = os.path.dirname(os.path.abspath(__file__))
SERVICE_PREFIX = "192.0.2.0/24"

# a host, its address, and the same of the host at the other end; a device is named to-OTHER
LINKS = [
    ("paris", "198.51.100.9/24", "par-isp", "198.51.100.1/24"),
    ("par-isp", "10.0.1.1/24", "lon-rtr1", "10.0.1.2/24"),
    ("par-isp", "10.0.2.1/24", "carrier", "10.0.2.2/24"),
    ("carrier", "10.0.3.1/24", "la-isp", "10.0.3.2/24"),
    ("la-isp", "10.0.4.1/24", "ny-rtr1", "10.0.4.2/24"),
    ("la", "203.0.113.9/24", "la-isp", "203.0.113.1/24"),
    ("lon-rtr1", "10.1.0.1/24", "lon-fwd", "10.1.0.2/24"),
    ("lon-fwd", "10.1.1.1/24", "lon1", "10.1.1.2/24"),
    ("lon-fwd", "10.1.2.1/24", "lon2", "10.1.2.2/24"),
    ("ny-rtr1", "10.2.0.1/24", "ny-fwd", "10.2.0.2/24"),
    ("ny-fwd", "10.2.1.1/24", "ny1", "10.2.1.2/24"),
]
DEFAULT_ROUTES = {"paris": "198.51.100.1", "la": "203.0.113.1", "lon-fwd": "10.1.0.1", "ny-fwd": "10.2.0.1",
                  "lon1": "10.1.1.1", "lon2": "10.1.2.1", "ny1": "10.2.1.1"}

# a transit network's AS, and its neighbours with theirs
TRANSITS = {
    "par-isp": (65100, {"10.0.1.2": 65002, "10.0.2.2": 65300}),
    "carrier": (65300, {"10.0.2.1": 65100, "10.0.3.2": 65200}),
    "la-isp": (65200, {"10.0.3.1": 65300, "10.0.4.2": 65001}),
}
TRANSIT = """router id {router_id};
protocol device {{ scan time 1; }}
protocol direct {{ ipv4; }}
protocol kernel {{ ipv4 {{ export where source = RTS_BGP; }}; }}
template bgp neighbour {{
  local as {asn};
  hold time 9;
  connect delay time 1;
  connect retry time 2;
  error wait time 1, 4;
  ipv4 {{ import all; export where source = RTS_BGP || net ~ [ 198.51.100.0/24, 203.0.113.0/24 ]; }};
}}
{neighbours}"""

# a site's router: its AS, its address and its transit network's, and its forwarder's
SITE_ROUTERS = {
    "lon-rtr1": (65002, "10.0.1.2", "10.0.1.1", 65100, "10.1.0.2"),
    "ny-rtr1": (65001, "10.0.4.2", "10.0.4.1", 65200, "10.2.0.2"),
}
SITE_ROUTER = """router bgp {asn}
 bgp router-id {address}
 no bgp ebgp-requires-policy
 timers bgp 3 9
 neighbor {transit} remote-as {transit_as}
 neighbor {forwarder} remote-as {asn}
 address-family ipv4 unicast
  neighbor {forwarder} route-map NOTHING out
 exit-address-family
exit
route-map NOTHING deny 10
"""

# a server's AS, its address, its forwarder's with its AS, and the MED it announces with
SERVERS = {
    "lon1": (64601, "10.1.1.2", "10.1.1.1", 65002, 20),
    "lon2": (64602, "10.1.2.2", "10.1.2.1", 65002, 10),
    "ny1": (64603, "10.2.1.2", "10.2.1.1", 65001, 10),
}
SERVER = """router id {address};
protocol device {{}}
protocol static service {{ ipv4; route 192.0.2.0/24 blackhole; }}
protocol bgp forwarder {{
  local {address} as {asn};
  neighbor {forwarder} as {forwarder_as};
  passive;
  ipv4 {{ import none; export filter {{ bgp_med = {med}; accept; }}; }};
}}
"""

# a forwarder: its configuration, its router, and its servers
FORWARDERS = {
    "lon-fwd": ("london.yaml", "lon-rtr1", ["lon1", "lon2"]),
    "ny-fwd": ("newyork.yaml", "ny-rtr1", ["ny1"]),
}


class Internet:
    def __init__(self, lab):
        self.lab, self.hosts, self.routers, self.exabgps = lab, {}, {}, []
        for a, address_a, b, address_b in LINKS:
            lab.link(self._host(a), f"to-{b}", [address_a], self._host(b), f"to-{a}", [address_b])
        for name, via in DEFAULT_ROUTES.items():
            self.hosts[name].ip("route", "add", "default", "via", via)
        for name in [*TRANSITS, *SITE_ROUTERS, *FORWARDERS]:
            self.hosts[name].set("ipv4/ip_forward", 1)
        self.daemons = {name: self._daemon(name, config) for name, (config, _, _) in FORWARDERS.items()}

    def _host(self, name):
        if name not in self.hosts:
            self.hosts[name] = self.lab.host(name)
        return self.hosts[name]

    def _daemon(self, name, config):
        with open(os.path.join(HERE, config)) as file:
            return Daemon(self.lab, self.hosts[name], file.read(), name)

    def start(self):
        for name in SERVERS:
            Server(self.hosts[name]).start()
        for daemon in self.daemons.values():
            daemon.start("--socket", daemon.socket)
        for name in TRANSITS:
            self._start_transit(name)
        for name, (asn, address, transit, transit_as, forwarder) in SITE_ROUTERS.items():
            self.routers[name] = Frr(self.lab, self.hosts[name], SITE_ROUTER.format(
                asn=asn, address=address, transit=transit, transit_as=transit_as, forwarder=forwarder), None, name)
        for name, (asn, address, forwarder, forwarder_as, med) in SERVERS.items():
            self.routers[name] = Bird(self.lab, self.hosts[name], SERVER.format(
                asn=asn, address=address, forwarder=forwarder, forwarder_as=forwarder_as, med=med), name)
        for name, (_, router, servers) in FORWARDERS.items():
            self._start_bridge(name, router, servers)

    def _start_transit(self, name):
        asn, neighbours = TRANSITS[name]
        sessions = "".join(f"protocol bgp from neighbour {{ neighbor {address} as {neighbour_as}; }}\n"
                           for address, neighbour_as in neighbours.items())
        first = next(address.split("/")[0] for a, address, _, _ in LINKS if a == name)
        self.routers[name] = Bird(self.lab, self.hosts[name],
                                  TRANSIT.format(router_id=first, asn=asn, neighbours=sessions), name)

    def _start_bridge(self, name, router, servers):
        """ExaBGP beside the forwarder: iBGP with the site's router, eBGP with the servers."""
        asn, _, _, _, own = SITE_ROUTERS[router]
        gateway = DEFAULT_ROUTES[name]
        sessions = [neighbor(gateway, own, asn, asn, own, "bridge")]
        sessions += [neighbor(SERVERS[server][1], SERVERS[server][2], asn, SERVERS[server][0], own, "bridge")
                     for server in servers]
        bridge = f"--socket {self.daemons[name].socket} --announce '{SERVICE_PREFIX} next-hop {own}'"
        self.exabgps.append(ExaBgp(self.lab, self.hosts[name], f"exabgp-{name}", sessions, bridge).start())

    def as_path(self, name):
        """Of the route to the service that a transit network has chosen."""
        shown = self.routers[name].birdc("show", "route", "all", "primary", SERVICE_PREFIX, check=False)
        return next((line.split(":")[1].strip() for line in shown.splitlines() if "BGP.as_path:" in line), "none")

    def close(self):
        """The worst exit status of the forwarders."""
        for exabgp in self.exabgps:
            exabgp.kill()
        for router in self.routers.values():
            router.close()
        return max((abs(daemon.stop() or 0) for daemon in self.daemons.values()), default=0)

    def log(self):
        """What somebody wants to know whose story went wrong."""
        texts = [daemon.log()[-1500:] for daemon in self.daemons.values() if daemon.process]
        return "\n".join(texts + [e.log()[-1500:] for e in self.exabgps] + [r.log() for r in self.routers.values()])
