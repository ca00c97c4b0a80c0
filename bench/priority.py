# SPDX-License-Identifier: BSD-3-Clause
"""A benchmark shares its CPUs with the rest of the machine; what it measures comes first, as on isolated CPUs."""
import os

NICE = -20
CONTROL_CPU = 0  # of the benchmarks' daemons; their worker has the next one


def prefer(process):
    """The process (a Popen with start_new_session) before all others on its CPUs. Where the scheduler groups tasks by
    session (sched(7), autogroup), nice values count within a session alone, and the session has one of its own."""
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        os.setpriority(os.PRIO_PROCESS, int(thread), NICE)
    try:
        with open(f"/proc/{process.pid}/autogroup", "w") as file:
            file.write(str(NICE))
    except OSError:  # there are no such groups
        pass


def outside(process):
    """A process (likewise) that stands for another machine: it comes before others, and leaves the worker's CPU alone."""
    os.sched_setaffinity(process.pid, {CONTROL_CPU})
    prefer(process)


def real_time(process):
    """outside(), and before everything that is no real-time task, for a daemon that else loses its sessions."""
    outside(process)
    try:
        os.sched_setscheduler(process.pid, os.SCHED_FIFO, os.sched_param(1))
    except OSError:  # where groups of tasks have shares of real time, and this one has none
        pass


def receive_outside(host, device="eth0"):
    """What arrives at a host that stands for another machine is not the worker's CPU's to receive, where ksoftirqd would
    wait for a worker that never sleeps."""
    host.sh("ethtool", "-K", device, "gro", "off")  # no NAPI: by the queue that rps_cpus is about
    host.sh("sh", "-c", f"echo {1 << CONTROL_CPU:x} >/sys/class/net/{device}/queues/rx-0/rps_cpus")
