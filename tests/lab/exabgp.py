# SPDX-License-Identifier: BSD-3-Clause
"""ExaBGP as a router whose every word a test chooses, and as the one that runs our bridge."""
import json
import os

from lab.net import ROOT

BRIDGE = os.path.join(ROOT, "ctrl/feed/exabgp/exabgp_bridge.py")
NEIGHBOR = """neighbor {peer} {{
    router-id {router_id};
    local-address {local};
    local-as {local_as};
    peer-as {peer_as};
    hold-time 30;
    {more}
    family {{ ipv4 unicast; ipv6 unicast; }}
    api {{ processes [ {process} ]; neighbor-changes; receive {{ parsed; open; update; }} }}
}}
"""


def neighbor(peer, local, local_as, peer_as, router_id, process="speaker", passive=False, more=""):
    more += " passive; listen 179;" if passive else ""
    return NEIGHBOR.format(peer=peer, local=local, local_as=local_as, peer_as=peer_as, router_id=router_id,
                           process=process, more=more)


class ExaBgp:
    """One process on a host. With `bridge`, arguments of ours, it runs that; else a speaker: what is appended to its
    commands goes to ExaBGP, and what ExaBGP tells is kept."""

    def __init__(self, lab, host, name, neighbors, bridge=None):
        self.lab, self.host, self.name, self.process = lab, host, name, None
        self.commands, self.heard = os.path.join(lab.dir, f"{name}.commands"), os.path.join(lab.dir, f"{name}.heard")
        self.log_file = os.path.join(lab.dir, f"{name}.log")
        self.config = os.path.join(lab.dir, f"{name}.conf")
        open(self.commands, "w").close()
        run = f"/usr/bin/python3 {BRIDGE} {bridge}" if bridge else f"/bin/sh {self._speaker()}"
        with open(self.config, "w") as file:
            file.write(f"process {'bridge' if bridge else 'speaker'} {{ run {run}; encoder json; }}\n")
            file.write("".join(neighbors))

    def _speaker(self):
        path = os.path.join(self.lab.dir, f"{self.name}.sh")
        with open(path, "w") as file:  # tail ends with its parent, by the pipe
            file.write(f"tail -n +1 -s 0.05 -f {self.commands} &\nexec cat >>{self.heard}\n")
        return path

    def start(self):
        environment = {**os.environ, "exabgp.daemon.user": "root", "exabgp.api.cli": "false",
                       "exabgp.log.destination": "stderr", "exabgp.tcp.delay": "0"}
        with open(self.log_file, "ab") as log:
            self.process = self.host.spawn("exabgp", self.config, stdout=log, stderr=log, env=environment)
        return self

    def tell(self, *lines):
        with open(self.commands, "a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def events(self):
        """What the speaker was told, in order."""
        if not os.path.exists(self.heard):
            return []
        with open(self.heard) as file:
            return [json.loads(line) for line in file if line.startswith("{") and line.endswith("}\n")]

    def known(self):
        """{prefix: next hop} of what its neighbours have announced and not withdrawn."""
        table = {}
        for event in self.events():
            update = event.get("neighbor", {}).get("message", {}).get("update", {})
            for routes in update.get("withdraw", {}).values():
                for route in routes:
                    table.pop(route["nlri"], None)
            for hops in update.get("announce", {}).values():
                for hop, routes in hops.items():
                    table.update({route["nlri"]: hop for route in routes})
        return table

    def log(self):
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
