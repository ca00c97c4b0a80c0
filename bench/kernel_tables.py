# SPDX-License-Identifier: BSD-3-Clause
"""What BIRD and FRR need for a full table, into the kernel: each in a network namespace of its own."""
import os
import subprocess
import time

import tables
from lab.daemon import wait_until
from lab.net import Lab

FRR = "/usr/lib/frr"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def prefixes_of(host):
    """How many the namespace's IPv4 tables have."""
    lines = host.read("/proc/net/fib_triestat").splitlines()
    return sum(int(line.split(":")[1]) for line in lines if line.strip().startswith("Prefixes"))


def router(lab):
    """A namespace with the next hops on a dummy device."""
    host = lab.host("router")
    host.ip("link", "add", "out", "type", "dummy")
    host.ip("link", "set", "out", "up")
    host.ip("addr", "add", "10.0.0.1/16", "dev", "out")
    return host


def until_loaded(host, count, process):
    start = time.monotonic()
    if not wait_until(lambda: prefixes_of(host) >= count or process.poll() is not None, 300, 0.02) \
            or process.poll() is not None:
        raise RuntimeError(f"the kernel has {prefixes_of(host)} of {count} routes")
    return time.monotonic() - start


def bird(routes):
    """Seconds from its start, at which it reads the table from its configuration, to the last route in the kernel."""
    with Lab() as lab:
        host = router(lab)
        path = os.path.join(lab.dir, "bird.conf")
        with open(path, "w") as file:
            file.write("router id 10.0.0.1;\nprotocol device { }\nprotocol direct { ipv4; }\n"
                       "protocol kernel { ipv4 { import none; export where source = RTS_STATIC; }; }\n"
                       "protocol static {\n ipv4;\n")
            file.writelines(f" route {prefix} via {tables.hop(value)};\n" for prefix, value in routes)
            file.write("}\n")
        process = host.spawn("bird", "-f", "-c", path, "-s", os.path.join(lab.dir, "bird.ctl"), **QUIET)
        try:
            return until_loaded(host, len(routes), process)
        finally:
            process.kill()
            process.wait()


def frr(routes):
    """Seconds from the order to install to the last route in the kernel: as many /32s, as its sharpd makes them."""
    with Lab() as lab:
        host = router(lab)
        common = ["-u", "root", "-g", "root", "-f", "/dev/null", "-z", os.path.join(lab.dir, "zserv"),
                  "--vty_socket", lab.dir]
        daemons = []
        try:
            for name in ("zebra", "sharpd"):
                daemons.append(host.spawn(f"{FRR}/{name}", *common, "-i", os.path.join(lab.dir, f"{name}.pid"), **QUIET))
                if not wait_until(lambda: os.path.exists(os.path.join(lab.dir, f"{name}.vty")), 10):
                    raise RuntimeError(f"FRR's {name} does not start")
            time.sleep(1)
            host.sh("vtysh", "--vty_socket", lab.dir, "-d", "sharpd", "-c",
                    f"sharp install routes 20.0.0.0 nexthop 10.0.2.1 {len(routes)}")
            return until_loaded(host, len(routes), daemons[0])
        finally:
            for daemon in daemons:
                daemon.kill()
                daemon.wait()
