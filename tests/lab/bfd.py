# SPDX-License-Identifier: BSD-3-Clause
"""BFD daemons as neighbours: FRR's bfdd and BIRD, in a host of the lab."""
import os
import shutil
import signal
import subprocess

from lab.daemon import wait_until

FRR = "/usr/lib/frr"


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
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)

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
                                              stdin=subprocess.DEVNULL, stdout=log, stderr=log)]
