import type { Decision, Standing } from '../../../src/domain/decision.ts'
import { rolloutId, type RolloutState } from '../../../src/domain/rollout-state.ts'
import { isAllowed } from '../crash-and-replay/transitions.ts'
import type { ExperimentState } from '../../../src/rollout/experiment.ts'
import { experimentKey } from '../../../src/rollout/experiment-plan.ts'
import type { Stored } from './shared-store.ts'

/** A decision on a rollout, as it came into the log. */
export type Logged = {
  /** Milliseconds since the life began. */
  readonly at: number
  readonly decision: Decision
  readonly state: RolloutState
}

/** All that a log knows, as it was at one moment. */
export type LogCopy = {
  readonly numbers: ReadonlyMap<string, number>
  readonly states: ReadonlyMap<string, RolloutState>
  readonly rollouts: ReadonlyMap<string, readonly Logged[]>
  readonly banned: ReadonlyMap<string, ReadonlySet<string>>
}

/** The log of a store that has nothing. */
export const EMPTY_LOG: LogCopy = {
  ...{ numbers: new Map(), states: new Map(), rollouts: new Map(), banned: new Map() },
}

/** Where a fixed split stands from then on; null = nothing is stored of it. */
type SplitSince = { readonly at: number; readonly state: ExperimentState | null }

/** From then on a decision is in force; null = none is. */
type InForce = { readonly at: number; readonly logged: Logged | null }

/** What the store took, in order: each decision follows from the one before it, and nothing else moves a rollout. */
export class LifeLog {
  /** Decisions on rollouts and on fixed splits. */
  count = 0
  /** Of them, those that took requests from a canary for good. */
  rolledBack = 0
  readonly #onFault: (what: string) => void
  #numbers = new Map<string, number>()
  #states = new Map<string, RolloutState>()
  #rollouts = new Map<string, readonly Logged[]>()
  /** Versions that nobody may be given, by service. */
  #banned = new Map<string, ReadonlySet<string>>()
  /** What was in force when, also of what the store has lost since. */
  readonly #inForce = new Map<string, InForce[]>()
  readonly #splits = new Map<string, SplitSince[]>()

  constructor(onFault: (what: string) => void) {
    this.#onFault = onFault
  }

  /** A change of a state is stored. */
  add({ kept, state, decision }: Stored, at: number): void {
    const before = this.#states.get(kept)
    this.#states.set(kept, state)
    if (before !== undefined && state.revision <= before.revision) {
      this.#onFault(`${kept}: revision ${state.revision} follows ${before.revision}`)
    }
    if (kept.endsWith('/')) {
      const since = this.#splits.get(kept) ?? []
      this.#splits.set(kept, [...since, { at, state }])
    }
    // Those of a comparison have no log: their weights are those of the file.
    if (decision === null && kept.includes('/')) return
    if (decision === null) return this.#mustStand(kept, before, state)
    const { id, service, action, reason, actor, rollout, summary } = decision
    const told = `${service}: decision ${id} (${action}, ${reason}, by ${actor}, ${rollout})`
    this.count += 1
    const last = this.#numbers.get(service) ?? 0
    if (id !== last + 1) this.#onFault(`${told} follows ${last}`)
    this.#numbers.set(service, id)
    if (reason === '' || summary === '') this.#onFault(`${told} says nothing: ${summary}`)
    if (decision.experiment === undefined) this.#addToRollout({ at, decision, state }, told, before)
  }

  /** What it knows now. */
  copy(): LogCopy {
    return {
      numbers: new Map(this.#numbers),
      states: new Map(this.#states),
      rollouts: new Map(this.#rollouts),
      banned: new Map(this.#banned),
    }
  }

  /** The store has what it had when this was copied, and nothing since. */
  rewind({ numbers, states, rollouts, banned }: LogCopy, at: number): void {
    this.#numbers = new Map(numbers)
    this.#states = new Map(states)
    this.#rollouts = new Map(rollouts)
    this.#banned = new Map(banned)
    for (const [service, all] of this.#inForce) {
      all.push({ at, logged: rollouts.get(service)?.at(-1) ?? null })
    }
    for (const [kept, all] of this.#splits) all.push({ at, state: states.get(kept) ?? null })
  }

  /** What is stored of a service's rollout; null = there is none. */
  state(service: string): RolloutState | null {
    return this.#states.get(service) ?? null
  }

  /** The last decision on a service's rollout; null = there was none. */
  last(service: string): Logged | null {
    return this.#rollouts.get(service)?.at(-1) ?? null
  }

  /** The decisions on one attempt of a service, in order. */
  ofAttempt(service: string, rollout: string): readonly Logged[] {
    const all = this.#rollouts.get(service) ?? []
    return all.filter(({ decision }) => decision.rollout === rollout)
  }

  /** The number of the last decision of a service. */
  lastNumber(service: string): number {
    return this.#numbers.get(service) ?? 0
  }

  /** What was in force of a rollout at some moment since then; null in it = before the first decision. */
  inForceSince(service: string, from: number): readonly (Logged | null)[] {
    const all = this.#inForce.get(service) ?? []
    const first = all.findLastIndex(({ at }) => at <= from)
    const since = (first === -1 ? all : all.slice(first)).map(({ logged }) => logged)
    return first === -1 ? [null, ...since] : since
  }

  /** Where a service's fixed split stood at some moment since then; null in it = nothing was stored. */
  splitsSince(service: string, from: number): readonly SplitSince[] {
    const all = this.#splits.get(experimentKey(service)) ?? []
    const first = all.findLastIndex(({ at }) => at <= from)
    return first === -1 ? [{ at: from, state: null }, ...all] : all.slice(first)
  }

  /** The log of a service, a line for each decision. */
  print(service: string): string {
    return (this.#inForce.get(service) ?? [])
      .map(({ at, logged }) => {
        if (logged === null) return `  nothing since ${at} ms`
        const { id, rollout, action, reason, actor, from, to } = logged.decision
        const [before, after] = [from, to].map(
          (s) => `${s.phase} ${s.step} ${s.weights['canary']} %`,
        )
        return `  ${id} ${at} ms ${rollout} ${action} (${reason}, ${actor}): ${before} -> ${after}`
      })
      .join('\n')
  }

  #addToRollout(logged: Logged, told: string, before: RolloutState | undefined): void {
    const { decision, state } = logged
    const { service, from, to, action, reason, actor } = decision
    const all = this.#rollouts.get(service) ?? []
    if (before !== undefined && describeStanding(from) !== describeState(before)) {
      const begins = describeStanding(from)
      this.#onFault(`${told} begins in ${begins}, where the log ended in ${describeState(before)}`)
    }
    if (!isAllowed(decision)) this.#onFault(`${told} leads from ${from.phase} to ${to.phase}`)
    if (describeStanding(to) !== describeState(state)) {
      this.#onFault(`${told} ends in ${describeStanding(to)}, its state is ${describeState(state)}`)
    }
    const banned = new Set(this.#banned.get(service))
    this.#banned.set(service, banned)
    const isOrder = actor !== 'evaluator' && actor !== 'configuration'
    if (isOrder || reason === 'is-baseline') banned.delete(state.canaryVersion)
    if (state.phase === 'rolled-back') {
      banned.add(state.canaryVersion)
      if (from.weights['canary']! > 0) this.rolledBack += 1
    }
    if (state.weightBp > 0 && banned.has(state.canaryVersion)) {
      this.#onFault(`${told} serves ${state.canaryVersion}, which was rolled back`)
    }
    if (
      action === 'hold' &&
      state.weightBp !== (all.at(-1)?.state.weightBp ?? 0) &&
      actor === 'evaluator'
    ) {
      this.#onFault(`${told} holds, and moves the weights`)
    }
    this.#rollouts.set(service, [...all, logged])
    const inForce = this.#inForce.get(service) ?? []
    this.#inForce.set(service, [...inForce, { at: logged.at, logged }])
  }

  /** What the log says nothing of moves nothing; while everybody has the canary, a file with other steps ends in its last one. */
  #mustStand(kept: string, before: RolloutState | undefined, state: RolloutState): void {
    const was = before === undefined ? 'nothing' : `${rolloutId(before)} ${describeState(before)}`
    const is = `${rolloutId(state)} ${describeState(state)}`
    const isMoved =
      before === undefined ? state.weightBp > 0 : describeState(before) !== describeState(state)
    const isRenumbered =
      before !== undefined &&
      ['watching', 'promoted'].includes(state.phase) &&
      before.fingerprint.steps !== state.fingerprint.steps &&
      describeState({ ...before, step: stepsOf(state) - 1 }) === describeState(state)
    if (isMoved && !isRenumbered)
      this.#onFault(`${kept} went from ${was} to ${is} without a decision`)
  }
}

/** How many steps the file has that a state was stored by. */
export function stepsOf({ fingerprint }: RolloutState): number {
  return (JSON.parse(fingerprint.steps) as readonly unknown[]).length
}

function describeState({ phase, step, weightBp }: RolloutState): string {
  return `${phase} in step ${step} at ${weightBp / 100} %`
}

function describeStanding({ phase, step, weights }: Standing): string {
  return `${phase} in step ${step} at ${weights['canary']} %`
}
