import { redisScript } from './redis-connection.ts'

/**
 * What Redis needs for a prediction beyond its bytes and its id, roughly: measured with 100,000 of them on
 * Redis 7.0, where an entry of either hash has its own overhead.
 */
export const PREDICTION_OVERHEAD_BYTES = 200

// Predictions have numbers that count up: the oldest has the number first, the next one gets next. They are
// found by the key of their request id, and units by that of their hash, which leads to lines 'service number':
// nearly always one. Before the bytes of a prediction stand, for the scripts, its time and these keys.
const PREDICTIONS = `
local predictions, ids, events, meta = R .. 'predictions', R .. 'prediction-ids', R .. 'prediction-events', R .. 'prediction-meta'
local found = redis.call('HMGET', meta, 'first', 'next', 'bytes')
local first, next, bytes = tonumber(found[1] or 1), tonumber(found[2] or 1), tonumber(found[3] or 0)

local function cost(value) return #value + ${PREDICTION_OVERHEAD_BYTES} end

local function numberOf(key, service)
  for owner, number in string.gmatch(redis.call('HGET', ids, key) or '', '(%S+) (%d+)') do
    if owner == service then return number end
  end
  return false
end

local function unlink(key, service)
  local left = {}
  for owner, number in string.gmatch(redis.call('HGET', ids, key) or '', '(%S+) (%d+)') do
    if owner ~= service then table.insert(left, owner .. ' ' .. number) end
  end
  if #left == 0 then redis.call('HDEL', ids, key) else redis.call('HSET', ids, key, table.concat(left, '\\n')) end
end

local function link(key, service, number)
  unlink(key, service)
  local lines = redis.call('HGET', ids, key)
  redis.call('HSET', ids, key, (lines and lines .. '\\n' or '') .. service .. ' ' .. number)
end

-- Up to count predictions that were assigned before a time; returns how many went.
local function evict(count, before)
  local removed = 0
  while removed < count and first < next do
    local number = text(first)
    local value = redis.call('HGET', predictions, number)
    local time, service, id, unit = struct.unpack('<dHc0Hc0Hc0', value)
    if time >= before then break end
    -- Another record may have taken the place: a request id that came again, a key's next attempt.
    for _, key in ipairs({ id, unit }) do
      if key ~= '' and numberOf(key, service) == number then unlink(key, service) end
    end
    bytes = bytes - cost(value) - redis.call('HSTRLEN', events, number)
    redis.call('HDEL', predictions, number)
    redis.call('HDEL', events, number)
    first, removed = first + 1, removed + 1
  end
  return removed
end

local function save()
  if first == next then first, next = 1, 1 end
  redis.call('HSET', meta, 'first', first, 'next', next, 'bytes', bytes)
end
`

/**
 * Takes the largest count, the most bytes, a count and as many [service, key of the id, key of the unit ('' =
 * none), time, bytes]; returns how many went.
 */
export const PUT = redisScript(`${PREDICTIONS}
local maxPending, maxBytes, count = tonumber(take()), tonumber(take()), tonumber(take())
local added = 0
for _ = 1, count do
  local service, id, unit, time, value = take(), take(), take(), tonumber(take()), take()
  local known = numberOf(id, service)
  -- A unit has its record also where its request id was there before.
  if not known or unit ~= '' then
    local number = text(next)
    if not known then link(id, service, number) end
    if unit ~= '' then link(unit, service, number) end
    local whole = struct.pack('<dHc0Hc0Hc0', time, #service, service, #id, id, #unit, unit) .. value
    redis.call('HSET', predictions, number, whole)
    next, added, bytes = next + 1, added + 1, bytes + cost(whole)
  end
end
local excess, room = next - first - maxPending, 0
if bytes > maxBytes then room = added end
-- What is left after a limit was lowered goes when predictions expire.
local removed = evict(math.min(math.max(excess, room), 2 * count), math.huge)
save()
return removed
`)

/** Takes keys; returns for each a list of a service, its number, its prediction, what events said, and so on. */
export const FIND = redisScript(`
local answer = {}
for i = 1, #ARGV - 1 do
  local found, key = {}, take()
  for service, number in string.gmatch(redis.call('HGET', R .. 'prediction-ids', key) or '', '(%S+) (%d+)') do
    local value = redis.call('HGET', R .. 'predictions', number)
    local at = select(5, struct.unpack('<dHc0Hc0Hc0', value))
    table.insert(found, service)
    table.insert(found, number)
    table.insert(found, string.sub(value, at))
    table.insert(found, redis.call('HGET', R .. 'prediction-events', number) or '')
  end
  answer[i] = found
end
return answer
`)

/** How long the answer to a change is kept, in seconds: who had none asks again within moments, or never. */
const ANSWER_SECONDS = 86_400

/**
 * Takes who asks and which of its changes it is, a count and as many [number, time, label as f64], a count and as many
 * [number, time, how many events were seen before, what events said], a count and as many [service, cohort, replica
 * ('' = the cohort itself), tallies]. Answers a 1 or a 0 for each label and event in turn: taken, or somebody else's or
 * gone, also where a later prediction has the number of an earlier one. Tallies of what is gone are left out. The last
 * answer is kept: it may be lost on its way.
 */
export const FEEDBACK = redisScript(`
local predictions, events, meta = R .. 'predictions', R .. 'prediction-events', R .. 'prediction-meta'
local mine, change = R .. 'taken:' .. take(), take() .. ' '

local function read(number, time)
  local value = redis.call('HGET', predictions, number)
  if value and struct.unpack('<d', value) == time then return value end
  return false
end

local function takeLabel(number, time, label)
  local value = read(number, time)
  if not value then return '0' end
  -- Offsets of prediction-codec.ts: flags at 0, the label at 25.
  local at = select(5, struct.unpack('<dHc0Hc0Hc0', value))
  local flags = string.byte(value, at)
  if flags % 2 == 1 then return '0' end
  redis.call('HSET', predictions, number, string.sub(value, 1, at - 1) .. string.char(flags + 1) ..
    string.sub(value, at + 1, at + 24) .. label .. string.sub(value, at + 33))
  return '1'
end

local function takeEvents(number, time, before, said)
  local known = redis.call('HGET', events, number)
  local count = known and struct.unpack('<H', known) or 0
  -- Written by an earlier version, by V8's serializer and without a count.
  local isBare = known and string.byte(known, 1) == 255 and string.byte(known, 3) == 111
  if (count ~= before and not isBare) or not read(number, time) then return '0' end
  redis.call('HINCRBY', meta, 'bytes', #said - (known and #known or 0))
  redis.call('HSET', events, number, said)
  return '1'
end

local last, answer = redis.call('GET', mine), {}
if last and string.sub(last, 1, #change) == change then return string.sub(last, #change + 1) end
for _ = 1, tonumber(take()) do
  local number, time = take(), tonumber(take())
  table.insert(answer, takeLabel(number, time, take()))
end
for _ = 1, tonumber(take()) do
  local number, time, before = take(), tonumber(take()), tonumber(take())
  table.insert(answer, takeEvents(number, time, before, take()))
end
for _ = 1, tonumber(take()) do
  local service, cohort, replica, tallies = take(), take(), take(), take()
  if replica ~= '' then
    local share = R .. 'share:' .. service .. ' ' .. cohort
    if redis.call('EXISTS', share) == 1 then redis.call('HSET', share, 't ' .. replica, tallies) end
  elseif redis.call('HEXISTS', R .. 'cohorts:' .. service, cohort) == 1 then
    redis.call('HSET', R .. 'tallies:' .. service, cohort, tallies)
  end
end
if #answer == 0 then return '' end
answer = table.concat(answer)
redis.call('SET', mine, change .. answer, 'EX', ${ANSWER_SECONDS})
return answer
`)

/**
 * Takes how many may go at once, the time before which they go, the largest count and the most bytes; returns
 * how many went because of their time, and how many because of the limits.
 */
export const EXPIRE = redisScript(`${PREDICTIONS}
local batch, before, maxPending, maxBytes = tonumber(take()), tonumber(take()), tonumber(take()), tonumber(take())
local expired = evict(batch, before)
local evicted = 0
-- Records grow with the events of their units.
while expired + evicted < batch and (next - first > maxPending or bytes > maxBytes) do
  if evict(1, math.huge) == 0 then break end
  evicted = evicted + 1
end
save()
return { expired, evicted }
`)
