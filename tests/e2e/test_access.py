# SPDX-License-Identifier: BSD-3-Clause
"""Who may do what over the API: users and groups as the kernel knows them, the read-only socket, limits of sessions."""
import grp
import json
import os
import signal
import subprocess

import pytest

from lab.daemon import wait_until
from lab.rpc import Rpc, RpcError
from london import ANYCAST, London, candidate, config

NOBODY = 65534
OPS, FEEDERS, OTHERS = "mail", "news", "games"  # groups of every Debian
"""One connection of another user: a request a line in, its answer a line out."""
RELAY = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
answers = s.makefile("r")
for line in sys.stdin:
    s.sendall(line.encode())
    print(answers.readline(), end="", flush=True)
"""


class User(Rpc):
    """A client that runs as a user of these groups, the first of which is its own."""

    def __init__(self, path, *groups):
        ids = [grp.getgrnam(name).gr_gid for name in groups]
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-B", "-c", RELAY, path], user=NOBODY, group=ids[0], extra_groups=ids[1:], cwd="/",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines, self.id = self.process.stdout, 0

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def close(self):
        self.process.communicate()


def settings(london, **api):
    return config("anycast", api={
        "socket": london.daemon.socket, "mode": "0666", "read_only_socket": london.daemon.socket + ".ro", **api})


LIMITED = {"writers": OPS, "clients": [
    {"name": "feeder", "groups": [FEEDERS], "prefixes": [ANYCAST[4], "2001:db8:a::/48"], "max_prefixes": 2},
    {"name": "probe", "groups": [OTHERS], "prefixes": "198.18.0.0/15"}]}


@pytest.fixture(scope="module")
def limited():
    london = London("anycast")
    try:
        os.chmod(london.lab.dir, 0o755)
        london.daemon.write_config(settings(london, **LIMITED))
        yield london.start()
    finally:
        london.close()


@pytest.fixture
def connect(limited):
    users = []

    def make(*groups, path=None):
        users.append(User(path or limited.daemon.socket, *groups))
        return users[-1]
    yield make
    for user in users:
        user.close()
    for session in limited.rpc.call("session.list")["sessions"]:
        assert wait_until(lambda: limited.rpc.code("session.close", session=session["session"], withdraw=True) == 0)


def own(user, client="feeder"):
    user.call("session.open", api=1, client=client, on_disconnect="withdraw")
    return user


def test_writers_by_their_first_group_or_another_and_nobody_else(limited, connect):
    for writer in (connect(OPS), connect(OTHERS, FEEDERS, OPS), limited.rpc):
        assert writer.code("instance.drain", name="lon1") == 0
        assert writer.code("instance.up", name="lon1") == 0
    reader = connect(OTHERS)
    for method, params in [("instance.down", {"name": "lon1"}), ("route.update", {"add": [candidate("lon1")]}),
                           ("route.flush", {"all": True}), ("config.reload", {}), ("debug.freeze", {"ms": 1}),
                           ("trace.start", {}), ("peer.del", {"name": "to-lon1"}), ("txn.begin", {}),
                           ("session.open", {"api": 1, "client": "anybody"}),
                           ("session.open", {"api": 1, "client": "feeder"}),
                           ("session.close", {"session": 1, "withdraw": True})]:
        assert reader.code(method, **params) == -32002, method
    assert reader.call("status")["ready"] and reader.call("route.list")["routes"] == []
    assert reader.code("monitor.subscribe", topics=["session"]) == 0
    batch = [json.loads(reader.request("route.update", {"add": [candidate("lon1")]})), {**json.loads(
        reader.request("version", {}))}]
    reader.send(json.dumps(batch).encode() + b"\n")
    answers = reader.receive()
    assert answers[0]["error"]["code"] == -32002 and "result" in answers[1]
    assert "uid 65534 gid" in answers[0]["error"]["message"]


def test_nobody_changes_anything_over_the_read_only_socket(limited, connect):
    for user in (connect(OPS, path=limited.daemon.socket + ".ro"), Rpc(limited.daemon.socket + ".ro")):
        assert user.code("route.flush", all=True) == user.code("instance.down", name="lon1") == -32002
        assert user.code("route.update", add=[candidate("lon1")]) == -32002
        assert user.code("session.open", api=1, client="feeder") == -32002
        assert user.call("instance.list")["instances"]


def test_a_client_that_is_no_writer_stays_within_its_session(limited, connect):
    feeder = own(connect(FEEDERS))
    assert feeder.call("route.update", add=[candidate("lon1")])["added"] == 1
    feeder.call("instance.set", name="mine", next_hop="10.10.0.3")
    for method, params in [("instance.down", {"name": "lon1"}), ("instance.down", {"name": "mine"}),
                           ("instance.heartbeat", {"name": "lon1"}), ("instance.del", {"name": "lon1"}),
                           ("peer.del", {"name": "to-lon1"}), ("config.reload", {}),
                           ("session.close", {"session": 4000, "withdraw": True})]:
        assert feeder.code(method, **params) == -32002, method
    assert feeder.code("instance.heartbeat", name="mine") == -32602  # its own, which has no such check
    assert limited.rpc.code("session.open", api=1, client="feeder") == 0  # root may; a session of its own
    assert feeder.call("route.flush", all=True)["deleted"] == 1
    feeder.call("session.close", withdraw=True)
    assert feeder.code("route.update", add=[candidate("lon1")]) == -32002
    assert connect(FEEDERS).code("session.open", api=1, client="probe") == -32002
    assert connect(OPS).code("session.open", api=1, client="feeder") == -32002  # not even a writer, if there are groups
    limited.rpc.call("session.close", withdraw=True)


def test_prefixes_and_their_number(limited, connect):
    feeder, far = own(connect(FEEDERS)), candidate("lon1", "198.18.0.0/24")
    with pytest.raises(RpcError) as refused:
        feeder.call("route.update", add=[candidate("lon1"), far, candidate("lon1", "0.0.0.0/0")])
    assert refused.value.code == -32002
    assert [(one["index"], one["code"]) for one in refused.value.data["errors"]] == [(1, -32002), (2, -32002)]
    assert limited.rpc.call("status")["candidates"] == 0
    result = feeder.call("route.update", atomic=False, add=[
        far, candidate("lon1"), candidate("lon2"), candidate("lon1", "192.0.2.128/25"), candidate("lon1", ANYCAST[6])])
    assert result["added"] == 3  # two prefixes, one of them with two candidates
    assert [(one["index"], one["code"]) for one in result["errors"]] == [(0, -32002), (4, -32006)]
    session = limited.rpc.call("session.list")["sessions"][0]
    assert (session["prefixes"], session["max_prefixes"], session["routes"], session["uid"]) == (2, 2, 3, NOBODY)
    # one goes, another one comes, in one call
    assert feeder.call("route.update", add=[candidate("lon1", ANYCAST[6])],
                       **{"del": [{"prefix": "192.0.2.128/25"}]})["added"] == 1

    # an operator of the same groups is not limited, and other clients have their own limits
    assert connect(OPS).call("route.update", add=[far])["added"] == 1
    assert own(connect(OTHERS), "probe").call("route.update", add=[far])["added"] == 1
    limited.rpc.call("route.flush", all=True)


def test_a_reload_changes_who_may_do_what(limited, connect):
    feeder, other = own(connect(FEEDERS)), connect(OTHERS)
    feeder.call("route.update", add=[candidate("lon1"), candidate("lon1", ANYCAST[6])])
    limited.daemon.write_config(settings(limited, writers=OTHERS, clients=[
        {"name": "feeder", "groups": [FEEDERS], "prefixes": "2001:db8::/32"}]))
    limited.rpc.call("config.reload")
    assert feeder.code("route.update", add=[candidate("lon2")]) == -32002
    assert limited.rpc.call("status")["candidates"] == 2  # what is there stays
    assert feeder.code("route.update", add=[candidate("lon1", f"2001:db8:{i:x}::/48") for i in range(9)]) == 0
    assert other.code("instance.up", name="lon1") == 0
    assert connect(OPS).code("instance.up", name="lon1") == -32002

    # one with a group that is none is refused whole
    limited.daemon.write_config(settings(limited, writers=["no-such-group"]))
    with pytest.raises(RpcError, match='there is no group "no-such-group"'):
        limited.rpc.call("config.reload")
    assert connect(OPS).code("instance.up", name="lon1") == -32002
    limited.daemon.write_config(settings(limited, **LIMITED))
    limited.daemon.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: connect(OPS).code("instance.up", name="lon1") == 0, every_s=0.2)
