import {
  isAlone,
  type BetTally,
  type Cohort,
  type DriftTally,
  type EventTally,
  type Tally,
} from '../domain/cohort.ts'
import type { Evidence, HypothesisEvidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { foldAlone } from '../statistics/fold-alone.ts'
import { foldDrift } from '../statistics/fold-drift.ts'
import { foldBets, foldEvents, foldRatio } from '../statistics/fold.ts'
import { completeTally } from './complete-tally.ts'

/** For each side, the start points since which the keys' events of a cohort are their first ones. */
export type HarmSince = (
  hypothesis: string,
  epoch: number,
  units: NonNullable<EventTally['harmUnits']>,
) => [baseline: number[], canary: number[]]

/** Adds one cohort to one hypothesis, see `foldInto`. */
export function foldHypothesis(
  evidence: Evidence,
  hypothesis: Hypothesis,
  cohort: Cohort,
  harmSince: HarmSince,
): Evidence {
  const found = evidence.hypotheses[hypothesis.id]!
  const folded = foldInto(found, evidence.starts.length, hypothesis, cohort, harmSince)
  return { ...evidence, hypotheses: { ...evidence.hypotheses, [hypothesis.id]: folded } }
}

/**
 * The evidence of one hypothesis with one cohort more; `starts`: how many start points there are. Cohorts come in
 * assignment order, unjudged ones add nothing. Where some replica's share is lost, labels and events may come of
 * requests that nobody has counted: what waits for feedback then leaves the cohort out, whatever the variant. So is a
 * cohort without a tally of the hypothesis, which a version has written that did not ask it. One in which the canary was
 * alone adds to the figures of its step, and to no evidence.
 */
export function foldInto(
  found: HypothesisEvidence,
  starts: number,
  hypothesis: Hypothesis,
  cohort: Cohort,
  harmSince: HarmSince,
): HypothesisEvidence {
  const tally = cohort.tallies[hypothesis.id]
  const isLost = cohort.shares === 'incomplete' && 'windowMs' in hypothesis.source
  return !cohort.judged || isLost || tally === undefined
    ? found
    : fold(found, starts, hypothesis, { cohort, tally }, harmSince)
}

/** Adds one cohort's draws to the sample-ratio test; without a second variant there is no ratio. */
export function foldAssignments(evidence: Evidence, cohort: Cohort): Evidence {
  if (!cohort.judged || isAlone(cohort)) return evidence
  const { number, pi, epoch, assigned } = cohort
  const starts = evidence.starts.length
  return {
    ...evidence,
    ratio: foldRatio(evidence.ratio, { cohort: number, pi, epoch, starts, assigned }),
  }
}

function fold(
  found: HypothesisEvidence,
  starts: number,
  hypothesis: Hypothesis,
  judged: { readonly cohort: Cohort; readonly tally: Tally },
  harmSince: HarmSince,
): HypothesisEvidence {
  const { number, step, pi, epoch } = judged.cohort
  const tally = completeTally(judged.cohort, hypothesis, judged.tally)
  if (isAlone(judged.cohort)) return foldAlone(found, { cohort: number, step }, tally)
  if (found.kind === 'bet') {
    const bets = tally as BetTally
    const cap = judged.cohort.terms.bets[hypothesis.id]?.cap
    const place = { cohort: number, step, pi, epoch, starts, tally: bets }
    return foldBets(found, cap === undefined ? place : { ...place, cap }, hypothesis)
  }
  if (found.kind === 'drift') {
    const drift = tally as DriftTally
    return foldDrift(found, { cohort: number, step, pi, epoch, starts, tally: drift })
  }
  const events = tally as EventTally
  const units = events.harmUnits
  const isNone = units === null || units[0].length + units[1].length === 0
  const since = isNone ? null : harmSince(hypothesis.id, epoch, units)
  const place = { cohort: number, step, pi, epoch, starts, tally: events, harmSince: since }
  return foldEvents(found, place, hypothesis)
}
