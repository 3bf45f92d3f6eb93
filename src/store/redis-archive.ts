import { isReplayed, type Cohort } from '../domain/cohort.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { unwrapCohort, wrapCohort } from './cohort-envelope.ts'
import { ARCHIVE_EVICTION_SLICE, MAX_PAGE } from './limits.ts'
import type { ArchiveLimits } from './limits.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { readAtOnce, redisScript } from './redis-connection.ts'
import type { RedisArgument, RedisConnection } from './redis-connection.ts'
import type { RolloutChange, Store } from './store.ts'
import { withTallies } from './tally-codec.ts'

const FIELDS = ['first', 'cohorts', 'from', 'to', 'evicted'] as const

const ATTEMPTS = redisScript(`
local service, answer = take(), {}
for _, rollout in ipairs(redis.call('ZRANGE', R .. 'attempts:' .. service, 0, -1)) do
  local found = redis.call('HMGET', R .. 'attempt:' .. service .. ' ' .. rollout, '${FIELDS.join("', '")}')
  table.insert(answer, { rollout, unpack(found) })
end
return answer
`)

const COHORTS = redisScript(`
local service, rollout, after, limit = take(), take(), tonumber(take()), tonumber(take())
local attempt = redis.call('HMGET', R .. 'attempt:' .. service .. ' ' .. rollout, 'oldest', 'last')
local archived = {}
if attempt[1] and limit > 0 then
  local from = math.max(after + 1, tonumber(attempt[1]))
  local numbers = redis.call('ZRANGEBYSCORE', R .. 'archive-order:' .. service, text(from), attempt[2], 'LIMIT', 0, limit)
  if #numbers > 0 then archived = redis.call('HMGET', R .. 'archive:' .. service, unpack(numbers)) end
end
return archived
`)

/** The reading part of the archive of cohorts; the script of a commit writes it. */
export function buildRedisArchive(
  redis: RedisConnection,
): Pick<Store, 'attempts' | 'archivedPlan' | 'archivedCohorts'> {
  const whatOf = (service: string) => `cannot read the archive of ${service}`
  return {
    attempts: async (service) => {
      const found = (await redis.run(whatOf(service), ATTEMPTS, [service])) as Buffer[][]
      return found.map(([rollout, ...figures]) => {
        const [first, cohorts, from, to, evicted] = figures.map(Number) as FiveNumbers
        return { rollout: String(rollout), first, cohorts, from, to, evicted }
      })
    },
    archivedPlan: async (service, rollout) => {
      const key = `${redis.root}attempt:${service} ${rollout}`
      const found = await redis.ask(whatOf(service), (client) => client.hgetBuffer(key, 'plan'))
      return found === null ? null : decodeRecord<RolloutPlan>(found)
    },
    archivedCohorts: async (service, rollout, { after, limit }) => {
      const room = Math.max(0, Math.min(limit, MAX_PAGE))
      const args = [service, rollout, after, room]
      // First those that wait: one that is archived between the two is found twice, never not at all.
      const waiting = await readWaiting(redis, service)
      const answer = (await redis.run(whatOf(service), COHORTS, args)) as Buffer[]
      const archived = answer.map(unwrapCohort)
      const last = archived.at(-1)?.number ?? after
      const rest = waiting.filter((c) => c.rollout === rollout && c.number > last)
      return [...archived, ...rest].slice(0, room)
    },
  }
}

type FiveNumbers = [number, number, number, number, number]

/**
 * The cohorts for the archive that wait for labels, in order, with the tallies that feedback has changed since.
 */
export async function readWaiting(
  redis: RedisConnection,
  service: string,
): Promise<readonly Cohort[]> {
  const [cohorts, numbers, tallies] = await readAtOnce<[Buffer[], string[], Buffer[]]>(
    redis,
    `cannot read the cohorts of ${service}`,
    [
      ['hvalsBuffer', `${redis.root}cohorts:${service}`],
      ['hkeys', `${redis.root}tallies:${service}`],
      ['hvalsBuffer', `${redis.root}tallies:${service}`],
    ],
  )
  return joinTallies(cohorts, numbers, tallies).filter(isReplayed)
}

/** Cohorts as they are stored, and their newer tallies, by the numbers of those: in order. */
export function joinTallies(
  cohorts: readonly Buffer[],
  numbers: readonly string[],
  tallies: readonly Buffer[],
): readonly Cohort[] {
  const newer = new Map(numbers.map((number, index) => [Number(number), tallies[index]!]))
  return cohorts
    .map(unwrapCohort)
    .map((cohort) => withTallies(cohort, newer.get(cohort.number)))
    .sort((a, b) => a.number - b.number)
}

/** What the script of a commit needs of a change for the archive; `left` are cohorts of the attempt before. */
export function archiveArguments(
  { archive }: RolloutChange,
  left: readonly Cohort[],
  limits: ArchiveLimits,
): readonly RedisArgument[] {
  const cohorts = [...(archive?.cohorts ?? []), ...left]
  return [
    archive?.rollout ?? '',
    archive?.plan.configHash ?? '',
    archive === undefined ? '' : encodeRecord(archive.plan),
    limits.maxCohorts,
    limits.maxBytes,
    ARCHIVE_EVICTION_SLICE,
    cohorts.length,
    ...cohorts.flatMap((cohort) => [cohort.number, wrapCohort(cohort)]),
  ]
}
