# SPDX-License-Identifier: BSD-3-Clause
"""anyctl trace and anyctl capture: what became of packets, told by the stages themselves, and captures for tshark."""
import json
import signal
import subprocess
import time

import pytest

from lab.daemon import wait_until
from lab.net import BUILD
from lab.rpc import Rpc
from lab.traffic import send
from london import ANYCAST, SERVICE, candidate

COLUMNS = ["frame.interface_name", "frame.comment", "ip.dst", "ipv6.dst", "ip.ttl", "ipv6.hlim", "frame.len"]


def anyctl(london, *words):
    return subprocess.Popen([f"{BUILD}/anyctl", "-s", london.daemon.socket, *words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def finish(process, timeout=10):
    out, error = process.communicate(timeout=timeout)
    assert process.returncode == 0, error
    return out, error


def tshark(path, *fields):
    command = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=|"]
    for field in fields or COLUMNS:
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [dict(zip(fields or COLUMNS, line.split("|"))) for line in out.splitlines()]


@pytest.fixture
def watch(london):
    """Starts anyctl, and waits until the daemon says that its watch is there."""
    processes = []

    def start(*words):
        before = london.daemon.log().count(".start")
        processes.append(anyctl(london, *words))
        assert wait_until(lambda: london.daemon.log().count(".start") > before or processes[-1].poll() is not None, 5)
        time.sleep(0.05)
        return processes[-1]
    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.parametrize("family", [4, 6])
def test_a_trace_tells_each_stage_and_who_was_dead(london, watch, family):
    london.warm_up("lon1", "lon2", family=family)
    london.announce("lon1", "lon2", family=family)
    london.expect_at("lon1", family)
    trace = watch("trace", "destination", SERVICE[family], "protocol", "udp")
    send(london.client, london.packets(1, family))
    out, error = finish(trace)
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines[1:]] == ["received", "parse", "lookup", "steer", "rewrite", "sent"], out
    assert f"> {SERVICE[family]} port" in out.splitlines()[0] and "ttl 64" in out.splitlines()[0]
    assert ANYCAST[family] + ", path list" in out
    assert "instance lon1, next hop" in out and "first choice of its row" in out
    assert f"{london.forwarder.mac('d0')} > {london.instances['lon1'].mac()}" in out and "ttl 63" in out
    assert "port d0" in out.splitlines()[-1]
    assert error == "1 packets, 0 lost\n"

    london.rpc.call("instance.down", name="lon1")
    trace = watch("--json", "trace", "destination", ANYCAST[family])
    send(london.client, london.packets(1, family))
    told = json.loads(finish(trace)[0])
    steer = next(step for step in told["steps"] if step["stage"] == "steer")
    assert steer["instance"] == "lon2"
    assert [(one["instance"], one["down_by"]) for one in steer["skipped"]] == [("lon1", "admin")]
    assert steer["why"] != "first choice of its row"
    assert told["steps"][-1] == {"stage": "sent", "port": "d1"}
    london.reset()


@pytest.mark.parametrize("family", [4, 6])
def test_a_trace_by_drop_reason_waits_for_such_a_packet_and_shows_the_answer(london, watch, family):
    london.announce("lon1", family=family)
    london.expect_at("lon1", family)
    trace = watch("--json", "trace", "reason", "ttl_expired")
    send(london.client, london.packets(9, family) + london.packets(1, family, ttl=1))
    told = [json.loads(line) for line in finish(trace)[0].splitlines()]
    assert told[0]["steps"][-1] == {"stage": "rewrite", "verdict": "dropped", "reason": "ttl_expired"}
    assert told[1]["origin"] == told[0]["id"]
    assert told[1]["packet"]["ip"]["icmp_type"] == {4: 11, 6: 3}[family]
    assert told[1]["steps"][-1] == {"stage": "sent", "port": "up"}
    london.reset()


def send_all(london, frames):
    """Until the forwarder has received them: what it does next is done to none of them, and no ring overflows."""
    def received():
        return london.rpc.call("stats.get")["received"]
    before = received()
    send(london.client, frames)
    assert wait_until(lambda: received() - before >= len(frames))


def test_a_capture_is_read_by_tshark_with_the_reasons_of_drops(london, watch, tmp_path):
    london.announce("lon1")
    london.expect_at("lon1")
    path = tmp_path / "all.pcapng"
    capture = watch("capture", "-w", str(path), "address", "192.0.2.8/29", "count", "26")
    frames = london.packets(15)[7:]
    send_all(london, frames)
    london.rpc.call("route.flush", all=True)  # an anycast prefix without a candidate
    send(london.client, frames[:5])
    finish(capture)
    rows = tshark(path)
    sent = [row for row in rows if row["frame.interface_name"] == "d0"]
    dropped = [row for row in rows if row["frame.comment"]]
    received = [row for row in rows if row not in sent and row not in dropped]
    assert (len(received), len(sent), len(dropped)) == (13, 8, 5), rows
    assert {row["frame.interface_name"] for row in received} == {"up"}
    assert {row["ip.ttl"] for row in received} == {"64"} and {row["ip.ttl"] for row in sent} == {"63"}
    assert {row["frame.comment"] for row in dropped} <= {"no_route", "no_instance"}
    assert all(row["ip.dst"].startswith("192.0.2.") for row in rows)
    london.reset()


def test_a_signal_ends_a_capture_whole(london, watch, tmp_path):
    london.announce("lon1", family=6)
    london.expect_at("lon1", 6)
    path = tmp_path / "sent.pcapng"
    capture = watch("capture", "-w", str(path), "points", "sent", "snaplen", "60",
                    "destination", "2001:db8:a::8/125")
    send(london.client, london.packets(14, 6)[7:])
    time.sleep(0.2)
    capture.send_signal(signal.SIGINT)
    finish(capture)
    rows = tshark(path, "frame.interface_name", "frame.cap_len", "ipv6.hlim")
    assert rows == [{"frame.interface_name": "d0", "frame.cap_len": "60", "ipv6.hlim": "63"}] * 7
    london.reset()


def test_what_cannot_be_is_refused_with_a_reason(london):
    rpc = london.rpc
    assert rpc.code("trace.start", reason="nonsense") == -32602
    assert rpc.code("trace.start", protocol="quic") == -32602
    assert rpc.code("trace.start", protocol="-1") == -32602
    assert rpc.code("trace.start", address="192.0.2.1/24") == -32003
    assert rpc.code("trace.start", count=0) == -32602
    assert rpc.code("capture.start", points=["lost"]) == -32602
    assert rpc.code("capture.start", snaplen=1) == -32602
    assert rpc.code("watch.stop", watch=12345) == -32007
    for words, status in ((["capture"], 2), (["-w", "x", "trace"], 2), (["trace", "reason", "nonsense"], 1)):
        process = anyctl(london, *words)
        process.communicate(timeout=5)
        assert process.returncode == status, words


def test_several_at_a_time_and_then_it_is_busy_until_one_ends(london):
    clients = [Rpc(london.daemon.socket) for _ in range(5)]
    watches = [client.call("trace.start", count=100)["watch"] for client in clients[:4]]
    assert clients[4].code("capture.start") == -32012
    assert clients[4].code("watch.stop", watch=watches[0]) == -32007  # another connection's
    assert clients[0].call("watch.stop", watch=watches[0])["why"] == "stopped"
    watches.append(clients[4].call("capture.start", seconds=1, points=["dropped"])["watch"])
    end = clients[4].receive()
    assert end["method"] == "watch.end" and end["params"]["why"] == "time"
    for client in clients:
        client.close()
    other = Rpc(london.daemon.socket)
    assert wait_until(lambda: other.code("trace.start", count=1) == 0, 5)  # those of closed connections are gone
    other.close()


def test_a_client_that_does_not_read_costs_nobody_a_packet_and_is_told_what_it_lost(london):
    london.announce("lon1")
    london.expect_at("lon1")
    deaf = Rpc(london.daemon.socket)
    watch = deaf.call("capture.start", points=["received"], seconds=60)["watch"]
    frames = london.packets(5000, run=7)
    before = london.rpc.call("stats.get")
    for i in range(40):
        send_all(london, frames[i % 10 * 500:i % 10 * 500 + 500])
    after = london.rpc.call("stats.get")
    assert after["sent"] - before["sent"] >= 20000 and after["drops"] == before["drops"]
    deaf.send(deaf.request("watch.stop", {"watch": watch}))
    told = 0
    while (message := deaf.receive()).get("method") == "capture.packet":
        told += 1
    end = message["result"]
    while told < end["packets"]:  # the answer overtakes what waits
        assert deaf.receive()["method"] == "capture.packet"
        told += 1
    assert end["lost"] > 0 and told + end["lost"] >= 20000, end
    deaf.close()
    london.reset()
