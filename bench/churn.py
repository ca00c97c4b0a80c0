# SPDX-License-Identifier: BSD-3-Clause
"""Forwarding under updates: packets arrive at 80 % of the loss-free rate, and the API takes 10,000 updates a second that
move prefixes from one instance to another and back.

A NIC-like device holds 2048 packets and misses what comes when it is full; every packet that leaves is looked at: it must
be at the old or at the new instance of its prefix. Every fourth second is without updates, for comparison. When something
else has the worker's CPU for longer than the ring lasts, packets are lost in both; that is told apart ("in stalls": the
worker did not poll for 20 us). The loss-free rate is the highest at which half a second loses no more than --churn-loss
of its packets while the worker runs, found by halving.
"""
import threading

from nic import Churn, Nic

SHARE = 0.8
UPDATES = 10000
TRIAL_S = 0.5
HALVINGS = 7


def add_options(parser):
    parser.add_argument("--churn-seconds", type=int, default=20, metavar="N", help="with updates; %(default)s")
    parser.add_argument("--churn-loss", type=float, default=0.001, metavar="PART", help="of the packets of a trial, that "
                        "still pass for none; %(default)s")


def loss_free(nic, loss):
    """Packets a second."""
    low, high = 0, nic.capacity()
    for _ in range(HALVINGS):
        rate = (low + high) // 2
        nic.arrive(rate)
        grown, _ = nic.measure(TRIAL_S)
        lost = grown["missed"] - grown["missed_in_stalls"]
        low, high = (rate, high) if lost <= (grown["received"] + lost) * loss else (low, rate)
    return low


def window(nic, churn):
    """(counters of one second, updates in it)."""
    done = [0]
    if churn is not None:
        thread = threading.Thread(target=lambda: done.append(churn.run(1.0)))
        thread.start()
    grown, _ = nic.measure(1.0)
    if churn is not None:
        thread.join()
    return grown, done[-1]


def sample(case, label, unit, value):
    return {"case": case, "impl": label, "unit": unit, "value": value}


def samples(options):
    for label, build in options.builds:
        with Nic(build) as nic:
            nic.verify()
            rate = loss_free(nic, options.churn_loss)
            yield sample("loss-free rate", label, "Mpps", rate / 1e6)
            nic.arrive(int(rate * SHARE))
            churn = Churn(nic, per_second=UPDATES)
            for second in range((4 * options.churn_seconds + 2) // 3):
                busy = second % 4 != 0
                grown, updates = window(nic, churn if busy else None)
                case = "with updates" if busy else "without updates"
                yield sample(f"{case}: packets", label, "Mpps", grown["sent"] / 1e6)
                arrived = grown["received"] + grown["missed"]
                yield sample(f"{case}: lost", label, "ppm",
                             (grown["missed"] - grown["missed_in_stalls"]) * 1e6 / arrived)
                yield sample(f"{case}: lost in stalls", label, "ppm", grown["missed_in_stalls"] * 1e6 / arrived)
                yield sample(f"{case}: elsewhere", label, "packets", grown["elsewhere"])
                yield sample(f"{case}: stalls", label, "ms/s", grown["stalled"] * 1e3 / nic.get("hz"))
                if busy:
                    yield sample("updates", label, "1/s", updates)
            churn.close()
            dropped = sum(nic.rpc.call("stats.get")["drops"].values())
            yield sample("dropped by the forwarder", label, "packets", dropped)
