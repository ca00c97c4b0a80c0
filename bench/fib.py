# SPDX-License-Identifier: BSD-3-Clause
"""fib4 and fib6 beside rte_lpm, rte_fib, rte_lpm6 and rte_fib6: TSC cycles a lookup, bare and in a minimal forwarder
(cycles/packet); seconds to build a full table, microseconds a change, memory. bench/fib/ has the code."""
from rounds import program


def samples(options):
    return program(options, "bench-fib")
