import type { Cohort } from '../domain/cohort.ts'
import type { Decision } from '../domain/decision.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { LmdbArchive } from './lmdb-archive.ts'
import type { LmdbChanges } from './lmdb-changes.ts'
import type { LmdbEnvironment } from './lmdb-environment.ts'
import { isLeaseHeld } from './lmdb-lease.ts'
import { removeAllShared } from './lmdb-replicas.ts'
import { MAX_PAGE } from './limits.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { assertMovesOn } from './moves-on.ts'
import { toStoreError } from './store-error.ts'
import type { CommitResult, RolloutChange, Store } from './store.ts'
import { withTallies } from './tally-codec.ts'
import { decodeUnits, encodeUnits } from './unit-codec.ts'

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
  /** Revisions that this store has written, with the number of the change that did; it saves reading a state. */
  const written = new Map<string, { readonly change: number; readonly revision: number }>()

  const revisionOf = (service: string, changesSoFar: number): number | null => {
    const last = written.get(service)
    return last?.change === changesSoFar ? last.revision : storedRevision(env, service)
  }

  const forget = (service: string) => {
    changes.forget(service)
    archive.forget()
    written.delete(service)
  }

  return {
    readRollout: (service) =>
      env.read(`cannot read the rollout of ${service}`, () => {
        const state = states.get(service)
        if (state === undefined) return null
        const found = evidence.get(service)
        return {
          state: decodeRecord<RolloutState>(state),
          evidence: found === undefined ? null : decodeRecord<Evidence>(found),
          cohorts: Array.from(cohorts.getRange(rangeOf(service)), ({ key, value }) =>
            withTallies(decodeRecord<Cohort>(value), tallies.get(key)),
          ),
          units: Array.from(units.getRange(rangeOf(service)), ({ value }) => decodeUnits(value)),
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
          if (hasRun) forget(service)
          hasRun = true
          if (!isLeaseHeld(env, lease)) return { ok: false, reason: 'fenced' }
          const count = changes.count(service)
          const before = revisionOf(service, count)
          if (before !== expectedRevision) return { ok: false, reason: 'conflict' }
          const decision = write(count)
          const revision = state?.revision ?? before
          const number = changes.record(service, count)
          if (revision !== null) written.set(service, { change: number, revision })
          return { ok: true, decision }
        })
        archiving.committed()
        return committed
      } catch (error) {
        forget(change.service)
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

/** Encodes what is to be written now, so that the transaction is short; what runs in it, with how many changes there were, returns the decision, numbered. */
function prepareChange(
  env: LmdbEnvironment,
  change: RolloutChange,
  writeArchive: (changesSoFar: number) => void,
): (changesSoFar: number) => Decision | null {
  const { states, evidence, cohorts, units, tallies, decisions, rollbacks } = env.tables
  const { service, state } = change
  const stateBytes = state === undefined ? null : encodeRecord(state)
  const evidenceBytes = change.evidence === undefined ? null : encodeRecord(change.evidence)
  const puts = (change.putCohorts ?? []).map((cohort) => ({
    number: cohort.number,
    bytes: encodeRecord(cohort),
  }))
  const unitPuts = (change.putUnits ?? []).map((batch) => ({
    cohort: batch.cohort,
    bytes: encodeUnits(batch),
  }))

  return (changesSoFar) => {
    writeArchive(changesSoFar)
    if (change.resetEvidence === true) {
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
    if (evidenceBytes !== null) void evidence.put(service, evidenceBytes)
    for (const { number, bytes } of puts) {
      void cohorts.put([service, number], bytes)
      // What feedback had changed by then is in it.
      void tallies.remove([service, number])
    }
    for (const number of change.dropCohorts ?? []) {
      void cohorts.remove([service, number])
      void tallies.remove([service, number])
    }
    for (const { cohort, bytes } of unitPuts) void units.put([service, cohort], bytes)
    if (change.decision === undefined) return null
    const log = change.decision.service
    const decision: Decision = { ...change.decision, id: lastDecisionId(env, log) + 1 }
    void decisions.put([log, decision.id], encodeRecord(decision))
    return decision
  }
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
