# SPDX-License-Identifier: BSD-3-Clause
"""How a benchmark makes its samples. A benchmark is a module of this folder, named in bench/run, with

    samples(options)     yields {"case", "impl", "unit", "value"}; value None: this cannot be done, and standard error
                         says why. bench/run groups them; they come in rounds, so that what else the machine does
                         meets all of them alike
    add_options(parser)  if it has options of its own: bench/run passes them through

Implementations of ours are called "anyfwd" or begin with it; the others are peers.
"""
import json
import os
import re
import statistics
import subprocess


def selected(cases, options):
    return [case for case in cases if re.search(options.cases, case)]


def interleaved(options, unit, cases, implementations, measure):
    """measure(case, implementation), of each case with each of the (label, implementation), once a round."""
    for _ in range(options.rounds):
        for case in selected(cases, options):
            for label, implementation in implementations:
                if not re.search(options.impls, label):
                    continue
                yield {"case": case, "impl": label, "unit": unit, "value": measure(case, implementation)}


def program(options, name, *args):
    """What build/bench/NAME prints, one sample a line (bench/sample.h). It makes the rounds itself."""
    command = [os.path.join(options.build, "bench", name), "--rounds", str(options.rounds), "--cases", options.cases,
               "--impls", options.impls]
    with subprocess.Popen(command + list(args), stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                yield json.loads(line)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise RuntimeError(f"{name}: exit status {process.returncode}")


def summary(case, values):
    """The quantiles as cases of their own, for a table of medians would hide them."""
    values = sorted(values)
    quantiles = [("p90", 0.9)] + ([("p99", 0.99)] if len(values) >= 300 else [])
    text = ", ".join(f"{name} {values[int(len(values) * q)]:g}" for name, q in quantiles)
    print(f"{case}: p50 {statistics.median(values):g}, {text}, max {values[-1]:g}, n {len(values)}")
