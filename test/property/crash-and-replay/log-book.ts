import type { Decision } from '../../../src/domain/decision.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import { bpToPercent } from '../../../src/domain/units.ts'
import { isAllowed } from './transitions.ts'

/** Weights that the data plane was given. */
export type Served = { readonly version: string; readonly weightBp: number }

/** What the log says, held against what is served; the first thing that does not fit is kept. */
export class LogBook {
  readonly decisions: Decision[] = []
  readonly #rolledBackAt = new Map<string, number>()
  violation: string | null = null

  get last(): Decision | null {
    return this.decisions.at(-1) ?? null
  }

  /** A decision was stored, with the state that it led to. `force`: what is carried out may pass the cooldown. */
  add(
    decision: Decision,
    state: RolloutState,
    rules: { readonly cooldownMs: number; readonly force: boolean },
  ): void {
    const { last } = this
    const { from, to, id } = decision
    const told = `decision ${id} (${decision.action}, ${decision.reason}, by ${decision.actor})`
    if (id !== (last?.id ?? 0) + 1) this.#wrong(`${told} follows ${last?.id ?? 'nothing'}`)
    if (last !== null) {
      const stood = `${last.to.phase} at ${last.to.weights['canary']} %`
      const begins = `${from.phase} at ${from.weights['canary']} %`
      if (stood !== begins)
        this.#wrong(`${told} begins in ${begins}, where the log ended in ${stood}`)
    }
    if (!isAllowed(decision)) this.#wrong(`${told} leads from ${from.phase} to ${to.phase}`)
    const version = canaryOf(decision.rollout)
    if (decision.action === 'retry') {
      const waited = decision.at - (this.#rolledBackAt.get(version) ?? -Infinity)
      if (decision.reason === 'operator') {
        if (waited < rules.cooldownMs && !rules.force) {
          this.#wrong(`${told} came ${waited} ms after the rollback, within the cooldown`)
        }
        this.#rolledBackAt.delete(version)
      }
    }
    // Who named it as the baseline gave it everything already.
    if (decision.reason === 'is-baseline') this.#rolledBackAt.delete(version)
    if (state.phase === 'rolled-back' && decision.reason !== 'rolled-back-before') {
      // When the canary was given nothing: while the store is away, that is before the decision is stored.
      this.#rolledBackAt.set(version, state.rolledBackAt)
    }
    this.decisions.push(decision)
  }

  /** The data plane was given these weights. */
  served({ version, weightBp }: Served): void {
    if (weightBp === 0) return
    const { last } = this
    const told = `${version} serves ${bpToPercent(weightBp)} %`
    if (last === null) return this.#wrong(`${told}, and nothing was decided`)
    // What the log has as the baseline had everybody that the canary had not, and goes on before that is stored.
    if (version === baselineOf(last.rollout)) return
    if (this.#rolledBackAt.has(version)) this.#wrong(`${told}, and was rolled back`)
    const decided = `${canaryOf(last.rollout)} serves ${last.to.weights['canary']} %`
    if (decided !== told) this.#wrong(`${told}, where the last decision says that ${decided}`)
  }

  #wrong(what: string): void {
    this.violation ??= what
  }
}

/** `1.4` of `1.4->2.0#1`. */
export function baselineOf(rollout: string): string {
  return rollout.slice(0, rollout.indexOf('->'))
}

/** `2.0` of `1.4->2.0#1`. */
export function canaryOf(rollout: string): string {
  return rollout.slice(rollout.indexOf('->') + 2, rollout.lastIndexOf('#'))
}
