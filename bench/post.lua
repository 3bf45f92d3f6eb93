-- One thread's requests: the same body under a thousand user ids. Prints the run's figures as JSON.
local requests = {}
local next_request = 0

function init(args)
  local body = args[1]
  for i = 0, 999 do
    requests[i] = wrk.format("POST", nil, {
      ["Content-Type"] = "application/json",
      ["X-User-Id"] = "user-" .. i,
      ["X-Country"] = "DE",
    }, body)
  end
end

function request()
  next_request = (next_request + 1) % 1000
  return requests[next_request]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"durationMicros":%d,"bytes":%d,"errors":%d,"badStatus":%d,"p50Micros":%d,"p99Micros":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50), latency:percentile(99)))
end
