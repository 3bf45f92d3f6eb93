import type { RolloutState } from '../domain/rollout-state.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { isAcknowledged } from './acknowledged.ts'
import { formatOdds } from './format.ts'
import type { Observation } from './observation.ts'
import type { RolloutPlan } from './plan.ts'

/**
 * What whoever gives the canary more by hand is told, as sentences after a blank: that no draw of its was judged yet, or
 * that evidence against it has come half of the way (in log odds) of a metric that rolls back or pauses. Empty = neither.
 */
export function describeCaution(plan: RolloutPlan, state: RolloutState, seen: Observation): string {
  if (!seen.reports.some(isOfDraws))
    return ` The canary has not been judged yet: 0 ${plan.keyed ? 'keys' : 'requests'}.`
  const rising = seen.reports.flatMap((report) =>
    isAcknowledged(plan, state, report.name) ? [] : describeHarm(report),
  )
  return rising.length === 0 ? '' : ` Evidence that it is worse: ${rising.join('; ')}.`
}

/** Kinds whose numbers count no draws: other systems' answers, and pairs of answers. */
const OTHERS: ReadonlySet<string> = new Set(['prometheus', 'http', 'disagreement'])

function isOfDraws({ name, kind, canary }: MetricReport): boolean {
  return canary.n > 0 && !OTHERS.has(kind) && !name.endsWith('/mirror')
}

function describeHarm({ name, onFailure, evidence }: MetricReport): readonly string[] {
  const { harm } = evidence
  if (harm === null || onFailure === 'warn' || harm.log < harm.threshold / 2) return []
  return [`${name} at ${formatOdds(harm.log)} (${formatOdds(harm.threshold)} decides)`]
}
