import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import { describePause } from '../domain/describe-pause.ts'
import type { Scenario } from './scenario.ts'

/** What is known of one service while the demo runs. Times in milliseconds since the epoch. */
export type Observed = {
  readonly view: ServiceJson
  /** Oldest first. */
  readonly decisions: readonly DecisionJson[]
  /** When the canary's server broke; null = it has not. */
  readonly faultAt: number | null
}

/** How a service's rollout ended, or that it has not. */
export type Ending = { readonly state: 'running' } | Ended

/** A rollout that has ended, as its scenario says it should or otherwise, and why. */
export type Ended = {
  readonly state: 'as-expected' | 'otherwise'
  readonly sentence: string
}

/** A canary that breaks must be gone this fast. */
const FAULT_DEADLINE_S = 20

/** Says whether a rollout has ended and, if so, whether it ended as its scenario says it should. */
export function judgeEnding(scenario: Scenario, observed: Observed): Ending {
  const { phase } = observed.view
  if (phase === 'rolled-back') return judgeRollback(scenario, observed)
  if (phase !== 'promoted') return { state: 'running' }
  const { expected } = scenario
  return expected.ending === 'promoted'
    ? asExpected('promoted: the canary serves everybody')
    : otherwise(scenario, 'was promoted, but its canary is worse and should have been rolled back')
}

/** Says what a rollout was still waiting for when the demo ran out of time. */
export function describeUnfinished(scenario: Scenario, view: ServiceJson | null): Ended {
  if (view === null) return otherwise(scenario, 'was never seen')
  const missing = view.missing.length === 0 ? '' : `; missing: ${view.missing.join('; ')}`
  const pause = view.pause === null ? '' : ` ${describePause(view.pause.by, view.pause.metric)}`
  return otherwise(
    scenario,
    `was not ${scenario.expected.ending} in time: it is ${view.phase ?? 'without a rollout'}${pause} at ` +
      `${view.weights['canary'] ?? 0} %${missing}`,
  )
}

function judgeRollback(scenario: Scenario, { decisions, faultAt }: Observed): Ending {
  const rollback = decisions.findLast((decision) => decision.action === 'rollback')
  // The log is read after the view: a decision that is not there yet is there at the next look.
  if (rollback === undefined) return { state: 'running' }
  const { expected } = scenario
  if (expected.ending === 'promoted') {
    return otherwise(scenario, `was rolled back by ${rollback.reason}, but its canary is better`)
  }
  if (!expected.because.some((reason) => rollback.reason.startsWith(reason))) {
    const due = expected.because.join(' or ')
    return otherwise(scenario, `was rolled back by ${rollback.reason}, not by ${due}`)
  }
  if (!expected.afterFault) return asExpected(`rolled back by ${rollback.reason}`)
  const seconds = faultAt === null ? -1 : (Date.parse(rollback.at) - faultAt) / 1000
  if (seconds < 0) return otherwise(scenario, 'was rolled back before its server had failed at all')
  const after = `${seconds.toFixed(1)} s after its server began to fail`
  return seconds > FAULT_DEADLINE_S
    ? otherwise(scenario, `was rolled back by ${rollback.reason} only ${after}`)
    : asExpected(`rolled back by ${rollback.reason}, ${after}`)
}

function asExpected(sentence: string): Ended {
  return { state: 'as-expected', sentence }
}

function otherwise(scenario: Scenario, what: string): Ended {
  return { state: 'otherwise', sentence: `${scenario.service} ${what}.` }
}
