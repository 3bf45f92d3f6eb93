import type { Command } from '../domain/decision.ts'
import { adminOfProcess, describeProcess } from '../domain/process-name.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { Observation } from '../rollout/observation.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { step } from '../rollout/step.ts'
import type { Transition } from '../rollout/transition.ts'
import type { Lease } from '../store/store.ts'
import type { RunnerResult } from './runner-deps.ts'
import type { Pending } from './take-up.ts'

/** This process follows: its operator has to ask the one that decides. */
export const DECIDED_ELSEWHERE: RunnerResult = refusedBy(
  'another process holds the lease to decide on this store: ask that one',
)

/** Why nothing is decided here: another process has the lease, or the configuration cannot go on (`pending` says why). */
export function whyNotHere(
  lease: Lease | null,
  { pending }: { readonly pending: Pending | null },
): RunnerResult {
  const refused = pending?.refused
  return lease === null || refused === undefined ? DECIDED_ELSEWHERE : refusedBy(refused)
}

/** Who decides has lost the lease before it carried the order out. */
export const LEASE_LOST: RunnerResult = {
  ok: false,
  code: 'SERIN_STORE_FAILED',
  detail:
    'the lease to decide has just gone to another process, and nothing was changed: try again',
}

/** Who decides goes by the abort, and could not store it. */
export const UNSTORED_THERE: RunnerResult = {
  ok: false,
  code: 'SERIN_STORE_FAILED',
  detail:
    'the abort is in force in the process that decides, and in the others when the store has taken it: read the status',
}

/** The order was withdrawn before `holder` took it (null = it is not known who decides). */
export function notTaken(holder: string | null): RunnerResult {
  return refusedBy(
    `${nameOf(holder)} decides on this store and did not take the command: it was withdrawn and nothing was changed. Try again, or ask that one`,
  )
}

/** Who decides has another rollout, or another split, than the command was given for. */
export function decidedOtherwise(
  holder: string | null,
  known?: { readonly own: string; readonly subject: string },
): RunnerResult {
  const which = known === undefined ? '' : ` (${known.own}, where this one has ${known.subject})`
  return refusedBy(
    `${nameOf(holder)} decides on this store, by another configuration of this service${which}: nothing was changed. Ask that one, or give both the same file (and version of serin) and reload`,
  )
}

/** The order was taken, and the answer has not come: whether it was carried out is not known. */
export function unanswered(holder: string | null): RunnerResult {
  return unknown(`${nameOf(holder)} took it and has not answered through the store`)
}

/** The order may have been taken: the store does not say. */
export function maybeTaken(holder: string | null): RunnerResult {
  return unknown(`${nameOf(holder)} may have taken it from the store`)
}

function unknown(why: string): RunnerResult {
  const detail = `whether the command was carried out is not known, read the status before you give it again: ${why}`
  return { ok: false, code: 'SERIN_STORE_FAILED', detail }
}

function nameOf(holder: string | null): string {
  if (holder === null) return 'another process'
  const admin = adminOfProcess(holder)
  return `${describeProcess(holder)}${admin === null ? '' : ` (${admin.origin})`}`
}

/** Nothing has changed, or nobody knows yet: the store did not answer. */
export const STORE_FAILED: RunnerResult = {
  ok: false,
  code: 'SERIN_STORE_FAILED',
  detail: 'the store did not take the change',
}

/** What was ordered is not possible, for the reason in `detail`. */
export function refusedBy(detail: string): RunnerResult {
  return { ok: false, code: 'SERIN_REFUSED', detail }
}

/** The order was given for another revision of `what`. */
export function stale(what: string, revision: number, asked: number): RunnerResult {
  const detail = `the ${what} is at revision ${revision}, not ${asked}: read it again`
  return { ok: false, code: 'SERIN_STALE_REVISION', detail }
}

/** What a command makes of a rollout: a transition to be stored, or the result that it has at once. */
export function carryOut(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
  command: Command,
  ifMatch: number | null,
): Transition | RunnerResult {
  const { revision } = state
  if (ifMatch !== null && ifMatch !== revision) return stale('rollout', revision, ifMatch)
  const transition = step(plan, state, seen, command)
  if ('refused' in transition) return refusedBy(transition.detail)
  return transition.decision === null ? { ok: true, decision: null } : transition
}

/** Tells of an error of the store, and answers with it. */
export function storeFailed(
  tell: (what: string, error: unknown) => void,
  what: string,
): (error: unknown) => RunnerResult {
  return (error) => {
    tell(what, error)
    return STORE_FAILED
  }
}
