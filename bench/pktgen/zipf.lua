-- SPDX-License-Identifier: BSD-3-Clause
-- The packets of the capture that pktgen was started with (-s 0:FILE; zipf.py makes one), over and over.
local traffic = require "traffic"
pktgen.screen("off")
pktgen.set(traffic.tx, "count", 0)
pktgen.set(traffic.tx, "rate", traffic.rate)
traffic.measure("zipf")
pktgen.quit()
