# SPDX-License-Identifier: BSD-3-Clause
"""FRR, BIRD and GoBGP on a host, as the routers around a forwarder and those that it learns from."""
import json
import os
import shutil
import signal

from lab.daemon import wait_until
from lab.net import sh


class Router:
    """Its files lie in a folder of its own, readable for the user that FRR runs as."""

    def __init__(self, lab, host, name):
        self.host, self.dir, self.processes = host, os.path.join(lab.dir, name), {}
        os.mkdir(self.dir)
        os.chmod(lab.dir, 0o755)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def launch(self, program, *argv):
        with open(os.path.join(self.dir, f"{os.path.basename(program)}.log"), "ab") as log:
            self.processes[os.path.basename(program)] = self.host.spawn(program, *argv, stdout=log, stderr=log,
                                                                        start_new_session=True)

    def log(self):
        text = ""
        for name in self.processes:
            with open(os.path.join(self.dir, f"{name}.log"), errors="replace") as file:
                text += f"{name}: {file.read()[-1500:]}\n"
        return text

    def close(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(5)
            except Exception:
                process.kill()
                process.wait()
        self.processes = {}


class Frr(Router):
    """zebra, with its FPM unless `fpm` is None, and bgpd, whose configuration is `bgp`."""

    def __init__(self, lab, host, bgp, fpm="127.0.0.1 port 2620", name="frr"):
        super().__init__(lab, host, name)
        shutil.chown(self.dir, "frr", "frr")
        common = ["-z", f"{self.dir}/zserv.api", "--vty_socket", self.dir, "-P", "0", "--log", "stdout"]
        zebra = self.write("zebra.conf", f"fpm address {fpm}\n" if fpm else "")
        self.launch("/usr/lib/frr/zebra", "-f", zebra, "-i", f"{self.dir}/zebra.pid",
                    *(["-M", "dplane_fpm_nl"] if fpm else []), *common)
        assert wait_until(lambda: os.path.exists(f"{self.dir}/zserv.api"), 10), self.log()
        self.launch("/usr/lib/frr/bgpd", "-f", self.write("bgpd.conf", bgp), "-i", f"{self.dir}/bgpd.pid", "-p", "179",
                    *common)
        assert wait_until(lambda: os.path.exists(f"{self.dir}/bgpd.vty"), 10), self.log()

    def vtysh(self, *commands):
        words = [word for command in commands for word in ("-c", command)]
        return sh("vtysh", "--vty_socket", self.dir, *words)

    def table(self):
        """{prefix: {next hop}} of what bgpd gave to zebra and zebra has selected."""
        routes = json.loads(self.vtysh("show ip route bgp json") or "{}")
        return {prefix: {hop["ip"] for hop in route["nexthops"] if hop.get("active") and "ip" in hop}
                for prefix, entries in routes.items() for route in entries if route.get("selected")}


class Bird(Router):
    """bird, with a configuration in its own words."""

    def __init__(self, lab, host, config, name="bird"):
        super().__init__(lab, host, name)
        self.socket = os.path.join(self.dir, "ctl")
        self.launch("/usr/sbin/bird", "-f", "-c", self.write("bird.conf", config), "-s", self.socket)

    def birdc(self, *words, **options):
        return sh("birdc", "-s", self.socket, *words, **options)


class GoBgp(Router):
    """gobgpd, with a configuration in its own words (TOML)."""

    def __init__(self, lab, host, config, name="gobgp"):
        super().__init__(lab, host, name)
        self.launch("gobgpd", "-t", "toml", "-f", self.write("gobgpd.conf", config), "--api-hosts", "127.0.0.1:50051",
                    "--pprof-disable")

    def cli(self, *words):
        return self.host.sh("gobgp", *words)

    def adj_in(self, neighbor):
        """{prefix: next hop} of what a neighbour has told; nothing while there is no session with it."""
        told = json.loads(self.host.sh("gobgp", "-j", "neighbor", neighbor, "adj-in", check=False) or "{}")
        if "error" in told:
            return {}
        paths = [path for entry in (told.values() if isinstance(told, dict) else told) for path in entry]
        return {path["nlri"]["prefix"]: next(a["nexthop"] for a in path["attrs"] if a["type"] == 3) for path in paths}
