# SPDX-License-Identifier: BSD-3-Clause
"""What the namespace tests, the demo and benchmarks share: hosts and links, the daemon, its API, numbered packets."""
