-- SPDX-License-Identifier: BSD-3-Clause
-- IPv6: sixteen flows to 2001:db8:a::/48.
local traffic = require "traffic"
traffic.prepare()
local flows = 16
local size = math.max(traffic.size, 78) -- the least that pktgen makes of IPv6
for i = 1, flows do
  pktgen.seq(i - 1, traffic.tx, traffic.mac, "02:70:00:00:00:99", string.format("2001:db8:a::%x", i),
    "2001:db8:c::9/64", 1024 + i, 53, "ipv6", "udp", 1, size)
end
pktgen.set(traffic.tx, "seq_cnt", flows)
traffic.measure("v6")
pktgen.quit()
