-- SPDX-License-Identifier: BSD-3-Clause
-- The simple IMIX of RFC 6985 (7 frames of 64 bytes, 4 of 594, 1 of 1518, FCS included) as a sequence of twelve packets
-- to as many destinations.
local traffic = require "traffic"
traffic.prepare()
local sizes = {64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 594, 64}
for i, size in ipairs(sizes) do
  pktgen.seq(i - 1, traffic.tx, traffic.mac, "02:70:00:00:00:99", "192.0.2." .. i, "198.51.100.9/24", 1024 + i, 53,
    "ipv4", "udp", 1, size)
end
pktgen.set(traffic.tx, "seq_cnt", #sizes)
traffic.measure("imix")
pktgen.quit()
