# SPDX-License-Identifier: BSD-3-Clause
"""BFD daemons as neighbours: FRR's bfdd and BIRD, in a host of the lab; and the times of their packets."""
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess

from lab.daemon import wait_until
from lab.traffic import ETH_P_ALL, SO_RCVBUFFORCE, SO_TIMESTAMPNS, Sink

FRR = "/usr/lib/frr"
SO_ATTACH_FILTER = 26
BFD_AT = 42  # of a frame: after Ethernet, IPv4 and UDP
# single-hop BFD over IPv4 without options: (operation of a classic BPF program, jump if true, if false, operand)
BFD_FILTER = [(0x28, 0, 0, 12), (0x15, 0, 5, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 3, 17), (0x28, 0, 0, 36),
              (0x15, 0, 1, 3784), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]


class Bfd:
    """What is common: processes of which the last one is the BFD daemon."""

    def __init__(self):
        self.processes = []

    @property
    def daemon(self):
        return self.processes[-1]

    def freeze(self):
        """The instance's host hangs: nothing is said, nothing is closed."""
        self.daemon.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.daemon.send_signal(signal.SIGCONT)

    def kill(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []

    def stop(self):
        """A planned stop, which tells the neighbours."""
        for process in reversed(self.processes):
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []


class Frr(Bfd):
    """zebra and bfdd with a session to each of the addresses; those that say (address, local) are several hops away."""

    def __init__(self, lab, host, peers, interval_ms=10, multiplier=3, device="eth0"):
        super().__init__()
        self.lab, self.host, self.dir = lab, host, os.path.join(lab.dir, f"frr-{host.name}")
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(lab.dir, 0o711)  # FRR's daemons insist on a user of their own
        shutil.chown(self.dir, "frr", "frr")
        lines = ["bfd"]
        for peer in peers:
            lines += [f" peer {peer} interface {device}" if isinstance(peer, str)
                      else f" peer {peer[0]} multihop local-address {peer[1]}",
                      f"  detect-multiplier {multiplier}", f"  receive-interval {interval_ms}",
                      f"  transmit-interval {interval_ms}", "  no shutdown", " !"]
        self.write("bfdd.conf", "\n".join(lines) + "\n")
        self.write("zebra.conf", "")
        self.start()

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as file:
            file.write(text)

    def start(self):
        zebra = os.path.join(self.dir, "zserv.api")
        self.processes = [self.run("zebra", "-z", zebra)]
        assert wait_until(lambda: os.path.exists(zebra)), "zebra does not start"
        self.processes.append(self.run("bfdd", "-z", zebra, "--bfdctl", os.path.join(self.dir, "bfdd.sock")))

    def run(self, program, *arguments):
        with open(os.path.join(self.dir, f"{program}.log"), "ab") as log:
            return self.host.spawn(f"{FRR}/{program}", "-u", "frr", "-g", "frr", "-P", "0", "-A", "127.0.0.1",
                                   "-f", os.path.join(self.dir, f"{program}.conf"), "--vty_socket", self.dir,
                                   "-i", os.path.join(self.dir, f"{program}.pid"), *arguments,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def command(self, text):
        return self.host.sh("vtysh", "--vty_socket", self.dir, *(word for line in text.split("\n")
                                                                 for word in ("-c", line)))


class Bird(Bfd):
    """bird with a session to each of the addresses."""

    def __init__(self, lab, host, peers, interval_ms=10, multiplier=3, device="eth0"):
        super().__init__()
        self.host, self.dir = host, os.path.join(lab.dir, f"bird-{host.name}")
        os.makedirs(self.dir, exist_ok=True)
        neighbours = "".join(f'  neighbor {peer} dev "{device}";\n' if isinstance(peer, str)
                             else f"  neighbor {peer[0]} local {peer[1]} multihop on;\n" for peer in peers)
        settings = f"min rx interval {interval_ms} ms; min tx interval {interval_ms} ms; multiplier {multiplier};"
        with open(os.path.join(self.dir, "bird.conf"), "w") as file:
            file.write("router id 192.0.2.99;\nprotocol device {}\nprotocol bfd {\n"
                       f'  interface "{device}" {{ {settings} }};\n  multihop {{ {settings} }};\n{neighbours}}}\n')
        self.start()

    def start(self):
        with open(os.path.join(self.dir, "bird.log"), "ab") as log:
            self.processes = [self.host.spawn("/usr/sbin/bird", "-f", "-c", os.path.join(self.dir, "bird.conf"),
                                              "-s", os.path.join(self.dir, "bird.ctl"),
                                              "-P", os.path.join(self.dir, "bird.pid"),
                                              stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                              start_new_session=True)]


class BfdTimes(Sink):
    """When the kernel sent and received a host's BFD packets on a device; nothing else is copied, whatever else comes."""

    def __init__(self, host, device="eth0"):
        super().__init__(host, device, 8 << 20)
        self.mac = bytes.fromhex(host.mac(device).replace(":", ""))
        self.sent, self.received = [], []
        self.said = []  # (when, True of what was sent, state, diagnostic), wherever one of the latter changes

    @staticmethod
    def _open(device, room):
        program = b"".join(struct.pack("=HBBI", *each) for each in BFD_FILTER)
        code = ctypes.create_string_buffer(program)
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        tap.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(BFD_FILTER), ctypes.addressof(code)))
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, room)
        tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        tap.bind((device, ETH_P_ALL))
        tap.setblocking(False)
        return tap

    def look(self):
        """Adds what came since the last call; times are seconds of CLOCK_REALTIME."""
        for when, frame in self.frames():
            own = frame[6:12] == self.mac
            (self.sent if own else self.received).append(when)
            state, diag = frame[BFD_AT + 1] >> 6, frame[BFD_AT] & 0x1F
            if next((each[2:] for each in reversed(self.said) if each[1] == own), None) != (state, diag):
                self.said.append((when, own, state, diag))
        return self
