# SPDX-License-Identifier: BSD-3-Clause
"""Ports that are shared memory: two forwarders back to back, two interfaces on one socket."""
import pytest

from lab.daemon import Daemon, wait_until
from lab.net import Lab


class Pair:
    """Two forwarders back to back: left's port is the server, right's the client."""

    def __init__(self):
        self.lab, self.daemons = Lab(), []
        self.hosts = [self.lab.host(name) for name in ("left", "right")]

    def start(self, index, **options):
        role, host = ("server", "client")[index], self.hosts[index]
        daemon = Daemon(self.lab, host, {
            "site": {"name": role, "asn": 65000}, "dpdk": {"memory_mb": 192, "control_lcore": 0, "worker_lcores": [1]},
            "state_dir": f"{self.lab.dir}/{role}", "api": {"socket": f"{self.lab.dir}/{role}.sock"},
            "ports": [{"name": "m0", "device": f"memif:{self.lab.dir}/m,role={role}", **options},
                      {"name": "m1", "device": f"memif:{self.lab.dir}/m,id=1,role={role}", **options}]}, name=role)
        self.daemons.append(daemon)
        return daemon

    def address(self, index):
        for port in (0, 1):
            self.hosts[index].ip("addr", "add", f"10.0.{port}.{index + 1}/24", "dev", f"m{port}")

    def close(self):
        try:
            for daemon in self.daemons:
                daemon.stop()
        finally:
            self.lab.close()


def link_of(daemon, name):
    return next(port for port in daemon.rpc().call("port.list")["ports"] if port["name"] == name)["link"]


@pytest.mark.long
def test_two_forwarders_meet_on_one_socket_and_a_killed_servers_socket_is_replaced():
    pair = Pair()
    try:
        right = pair.start(1)
        status, stderr = right.attempt()
        assert (status, stderr) == (1, f"anyfwd: port m0: nobody listens on {pair.lab.dir}/m; start the other side first, "
                                       "or be the server\n")
        left = pair.start(0).start()
        assert link_of(left, "m0") == "down"
        for _ in range(2):
            right.start()
            for index in (0, 1):
                pair.address(index)
            assert wait_until(lambda: link_of(left, "m0") == link_of(right, "m1") == "up")
            for port in (0, 1):
                assert wait_until(lambda p=port: pair.hosts[1].answers_ping(f"10.0.{p}.1")), left.log() + right.log()
            left.kill()
            assert wait_until(lambda: link_of(right, "m0") == link_of(right, "m1") == "down")
            assert right.stop() == 0
            left.start()
        status, stderr = pair.start(0).attempt("--socket", f"{pair.lab.dir}/other.sock")
        assert status == 1 and f"another process answers on {pair.lab.dir}/m" in stderr
    finally:
        pair.close()
