# SPDX-License-Identifier: BSD-3-Clause
"""A virtual machine whose network cards DPDK's drivers drive as they would drive real ones.

QEMU emulates all of it (no KVM is asked for): a PC with an IOMMU, and cards each of whose wires is a TAP in some host's
namespace. The guest boots Debian's kernel, which is fetched and unpacked, not installed, into an initramfs of busybox and
what is built here. Its cards belong to vfio-pci. Sh runs commands in it, by a shell on a virtual serial line.
"""
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import time

from lab.net import BUILD, sh, spawn
from lab.vlan import open_tap

PMD_FOLDER = "/usr/lib/x86_64-linux-gnu/dpdk/pmds-*"
MODULES = {  # in the order in which they are loaded
    "vfio": ["irqbypass", "vfio", "vfio_virqfd", "vfio_iommu_type1", "vfio-pci-core", "vfio-pci", "tun"],
    "line": ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_console"],
}
DRIVERS = ["bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_vmxnet3", "net_virtio", "net_tap"]
END = "--end of output--"
FIRST_SLOT = 4

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
mkdir -p /tmp /run/anyfwd /var/lib/anyfwd; ln -s /run /var/run
load() {{ for module; do insmod /modules/$module.ko || poweroff -f; done; }}
load {vfio}
for card in /sys/bus/pci/devices/*; do
    case $(cat $card/class) in 0x0200*) echo vfio-pci >$card/driver_override; echo ${{card##*/}} >/sys/bus/pci/drivers_probe ;; esac
done
load {line}
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
ip link set lo up
while ! [ -c /dev/vport0p1 ]; do sleep 0.1; done
exec 3<>/dev/vport0p1
echo '{end}0' >&3
exec sh <&3 >&3 2>&1
"""


def kernel_folder():
    """Where Debian's newest kernel of this release lies unpacked, fetched the first time."""
    folder = os.path.join(BUILD, "guest-kernel")
    if glob.glob(f"{folder}/boot/vmlinuz*"):
        return folder
    depends = sh("apt-cache", "depends", "linux-image-amd64")
    package = next(line.split()[1] for line in depends.splitlines() if "Depends: linux-image" in line)
    fetched = folder + ".new"
    shutil.rmtree(fetched, ignore_errors=True)
    os.makedirs(fetched)
    subprocess.run(["apt-get", "download", package], cwd=fetched, check=True, timeout=120, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    archive = glob.glob(f"{fetched}/*.deb")[0]
    wanted = ["./boot/vmlinuz*"] + [f"*/{module}.ko" for step in MODULES.values() for module in step]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as unpack:
        subprocess.run(["tar", "-x", "-C", fetched, "--wildcards", *wanted], stdin=unpack.stdout, check=True, timeout=120)
    os.remove(archive)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(fetched, folder)
    return folder


def libraries(programs):
    """Paths of what the dynamic linker loads for them."""
    words = sh("ldd", *programs).split()
    return {word for word in words if word.startswith("/") and not word.endswith(":")}


def make_initramfs(kernel, folder):
    root, archive = os.path.join(folder, "root"), os.path.join(folder, "initramfs")
    programs = {f"{BUILD}/{name}": f"/bin/{name}" for name in ("anyfwd", "anyctl")}
    drivers = [path for name in DRIVERS for path in glob.glob(f"{PMD_FOLDER}/librte_{name}.so.*.*")]
    files = {**programs, **{path: path for path in drivers + sorted(libraries([*programs, *drivers]))},
             "/bin/busybox": "/bin/busybox",
             **{glob.glob(f"{kernel}/lib/modules/*/kernel/**/{module}.ko", recursive=True)[0]: f"/modules/{module}.ko"
                for step in MODULES.values() for module in step}}
    for source, name in files.items():
        os.makedirs(os.path.dirname(root + name), exist_ok=True)
        target = os.path.realpath(source)
        if name == source and target != source:  # a library's other name; DPDK would start two copies of one twice
            os.makedirs(os.path.dirname(root + target), exist_ok=True)
            os.symlink(target, root + name)
            name = target
        shutil.copyfile(source, root + name)
        os.chmod(root + name, 0o755)
    for name in ("proc", "sys", "dev", "etc"):
        os.makedirs(os.path.join(root, name), exist_ok=True)
    with open(os.path.join(root, "init"), "w") as init:
        init.write(INIT.format(end=END, **{step: " ".join(modules) for step, modules in MODULES.items()}))
    os.chmod(os.path.join(root, "init"), 0o755)
    subprocess.run("find . | cpio --quiet -o -H newc", shell=True, cwd=root, check=True, stdout=open(archive, "wb"))
    return archive


class Guest:
    """cards: [(QEMU's model, MAC address, host, name of the TAP there)]; card i is card<i> and has the address pci(i)."""

    def __init__(self, lab, cards, memory_mb=1024, hugepages=200):
        self.lab, self.process = lab, None
        self.console = os.path.join(lab.dir, "console.log")
        kernel = kernel_folder()
        self.taps = [host.run(open_tap, device) for _, _, host, device in cards]
        wires = []
        for i, (model, mac, _, _) in enumerate(cards):
            wires += ["-netdev", f"tap,id=wire{i},fd={self.taps[i]}",
                      "-device", f"{model},id=card{i},netdev=wire{i},mac={mac},addr={FIRST_SLOT + i:#x}"]
        self.argv = [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-M", "q35,kernel-irqchip=split", "-cpu", "max",
            "-smp", "2", "-m", str(memory_mb), "-nodefaults", "-display", "none", "-no-reboot",
            "-device", "intel-iommu,intremap=on,caching-mode=on",
            "-kernel", glob.glob(f"{kernel}/boot/vmlinuz*")[0], "-initrd", make_initramfs(kernel, lab.dir),
            "-append", f"console=ttyS0 intel_iommu=on hugepages={hugepages} panic=-1",
            "-serial", f"file:{self.console}",
            "-chardev", "stdio,id=line,signal=off", "-device", "virtio-serial-pci,addr=3",
            "-device", "virtserialport,chardev=line", "-qmp", f"unix:{lab.dir}/qmp,server=on,wait=off", *wires]

    def pci(self, card):
        return f"0000:00:{FIRST_SLOT + card:02x}.0"

    def boot(self, timeout_s=120):
        self.process = spawn(*self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             pass_fds=self.taps, bufsize=0)
        os.set_blocking(self.process.stdout.fileno(), False)
        self._answer("boot", timeout_s)
        return self

    def sh(self, command, check=True, timeout_s=60):
        """What a command printed in the guest."""
        self.process.stdin.write(f"{{ {command}\n}} 2>&1; echo '{END}'$?\n".encode())
        text, status = self._answer(command, timeout_s)
        if check and status:
            raise RuntimeError(f"guest: {command}: status {status}\n{text}")
        return text

    def _answer(self, command, timeout_s):
        output, end = b"", time.monotonic() + timeout_s
        while not (done := re.fullmatch(f"(.*){END}(\\d+)\\r?\\n", output.decode(errors="replace"), re.DOTALL)):
            output += self.process.stdout.read() or b""
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"guest: no end of {command}:\n{output.decode()}\n{self.log()[-4000:]}")
            time.sleep(0.01)
        return done[1], int(done[2])

    def call(self, method, **params):
        """A method of the daemon's API."""
        return json.loads(self.sh(f"anyctl --json call {method} '{json.dumps(params)}'"))

    def set_link(self, card, up):
        """As if the wire of a card was pulled or put back."""
        with socket.socket(socket.AF_UNIX) as qmp:
            qmp.connect(f"{self.lab.dir}/qmp")
            answers = qmp.makefile()
            answers.readline()
            for command in ({"execute": "qmp_capabilities"},
                            {"execute": "set_link", "arguments": {"name": f"card{card}", "up": up}}):
                qmp.sendall(json.dumps(command).encode())
                while "return" not in (answer := json.loads(answers.readline())):
                    assert "error" not in answer, answer

    def log(self):
        with open(self.console, errors="replace") as file:
            return file.read()

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        for tap in self.taps:
            os.close(tap)
