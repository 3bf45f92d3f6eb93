import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence } from '../domain/evidence.ts'
import type { ContinuousSource, Hypothesis } from '../domain/hypothesis.ts'
import type { ShownSince } from '../domain/verdict.ts'
import { eventHarmLogEvidences, unbiasedEvents } from '../statistics/event-evidence.ts'
import { logMeanExp } from '../statistics/log-sum-exp.ts'
import { stepValue } from './figures.ts'

/**
 * What harm that is shown shows in. Of values that are bet on the report has those of the whole attempt, and beside
 * them those of the step alone are known: undefined where harm does not show in the step, and where events are no share
 * of the units that are new since then. `stepStart`: the start
 * point of the current step; null = nothing of the step is folded.
 */
export function shownSince(
  hypothesis: Hypothesis,
  found: EventEvidence | BetEvidence,
  stepStart: number | null,
): ShownSince | undefined {
  const isBet = found.kind === 'bet'
  const logs = isBet ? found.harm.map(logMeanExp) : eventHarmLogEvidences(hypothesis, found.harm)
  const isWhole = logs[0]! >= Math.log(1 / hypothesis.harm.alpha)
  const start = isWhole ? 0 : logs.indexOf(Math.max(...logs))
  const point = start === 0 ? 'attempt' : start === stepStart ? 'step' : 'later'
  if (isBet) return point === 'step' ? sinceStep(hypothesis, found) : undefined
  const { units, events } = unbiasedEvents(found.harm[start]!)
  const [baseline, canary] = events
  // With keys events of older ones count as well: they are no share of those that are new since then.
  if (units === 0 || Math.max(baseline, canary) > units) return undefined
  return { point, units, baseline: baseline / units, canary: canary / units }
}

function sinceStep({ source }: Hypothesis, found: BetEvidence): ShownSince {
  const value = (side: Side) => stepValue(source as ContinuousSource, found, side).value
  const { n } = found.stepMoments
  return {
    point: 'step',
    units: n[BASELINE_SIDE] + n[CANARY_SIDE],
    baseline: value(BASELINE_SIDE),
    canary: value(CANARY_SIDE),
  }
}
