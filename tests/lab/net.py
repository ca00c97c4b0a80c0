# SPDX-License-Identifier: BSD-3-Clause
"""Hosts as network namespaces, and the links between them.

A Lab makes everything under names of its own (TAG, a number, the host's name) and takes all of it away again; nothing
else on the machine is touched. AF_XDP on veth sets two rules for every link: the sender finishes its checksums (tx
offload off), and the receiver of a redirected frame has NAPI, which a veth gets from gro on.
"""
import concurrent.futures
import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import tempfile

TAG = os.environ.get("ANYFWD_LAB_TAG", f"anyfwd-{os.getpid()}")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("ANYFWD_BUILD", os.path.join(ROOT, "build"))

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)


def sh(*argv, check=True, timeout=60, told=""):
    """Runs a command to its end, with that on its standard input, and returns what it printed."""
    done = subprocess.run(argv, text=True, capture_output=True, timeout=timeout, input=told)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def die_with_parent():
    """For preexec_fn: a child never outlives the tests, however they end."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(*argv, **options):
    return subprocess.Popen(argv, preexec_fn=die_with_parent, **options)


class Host:
    """One namespace: sh and spawn start programs in it, run calls a function in a thread that lives in it."""

    def __init__(self, lab, name):
        self.name, self.ns = name, f"{TAG}.{lab.number}-{name}"
        self._thread = concurrent.futures.ThreadPoolExecutor(1, initializer=self._enter)

    def open(self):
        sh("ip", "netns", "add", self.ns)
        self.set("ipv4/conf/all/rp_filter", 0)
        self.set("ipv4/conf/default/rp_filter", 0)
        self.set("ipv6/conf/default/accept_dad", 0)
        self.ip("link", "set", "lo", "up")

    def _enter(self):
        with open(f"/run/netns/{self.ns}") as ns:
            if _libc.setns(ns.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {self.ns}")

    def run(self, function, *args):
        return self._thread.submit(function, *args).result()

    def sh(self, *argv, **options):
        return sh("ip", "netns", "exec", self.ns, *argv, **options)

    def ip(self, *argv, **options):
        return sh("ip", "-n", self.ns, *argv, **options)

    def ip_all(self, commands):
        """Several commands in one process, for starting one is what takes time."""
        self.ip("-batch", "-", told="\n".join(commands))

    def spawn(self, *argv, **options):
        return spawn("ip", "netns", "exec", self.ns, *argv, **options)

    def read(self, path):
        """A file as it reads in here, such as /proc/net/snmp (which is /proc/self/net/snmp: thread-self is meant)."""
        def text():
            with open(path.replace("/proc/net/", "/proc/thread-self/net/")) as file:
                return file.read()
        return self.run(text)

    def set(self, key, value):
        def write():
            with open(f"/proc/sys/net/{key}", "w") as file:
                file.write(str(value))
        self.run(write)

    def mac(self, device="eth0"):
        return self.ip("-br", "link", "show", "dev", device).split()[2]

    def answers_ping(self, address, *options, wait_s=2):
        """Whether `address` answers a ping of this host."""
        return ", 0% packet loss" in self.sh("ping", "-n", "-c1", f"-W{wait_s}", *options, address, check=False)

    def close(self):
        self._thread.shutdown()
        sh("ip", "netns", "del", self.ns, check=False)


class Lab:
    """Hosts, links, and a folder for sockets and logs."""

    def __init__(self):
        self.number = next(_numbers)
        self.hosts = {}
        self.dir = tempfile.mkdtemp(prefix=f"{TAG}.{self.number}-", dir="/tmp")

    def host(self, name):
        host = self.hosts[name] = Host(self, name)  # known to close() before there is something to take away
        host.open()
        return host

    def link(self, a, device_a, addresses_a, b, device_b, addresses_b):
        """A veth pair: (host, its device, its addresses with prefix lengths) twice."""
        sh("ip", "link", "add", "name", device_a, "netns", a.ns, "type", "veth", "peer", "name", device_b, "netns", b.ns)
        for host, device, addresses in ((a, device_a, addresses_a), (b, device_b, addresses_b)):
            host.sh("ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "on")
            host.ip_all([f"addr add {address} dev {device}" + (" nodad" if ":" in address else "")
                         for address in addresses] + [f"link set dev {device} up"])

    def close(self):
        for host in self.hosts.values():
            host.close()
        self.hosts = {}
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
