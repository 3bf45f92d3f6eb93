import type { Cohort } from '../domain/cohort.ts'
import type { Decision, DecisionDraft } from '../domain/decision.ts'
import type { Evidence } from '../domain/evidence.ts'
import { wrapCohort } from './cohort-envelope.ts'
import { decodeState } from './decode-state.ts'
import { MAX_PAGE } from './limits.ts'
import type { ArchiveLimits } from './limits.ts'
import { assertMovesOn } from './moves-on.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { archiveArguments, joinTallies, readWaiting } from './redis-archive.ts'
import { COMMIT } from './redis-commit-script.ts'
import { readAtOnce } from './redis-connection.ts'
import type { RedisArgument, RedisConnection } from './redis-connection.ts'
import { StoreError, toStoreError } from './store-error.ts'
import type { RolloutChange, Store } from './store.ts'
import { decodeUnits, encodeUnits } from './unit-codec.ts'

/** The rollout part of the store: state, decisions, evidence, cohorts and units of each service. */
export function buildRedisRollouts(
  redis: RedisConnection,
  limits: ArchiveLimits,
  onEvicted: (cohorts: number) => void,
): Pick<
  Store,
  'readRevision' | 'readRollout' | 'commit' | 'decisions' | 'decision' | 'rolledBackAt'
> {
  const { root } = redis
  return {
    readRevision: async (service) => {
      const found = await redis.ask(`cannot read the rollout of ${service}`, (client) =>
        client.hget(`${root}revisions`, service),
      )
      return found === null ? null : Number(found)
    },
    readRollout: async (service) => {
      const [state, revision, evidence, cohorts, numbers, tallies, units] = await readAtOnce<
        [Buffer | null, string | null, Buffer | null, Buffer[], string[], Buffer[], Buffer[]]
      >(redis, `cannot read the rollout of ${service}`, [
        ['hgetBuffer', `${root}states`, service],
        ['hget', `${root}revisions`, service],
        ['hgetBuffer', `${root}evidence`, service],
        ['hvalsBuffer', `${root}cohorts:${service}`],
        ['hkeys', `${root}tallies:${service}`],
        ['hvalsBuffer', `${root}tallies:${service}`],
        ['hvalsBuffer', `${root}units:${service}`],
      ])
      if (state === null) return null
      const readAs = <T>(record: string, decode: () => T) => {
        try {
          return decode()
        } catch (error) {
          throw damaged(root, service, record, error)
        }
      }
      return {
        state: readAs('states', () => decodeState(state, revision)),
        evidence: readAs('evidence', () => evidence && decodeRecord<Evidence>(evidence)),
        cohorts: readAs(`cohorts:${service}`, () => joinTallies(cohorts, numbers, tallies)),
        units: readAs(`units:${service}`, () =>
          units.map(decodeUnits).sort((a, b) => a.cohort - b.cohort),
        ),
      }
    },
    commit: async (change) => {
      const { service } = change
      const what = `cannot save the rollout of ${service}`
      try {
        assertMovesOn(change)
        // Its tallies are joined here; the archive may miss a label that comes in this moment.
        const left = change.resetEvidence === true ? await readWaiting(redis, service) : []
        const args = commitArguments(change, left, limits)
        const [outcome, id, evicted] = (await redis.run(what, COMMIT, args)) as CommitAnswer
        const word = String(outcome)
        if (word !== 'ok') return { ok: false, reason: word as 'fenced' | 'conflict' }
        if (evicted > 0) onEvicted(evicted)
        const { decision } = change
        return { ok: true, decision: decision === undefined ? null : { ...decision, id } }
      } catch (error) {
        throw toStoreError(what, error)
      }
    },
    decisions: async (service, page) => {
      const limit = Math.min(page.limit, MAX_PAGE)
      if (limit < 1) return []
      const key = `${root}decisions:${service}`
      const [count, newest] = await readAtOnce<[number, Buffer[]]>(
        redis,
        `cannot read the decisions of ${service}`,
        [
          ['llen', key],
          ['lrangeBuffer', key, -limit, -1],
        ],
      )
      return newest
        .map((bytes, index) => toDecision(bytes, count - newest.length + index + 1))
        .filter(({ id }) => id > page.after)
        .toReversed()
    },
    decision: async (service, id) => {
      const found = await redis.ask(`cannot read a decision of ${service}`, (client) =>
        client.lindexBuffer(`${root}decisions:${service}`, id - 1),
      )
      return found === null ? null : toDecision(found, id)
    },
    rolledBackAt: async (service, canaryVersion) => {
      const found = await redis.ask(`cannot read the rollbacks of ${service}`, (client) =>
        client.hget(`${root}rollbacks:${service}`, canaryVersion),
      )
      return found === null ? null : Number(found)
    },
  }
}

/** Without a state there is no rollout: the rest of what is damaged goes when the next one begins. */
function damaged(root: string, service: string, record: string, cause: unknown): StoreError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StoreError(
    `cannot read the rollout of ${service}: what ${root}${record} holds of it is damaged (${why}): restore Redis from a ` +
      `backup, or have the rollout begin afresh (HDEL ${root}states ${service}; HDEL ${root}revisions ${service})`,
    { cause },
  )
}

/** See `COMMIT`. */
type CommitAnswer = [outcome: Buffer, id: number, evicted: number]

/** See `COMMIT`. */
function commitArguments(
  change: RolloutChange,
  left: readonly Cohort[],
  limits: ArchiveLimits,
): readonly RedisArgument[] {
  const { service, lease, expectedRevision, state, evidence, decision } = change
  const puts = change.putCohorts ?? []
  const drops = change.dropCohorts ?? []
  const units = change.putUnits ?? []
  return [
    ...[service, lease.holder, lease.token, expectedRevision ?? ''],
    ...(state === undefined ? ['', ''] : [state.revision, encodeRecord(state)]),
    ...archiveArguments(change, left, limits),
    change.resetEvidence === true ? 1 : 0,
    ...(state?.phase === 'rolled-back' ? [state.canaryVersion, state.rolledBackAt] : ['', '']),
    evidence === undefined ? '' : encodeRecord(evidence),
    puts.length,
    ...puts.flatMap((cohort) => [cohort.number, wrapCohort(cohort)]),
    drops.length,
    ...drops.flatMap((number) => [number, '']),
    units.length,
    ...units.flatMap((batch) => [batch.cohort, encodeUnits(batch)]),
    ...(decision === undefined ? ['', ''] : [decision.service, encodeRecord(decision)]),
  ]
}

/** The id is its place in the list, counted from 1. */
function toDecision(bytes: Buffer, id: number): Decision {
  return { ...decodeRecord<DecisionDraft>(bytes), id }
}
