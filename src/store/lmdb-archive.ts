import type { Key } from 'lmdb'
import type { Cohort } from '../domain/cohort.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { LmdbEnvironment, StoredAttempt } from './lmdb-environment.ts'
import { ARCHIVE_EVICTION_SLICE, MAX_PAGE } from './limits.ts'
import type { ArchiveLimits } from './limits.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import type { ArchivedAttempt, RolloutChange, Store } from './store.ts'

/** The archive of a store. */
export type LmdbArchive = {
  readonly reading: Pick<Store, 'attempts' | 'archivedPlan' | 'archivedCohorts'>
  /** Encodes what a change adds. */
  readonly prepare: (change: RolloutChange) => {
    /** Runs first in the change's transaction. */
    readonly write: () => void
    /** The transaction is committed: reports what it evicted. */
    readonly committed: () => void
  }
}

/** What the archive takes now. */
type Size = { cohorts: number; bytes: number }

const NOTHING: Size = { cohorts: 0, bytes: 0 }

/**
 * The archive of cohorts that every hypothesis has folded. Each commit adds its few; when the limits are
 * passed, the cohorts that are the oldest of all services go, those of the oldest attempt first (numbers of
 * cohorts follow the time), a few at each commit.
 */
export function buildLmdbArchive(
  env: LmdbEnvironment,
  limits: ArchiveLimits,
  onEvicted: (cohorts: number) => void,
): LmdbArchive {
  const { archive, attempts, plans, cohorts, meta } = env.tables
  /** Stays the oldest until it is gone: later attempts have later numbers. */
  let oldestKey: AttemptKey | null = null

  /** How many cohorts were evicted for what was added. */
  const add = (
    service: string,
    given: RolloutChange['archive'],
    encoded: readonly Encoded[],
  ): number => {
    const total: Size = { ...((meta.get('archive') as Size | undefined) ?? NOTHING) }
    for (const { cohort, bytes } of encoded) {
      if (archive.doesExist([service, cohort.number])) continue
      void archive.put([service, cohort.number], bytes)
      // What an earlier attempt left was judged by another plan.
      const plan = given?.rollout === cohort.rollout ? given.plan : null
      total.cohorts += 1
      total.bytes += note(service, cohort, plan, bytes.length)
    }
    const evicted = evict(total, Math.max(ARCHIVE_EVICTION_SLICE, 2 * encoded.length))
    void meta.put('archive', total)
    return evicted
  }

  /** How many bytes the attempt takes more. */
  const note = (
    service: string,
    cohort: Cohort,
    plan: RolloutPlan | null,
    size: number,
  ): number => {
    const { rollout, number, openedAt } = cohort
    const key = [service, rollout]
    const before = attempts.get(key)
    const isNewPlan = plan !== null && before?.configHash !== plan.configHash
    const bytes = size + (isNewPlan ? putPlan(key, plan) : 0)
    void attempts.put(key, {
      rollout,
      first: before?.first ?? number,
      oldest: Math.min(before?.oldest ?? number, number),
      last: Math.max(before?.last ?? number, number),
      cohorts: (before?.cohorts ?? 0) + 1,
      from: before?.from ?? openedAt,
      to: cohort.closedAt ?? openedAt,
      evicted: before?.evicted ?? 0,
      bytes: (before?.bytes ?? 0) + bytes,
      configHash: plan?.configHash ?? before?.configHash ?? '',
    })
    return bytes
  }

  const putPlan = (key: Key, plan: RolloutPlan): number => {
    const bytes = encodeRecord(plan)
    const before = plans.get(key)?.length ?? 0
    void plans.put(key, bytes)
    return bytes.length - before
  }

  const evict = (total: Size, atMost: number): number => {
    for (let evicted = 0; evicted < atMost; evicted += 1) {
      if (total.cohorts <= limits.maxCohorts && total.bytes <= limits.maxBytes) return evicted
      oldestKey = oldestKey !== null && attempts.doesExist(oldestKey) ? oldestKey : findOldest()
      evictOne(oldestKey, total)
    }
    return atMost
  }

  const findOldest = (): AttemptKey => {
    const all = Array.from(attempts.getRange({}), ({ key, value }) => ({
      key: key as AttemptKey,
      first: value.first,
    }))
    return all.reduce((oldest, each) => (each.first < oldest.first ? each : oldest)).key
  }

  const evictOne = (key: AttemptKey, total: Size) => {
    const attempt = attempts.get(key)!
    const range = { start: [key[0], attempt.oldest], limit: 2 }
    const [gone, next] = [...archive.getRange(range)]
    void archive.remove(gone!.key)
    total.cohorts -= 1
    // The last one takes the plan with it.
    total.bytes -= attempt.cohorts === 1 ? attempt.bytes : gone!.value.length
    if (attempt.cohorts === 1) {
      void attempts.remove(key)
      void plans.remove(key)
      return
    }
    void attempts.put(key, {
      ...attempt,
      cohorts: attempt.cohorts - 1,
      bytes: attempt.bytes - gone!.value.length,
      evicted: attempt.evicted + 1,
      oldest: (next!.key as [string, number])[1],
      from: decodeRecord<Cohort>(next!.value).openedAt,
    })
  }

  return {
    prepare: (change) => {
      const { service } = change
      const encoded = (change.archive?.cohorts ?? []).map(encode)
      let evicted = 0
      return {
        write: () => {
          const left = change.resetEvidence === true ? waiting(service) : []
          if (encoded.length + left.length > 0)
            evicted = add(service, change.archive, [...encoded, ...left.map(encode)])
        },
        committed: () => {
          if (evicted > 0) onEvicted(evicted)
        },
      }
    },
    reading: {
      attempts: (service) =>
        env.read(`cannot read the archive of ${service}`, () =>
          Array.from(attempts.getRange(attemptsOf(service)), ({ value }) => present(value)).sort(
            (a, b) => a.first - b.first,
          ),
        ),
      archivedPlan: (service, rollout) =>
        env.read(`cannot read the archive of ${service}`, () => {
          const found = plans.get([service, rollout])
          return found === undefined ? null : decodeRecord<RolloutPlan>(found)
        }),
      archivedCohorts: (service, rollout, { after, limit }) =>
        env.read(`cannot read the archive of ${service}`, () => {
          const room = Math.min(limit, MAX_PAGE)
          const attempt = attempts.get([service, rollout])
          const found: Cohort[] = []
          if (attempt !== undefined) {
            const start = [service, Math.max(after + 1, attempt.oldest)]
            const range = { start, end: [service, attempt.last + 1], limit: room }
            for (const { value } of archive.getRange(range)) found.push(decodeRecord(value))
          }
          const rest = waiting(service).filter((c) => c.rollout === rollout && c.number > after)
          return [...found, ...rest].slice(0, Math.max(0, room))
        }),
    },
  }

  // A replay begins with the first weight: mirrored cohorts are not archived.
  function waiting(service: string): readonly Cohort[] {
    const range = { start: [service], end: [service, Number.MAX_VALUE] }
    const all = Array.from(cohorts.getRange(range), ({ value }) => decodeRecord<Cohort>(value))
    return all.filter(({ mirrored }) => mirrored !== true)
  }
}

/** Of an attempt: its service and its rollout's id. */
type AttemptKey = [service: string, rollout: string]

type Encoded = { readonly cohort: Cohort; readonly bytes: Buffer }

function encode(cohort: Cohort): Encoded {
  return { cohort, bytes: encodeRecord(cohort) }
}

function attemptsOf(service: string): { start: [string]; end: [string, string] } {
  return { start: [service], end: [service, '\u{10FFFF}'] }
}

function present(attempt: StoredAttempt): ArchivedAttempt {
  const { rollout, first, cohorts, from, to, evicted } = attempt
  return { rollout, first, cohorts, from, to, evicted }
}
