# SPDX-License-Identifier: BSD-3-Clause
"""What a burst waits in the daemon: TSC cycles from the moment at which the worker has received it until the device is
given what became of it, in the daemon's own worker, on NIC-like devices; the median and the tails.

"saturated": bursts of 32, one after the other, the worker never idle. "half rate": packets arrive at half of what the
worker could do then, in bursts as they come. "idle": nothing else happens. "updates": the API takes 10,000 routes a
second meanwhile. The longest ones tell of the machine: a CPU that was taken away from the worker is a wait too.
"""
import threading

from nic import Churn, Nic, percentile
from rounds import selected

UNIT = "cycles/burst"
SECONDS = 1.0
CASES = ["saturated, idle", "saturated, updates", "half rate, idle", "half rate, updates"]
PARTS = {"p50": 0.5, "p99": 0.99, "p99.99": 0.9999}


def measure(nic, case, capacity):
    """The histogram of a second."""
    nic.arrive(capacity // 2 if case.startswith("half") else 0)
    if case.endswith("idle"):
        return nic.measure(SECONDS)[1]
    churn = Churn(nic)
    try:
        thread = threading.Thread(target=churn.run, args=(SECONDS + 0.5,))
        thread.start()
        bins = nic.measure(SECONDS)[1]
        thread.join()
        return bins
    finally:
        churn.close()


def samples(options):
    for label, build in options.builds:
        with Nic(build) as nic:
            nic.verify()
            capacity = nic.capacity()
            for _ in range(options.rounds):
                for case in selected(CASES, options):
                    bins = measure(nic, case, capacity)
                    for name, part in PARTS.items():
                        yield {"case": f"{case}, {name}", "impl": label, "unit": UNIT,
                               "value": percentile(bins, part)}
