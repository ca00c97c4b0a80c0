# SPDX-License-Identifier: BSD-3-Clause
"""How the daemon starts, refuses to, reloads and ends."""
import os
import re
import shutil
import signal

import pytest

from lab.daemon import Daemon, wait_until
from lab.net import BUILD, Lab
from london import config


@pytest.fixture
def lab():
    with Lab() as made:
        yield made


@pytest.fixture
def host(lab):
    """A forwarder with one link."""
    forwarder, other = lab.host("fw"), lab.host("other")
    lab.link(forwarder, "up", ["198.51.100.1/24"], other, "eth0", ["198.51.100.9/24"])
    return forwarder


def one_port(device="af_xdp:up", **changes):
    return config(**{"ports": [{"name": "up", "device": device}], "peers": [], "instances": [], **changes})


def refused(daemon, *args, **options):
    """A start that fails: the one line it must say."""
    status, stderr = daemon.attempt(*args, **options)
    assert status == 1, stderr
    lines = stderr.splitlines()
    assert len(lines) == 1, stderr
    return lines[0]


def test_an_interface_that_is_missing_is_named_in_one_line(lab, host):
    assert "nosuch0" in refused(Daemon(lab, host, one_port("af_xdp:nosuch0")))


def test_a_bpf_object_that_is_missing_is_named_in_one_line(lab, host):
    program = shutil.copy(os.path.join(BUILD, "anyfwd"), lab.dir)
    assert "steer.bpf.o" in refused(Daemon(lab, host, one_port()), program=program)


def test_too_little_memory_is_told_in_one_line(lab, host):
    assert "memory" in refused(Daemon(lab, host, one_port(dpdk={"memory_mb": 32, "worker_lcores": [1]})))


def test_a_second_daemon_on_the_same_socket_is_refused_and_the_first_goes_on(lab, host):
    first = Daemon(lab, host, one_port()).start()
    second = Daemon(lab, host, one_port("null", api={"socket": first.socket}), name="second")
    assert first.socket in refused(second)
    assert first.rpc().call("status")["ready"]
    assert first.stop() == 0


def test_a_socket_left_over_is_replaced(lab, host):
    daemon = Daemon(lab, host, one_port()).start()
    daemon.kill()
    assert os.path.exists(daemon.socket)
    daemon.start()
    assert daemon.stop() == 0
    assert not os.path.exists(daemon.socket)


BAD_CONFIGS = {
    "an unknown key": ("site: {name: a, asn: 65000, router_id: 192.0.2.9}\nport: []\n", 2, "port"),
    "no YAML": ("site: {name: a\n", 1, ""),
    "an address that is none": ("site:\n  name: a\n  asn: 65000\n  router_id: 192.0.2\n", 4, "router_id"),
    "a device of no kind": (
        "site: {name: a, asn: 65000, router_id: 192.0.2.9}\nports:\n  - {name: up, device: \"ether:up\"}\n", 3, "ether"),
    "a prefix with host bits": (
        "site: {name: a, asn: 65000, router_id: 192.0.2.9}\nports: [{name: up, device: \"null\"}]\n"
        "anycast: [192.0.2.1/24]\n", 3, "192.0.2.1/24"),
}


@pytest.mark.parametrize("name", BAD_CONFIGS)
@pytest.mark.parametrize("args", [[], ["--check"]], ids=["start", "check"])
def test_a_configuration_error_is_told_with_its_line_and_status_2(lab, host, name, args):
    text, line, word = BAD_CONFIGS[name]
    daemon = Daemon(lab, host, text)
    status, stderr = daemon.attempt(*args)
    assert status == 2, stderr
    told = re.search(rf"{re.escape(daemon.config_file)}:(\d+): (.*)", stderr)
    assert told and word in told.group(2), stderr
    # an unclosed brace may be noticed on the line after it
    assert line <= int(told.group(1)) <= line + (name == "no YAML"), stderr


def test_check_accepts_a_good_configuration_and_touches_no_device(lab, host):
    daemon = Daemon(lab, host, one_port("af_xdp:nosuch0"))
    assert daemon.attempt("--check") == (0, "")
    assert not os.path.exists(daemon.socket)


@pytest.mark.parametrize("args", [["--nonsense"], ["--log-level", "shout"], ["and", "more"]])
def test_a_usage_error_has_status_2(lab, host, args):
    status, stderr = Daemon(lab, host, one_port()).attempt(*args)
    assert status == 2
    assert stderr


def test_a_configuration_file_that_is_missing_has_status_2(lab, host):
    daemon = Daemon(lab, host, one_port())
    os.remove(daemon.config_file)
    status, stderr = daemon.attempt()
    assert status == 2
    assert daemon.config_file in stderr


def test_sigterm_ends_it_cleanly_and_the_port_is_the_kernels_alone_again(lab, host):
    daemon = Daemon(lab, host, one_port()).start()
    assert "xdp" in host.ip("link", "show", "dev", "up")
    assert daemon.stop() == 0, daemon.log()
    assert "xdp" not in host.ip("link", "show", "dev", "up")


def test_sighup_reloads_and_a_bad_configuration_leaves_all_as_it_was(lab, host):
    peer = {"name": "ny", "as": 65001, "type": "ebgp", "address": "198.51.100.9"}
    daemon = Daemon(lab, host, one_port()).start()
    rpc = daemon.rpc()

    def peers():
        return [listed["name"] for listed in rpc.call("peer.list")["peers"]]
    assert peers() == []
    daemon.write_config(one_port(peers=[peer]))
    daemon.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: peers() == ["ny"]), daemon.log()
    daemon.write_config("nonsense: [")
    daemon.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: re.search(f"{daemon.config_file}:[0-9]+: ", daemon.log())), daemon.log()
    assert peers() == ["ny"]
    daemon.write_config(one_port())
    daemon.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: peers() == []), daemon.log()
    assert daemon.stop() == 0
