-- One thread's requests: a body under many user ids, each request with an id of its own.
-- Arguments: file of the body, number of users, number of services, prefix of the request ids.
-- Prints the run's figures as JSON.
local before = {}
local after = {}
local users
local prefix
local sent = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local body = file:read("*a")
  file:close()
  users = tonumber(args[2])
  local services = tonumber(args[3])
  prefix = args[4]
  for i = 0, users - 1 do
    local user = string.format("user-%03d", i)
    local service = i % services
    local path = wrk.path
    if service > 0 then path = path:gsub("credit%-risk", "credit-risk-" .. service) end
    local request = wrk.format("POST", path, {
      ["Content-Type"] = "application/json",
      ["X-User-Id"] = user,
      ["X-Country"] = "DE",
      ["X-Request-Id"] = "@",
    }, (body:gsub("user%-000", user, 1)))
    before[i], after[i] = request:match("^(.-X%-Request%-Id: )@(.*)$")
  end
end

function request()
  local i = sent % users
  sent = sent + 1
  return before[i] .. prefix .. sent .. after[i]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"durationMicros":%d,"bytes":%d,"errors":%d,"badStatus":%d,"p50Micros":%d,"p99Micros":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50), latency:percentile(99)))
end
