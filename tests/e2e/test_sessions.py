# SPDX-License-Identifier: BSD-3-Clause
"""Sessions: whose a candidate is, and what becomes of it when its client goes, comes back, or says goodbye."""
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from lab.daemon import wait_until
from lab.rpc import Rpc, RpcError
from london import ANYCAST, candidate

OTHER = "192.0.2.128/25"
"""A client of its own process: opens a session, announces, says so, and waits to be killed."""
CLIENT = """
import sys
sys.path[:0] = sys.argv[2:]
from lab.rpc import Rpc
from london import candidate
rpc = Rpc(sys.argv[1])
rpc.call("session.open", api=1, client="feed", on_disconnect="stale", stale_s=60)
rpc.call("route.update", add=[candidate("lon1"), candidate("lon2")])
print("here", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def connect(london):
    clients = []

    def make():
        clients.append(Rpc(london.daemon.socket))
        return clients[-1]
    yield make
    for client in clients:
        client.close()
    for session in london.rpc.call("session.list")["sessions"]:
        assert wait_until(lambda: closed(london.rpc, session["session"]))


def closed(rpc, session):
    return rpc.code("session.close", session=session, withdraw=True) in (0, -32001)


def opened(connect, client="feed", **options):
    rpc = connect()
    rpc.session = rpc.call("session.open", api=1, client=client, **options)
    return rpc


def best(london, prefix=ANYCAST[4]):
    return [one["instance"] for one in london.rpc.call("route.get", prefix=prefix)["best"]]


def sessions(london):
    return {one["client"]: one for one in london.rpc.call("session.list")["sessions"]}


def gone(london, client="feed"):
    return lambda: sessions(london).get(client, {"state": "over"})["state"] != "connected"


def test_a_session_owns_its_candidates(london, connect):
    feed = opened(connect, source="test")
    assert feed.session["session"] > 0 and feed.session["resumed"] is False
    assert isinstance(feed.session["generation"], int)
    feed.call("route.update", add=[candidate("lon2")])
    london.rpc.call("route.update", add=[candidate("lon2"), candidate("ny1")])
    candidates = london.rpc.call("route.get", prefix=ANYCAST[4])["candidates"]
    assert sorted((one["session"], one["peer"]) for one in candidates) == [
        (0, "to-lon2"), (0, "to-ny1"), (feed.session["session"], "to-lon2")]
    # del and flush are the caller's own
    assert feed.call("route.update", **{"del": [{"prefix": ANYCAST[4], "peer": "to-ny1"}]})["deleted"] == 0
    assert london.rpc.call("route.flush", all=True)["deleted"] == 2
    assert feed.call("route.flush", peer="to-lon2")["deleted"] == 1
    shown = sessions(london)["feed"]
    assert shown["source"] == "test" and shown["uid"] == os.getuid() and shown["state"] == "connected"
    assert london.rpc.call("status")["sessions"] == 1


def test_what_a_killed_client_leaves_is_used_and_swept_by_the_next_one(london, connect):
    here = os.path.dirname(os.path.abspath(__file__))
    process = subprocess.Popen([sys.executable, "-B", "-c", CLIENT, london.daemon.socket, here, os.path.dirname(here)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"here\n"
    before = london.rpc.call("status")["generation"]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert wait_until(gone(london))
    assert best(london) == ["lon1"] and london.rpc.call("status")["generation"] == before
    assert all(one["stale"] for one in london.rpc.call("route.get", prefix=ANYCAST[4])["candidates"])
    feed = opened(connect)
    assert feed.session["resumed"] is True
    assert feed.call("route.update", add=[candidate("lon2")])["unchanged"] == 1
    assert best(london) == ["lon1"]  # still: nothing is lost by a restart
    assert feed.call("session.eor")["swept"] == 1
    assert best(london) == ["lon2"]
    assert feed.call("session.eor")["swept"] == 0


def test_what_nobody_says_again_is_swept_at_its_time(london, connect):
    feed = opened(connect, on_disconnect="stale", stale_s=1)
    feed.call("route.update", add=[candidate("lon1")])
    feed.close()
    assert wait_until(gone(london)) and best(london) == ["lon1"]
    start = time.monotonic()
    assert wait_until(lambda: not best(london), 5)
    assert 0.5 < time.monotonic() - start < 2
    assert "feed" not in sessions(london)


def test_withdraw_and_keep(london, connect):
    feed = opened(connect, on_disconnect="withdraw")
    feed.call("route.update", add=[candidate("lon1")])
    feed.close()
    assert wait_until(lambda: not best(london))
    kept = opened(connect, client="kept", on_disconnect="keep")
    kept.call("route.update", add=[candidate("lon1")])
    kept.close()
    assert wait_until(gone(london, "kept"))
    time.sleep(0.3)
    assert best(london) == ["lon1"]


def test_goodbye(london, connect):
    feed = opened(connect)
    feed.call("route.update", add=[candidate("lon1")])
    feed.call("session.close", withdraw=False)
    assert best(london) == ["lon1"]
    assert london.rpc.call("route.get", prefix=ANYCAST[4])["candidates"][0]["stale"] is False
    assert feed.code("session.eor") == -32001
    again = opened(connect)
    assert again.session["resumed"] is True
    again.call("session.close", withdraw=True)
    assert best(london) == [] and "feed" not in sessions(london)


def test_one_session_a_connection_and_one_connection_a_session(london, connect):
    first = opened(connect)
    first.call("route.update", add=[candidate("lon1")])
    assert first.code("session.open", api=1, client="other") == -32007
    second = opened(connect)
    assert second.session["resumed"] is True and second.session["session"] == first.session["session"]
    for method, params in [("session.eor", {}), ("session.close", {"withdraw": True}), ("route.flush", {"all": True}),
                           ("route.update", {"add": [candidate("lon2")]}), ("peer.del", {"name": "to-ny1"})]:
        assert first.code(method, **params) == -32001, method
    first.close()
    time.sleep(0.1)
    assert sessions(london)["feed"]["state"] == "connected" and best(london) == ["lon1"]


def test_refusals(london, connect):
    client = connect()
    assert client.code("session.open", api=2, client="feed") == -32010
    assert client.code("session.open", client="feed") == -32602
    assert client.code("session.open", api=1, client="") == -32602
    assert client.code("session.open", api=1, client="feed", on_disconnect="forget") == -32602
    assert client.code("session.open", api=1, client="feed", colour="red") == -32602
    assert client.code("session.eor") == -32001
    assert client.code("session.close", withdraw=True) == -32001
    assert client.code("session.close", withdraw=True, session=4000) == -32001
    assert sessions(london) == {}


def test_peers_and_instances_of_a_session_go_with_it(london, connect):
    feed = opened(connect, on_disconnect="withdraw")
    feed.call("peer.set", name="own", **{"as": 65009, "type": "ebgp"})
    feed.call("instance.set", name="own", next_hop="10.10.0.3")
    feed.call("route.update", add=[{"prefix": OTHER, "peer": "own", "instance": "own"}])
    same = next(peer for peer in feed.call("peer.list")["peers"] if peer["name"] == "to-lon1")
    told = {key: same[key] for key in ("name", "as", "type", "address", "router_id")}
    feed.call("peer.set", **told)  # as it is already
    assert feed.code("peer.set", **{**told, "as": 1}) == -32002
    assert feed.code("peer.del", name="to-lon1") == -32002
    assert feed.code("instance.set", name="lon1", next_hop="10.10.0.3") == -32002
    feed.close()
    assert wait_until(lambda: "feed" not in sessions(london))
    assert "own" not in [peer["name"] for peer in london.rpc.call("peer.list")["peers"]]
    assert "own" not in [instance["name"] for instance in london.rpc.call("instance.list")["instances"]]


def test_a_client_of_another_user_has_a_session_of_its_own(london, connect):
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv")
    opened(connect)
    os.chmod(london.daemon.socket, 0o666)
    for directory in (london.lab.dir,):
        os.chmod(directory, 0o755)
    script = "import sys; sys.path[:0] = sys.argv[2:]; from lab.rpc import Rpc; " \
        "print(Rpc(sys.argv[1]).call('session.open', api=1, client='feed')['resumed'])"
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    copy = os.path.join(london.lab.dir, "tests")
    shutil.copytree(os.path.join(tests, "lab"), os.path.join(copy, "lab"), dirs_exist_ok=True)
    out = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-B", "-c", script,
                          london.daemon.socket, copy], capture_output=True, text=True)
    assert out.stdout == "False\n", out.stderr
    assert len(london.rpc.call("session.list")["sessions"]) == 2


def test_a_session_survives_nothing_of_a_bad_update(london, connect):
    feed = opened(connect)
    feed.call("route.update", add=[candidate("lon1")])
    with pytest.raises(RpcError) as refused:
        feed.call("route.update", add=[candidate("lon2"), candidate("lon2", prefix="192.0.2.1/24")])
    assert refused.value.code == -32003
    assert [error["index"] for error in refused.value.data["errors"]] == [1]
    assert best(london) == ["lon1"]
