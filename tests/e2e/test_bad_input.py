# SPDX-License-Identifier: BSD-3-Clause
"""Whatever comes in over the socket: the one who sent it is told, and nobody else notices."""
import json
import os
import socket
import time

import pytest

from lab.daemon import wait_until
from lab.rpc import Rpc, RpcError
from london import ANYCAST, candidate

GOOD = candidate("lon1")


def routes(rpc):
    anycast = rpc.call("route.get", prefix=ANYCAST[4])
    return anycast["best"], anycast["candidates"], rpc.call("status")["routes"]


@pytest.fixture(autouse=True)
def nobody_else_notices(london):
    london.announce("lon1", "lon2")
    bystander = london.daemon.rpc()
    before = routes(bystander)
    yield
    assert routes(bystander) == before
    bystander.close()


@pytest.fixture
def rpc(london):
    client = london.daemon.rpc()
    yield client
    client.close()


def error_of(rpc, line):
    rpc.send(line)
    answer = rpc.receive()
    assert answer["jsonrpc"] == "2.0" and "result" not in answer
    assert answer["error"]["message"]
    return answer["error"]["code"], answer["id"]


LINES = {
    "no JSON": (b"{nonsense\n", -32700),
    "half of a message": (b'{"jsonrpc":"2.0","id":1,"method":\n', -32700),
    "two messages on a line": (b'{"jsonrpc":"2.0","id":1,"method":"version"} {}\n', -32700),
    "bytes that are no UTF-8": (b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}\n', -32700),
    "a zero byte": (b'\0\n', -32700),
    "nesting without end": (b"[" * 100_000 + b"\n", -32700),
    "a number": (b"42\n", -32600),
    "an empty batch": (b"[]\n", -32600),
    "an object that is no request": (b'{"foo": 1}\n', -32600),
    "another version of JSON-RPC": (b'{"jsonrpc":"1.0","id":null,"method":"version"}\n', -32600),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_is_no_request_is_told_so_and_the_next_one_is_answered(rpc, name):
    line, code = LINES[name]
    assert error_of(rpc, line) == (code, None)
    assert rpc.call("version")["program"] == "anyfwd"


CALLS = {
    "an unknown method": ("nope", {}, -32601),
    "an unknown parameter": ("version", {"what": 1}, -32602),
    "a missing parameter": ("instance.down", {}, -32602),
    "a parameter of the wrong type": ("instance.down", {"name": 7}, -32602),
    "an empty selector": ("route.flush", {}, -32602),
    "an instance that is not there": ("instance.down", {"name": "ghost"}, -32004),
    "a peer that is not there": ("peer.del", {"name": "ghost"}, -32004),
    "a prefix with host bits": ("route.update", {"add": [{**GOOD, "prefix": "192.0.2.1/24"}]}, -32003),
    "a prefix of no family": ("route.update", {"add": [{**GOOD, "prefix": "192.0.2/24"}]}, -32003),
    "a prefix length that is too long": ("route.update", {"add": [{**GOOD, "prefix": "2001:db8::/129"}]}, -32003),
    "a candidate of an unknown peer": ("route.update", {"add": [{**GOOD, "peer": "ghost"}]}, -32004),
    "a candidate of an unknown instance": ("route.update", {"add": [{**GOOD, "instance": "ghost"}]}, -32004),
    "a candidate with an unknown key": ("route.update", {"add": [{**GOOD, "localpref": 1}]}, -32602),
    "a candidate without a next hop": ("route.update", {"add": [{"prefix": ANYCAST[4], "peer": "to-lon1"}]}, -32602),
    "an origin that is none": ("route.update", {"add": [{**GOOD, "origin": "guess"}]}, -32602),
    "an AS number that is none": ("route.update", {"add": [{**GOOD, "as_path": [1 << 32]}]}, -32602),
    "a strict deletion of what is not there": (
        "route.update", {"del": [{"prefix": "10.0.0.0/8", "peer": "to-lon1"}], "strict": True}, -32007),
    "an address that is none": ("fib.lookup", {"address": "192.0.2"}, -32602),
    "an address without a route": ("fib.lookup", {"address": "9.9.9.9"}, -32013),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_cannot_be_right_is_refused_by_its_code(rpc, name):
    method, params, code = CALLS[name]
    assert rpc.code(method, **params) == code


def test_a_line_of_17_MiB_is_refused(rpc):
    line = b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * (17 << 20) + b'"}\n'
    try:
        rpc.send(line)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it need not be read to its end
    assert rpc.receive()["error"]["code"] == -32011


def test_a_line_of_just_under_16_MiB_is_read(rpc):
    request = b'{"jsonrpc":"2.0","id":1,"method":"version"'
    rpc.send(request + b" " * ((16 << 20) - len(request) - 2) + b"}\n")
    assert rpc.receive()["result"]["program"] == "anyfwd"


@pytest.mark.parametrize("part", [b"", b"{", b'{"jsonrpc":"2.0","id":1,"method":"route.flush","params":{"all":tr'])
def test_a_client_that_hangs_up_in_the_middle_of_a_line_has_said_nothing(london, part):
    client = london.daemon.rpc()
    client.send(part)
    client.close()


def test_a_client_that_hangs_up_before_the_answer_is_forgotten(london):
    for _ in range(50):
        client = london.daemon.rpc()
        client.send(client.request("route.get", {"prefix": ANYCAST[4]}) * 20)
        client.close()


def test_a_client_that_never_reads_holds_nobody_up(london, rpc):
    rpc.socket.setblocking(False)
    line, sent = rpc.request("stats.get", {}), 0
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            sent += rpc.socket.send(line * 100)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            break
    before = time.monotonic()
    london.rpc.call("version")
    assert time.monotonic() - before < 1


def test_files_that_nobody_takes_do_not_pile_up(london, rpc):
    """Two at a time, which the room for one has room for, and one after the other."""
    def open_files():
        return len(os.listdir(f"/proc/{london.daemon.process.pid}/fd"))
    rpc.call("version")
    before = open_files()
    with open("/dev/null", "rb") as file:
        for count in (1, 2, 3) * 20:
            socket.send_fds(rpc.socket, [rpc.request("version", {})], [file.fileno()] * count)
            assert rpc.receive()["result"]["program"] == "anyfwd"
    assert open_files() <= before + 1
    rpc.close()
    assert wait_until(lambda: open_files() < before + 1)


def test_a_connection_has_a_few_subscriptions_and_no_more(rpc):
    assert [rpc.code("monitor.subscribe", topics=["port"]) for _ in range(18)] == [0] * 16 + [-32012] * 2



def test_an_atomic_update_with_a_bad_entry_changes_nothing_and_names_all_that_is_bad(london, rpc):
    entries = [candidate("ny1"), {**GOOD, "peer": "ghost"}, {**GOOD, "prefix": "10.0.0.1/8"}]
    with pytest.raises(RpcError) as refused:
        rpc.call("route.update", add=entries)
    assert refused.value.code == -32004
    assert [(e["list"], e["index"], e["code"]) for e in refused.value.data["errors"]] == \
        [("add", 1, -32004), ("add", 2, -32003)]


def test_an_update_that_is_not_atomic_takes_what_is_good(rpc):
    good = candidate("lon1", "198.18.0.0/24")
    result = rpc.call("route.update", add=[{**GOOD, "peer": "ghost"}, good], atomic=False)
    assert result["added"] == 1
    assert [(e["index"], e["code"]) for e in result["errors"]] == [(0, -32004)]
    rpc.call("route.update", **{"del": [{"prefix": "198.18.0.0/24"}]})


def test_pipelined_requests_and_batches_are_answered_in_order(rpc):
    rpc.send(b"".join(rpc.request("version", {}) for _ in range(1000)))
    assert [rpc.receive()["id"] for _ in range(1000)] == list(range(1, 1001))
    batch = [{"jsonrpc": "2.0", "id": "a", "method": "version"}, {"jsonrpc": "2.0", "method": "version"},
             {"jsonrpc": "2.0", "id": "b", "method": "nope"}, 7]
    rpc.send(json.dumps(batch).encode() + b"\n")
    answers = rpc.receive()
    assert [answer["id"] for answer in answers] == ["a", "b", None]
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32601, -32600]


def test_two_hundred_clients_at_once_are_all_served(london):
    clients = [Rpc(london.daemon.socket) for _ in range(200)]
    for client in clients:
        client.send(client.request("version", {}))
    assert all(client.receive()["result"]["api"] == 1 for client in clients)
    for client in clients:
        client.close()
