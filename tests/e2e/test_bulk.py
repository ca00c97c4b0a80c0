# SPDX-License-Identifier: BSD-3-Clause
"""A large table over the socket: others are served meanwhile, and what does not read costs no memory."""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from lab.daemon import Daemon, wait_until
from lab.net import Lab
from lab.rpc import Rpc

ROUTES = 1_000_000 if os.environ.get("ANYFWD_TEST_LONG") else 200_000
LINE = 50_000  # routes of an update: some 5 MB
MONITOR = """
import sys, time
sys.path[:0] = sys.argv[2:]
from lab.rpc import Rpc
rpc = Rpc(sys.argv[1])
rpc.call("monitor.subscribe", topics=["best"])
print("here", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def daemon():
    with Lab() as lab:
        host = lab.host("fw")
        daemon = Daemon(lab, host, {
            "site": {"name": "load", "asn": 65000},
            "dpdk": {"memory_mb": 256, "control_lcore": 0, "worker_lcores": [1]},
            "ports": [{"name": "out", "device": "null"}],
            "instances": [{"name": f"i{i}", "next_hop": f"10.0.2.{10 + i}"} for i in range(8)],
            "peers": [{"name": "rs1", "as": 65001, "type": "ebgp"}, {"name": "rs2", "as": 65002, "type": "ebgp"}]})
        daemon.start()
        try:
            host.ip("addr", "add", "10.0.2.1/24", "dev", "out")
            yield daemon
        finally:
            daemon.stop()


def prefix(i):
    return f"{20 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.0/24"


def updates(count, peer="rs1", **more):
    """Lines of route.update with `count` routes in all."""
    for start in range(0, count, LINE):
        adds = [{"prefix": prefix(i), "peer": peer, "instance": f"i{i % 7}", "as_path": [65001, 64512 + i % 97], **more}
                for i in range(start, min(count, start + LINE))]
        yield json.dumps({"jsonrpc": "2.0", "id": start, "method": "route.update", "params": {"add": adds}},
                         separators=(",", ":")).encode() + b"\n"


def load(daemon, lines):
    """Sends all and reads the answers: (results, seconds)."""
    client = Rpc(daemon.socket, timeout=120)
    start = time.monotonic()
    sender = threading.Thread(target=lambda: [client.send(line) for line in lines])
    sender.start()
    answers = [client.receive() for _ in lines]
    sender.join()
    seconds = time.monotonic() - start
    client.close()
    return [answer["result"] for answer in answers], seconds


class Bystander(threading.Thread):
    """Asks every 5 ms, and notes how long each answer takes."""

    def __init__(self, daemon):
        super().__init__()
        self.rpc, self.times, self.over = daemon.rpc(), [], threading.Event()

    def run(self):
        while not self.over.wait(0.005):
            start = time.monotonic()
            self.rpc.call("fib.lookup" if len(self.times) % 2 else "status",
                          **({"address": "10.0.2.1"} if len(self.times) % 2 else {}))
            self.times.append(time.monotonic() - start)

    def stop(self):
        self.over.set()
        self.join()
        self.rpc.close()
        return sorted(self.times)


def resident_mib(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) >> 10


@pytest.mark.long
def test_a_full_table_comes_in_parts_and_others_are_served(daemon):
    here = os.path.dirname(os.path.abspath(__file__))
    monitor = subprocess.Popen([sys.executable, "-B", "-c", MONITOR, daemon.socket, os.path.dirname(here)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert monitor.stdout.readline() == b"here\n"
        monitor.send_signal(signal.SIGSTOP)
        lines = list(updates(ROUTES))
        before = resident_mib(daemon)
        bystander = Bystander(daemon)
        bystander.start()
        time.sleep(1)
        idle = sorted(bystander.times)
        bystander.times.clear()
        results, seconds = load(daemon, lines)
        times = bystander.stop()
    finally:
        monitor.send_signal(signal.SIGCONT)
        monitor.kill()
        monitor.communicate()
    print(f"{ROUTES / seconds:.0f} routes/s, bystander p50 {times[len(times) // 2] * 1e3:.1f} ms, "
          f"p99 {times[len(times) * 99 // 100] * 1e3:.1f} ms, max {times[-1] * 1e3:.1f} ms of {len(times)}")
    assert sum(result["added"] for result in results) == ROUTES and not any(result["errors"] for result in results)
    assert [result["generation"] for result in results] == sorted({result["generation"] for result in results})
    # and what a machine that has other things to do takes anyway
    assert times[len(times) * 99 // 100] < 0.05 + 2 * idle[len(idle) * 99 // 100]
    assert resident_mib(daemon) - before < 200 + ROUTES * 600 / 2 ** 20
    rpc = daemon.rpc()
    assert rpc.call("status")["routes"]["v4"] == ROUTES
    for i in (0, 1, LINE, ROUTES - 1):
        address = prefix(i).replace(".0/24", ".1")
        assert rpc.call("fib.lookup", address=address)["tiers"][0][0]["instance"] == f"i{i % 7}"
    rpc.close()


def test_the_same_again_changes_nothing(daemon):
    load(daemon, list(updates(2 * LINE)))
    rpc = daemon.rpc()
    before = rpc.call("status")["generation"]
    results, _ = load(daemon, list(updates(2 * LINE)))
    assert sum(result["unchanged"] for result in results) == 2 * LINE
    assert rpc.call("status")["generation"] == before
    rpc.close()


def test_one_bad_entry_at_the_end_of_a_large_update_undoes_all_of_it(daemon):
    rpc = daemon.rpc()
    before = rpc.call("status")
    line = next(updates(LINE, peer="rs2"))
    bad = line.replace(b"]}}\n", b',{"prefix":"1.2.3.4/24","peer":"rs2","instance":"i0"}]}}\n')
    assert bad != line
    rpc.send(bad)
    error = rpc.receive()["error"]
    assert error["code"] == -32003 and [one["index"] for one in error["data"]["errors"]] == [LINE]
    # and one that only turns out when it is applied
    strict = line.replace(b'"params":{', b'"params":{"strict":true,').replace(
        b"]}}\n", b',{"prefix":"%s","peer":"rs1","instance":"i0"}]}}\n' % prefix(0).encode())
    rpc.send(strict)
    assert rpc.receive()["error"]["code"] == -32007
    after = rpc.call("status")
    assert all(after[key] == before[key] for key in ("routes", "candidates", "generation"))
    # no JSON at the very end
    rpc.send(line[:-2] + b"!\n")
    answer = rpc.receive()
    assert answer["error"]["code"] == -32700 and answer["id"] is None
    assert rpc.call("status")["candidates"] == before["candidates"]
    rpc.close()


def test_a_client_that_goes_in_the_middle_leaves_nothing_half_done(daemon):
    rpc = daemon.rpc()
    before = rpc.call("status")["candidates"]
    for delay in (0.0, 0.05, 0.15, 0.3):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(daemon.socket)
        client.sendall(next(updates(LINE, peer="rs2")))
        time.sleep(delay)
        client.close()
        counts = set()

        def settled():
            counts.add(rpc.call("status")["candidates"])
            time.sleep(0.2)
            return rpc.call("status")["candidates"] in (before, before + LINE)
        assert wait_until(settled), counts
        rpc.call("route.flush", peer="rs2")
        assert wait_until(lambda: rpc.call("status")["candidates"] == before), rpc.call("status")
    rpc.close()


def test_keys_in_any_order_and_in_a_batch(daemon):
    rpc = daemon.rpc()
    adds = [{"prefix": "198.18.0.0/24", "peer": "rs1", "instance": "i0"}]
    rpc.send(json.dumps({"params": {"add": adds}, "id": "x", "method": "route.update", "jsonrpc": "2.0"}).encode() +
             b"\n")
    answer = rpc.receive()
    assert answer["id"] == "x" and answer["result"]["added"] == 1
    rpc.send(json.dumps({"jsonrpc": "2.0", "method": "route.update", "params": {"del": [{"prefix": "198.18.0.0/24"}]},
                         "id": None}).encode() + b"\n")
    answer = rpc.receive()
    assert answer["id"] is None and answer["result"]["deleted"] == 1
    rpc.send(json.dumps({"jsonrpc": "2.0", "method": "route.update", "params": {"add": adds}}).encode() + b"\n")
    batch = [{"jsonrpc": "2.0", "id": i, "method": "route.update", "params": params} for i, params in enumerate(
        [{"add": adds}, {"del": [{"prefix": "198.18.0.0/24"}]}, {"ad": []}, {}])]
    rpc.send(json.dumps(batch).encode() + b"\n")
    answers = rpc.receive()
    assert answers[0]["result"]["unchanged"] == 1 and answers[1]["result"]["deleted"] == 1
    assert answers[2]["error"]["code"] == -32602 and answers[3]["result"]["added"] == 0
    for line, code in [(b'{"jsonrpc":"2.0","id":1,"method":"route.update","params":[]}', 0),
                       (b'{"jsonrpc":"2.0","id":1,"method":"route.update","params":[1]}', -32602),
                       (b'{"jsonrpc":"2.0","id":1,"method":"route.update","params":{"add":[],"add":[]}}', -32700),
                       (b'{"jsonrpc":"2.0","id":[],"method":"route.update","params":{}}', -32600),
                       (b'{"jsonrpc":"1.0","id":1,"method":"route.update","params":{}}', -32600),
                       (b'{"id":1,"method":"route.update","params":{}}', -32600),
                       (b'{"jsonrpc":"2.0","id":1,"method":"route.update","params":{"atomic":1}}', -32602),
                       (b'{"jsonrpc":"2.0","id":1,"method":"route.update","params":{}} x', -32700)]:
        rpc.send(line + b"\n")
        assert rpc.receive().get("error", {"code": 0})["code"] == code, line
    rpc.close()
