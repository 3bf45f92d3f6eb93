import { redisScript } from './redis-connection.ts'

/**
 * What Redis needs for a prediction beyond its bytes and its id, roughly: measured with 100,000 of them on
 * Redis 7.0, where an entry of either hash has its own overhead.
 */
export const PREDICTION_OVERHEAD_BYTES = 160

// Predictions have numbers that count up: the oldest has the number first, the next one gets next. They
// are found by the key of their request id, which leads to lines 'service number': nearly always one.
// Offsets in the bytes are those of prediction-codec.ts, counted from 1.
const PREDICTIONS = `
local predictions, ids, meta = R .. 'predictions', R .. 'prediction-ids', R .. 'prediction-meta'
local found = redis.call('HMGET', meta, 'first', 'next', 'bytes')
local first, next, bytes = tonumber(found[1] or 1), tonumber(found[2] or 1), tonumber(found[3] or 0)

local function cost(id, value) return #id + #value + ${PREDICTION_OVERHEAD_BYTES} end

local function numberOf(id, service)
  local lines = redis.call('HGET', ids, id)
  return lines and string.match('\\n' .. lines .. '\\n', '\\n' .. string.gsub(service, '%W', '%%%0') .. ' (%d+)\\n')
end

local function keyOf(value)
  local rollout, variant, service = struct.unpack('<HHH', value, 34)
  local at = 40 + rollout + variant
  local last = #value
  if math.floor(string.byte(value) / 8) % 2 == 1 then last = last - 2 - struct.unpack('<H', value, #value - 1) end
  return string.sub(value, at + service, last), string.sub(value, at, at + service - 1)
end

local function forget(number, value)
  local id, service = keyOf(value)
  local left = {}
  for line in string.gmatch(redis.call('HGET', ids, id), '[^\\n]+') do
    if line ~= service .. ' ' .. number then table.insert(left, line) end
  end
  if #left == 0 then redis.call('HDEL', ids, id) else redis.call('HSET', ids, id, table.concat(left, '\\n')) end
  redis.call('HDEL', predictions, number)
  bytes = bytes - cost(id, value)
end

-- Up to count predictions that were assigned before a time; returns how many went.
local function evict(count, before)
  local removed = 0
  while removed < count and first < next do
    local value = redis.call('HGET', predictions, first)
    if struct.unpack('<d', value, 10) >= before then break end
    forget(text(first), value)
    first, removed = first + 1, removed + 1
  end
  return removed
end

local function save() redis.call('HSET', meta, 'first', first, 'next', next, 'bytes', bytes) end
`

/** Takes the largest count, the most bytes, a count and as many [key of the id, service, bytes]; returns how many went. */
export const PUT = redisScript(`${PREDICTIONS}
local maxPending, maxBytes, count = tonumber(take()), tonumber(take()), tonumber(take())
local added = 0
for _ = 1, count do
  local id, service, value = take(), take(), take()
  if not numberOf(id, service) then
    local lines = redis.call('HGET', ids, id)
    redis.call('HSET', ids, id, (lines and lines .. '\\n' or '') .. service .. ' ' .. text(next))
    redis.call('HSET', predictions, next, value)
    next, added, bytes = next + 1, added + 1, bytes + cost(id, value)
  end
end
local excess, room = next - first - maxPending, 0
if bytes > maxBytes then room = added end
-- What is left after a limit was lowered goes when predictions expire.
local removed = evict(math.min(math.max(excess, room), 2 * count), math.huge)
save()
return removed
`)

/** Takes keys of ids; returns for each a list of a service, its prediction, and so on. */
export const FIND = redisScript(`
local answer = {}
for i, id in ipairs(ARGV) do
  local pairs = {}
  local lines = redis.call('HGET', R .. 'prediction-ids', id)
  for service, number in string.gmatch(lines or '', '(%S+) (%d+)') do
    table.insert(pairs, service)
    table.insert(pairs, redis.call('HGET', R .. 'predictions', number))
  end
  answer[i] = pairs
end
return answer
`)

/**
 * Takes a count and as many [key of the id, service, label as f64], then a count and as many [service,
 * number, rollout, cohort]. Predictions that are gone are left out, and cohorts that were dropped or replaced
 * by one of another attempt.
 */
export const LABEL = redisScript(`${PREDICTIONS}
for _ = 1, tonumber(take()) do
  local id, service, label = take(), take(), take()
  local number = numberOf(id, service)
  if number then
    local value = redis.call('HGET', predictions, number)
    local flags = string.byte(value)
    if flags % 2 == 0 then flags = flags + 1 end
    redis.call('HSET', predictions, number, string.char(flags) .. string.sub(value, 2, 25) .. label .. string.sub(value, 34))
  end
end
for _ = 1, tonumber(take()) do
  local service, number, rollout, value = take(), take(), take(), take()
  local stored = redis.call('HGET', R .. 'cohorts:' .. service, number)
  if stored and select(3, struct.unpack('<ddHc0', stored)) == rollout then
    redis.call('HSET', R .. 'cohorts:' .. service, number, value)
  end
end
`)

/** Takes how many may go at once, the time before which they go, and the largest count; returns how many went. */
export const EXPIRE = redisScript(`${PREDICTIONS}
local batch, before, maxPending = tonumber(take()), tonumber(take()), tonumber(take())
local removed = evict(batch, before)
removed = removed + evict(math.min(next - first - maxPending, batch - removed), math.huge)
save()
return removed
`)
