import type { Cohort } from '../domain/cohort.ts'
import type { Decision } from '../domain/decision.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { decodeState } from './decode-state.ts'
import { decodeEvidence, encodeEvidence } from './evidence-codec.ts'
import type { LmdbArchive } from './lmdb-archive.ts'
import type { LmdbChanges } from './lmdb-changes.ts'
import type { LmdbEnvironment } from './lmdb-environment.ts'
import { isLeaseHeld } from './lmdb-lease.ts'
import { removeAllShared } from './lmdb-replicas.ts'
import { MAX_PAGE } from './limits.ts'
import {
  allUnits,
  isMuch,
  joinApart,
  joinLive,
  listUnits,
  NO_UNITS,
  splitLive,
  type EncodedUnits,
} from './live-record.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { assertMovesOn } from './moves-on.ts'
import { StoreError, toStoreError } from './store-error.ts'
import type { CommitResult, RolloutChange, Store } from './store.ts'
import { withTallies } from './tally-codec.ts'
import { encodeUnits } from './unit-codec.ts'

/** The rollout part of the store: state, decisions, evidence, cohorts and units of each service. */
export function buildLmdbRollouts(
  env: LmdbEnvironment,
  changes: LmdbChanges,
  archive: LmdbArchive,
): Pick<
  Store,
  'readRevision' | 'readRollout' | 'commit' | 'decisions' | 'decision' | 'rolledBackAt'
> {
  const { states, evidence, cohorts, units, tallies, decisions, rollbacks } = env.tables
  /** What this store has written last; it saves reading it, as long as nobody else has written. */
  const written = new Map<string, Known>()

  const forget = () => {
    changes.forget()
    archive.forget()
    written.clear()
  }

  return {
    readRollout: (service) =>
      env.read(`cannot read the rollout of ${service}`, () => {
        const state = states.get(service)
        if (state === undefined) return null
        const readAs = <T>(record: string, decode: () => T) => {
          try {
            return decode()
          } catch (error) {
            throw damaged(env.path, service, record, error)
          }
        }
        const live = readAs('evidence', () => {
          const found = evidence.get(service)
          return found === undefined ? null : splitLive(found)
        })
        return {
          state: readAs('states', () => decodeState(state)),
          evidence: readAs('evidence', () => live && decodeEvidence(live.evidence)),
          cohorts: readAs('cohorts', () =>
            Array.from(cohorts.getRange(rangeOf(service)), ({ key, value }) =>
              withTallies(decodeRecord<Cohort>(value), tallies.get(key)),
            ),
          ),
          units: readAs('units', () => {
            const apart = units.getRange(rangeOf(service)).map(({ value }) => value)
            return allUnits(apart, live?.units ?? NO_UNITS)
          }),
        }
      }),

    readRevision: (service) =>
      env.read(`cannot read the rollout of ${service}`, () => storedRevision(env, service)),
    commit: async (change) => {
      const what = `cannot save the rollout of ${change.service}`
      try {
        assertMovesOn(change)
        const archiving = archive.prepare(change)
        const write = prepareChange(env, change, archiving.write)
        const { service, expectedRevision, lease, state } = change
        let hasRun = false
        const committed = await env.writeTogether<CommitResult>(what, () => {
          // It was taken back with its group, and what this store knew of it with it.
          if (hasRun) forget()
          hasRun = true
          if (!isLeaseHeld(env, lease)) return { ok: false, reason: 'fenced' }
          if (!changes.isAlone()) {
            written.clear()
            archive.reread()
          }
          const before = written.get(service) ?? readKnown(env, service)
          if (before.revision !== expectedRevision) return { ok: false, reason: 'conflict' }
          const { decision, units } = write(before.units)
          changes.record()
          written.set(service, { revision: state?.revision ?? before.revision, units })
          return { ok: true, decision }
        })
        archiving.committed()
        return committed
      } catch (error) {
        forget()
        throw toStoreError(what, error)
      }
    },

    decisions: (service, page) =>
      env.read(`cannot read the decisions of ${service}`, () => {
        const limit = Math.min(page.limit, MAX_PAGE)
        if (limit < 1) return []
        // Backwards, `end` is the lower bound and left out.
        const range = { start: endOf(service), end: [service, page.after], reverse: true, limit }
        return Array.from(decisions.getRange(range), ({ value }) => decodeRecord<Decision>(value))
      }),

    decision: (service, id) =>
      env.read(`cannot read a decision of ${service}`, () => {
        const found = decisions.get([service, id])
        return found === undefined ? null : decodeRecord<Decision>(found)
      }),

    rolledBackAt: (service, canaryVersion) =>
      env.read(
        `cannot read the rollbacks of ${service}`,
        () => rollbacks.get([service, canaryVersion]) ?? null,
      ),
  }
}

/** A record that cannot be read is no reason to guess: who restores the directory has the rollout as it was. */
function damaged(path: string, service: string, record: string, cause: unknown): StoreError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StoreError(
    `cannot read the rollout of ${service}: what '${record}' in ${path} holds of it is damaged (${why}): restore the ` +
      `directory from a backup, or move it away; then the rollouts and decisions of all services begin afresh`,
    { cause },
  )
}

/**
 * Encodes what is to be written now, so that the transaction is short. What runs in it is given the units that stand
 * with the evidence; it returns the decision, numbered, and those units as they are then.
 */
function prepareChange(
  env: LmdbEnvironment,
  change: RolloutChange,
  writeArchive: () => void,
): (waiting: Buffer) => { decision: Decision | null; units: Buffer } {
  const { states, evidence, cohorts, units, tallies, decisions, rollbacks } = env.tables
  const { service, state } = change
  const stateBytes = state === undefined ? null : encodeRecord(state)
  const evidenceBytes = change.evidence === undefined ? null : encodeEvidence(change.evidence)
  const puts = (change.putCohorts ?? []).map((cohort) => ({
    number: cohort.number,
    bytes: encodeRecord(cohort),
  }))
  const unitPuts = (change.putUnits ?? []).map((batch) => ({
    cohort: batch.cohort,
    bytes: encodeUnits(batch),
  }))

  /** Puts evidence and units in their places; gives the units that stand with the evidence then. */
  const putLive = (waiting: Buffer): Buffer => {
    const putApart = (batches: readonly EncodedUnits[]) => {
      if (batches.length === 0) return
      const key = [service, batches[0]!.cohort]
      void units.put(key, joinApart(units.get(key), batches))
    }
    if (evidenceBytes === null) {
      putApart(unitPuts)
      return waiting
    }
    let live = joinLive(evidenceBytes, waiting, unitPuts)
    if (isMuch(live.units)) {
      putApart(listUnits(live.units))
      live = joinLive(evidenceBytes, NO_UNITS, [])
    }
    void evidence.put(service, live.record)
    return live.units
  }

  return (waiting) => {
    writeArchive()
    const isReset = change.resetEvidence === true
    if (isReset) {
      void evidence.remove(service)
      for (const table of [cohorts, units, tallies]) {
        for (const key of [...table.getKeys(rangeOf(service))]) void table.remove(key)
      }
      removeAllShared(env, service)
    }
    if (stateBytes !== null) void states.put(service, stateBytes)
    if (state?.phase === 'rolled-back') {
      void rollbacks.put([service, state.canaryVersion], state.rolledBackAt)
    }
    const kept = putLive(isReset ? NO_UNITS : waiting)
    for (const { number, bytes } of puts) {
      void cohorts.put([service, number], bytes)
      // What feedback had changed by then is in it.
      void tallies.remove([service, number])
    }
    for (const number of change.dropCohorts ?? []) {
      void cohorts.remove([service, number])
      void tallies.remove([service, number])
    }
    if (change.decision === undefined) return { decision: null, units: kept }
    const log = change.decision.service
    const decision: Decision = { ...change.decision, id: lastDecisionId(env, log) + 1 }
    void decisions.put([log, decision.id], encodeRecord(decision))
    return { decision, units: kept }
  }
}

/** What a change goes by of those before it. */
type Known = {
  readonly revision: number | null
  /** Those that stand with the evidence. */
  readonly units: Buffer
}

function readKnown(env: LmdbEnvironment, service: string): Known {
  const live = env.tables.evidence.get(service)
  const units = live === undefined ? NO_UNITS : splitLive(live).units
  return { revision: storedRevision(env, service), units }
}

function storedRevision(env: LmdbEnvironment, service: string): number | null {
  const state = env.tables.states.get(service)
  return state === undefined ? null : decodeRecord<RolloutState>(state).revision
}

/** The newest decision of a service; 0 = it has none. */
export function lastDecisionId(env: LmdbEnvironment, service: string): number {
  const last = { start: endOf(service), end: [service], reverse: true, limit: 1 }
  for (const key of env.tables.decisions.getKeys(last)) return (key as [string, number])[1]
  return 0
}

/** All keys [service, n], in the order of n. */
function rangeOf(service: string): { start: [string]; end: [string, number] } {
  return { start: [service], end: endOf(service) }
}

function endOf(service: string): [string, number] {
  return [service, Number.MAX_VALUE]
}
