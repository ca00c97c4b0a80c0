# SPDX-License-Identifier: BSD-3-Clause
"""What BIRD and FRR need for a full table, into the kernel: each in a network namespace of its own, beside one whose only
program is a BGP neighbour that tells the table at once.

By BGP, as routers learn tables: staticd of FRR 8.4 had not read a million routes of a configuration after 90 s.
"""
import os
import re
import shutil
import subprocess
import time

import tables
from lab.daemon import wait_until
from lab.net import Lab

FRR = "/usr/lib/frr"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
ROUTER, NEIGHBOUR = "10.0.0.1", "10.0.0.9"
LOAD_S = 120  # given up then

BIRD = f"""router id {ROUTER};
protocol device {{ }}
protocol direct {{ ipv4; }}
protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}
protocol bgp {{ local {ROUTER} as 65000; neighbor {NEIGHBOUR} as {tables.PEER_AS}; passive;
  ipv4 {{ import all; export none; }}; }}
"""

BGPD = f"""router bgp 65000
 bgp router-id {ROUTER}
 no bgp ebgp-requires-policy
 neighbor {NEIGHBOUR} remote-as {tables.PEER_AS}
 neighbor {NEIGHBOUR} passive
"""


def prefixes_of(host):
    """How many the namespace's IPv4 tables have."""
    lines = host.read("/proc/net/fib_triestat").splitlines()
    return sum(int(line.split(":")[1]) for line in lines if line.strip().startswith("Prefixes"))


def load(lab, router, neighbour, daemons, count):
    """Seconds from the connection to the last route in the kernel."""
    if not wait_until(lambda: re.search(r":00B3 \S+ 0A ", router.read("/proc/net/tcp")), 10):
        raise RuntimeError("nobody listens for BGP")
    time.sleep(2)
    start = time.monotonic()
    neighbour.spawn("bash", "-c", f'exec 3<>/dev/tcp/{ROUTER}/179; cat <&3 >/dev/null & cat "$1" >&3; exec sleep 600',
                    "bgp", os.path.join(lab.dir, "bgp"), **QUIET)
    if not wait_until(lambda: prefixes_of(router) >= count or daemons[0].poll() is not None, LOAD_S, 0.02) \
            or daemons[0].poll() is not None:
        raise RuntimeError(f"the kernel has {prefixes_of(router)} of {count} routes")
    return time.monotonic() - start


def measure(routes, start):
    """start(lab, router, daemons) starts them and adds them to the list."""
    with Lab() as lab:
        router, neighbour = lab.host("router"), lab.host("neighbour")
        lab.link(router, "out", [f"{ROUTER}/16"], neighbour, "eth0", [f"{NEIGHBOUR}/16"])
        with open(os.path.join(lab.dir, "bgp"), "wb") as file:
            file.write(tables.bgp_table(routes))
        daemons = []
        try:
            start(lab, router, daemons)
            return load(lab, router, neighbour, daemons, len(routes))
        finally:
            for daemon in daemons:
                daemon.kill()
                daemon.wait()


def bird(routes):
    def start(lab, router, daemons):
        path = os.path.join(lab.dir, "bird.conf")
        with open(path, "w") as file:
            file.write(BIRD)
        daemons.append(router.spawn("bird", "-f", "-c", path, "-s", os.path.join(lab.dir, "bird.ctl"), **QUIET))
    return measure(routes, start)


def frr(routes):
    def start(lab, router, daemons):
        folder = os.path.join(lab.dir, "frr")
        os.mkdir(folder)
        os.chmod(lab.dir, 0o755)
        shutil.chown(folder, "frr", "frr")
        path = os.path.join(lab.dir, "bgpd.conf")
        with open(path, "w") as file:
            file.write(BGPD)
        common = ["-z", os.path.join(folder, "zserv"), "--vty_socket", folder, "-P", "0"]
        daemons.append(router.spawn(f"{FRR}/zebra", "-f", "/dev/null", "-i", f"{folder}/zebra.pid", *common, **QUIET))
        if not wait_until(lambda: os.path.exists(os.path.join(folder, "zserv")), 10):
            raise RuntimeError("FRR's zebra does not start")
        time.sleep(1)
        daemons.append(router.spawn(f"{FRR}/bgpd", "-f", path, "-i", f"{folder}/bgpd.pid", *common, **QUIET))
    return measure(routes, start)
