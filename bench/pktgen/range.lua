-- SPDX-License-Identifier: BSD-3-Clause
-- All of 192.0.2.0/24 in turn, from 64,512 source ports: every instance gets its share, and no flow is hot.
local traffic = require "traffic"
traffic.prepare()

local function fixed(set, value)
  set(traffic.tx, "start", value)
  set(traffic.tx, "min", value)
  set(traffic.tx, "max", value)
  set(traffic.tx, "inc", type(value) == "number" and 0 or "0.0.0.0")
end

local range = pktgen.range
range.dst_mac(traffic.tx, "start", traffic.mac)
range.ip_proto(traffic.tx, "udp")
fixed(range.pkt_size, traffic.size)
fixed(range.src_ip, "198.51.100.9")
fixed(range.dst_port, 53)
range.dst_ip(traffic.tx, "start", "192.0.2.0")
range.dst_ip(traffic.tx, "min", "192.0.2.0")
range.dst_ip(traffic.tx, "max", "192.0.2.255")
range.dst_ip(traffic.tx, "inc", "0.0.0.1")
range.src_port(traffic.tx, "start", 1024)
range.src_port(traffic.tx, "min", 1024)
range.src_port(traffic.tx, "max", 65535)
range.src_port(traffic.tx, "inc", 1)
pktgen.set_range(traffic.tx, "on")
traffic.measure("range")
pktgen.quit()
