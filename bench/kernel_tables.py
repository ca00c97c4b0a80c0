# SPDX-License-Identifier: BSD-3-Clause
"""What BIRD and FRR need for a full table, into the kernel: each in a network namespace of its own."""
import os
import shutil
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
    """A namespace with the next hops on a veth, whose other end says nothing."""
    host = lab.host("router")
    host.ip("link", "add", "out", "type", "veth", "peer", "name", "peer")
    host.ip("link", "set", "peer", "up")
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
    """Seconds from the start of staticd, which reads the table from its configuration, through zebra, to the last route in
    the kernel."""
    with Lab() as lab:
        host = router(lab)
        folder = os.path.join(lab.dir, "frr")
        os.mkdir(folder)
        os.chmod(lab.dir, 0o755)
        shutil.chown(folder, "frr", "frr")
        path = os.path.join(lab.dir, "staticd.conf")
        with open(path, "w") as file:
            file.writelines(f"ip route {prefix} {tables.hop(value)}\n" for prefix, value in routes)
        common = ["-z", os.path.join(folder, "zserv"), "--vty_socket", folder, "-P", "0"]
        daemons = [host.spawn(f"{FRR}/zebra", "-f", "/dev/null", "-i", f"{folder}/zebra.pid", *common, **QUIET)]
        try:
            if not wait_until(lambda: os.path.exists(os.path.join(folder, "zserv")), 10):
                raise RuntimeError("FRR's zebra does not start")
            time.sleep(1)
            daemons.append(host.spawn(f"{FRR}/staticd", "-f", path, "-i", f"{folder}/staticd.pid", *common, **QUIET))
            return until_loaded(host, len(routes), daemons[0])
        finally:
            for daemon in daemons:
                daemon.kill()
                daemon.wait()
