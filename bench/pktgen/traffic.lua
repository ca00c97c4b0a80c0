-- SPDX-License-Identifier: BSD-3-Clause
-- What the scripts here have in common: settings from the environment, the plain stream, and how a run is measured.
-- README.md says how they are started.
local M = {}

local function setting(name, fallback)
  return os.getenv("PKTGEN_" .. name) or fallback
end

M.tx = setting("TX", "0") -- pktgen's port that sends
M.rx = setting("RX", "1") -- pktgen's port that receives what was forwarded
M.mac = setting("MAC", "02:70:00:00:00:00") -- of the forwarder's port that receives
M.seconds = tonumber(setting("SECONDS", "10"))
M.rate = tonumber(setting("RATE", "100")) -- percent of the line rate
M.size = tonumber(setting("SIZE", "64")) -- bytes of a frame, with its FCS of 4 bytes

local file = setting("OUT", "")
M.out = file ~= "" and assert(io.open(file, "a")) or io.stdout

function M.say(...)
  M.out:write(string.format(...), "\n")
  M.out:flush()
end

local function counters()
  local of = pktgen.portStats("all", "port")
  return {sent = of[tonumber(M.tx)].opackets, received = of[tonumber(M.rx)].ipackets}
end

-- One flow: UDP from 198.51.100.9 to 192.0.2.1.
function M.prepare()
  pktgen.screen("off")
  pktgen.set(M.tx, "count", 0)
  pktgen.set(M.tx, "rate", M.rate)
  pktgen.set(M.tx, "size", M.size)
  pktgen.set(M.tx, "sport", 1024)
  pktgen.set(M.tx, "dport", 53)
  pktgen.set_mac(M.tx, "dst", M.mac)
  pktgen.set_ipaddr(M.tx, "src", "198.51.100.9/24")
  pktgen.set_ipaddr(M.tx, "dst", "192.0.2.1")
  pktgen.set_proto(M.tx, "udp")
end

-- Sends for some seconds: packets sent and received. Pktgen reads its counters once a second.
function M.send(seconds)
  local before = counters()
  pktgen.start(M.tx)
  pktgen.delay(seconds * 1000)
  pktgen.stop(M.tx)
  pktgen.delay(2500)
  local after = counters()
  return after.sent - before.sent, after.received - before.received
end

-- Sends, and tells what pktgen sees in each second; then what was lost in all.
function M.measure(name)
  local before = counters()
  pktgen.start(M.tx)
  pktgen.delay(2500) -- so that the first second told is a whole one
  for _ = 1, M.seconds do
    local rate = pktgen.portStats("all", "rate")
    M.say("%s tx_pps=%d rx_pps=%d", name, rate[tonumber(M.tx)].pkts_tx, rate[tonumber(M.rx)].pkts_rx)
    pktgen.delay(1000)
  end
  pktgen.stop(M.tx)
  pktgen.delay(2500)
  local after = counters()
  local sent = after.sent - before.sent
  M.say("%s sent=%d received=%d lost=%d", name, sent, after.received - before.received,
    sent - (after.received - before.received))
end

return M
