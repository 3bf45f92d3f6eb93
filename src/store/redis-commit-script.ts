import { redisScript } from './redis-connection.ts'
import { REMOVE_SHARED } from './redis-replicas.ts'

/**
 * One change of a rollout, whole or not at all. Takes, in this order: service · holder and token of the
 * lease · expected revision, '' = none · new revision ('' = the state stays) and state · what
 * `archiveArguments` makes · 1 = reset · canary version that is rolled back ('' = none) and when · evidence,
 * '' = none · cohorts to put, to drop, units to put (a count, then pairs; dropped ones as pairs of a number
 * and '') · service whose log the decision goes into, and the decision, '' = none.
 * Answers [what became of it, id of the decision or 0, archived cohorts that went].
 */
export const COMMIT = redisScript(`${REMOVE_SHARED}
local service, holder, token, expected = take(), take(), take(), take()
local lease = redis.call('HMGET', R .. 'lease', 'holder', 'token')
if lease[1] ~= holder or lease[2] ~= token then return { 'fenced' } end
if (redis.call('HGET', R .. 'revisions', service) or '') ~= expected then return { 'conflict' } end

local revision, state = take(), take()
if revision ~= '' then
  redis.call('HSET', R .. 'revisions', service, revision)
  redis.call('HSET', R .. 'states', service, state)
end

local tallies = R .. 'tallies:' .. service
local cohorts, units, order = R .. 'cohorts:' .. service, R .. 'units:' .. service, R .. 'archive-order:' .. service
local rollout, configHash, plan = take(), take(), take()
local maxCohorts, maxBytes, slice = tonumber(take()), tonumber(take()), tonumber(take())
local asked = 0

-- An attempt is listed by its first cohort: numbers follow the time.
local function archive(number, value)
  asked = asked + 1
  if redis.call('HSETNX', R .. 'archive:' .. service, number, value) == 0 then return end
  redis.call('ZADD', order, number, number)
  local opened, closed, of = struct.unpack('<ddHc0', value)
  local key = R .. 'attempt:' .. service .. ' ' .. of
  local found = redis.call('HMGET', key, 'oldest', 'last')
  redis.call('HSETNX', key, 'first', number)
  redis.call('HSETNX', key, 'from', text(opened))
  redis.call('HSETNX', key, 'evicted', 0)
  if not found[1] or tonumber(number) < tonumber(found[1]) then redis.call('HSET', key, 'oldest', number) end
  if not found[2] or tonumber(number) > tonumber(found[2]) then redis.call('HSET', key, 'last', number) end
  redis.call('HSET', key, 'to', text(closed))
  redis.call('HINCRBY', key, 'cohorts', 1)
  redis.call('HINCRBY', key, 'bytes', #value)
  -- What an earlier attempt left was judged by another plan.
  if of == rollout and redis.call('HGET', key, 'configHash') ~= configHash then
    local more = #plan - redis.call('HSTRLEN', key, 'plan')
    redis.call('HSET', key, 'configHash', configHash, 'plan', plan)
    redis.call('HINCRBY', R .. 'archive-size', 'bytes', more)
  end
  redis.call('ZADD', R .. 'attempts', 'NX', number, service .. ' ' .. of)
  redis.call('ZADD', R .. 'attempts:' .. service, 'NX', number, of)
  redis.call('HINCRBY', R .. 'archive-size', 'cohorts', 1)
  redis.call('HINCRBY', R .. 'archive-size', 'bytes', #value)
end

-- The oldest cohort of the oldest attempt of all services.
local function evictOne()
  local name = redis.call('ZRANGE', R .. 'attempts', 0, 0)[1]
  local owner, of = string.match(name, '^(%S+) (.*)$')
  local key, values, numbers = R .. 'attempt:' .. name, R .. 'archive:' .. owner, R .. 'archive-order:' .. owner
  local oldest = redis.call('ZRANGEBYSCORE', numbers, redis.call('HGET', key, 'oldest'), '+inf', 'LIMIT', 0, 2)
  local bytes = redis.call('HSTRLEN', values, oldest[1])
  redis.call('HDEL', values, oldest[1])
  redis.call('ZREM', numbers, oldest[1])
  redis.call('HINCRBY', R .. 'archive-size', 'cohorts', -1)
  redis.call('HINCRBY', R .. 'archive-size', 'bytes', -bytes)
  if redis.call('HINCRBY', key, 'cohorts', -1) == 0 then
    -- The last one takes the plan with it.
    redis.call('HINCRBY', R .. 'archive-size', 'bytes', -redis.call('HSTRLEN', key, 'plan'))
    redis.call('DEL', key)
    redis.call('ZREM', R .. 'attempts', name)
    redis.call('ZREM', R .. 'attempts:' .. owner, of)
    return
  end
  redis.call('HINCRBY', key, 'bytes', -bytes)
  redis.call('HINCRBY', key, 'evicted', 1)
  local opened = struct.unpack('<d', redis.call('HGET', values, oldest[2]))
  redis.call('HSET', key, 'oldest', oldest[2], 'from', text(opened))
end

takePairs(archive)
local reset = take() == '1'
if reset then
  redis.call('HDEL', R .. 'evidence', service)
  redis.call('DEL', cohorts, units, tallies)
  removeShared(service, '+inf')
  redis.call('DEL', R .. 'unit-claims:' .. service)
end
local evicted = 0
if asked > 0 then
  for _ = 1, math.max(slice, 2 * asked) do
    local size = redis.call('HMGET', R .. 'archive-size', 'cohorts', 'bytes')
    if tonumber(size[1] or 0) <= maxCohorts and tonumber(size[2] or 0) <= maxBytes then break end
    evictOne()
    evicted = evicted + 1
  end
end

local rolledBack, rolledBackAt, evidence = take(), take(), take()
if rolledBackAt ~= '' then redis.call('HSET', R .. 'rollbacks:' .. service, rolledBack, rolledBackAt) end
if evidence ~= '' then redis.call('HSET', R .. 'evidence', service, evidence) end
takePairs(function(number, value)
  redis.call('HSET', cohorts, number, value)
  -- What the cohort holds is newer.
  redis.call('HDEL', tallies, number)
end)
takePairs(function(number)
  redis.call('HDEL', cohorts, number)
  redis.call('HDEL', tallies, number)
end)
takePairs(function(number, value) redis.call('HSET', units, number, value) end)
local log, decision, id = take(), take(), 0
if decision ~= '' then id = redis.call('RPUSH', R .. 'decisions:' .. log, decision) end
return { 'ok', id, evicted }
`)
