#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""gate.py [--record] [--build FOLDER]: that nothing got slower. By root, in less than a minute.

Runs a short part of the benchmarks `pipeline` and `fib`, and compares what the pipeline costs beside its io loop, and a
lookup beside rte_fib's, with the ratios that baseline.json has for this model of CPU. A ratio is the median of the ratios
of the rounds, in which both take turns: how fast the machine is just now drops out. More than 15 % worse fails, unless
another look says otherwise. The machine has states in which our loop slows down more than io does; what is recorded should
be of the slower one. A model that baseline.json does not know is measured and printed, and fails nothing; --record
writes what was measured as the baseline of this model. The last line counts, as tests/run wants it, the examples of this
file's functions included. Exit 1: a failure.
"""
import argparse
import doctest
import importlib
import json
import os
import re
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests")]
sys.dont_write_bytecode = True
BASELINE = os.path.join(HERE, "baseline.json")
TOLERANCE = 1.15
ROUNDS = 5
LOOKS = 3  # more, at what seems worse: where a process lies in memory is chance, and worth a tenth
OURS = "anyfwd"
"""Benchmark, its cases, the unit that counts, and who is beside us."""
CONTESTS = [
    ("pipeline", "^(v4 hot, one next hop|v4 hot, 2 egress ports, 4 instances|v4 random, few routes|v6 few /64s)$",
     "cycles/packet", "io"),
    ("fib", "^v4 (10k|100k) prefixes$|^v6 10k prefixes$", "cycles/packet", "rte_fib"),
]


def cpu_model():
    """As specific as /proc/cpuinfo is: hypervisors hide names."""
    with open("/proc/cpuinfo") as file:
        fields = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", file.read(), re.M))
    return f"{fields.get('model name', 'unknown')}, family {fields.get('cpu family')}, model {fields.get('model')}"


def median_ratio(ours, peers):
    """Of figures by round; of several peers the one that is best in the round counts.

    >>> median_ratio([10, 30, 11], [[5, 5, 5], [4, 15, 5.5]])
    2.5
    """
    return statistics.median(mine / min(theirs) for mine, *theirs in zip(ours, *peers))


def ratios(samples, unit, peer):
    """{case: ours over the best peer's} of a benchmark's samples.

    >>> ratios([{"case": "a", "impl": i, "unit": "c", "value": v} for i, v in
    ...         [("anyfwd", 30), ("rte_fib 2 B", 20), ("rte_fib 4 B", 15), ("rte_lpm", 1)]], "c", "rte_fib")
    {'a': 2.0}
    """
    figures = {}
    for sample in samples:
        if sample["unit"] == unit and sample["value"] is not None:
            figures.setdefault(sample["case"], {}).setdefault(sample["impl"], []).append(sample["value"])
    found = {}
    for case, by_impl in figures.items():
        peers = [values for impl, values in by_impl.items() if impl.startswith(peer)]
        if OURS in by_impl and peers:
            found[case] = median_ratio(by_impl[OURS], peers)
    return found


def worse(now, before):
    """The names whose ratios are out of bounds.

    >>> worse({"a": 1.16, "b": 1.14, "c": 9}, {"a": 1.0, "b": 1.0})
    ['a']
    """
    return [name for name, ratio in now.items() if name in before and ratio > before[name] * TOLERANCE]


def measure(options, contests):
    """{"benchmark: case": ratio}"""
    now = {}
    for name, cases, unit, peer in contests:
        if not os.path.exists(os.path.join(HERE, f"{name}.py")):
            continue  # a tree without it
        run = argparse.Namespace(rounds=ROUNDS, cases=cases, impls=f"^({OURS}|{peer})", build=options.build, plugin=None, l3fwd=None,
                                 builds=[(OURS, options.build)], against=[])
        found = ratios(importlib.import_module(name).samples(run), unit, peer)
        if not found:
            raise RuntimeError(f"{name}: no case of {cases} was measured")
        now.update({f"{name}: {case}": round(ratio, 3) for case, ratio in found.items()})
    return now


def another_look(options, now, before):
    """What was worse is measured again; the better of both counts."""
    names = {name.split(":")[0] for name in worse(now, before)}
    again = measure(options, [contest for contest in CONTESTS if contest[0] in names])
    return {name: min(ratio, again.get(name, ratio)) for name, ratio in now.items()}


def main():
    parser = argparse.ArgumentParser(prog="bench/gate.py")
    parser.add_argument("--record", action="store_true", help="write the baseline of this CPU model")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"), metavar="FOLDER")
    options = parser.parse_args()
    with open(BASELINE) as file:
        baselines = json.load(file)
    model = cpu_model()
    before = {} if options.record else baselines.get(model, {})
    now = measure(options, CONTESTS)
    for _ in range(LOOKS):
        if worse(now, before):
            now = another_look(options, now, before)
    failed = worse(now, before)
    print(model)
    for name, ratio in now.items():
        was = f"was {before[name]:.3f}" if name in before else "no baseline"
        print(f"  {name:50} {ratio:6.3f} of its peer, {was}{'  WORSE' if name in failed else ''}")
    missing = [name for name in before if name not in now]
    for name in missing:
        print(f"  {name:50} in the baseline, and not measured")
    if options.record:
        baselines[model] = now
        with open(BASELINE, "w") as file:
            json.dump(baselines, file, indent=1, sort_keys=True)
            file.write("\n")
    own = doctest.testmod()
    bad = len(failed) + len(missing) + own.failed
    print(f"{len(now) - len(failed) + own.attempted - own.failed} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
