-- SPDX-License-Identifier: BSD-3-Clause
-- A single flow: one destination, one next hop, everything hot.
local traffic = require "traffic"
traffic.prepare()
traffic.measure("single")
pktgen.quit()
