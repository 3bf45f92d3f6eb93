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
   * The attempt of each service that this store has archived of last, with the number of the change that did: it saves
   * reading it. Whoever else may have changed it, as eviction does, had another lease.
   */
  const written = new Map<string, Written>()
  let token: number | null = null

  const attemptOf = (service: string, rollout: string, changesSoFar: number): Known | undefined => {
    const last = written.get(service)
    const isLast = last?.change === changesSoFar && last.attempt.rollout === rollout
    return isLast ? last : readAttempt([service, rollout])
  }

  /** An attempt as its record has it, and with the cohorts that were archived since that was written. */
  const readAttempt = (key: AttemptKey): Known | undefined => {
    const stored = attempts.get(key)
    if (stored === undefined) return undefined
    let attempt = stored
    // Those of later attempts come behind them.
    for (const { value } of archive.getRange(cohortsAfter(key[0], stored.last))) {
      const cohort = decodeRecord<Cohort>(value)
      if (cohort.rollout !== key[1]) break
      attempt = withCohort(attempt, cohort, value.length)
    }
    return { attempt, noted: stored.cohorts + stored.evicted }
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
    let last: Known | undefined
    for (const { cohort, bytes } of encoded) {
      const isOfLast = last?.attempt.rollout === cohort.rollout
      const known = isOfLast ? last : attemptOf(service, cohort.rollout, changesSoFar)
      // Numbers of cohorts count up; an older one may have been archived without an answer.
      const isNew = known !== undefined && cohort.number > known.attempt.last
      if (!isNew && archive.doesExist([service, cohort.number])) continue
      void archive.put([service, cohort.number], bytes)
      // What an earlier attempt left was judged by another plan.
      const plan = given?.rollout === cohort.rollout ? given.plan : null
      last = note(service, cohort, known, plan, bytes.length)
      total.cohorts += 1
      total.bytes += last.attempt.bytes - (known?.attempt.bytes ?? 0)
      written.set(service, { ...last, change: changesSoFar + 1 })
    }
    const evicted = evict(total, Math.max(ARCHIVE_EVICTION_SLICE, 2 * encoded.length))
    env.cells.put('archive', total)
    return evicted
  }

  /** The attempt with one more cohort; its record is written where reading it would not find all of that. */
  const note = (
    service: string,
    cohort: Cohort,
    known: Known | undefined,
    plan: RolloutPlan | null,
    size: number,
  ): Known => {
    const key = [service, cohort.rollout]
    const before = known?.attempt ?? emptyAttempt(cohort)
    const isNewPlan = plan !== null && before.configHash !== plan.configHash
    const withPlan = isNewPlan
      ? { ...before, configHash: plan.configHash, bytes: before.bytes + putPlan(key, plan) }
      : before
    const attempt = withCohort(withPlan, cohort, size)
    const count = attempt.cohorts + attempt.evicted
    const isFollowed = known !== undefined && cohort.number > before.last && !isNewPlan
    if (isFollowed && count - known.noted < MOST_UNNOTED) return { attempt, noted: known.noted }
    void attempts.put(key, attempt)
    return { attempt, noted: count }
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
    const { attempt } = readAttempt(key)!
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
          Array.from(attempts.getKeys(attemptsOf(service)), (key) =>
            present(readAttempt(key as AttemptKey)!.attempt),
          ).sort((a, b) => a.first - b.first),
        ),
      archivedPlan: (service, rollout) =>
        env.read(`cannot read the archive of ${service}`, () => {
          const found = plans.get([service, rollout])
          return found === undefined ? null : decodeRecord<RolloutPlan>(found)
        }),
      archivedCohorts: (service, rollout, { after, limit }) =>
        env.read(`cannot read the archive of ${service}`, () => {
          const room = Math.min(limit, MAX_PAGE)
          const attempt = readAttempt([service, rollout])?.attempt
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

/** Cohorts that the record of an attempt does not count yet, at most: they are found behind its last one. */
const MOST_UNNOTED = 16

type Known = {
  readonly attempt: StoredAttempt
  /** Cohorts that its record counts, evicted ones among them. */
  readonly noted: number
}

type Written = Known & { readonly change: number }

type Encoded = { readonly cohort: Cohort; readonly bytes: Buffer }

function encode(cohort: Cohort): Encoded {
  return { cohort, bytes: encodeRecord(cohort) }
}

function emptyAttempt({ rollout, number, openedAt }: Cohort): StoredAttempt {
  const place = { first: number, oldest: number, last: number, from: openedAt, to: openedAt }
  return { rollout, ...place, cohorts: 0, evicted: 0, bytes: 0, configHash: '' }
}

function withCohort(attempt: StoredAttempt, cohort: Cohort, size: number): StoredAttempt {
  const { number, openedAt, closedAt } = cohort
  return {
    ...attempt,
    oldest: Math.min(attempt.oldest, number),
    last: Math.max(attempt.last, number),
    cohorts: attempt.cohorts + 1,
    to: closedAt ?? openedAt,
    bytes: attempt.bytes + size,
  }
}

function cohortsAfter(service: string, number: number): { start: Key; end: Key } {
  return { start: [service, number + 1], end: [service, Number.MAX_VALUE] }
}

function attemptsOf(service: string): { start: [string]; end: [string, string] } {
  return { start: [service], end: [service, '\u{10FFFF}'] }
}

function present(attempt: StoredAttempt): ArchivedAttempt {
  const { rollout, first, cohorts, from, to, evicted } = attempt
  return { rollout, first, cohorts, from, to, evicted }
}
