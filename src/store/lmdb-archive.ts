import { isReplayed, type Cohort } from '../domain/cohort.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { LmdbEnvironment } from './lmdb-environment.ts'
import { ARCHIVE_EVICTION_SLICE, MAX_PAGE } from './limits.ts'
import type { ArchiveLimits } from './limits.ts'
import type { AttemptKey, LmdbAttempts } from './lmdb-attempts.ts'
import type { LmdbBundles } from './lmdb-bundles.ts'
import type { LmdbLanes } from './lmdb-lanes.ts'
import type { StoredAttempt } from './lmdb-tables.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import type { ArchivedAttempt, RolloutChange, Store } from './store.ts'

/** The archive of a store. */
export type LmdbArchive = {
  /** A change was taken back: what this store knows of the archive may be of it. */
  readonly forget: () => void
  /** Somebody else may have changed the attempts: they are read again. */
  readonly reread: () => void
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
  places: {
    readonly lanes: LmdbLanes
    readonly bundles: LmdbBundles
    readonly attempts: LmdbAttempts
  },
  limits: ArchiveLimits,
  onEvicted: (cohorts: number) => void,
): LmdbArchive {
  const { plans, cohorts } = env.tables
  const { lanes, bundles, attempts } = places
  /** Stays the oldest until it is gone: later attempts have later numbers. */
  let oldestKey: AttemptKey | null = null
  /** Cohorts that this transaction adds. */
  let added = 0
  /** Those that went, and were not reported yet. */
  let evicted = 0

  const sizeNow = (): Size => ({ ...((env.cells.get('archive') as Size | undefined) ?? NOTHING) })

  const add = ({ service, archive: given }: RolloutChange, encoded: readonly Encoded[]) => {
    const total = sizeNow()
    const place = lanes.placeOf(service)
    for (const { cohort, bytes } of encoded) {
      const attempt = attempts.get([service, cohort.rollout])
      // Numbers of cohorts count up; an older one may have been archived without an answer.
      const isNew = attempt !== undefined && cohort.number > attempt.last
      if (!isNew && bundles.has(place, cohort.number)) continue
      bundles.put(place, cohort.number, bytes)
      // What an earlier attempt left was judged by another plan.
      const plan = given?.rollout === cohort.rollout ? given.plan : null
      total.cohorts += 1
      const noted = note(service, cohort, attempt, plan, bytes.length)
      total.bytes += noted.bytes - (attempt?.bytes ?? 0)
    }
    env.cells.put('archive', total)
    added += encoded.length
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
    const key: AttemptKey = [service, rollout]
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
    attempts.put(service, attempt)
    return attempt
  }

  const putPlan = (key: AttemptKey, plan: RolloutPlan): number => {
    const bytes = encodeRecord(plan)
    const before = plans.get([...key])?.length ?? 0
    void plans.put([...key], bytes)
    return bytes.length - before
  }

  const isBeyond = (total: Size) =>
    total.cohorts > limits.maxCohorts || total.bytes > limits.maxBytes

  /** Makes room for what this transaction has added, once for all of its changes. */
  const evict = () => {
    const total = sizeNow()
    const atMost = Math.max(ARCHIVE_EVICTION_SLICE, 2 * added)
    for (let gone = 0; gone < atMost && isBeyond(total); gone += 1) {
      bundles.flush()
      const isThere = oldestKey !== null && attempts.get(oldestKey) !== undefined
      oldestKey = isThere ? oldestKey! : attempts.findOldest()
      evictOne(oldestKey, total)
      env.cells.put('archive', total)
      evicted += 1
    }
  }
  env.atEnd(
    () => {
      if (added > 0) evict()
      bundles.flush()
      attempts.flush()
    },
    () => {
      added = 0
      bundles.clear()
      attempts.clear()
    },
  )

  const evictOne = (key: AttemptKey, total: Size) => {
    const attempt = attempts.get(key)!
    const place = lanes.placeOf(key[0])
    const [gone, next] = bundles.range(place, attempt.oldest, attempt.last + 1)
    bundles.remove(place, gone!.number)
    total.cohorts -= 1
    // The last one takes the plan with it.
    total.bytes -= attempt.cohorts === 1 ? attempt.bytes : gone!.bytes.length
    if (attempt.cohorts === 1) {
      attempts.remove(key)
      void plans.remove([...key])
      return
    }
    const left = {
      ...attempt,
      cohorts: attempt.cohorts - 1,
      bytes: attempt.bytes - gone!.bytes.length,
      evicted: attempt.evicted + 1,
      oldest: next!.number,
      from: decodeRecord<Cohort>(next!.bytes).openedAt,
    }
    attempts.put(key[0], left)
  }

  return {
    prepare: (change) => {
      const { service } = change
      const encoded = (change.archive?.cohorts ?? []).map(encode)
      return {
        write: () => {
          const left = change.resetEvidence === true ? waiting(service) : []
          if (encoded.length + left.length > 0) add(change, [...encoded, ...left.map(encode)])
        },
        committed: () => {
          if (evicted > 0) onEvicted(evicted)
          evicted = 0
        },
      }
    },
    reread: () => attempts.forget(),
    forget: () => {
      attempts.forget()
      lanes.forget()
      evicted = 0
    },
    reading: {
      attempts: (service) =>
        env.read(`cannot read the archive of ${service}`, () =>
          attempts.list(service).map(present),
        ),
      archivedPlan: (service, rollout) =>
        env.read(`cannot read the archive of ${service}`, () => {
          const found = plans.get([service, rollout])
          return found === undefined ? null : decodeRecord<RolloutPlan>(found)
        }),
      archivedCohorts: (service, rollout, { after, limit }) =>
        env.read(`cannot read the archive of ${service}`, () => {
          const room = Math.min(limit, MAX_PAGE)
          const attempt = attempts.list(service).find((each) => each.rollout === rollout)
          const place = lanes.find(service)
          const found: Cohort[] = []
          if (attempt !== undefined && place !== null) {
            const from = Math.max(after + 1, attempt.oldest)
            for (const { bytes } of bundles.range(place, from, attempt.last + 1)) {
              if (found.length >= room) break
              found.push(decodeRecord(bytes))
            }
          }
          const rest = waiting(service).filter((c) => c.rollout === rollout && c.number > after)
          return [...found, ...rest].slice(0, Math.max(0, room))
        }),
    },
  }

  function waiting(service: string): readonly Cohort[] {
    const range = { start: [service], end: [service, Number.MAX_VALUE] }
    const all = Array.from(cohorts.getRange(range), ({ value }) => decodeRecord<Cohort>(value))
    return all.filter(isReplayed)
  }
}

type Encoded = { readonly cohort: Cohort; readonly bytes: Buffer }

function encode(cohort: Cohort): Encoded {
  return { cohort, bytes: encodeRecord(cohort) }
}

function present(attempt: StoredAttempt): ArchivedAttempt {
  const { rollout, first, cohorts, from, to, evicted } = attempt
  return { rollout, first, cohorts, from, to, evicted }
}
