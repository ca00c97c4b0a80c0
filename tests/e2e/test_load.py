# SPDX-License-Identifier: BSD-3-Clause
"""anyctl load: MRT files, whole and broken, while others are served."""
import bz2
import gzip
import json
import os
import subprocess
import threading
import time

import pytest

from lab import mrt
from lab.daemon import wait_until
from lab.net import BUILD
from london import London, config

ROUTES = 60000


@pytest.fixture(scope="module")
def site():
    london = London()
    try:
        london.daemon.write_config(config(dpdk={"memory_mb": 512, "control_lcore": 0, "worker_lcores": [1]}))
        yield london.start()
    finally:
        london.close()


def table(first, count):
    """Two peers; every prefix from both."""
    near, far = mrt.attributes("10.10.0.2", [65001, 3356]), mrt.attributes("10.11.0.2", [65002, 1299, 3356], 5)
    out = [mrt.index_table([("10.10.0.2", 65001), ("2001:db8::7", 65002)])]
    for i in range(first, first + count):
        out.append(mrt.route(f"11.{i >> 16}.{i >> 8 & 255}.{i & 255}/32", [(0, near), (1, far)]))
    out.append(mrt.route("2001:db8:7::/48", [(1, mrt.attributes("fd00:11::2", [65002]))]))
    return b"".join(out)


def load(site, path, *words):
    done = subprocess.run([os.path.join(BUILD, "anyctl"), "-s", site.daemon.socket, "--json", "load", path, *words],
                          text=True, capture_output=True, timeout=60)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr


def write(site, name, data):
    path = os.path.join(site.lab.dir, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def test_a_table_is_loaded_replaced_and_taken_away(site):
    data = table(0, ROUTES)
    worst, done = [0.0], threading.Event()

    def watch():
        rpc = site.daemon.rpc()
        while not done.is_set():
            before = time.monotonic()
            rpc.call("version")
            worst[0] = max(worst[0], time.monotonic() - before)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for name, packed in (("a.mrt", data), ("a.gz", gzip.compress(data, 1)), ("a.bz2", bz2.compress(data, 1))):
            status, feed = load(site, write(site, name, packed))
            assert status == 0 and feed["state"] == "loaded", feed
            assert feed["routes"] == 2 * ROUTES + 1 and feed["position"] == feed["size"] == len(packed), feed
    finally:
        done.set()
        watcher.join()
    assert worst[0] < 1, f"a call took {worst[0]:.3f} s during a load"
    explained = site.rpc.call("route.explain", prefix="11.0.0.0/32")
    assert [best["instance"] for best in explained["best"]] == ["lon1"]
    assert {c["peer"] for c in explained["candidates"]} == {"10.10.0.2@mrt", "2001:db8::7@mrt"}
    assert site.rpc.call("fib.lookup", address="11.0.234.95")["tiers"][0][0]["instance"] == "lon1"
    assert site.rpc.call("fib.lookup", address="2001:db8:7::1")["tiers"][0][0]["instance"] == "lon2"

    # another table under the same name: what it does not have goes
    status, feed = load(site, write(site, "b.mrt", table(ROUTES // 2, ROUTES)))
    assert status == 0 and feed["routes"] == 2 * ROUTES + 1
    assert wait_until(lambda: site.rpc.code("fib.lookup", address="11.0.0.0") == -32013)  # decided in parts
    assert site.rpc.call("fib.lookup", address="11.0.234.97")["prefix"] == "11.0.234.97/32"

    # a damaged one takes nothing away
    status, text = load(site, write(site, "cut.mrt", data[:-7]))
    assert status == 1 and "ends in the middle of a record" in text, text
    status, text = load(site, write(site, "text.mrt", b"192.0.2.0/24 via 10.10.0.2\n" * 10))
    assert status == 1 and "no MRT file" in text, text
    assert site.rpc.call("fib.lookup", address="11.0.234.97")["prefix"] == "11.0.234.97/32"

    # a second name is a second source
    status, feed = load(site, write(site, "c.mrt", table(0, 10)), "name", "ny")
    assert status == 0 and feed["routes"] == 21
    assert len(site.rpc.call("route.get", prefix="11.0.0.0/32")["candidates"]) == 4
    for name in ("mrt", "ny"):
        site.rpc.call("feed.unload", name=name)
    assert site.rpc.call("feed.list") == {"feeds": []}
    assert wait_until(lambda: site.rpc.call("status")["routes"] == {"v4": 0, "v6": 0})


def test_refusals(site):
    status, text = load(site, "/nonexistent.mrt")
    assert status == 1 and "cannot open /nonexistent.mrt" in text
    status, text = load(site, "/dev/null")
    assert status == 1 and "no regular file" in text
    status, text = load(site, write(site, "a.mrt", b""), "name", "a@b")
    assert status == 1 and "name" in text
    assert site.rpc.code("feed.load") == -32602  # without a file
    assert site.rpc.code("feed.unload", name="nobody") == -32007
