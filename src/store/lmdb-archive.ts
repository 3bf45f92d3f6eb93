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
  /** A change was taken back: what this store knows of the archive may be of it. */
  readonly forget: () => void
  readonly reading: Pick<Store, 'attempts' | 'archivedPlan' | 'archivedCohorts'>
  /** Encodes what a change adds. */
  readonly prepare: (change: RolloutChange) => {
    /** Runs first in the change's transaction; given how many changes of the service there were before. */
    readonly write: (changesSoFar: number) => void
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
  const { archive, attempts, plans, cohorts } = env.tables
  /**
   * The attempt of each service that this store has written last, with the number of the change that did: it saves
   * reading it. Whoever else may have changed it, as eviction does, had another lease.
   */
  const written = new Map<string, { readonly change: number; readonly attempt: StoredAttempt }>()
  let token: number | null = null

  const attemptOf = (service: string, rollout: string, changesSoFar: number) => {
    const last = written.get(service)
    const isLast = last?.change === changesSoFar && last.attempt.rollout === rollout
    return isLast ? last.attempt : attempts.get([service, rollout])
  }
  /** Stays the oldest until it is gone: later attempts have later numbers. */
  let oldestKey: AttemptKey | null = null

  /** How many cohorts were evicted for what was added. */
  const add = (
    { service, lease, archive: given }: RolloutChange,
    encoded: readonly Encoded[],
    changesSoFar: number,
  ): number => {
    if (lease.token !== token) written.clear()
    token = lease.token
    const total: Size = { ...((env.cells.get('archive') as Size | undefined) ?? NOTHING) }
    for (const { cohort, bytes } of encoded) {
      const attempt = attemptOf(service, cohort.rollout, changesSoFar)
      // Numbers of cohorts count up; an older one may have been archived without an answer.
      const isNew = attempt !== undefined && cohort.number > attempt.last
      if (!isNew && archive.doesExist([service, cohort.number])) continue
      void archive.put([service, cohort.number], bytes)
      // What an earlier attempt left was judged by another plan.
      const plan = given?.rollout === cohort.rollout ? given.plan : null
      total.cohorts += 1
      const noted = note(service, cohort, attempt, plan, bytes.length)
      total.bytes += noted.bytes - (attempt?.bytes ?? 0)
      written.set(service, { change: changesSoFar + 1, attempt: noted })
    }
    const evicted = evict(total, Math.max(ARCHIVE_EVICTION_SLICE, 2 * encoded.length))
    env.cells.put('archive', total)
    return evicted
  }

  /** The attempt with one more cohort. */
  const note = (
    service: string,
    cohort: Cohort,
    before: StoredAttempt | undefined,
    plan: RolloutPlan | null,
    size: number,
  ): StoredAttempt => {
    const { rollout, number, openedAt } = cohort
    const key = [service, rollout]
    const isNewPlan = plan !== null && before?.configHash !== plan.configHash
    const bytes = size + (isNewPlan ? putPlan(key, plan) : 0)
    const attempt = {
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
    }
    void attempts.put(key, attempt)
    return attempt
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
    written.delete(key[0])
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
        write: (changesSoFar) => {
          const left = change.resetEvidence === true ? waiting(service) : []
          if (encoded.length + left.length > 0)
            evicted = add(change, [...encoded, ...left.map(encode)], changesSoFar)
        },
        committed: () => {
          if (evicted > 0) onEvicted(evicted)
        },
      }
    },
    forget: () => written.clear(),
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
