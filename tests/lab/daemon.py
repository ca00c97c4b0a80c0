# SPDX-License-Identifier: BSD-3-Clause
"""The daemon under test: its configuration, its life, its socket."""
import json
import os
import signal
import subprocess
import time

from lab.net import BUILD
from lab.rpc import Rpc, RpcError


def wait_until(condition, timeout_s=10, every_s=0.02):
    """What condition() returned as soon as that is true; False when it never was."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(every_s)
    return False


class Daemon:
    """One anyfwd process. config is a dict (JSON is YAML) or the text itself; the socket is DIR/NAME.sock."""

    def __init__(self, lab, host, config, name="anyfwd"):
        self.lab, self.host, self.process = lab, host, None
        self.config_file = os.path.join(lab.dir, f"{name}.yaml")
        self.log_file = os.path.join(lab.dir, f"{name}.log")
        self.socket = os.path.join(lab.dir, f"{name}.sock")
        self.write_config(config)

    def write_config(self, config):
        if isinstance(config, dict):
            own = {"api": {"socket": self.socket}, "state_dir": os.path.join(self.lab.dir, "state")}
            config = json.dumps({**own, **config}, indent=1)
        with open(self.config_file, "w") as file:
            file.write(config)

    def launch(self, *args, program=os.path.join(BUILD, "anyfwd"), **options):
        """Starts the program and returns at once."""
        return self.host.spawn(program, "-c", self.config_file, *args, stdin=subprocess.DEVNULL, **options)

    def start(self, *args, timeout_s=60, **options):
        with open(self.log_file, "ab") as log:
            self.process = self.launch(*args, stdout=log, stderr=log, **options)
        if not wait_until(self.ready, timeout_s, 0.05):
            self.kill()
            raise RuntimeError(f"the daemon is not ready:\n{self.log()}")
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the daemon ended with status {self.process.returncode}:\n{self.log()}")
        try:
            rpc = self.rpc()
            try:
                return rpc.call("status")["ready"]
            finally:
                rpc.close()
        except (OSError, EOFError, RpcError):
            return False

    def attempt(self, *args, timeout_s=60, **options):
        """Runs the program to its end, as for a start that must fail: (exit status, standard error)."""
        process = self.launch(*args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)
        try:
            _, stderr = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return process.returncode, stderr

    def rpc(self):
        return Rpc(self.socket)

    def log(self):
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def stop(self, timeout_s=20):
        """SIGTERM, and the exit status."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return self.process.returncode if self.process else None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
