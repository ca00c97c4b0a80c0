# SPDX-License-Identifier: BSD-3-Clause
"""A benchmark shares its CPUs with the rest of the machine; what it measures comes first, as on isolated CPUs."""
import os

NICE = -20


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
