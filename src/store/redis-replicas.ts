import type { CohortOpening, Publication, ReplicaReport } from '../domain/replica.ts'
import { MAX_UNITS } from './limits.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { redisScript, type RedisConnection } from './redis-connection.ts'
import { joinShare, type SharePart } from './share-parts.ts'
import type { ReplicaStore } from './store.ts'

/**
 * Lua: `removeShared(service, through)`. What replicas share of a cohort is a hash of its own: `o` = what it was
 * opened with, `s NAME` and `t NAME` = the share of a replica and tallies that are newer.
 */
export const REMOVE_SHARED = `
local function removeShared(service, through)
  local numbers = R .. 'shared:' .. service
  for _, number in ipairs(redis.call('ZRANGEBYSCORE', numbers, '-inf', through)) do
    redis.call('DEL', R .. 'share:' .. service .. ' ' .. number)
  end
  redis.call('ZREMRANGEBYSCORE', numbers, '-inf', through)
end
`

// Takes holder and token of the lease, how many follow, and of each: service · publication · through · openings
// (a count, then pairs).
const PUBLISH = redisScript(`${REMOVE_SHARED}
local holder, token = take(), take()
local lease = redis.call('HMGET', R .. 'lease', 'holder', 'token')
if lease[1] ~= holder or lease[2] ~= token then return false end
local version = 0
for _ = 1, tonumber(take()) do
  local service, publication, through = take(), take(), take()
  version = redis.call('INCR', R .. 'published')
  redis.call('HSET', R .. 'publications', service, publication)
  redis.call('ZADD', R .. 'publication-order', version, service)
  takePairs(function(number, opening)
    redis.call('ZADD', R .. 'shared:' .. service, number, number)
    redis.call('HSET', R .. 'share:' .. service .. ' ' .. number, 'o', opening)
  end)
  removeShared(service, through)
end
return version
`)

const READ_PUBLICATIONS = redisScript(`
local version = redis.call('GET', R .. 'published') or '0'
local after = take()
if version == after then return { version } end
local answer = { version }
for _, service in ipairs(redis.call('ZRANGEBYSCORE', R .. 'publication-order', '(' .. after, '+inf')) do
  table.insert(answer, redis.call('HGET', R .. 'publications', service))
end
return answer
`)

const READ_OPENINGS = redisScript(`
local service, answer = take(), {}
for _, number in ipairs(redis.call('ZRANGE', R .. 'shared:' .. service, 0, -1)) do
  table.insert(answer, redis.call('HGET', R .. 'share:' .. service .. ' ' .. number, 'o'))
end
return answer
`)

// Takes the replica, its report, how many shares follow, and of each: service · cohort · replica · share.
const REPORT = redisScript(`
redis.call('HSET', R .. 'replicas', take(), take())
for _ = 1, tonumber(take()) do
  local service, number, replica, share = take(), take(), take(), take()
  local key = R .. 'share:' .. service .. ' ' .. number
  if redis.call('EXISTS', key) == 1 then
    redis.call('HSET', key, 's ' .. replica, share)
    -- What feedback had changed by then is in it.
    redis.call('HDEL', key, 't ' .. replica)
  end
end
`)

// Takes how many keys there may be, how many services follow, and of each: service · how many keys · keys.
// Answers for each key in turn 1 where it is new.
const CLAIM = redisScript(`
local most, answer = tonumber(take()), {}
for _ = 1, tonumber(take()) do
  local claimed, units = R .. 'unit-claims:' .. take(), tonumber(take())
  local count = redis.call('SCARD', claimed)
  for _ = 1, units do
    local unit, new = take(), 0
    if count < most then new = redis.call('SADD', claimed, unit) end
    count = count + new
    table.insert(answer, new)
  end
end
return answer
`)

// Takes a service and numbers of cohorts; answers the fields and values of each.
const READ_SHARES = redisScript(`
local service, answer = take(), {}
for i = 3, #ARGV do
  answer[i - 2] = redis.call('HGETALL', R .. 'share:' .. service .. ' ' .. ARGV[i])
end
return answer
`)

/** The part of the store that replicas share cohorts through. */
export function buildRedisReplicas(redis: RedisConnection): ReplicaStore {
  const { root } = redis
  return {
    publish: async ({ holder, token }, publications) => {
      const args = publications.flatMap((publication) => {
        const { service, cohort, earlier, through } = publication
        const openings = cohort === null ? earlier : [...earlier, cohort]
        return [
          ...[service, encodeRecord(publication), through, openings.length],
          ...openings.flatMap((opening) => [opening.number, encodeRecord(opening)]),
        ]
      })
      const head = [holder, token, publications.length]
      return (await redis.run('cannot publish cohorts', PUBLISH, [...head, ...args])) as
        | number
        | null
    },
    readPublications: async (after) => {
      const what = 'cannot read what was published'
      const [version, ...found] = (await redis.run(what, READ_PUBLICATIONS, [after])) as Buffer[]
      const publications = found.map((bytes) => decodeRecord<Publication>(bytes))
      return { version: Number(String(version)), publications }
    },
    readOpenings: async (service) => {
      const what = `cannot read the cohorts of ${service}`
      const found = (await redis.run(what, READ_OPENINGS, [service])) as Buffer[]
      return found.map((bytes) => decodeRecord<CohortOpening>(bytes))
    },
    report: async (report, shares) => {
      const args = shares.flatMap((share) => [
        ...[share.service, share.cohort, share.replica],
        encodeRecord(share),
      ])
      const head = [report.replica, encodeRecord(report), shares.length]
      await redis.run('cannot store the shares of cohorts', REPORT, [...head, ...args])
    },
    readReports: async () => {
      const what = 'cannot read of the other replicas'
      const found = await redis.ask(what, (client) => client.hvalsBuffer(`${root}replicas`))
      return found.map((bytes) => decodeRecord<ReplicaReport>(bytes))
    },
    forgetReplica: async (replica) => {
      await redis.ask('cannot forget a replica', (client) =>
        client.hdel(`${root}replicas`, replica),
      )
    },
    claimUnits: async (claims) => {
      const args = claims.flatMap(({ service, units }) => [service, units.length, ...units])
      const head = [MAX_UNITS, claims.length]
      const won = (await redis.run('cannot claim keys', CLAIM, [...head, ...args])) as number[]
      let at = 0
      return claims.map(({ units }) => units.map(() => won[at++] === 1))
    },
    readShares: async (service, cohorts) => {
      const what = `cannot read the shares of ${service}`
      const found = (await redis.run(what, READ_SHARES, [service, ...cohorts])) as Buffer[][]
      return found.flatMap((fields, index) =>
        partsOf(service, cohorts[index]!, fields).map(joinShare),
      )
    },
  }
}

/** By replica, in their order. */
function partsOf(service: string, cohort: number, fields: readonly Buffer[]): SharePart[] {
  const parts = new Map<string, SharePart>()
  for (let at = 0; at < fields.length; at += 2) {
    const [kind, replica] = String(fields[at]).split(/ (.*)/s) as [string, string]
    if (kind === 'o') continue
    const before = parts.get(replica) ?? { service, cohort, replica, share: null, tallies: null }
    const bytes = fields[at + 1]!
    parts.set(replica, kind === 's' ? { ...before, share: bytes } : { ...before, tallies: bytes })
  }
  return [...parts.values()].sort((a, b) => (a.replica < b.replica ? -1 : 1))
}
