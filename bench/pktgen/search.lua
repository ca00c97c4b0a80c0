-- SPDX-License-Identifier: BSD-3-Clause
-- RFC 2544, 26.1: the highest rate of a single flow at which no more than PKTGEN_LOSS of the packets are lost (RFC 2544
-- means 0; a laboratory that is not alone on its wires says 0.00001), to a quarter percent of the line rate.
local traffic = require "traffic"
local loss = tonumber(os.getenv("PKTGEN_LOSS") or "0")
traffic.prepare()

local function passes(rate)
  pktgen.set(traffic.tx, "rate", rate)
  local sent, received = traffic.send(traffic.seconds)
  local passed = sent > 0 and sent - received <= sent * loss
  traffic.say("search rate=%.2f%% sent=%d received=%d lost=%d pps=%d %s", rate, sent, received, sent - received,
    sent // traffic.seconds, passed and "passed" or "failed")
  return passed
end

local low, high = 0, traffic.rate
if passes(high) then
  low = high
end
while high - low > 0.25 do
  local rate = (low + high) / 2
  if passes(rate) then low = rate else high = rate end
end
traffic.say("search loss_free=%.2f%%", low)
pktgen.quit()
