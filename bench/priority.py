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
    """A neighbour's process, which stands for another machine: nothing of this one keeps it from running, and it leaves
    the worker's CPU alone."""
    os.sched_setaffinity(process.pid, {CONTROL_CPU})
    try:
        os.sched_setscheduler(process.pid, os.SCHED_FIFO, os.sched_param(1))
    except OSError:  # where groups of tasks have shares of real time, and this one has none
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
