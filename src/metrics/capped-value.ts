import {
  BASELINE_SIDE,
  type BetTally,
  type Cohort,
  type EventTally,
  type Side,
} from '../domain/cohort.ts'
import { isContinuous, proofRatio, type Hypothesis } from '../domain/hypothesis.ts'
import { capLimits, cappedMeanOf, type CapLimits } from '../statistics/above-cap.ts'
import { addBet } from '../statistics/mean-bet.ts'
import { addToBins } from '../statistics/value-bins.ts'
import type { CapLearner } from './cap-learner.ts'
import type { ValueQuestion } from './value-question.ts'

/**
 * Books a unit's one value for all hypotheses of its metric, in place: the value itself, its share above the
 * cap, and that it came. `toMean` makes of the capped value the y whose means are compared. While no cap is
 * known the baseline's values teach one, and none is judged. `times` −1 takes a value back.
 */
export function bookCappedValue(
  cohort: Cohort,
  { metric, hypotheses, segment }: ValueQuestion,
  side: Side,
  value: number,
  toMean: (capped: number) => number,
  capLearner: CapLearner,
  times: 1 | -1 = 1,
): void {
  const cap = cohort.terms.caps[metric]
  // The whole teaches it once.
  const isTeaching = cap === undefined && side === BASELINE_SIDE && segment === undefined
  if (isTeaching) {
    if (times === 1) capLearner.add(metric, value)
    else capLearner.remove(metric, value)
  }
  for (const hypothesis of hypotheses) {
    const { source, id } = hypothesis
    if (source.of === 'label-missing') {
      ;(cohort.tallies[id] as EventTally).trials[side] += times
    } else if (cap === undefined) {
      continue
    } else if (source.of === 'above-cap') {
      const tally = cohort.tallies[id] as EventTally
      tally.trials[side] += times
      const main = hypotheses.find((h) => isContinuous(h.source))!
      countAbove(tally, side, value, capLimits(cap, side, cappedMeanOf(main)), times)
    } else {
      const y = toMean(Math.min(value, cap))
      ;(cohort.tallies[id] as BetTally).n[side] += times
      addToBet(cohort, hypothesis, side, y, times)
    }
  }
}

/** Adds a value y to the moments and the bets of a hypothesis, or (`times` −1) takes one back. */
export function addToBet(
  cohort: Cohort,
  hypothesis: Hypothesis,
  side: Side,
  y: number,
  times: number,
): void {
  const tally = cohort.tallies[hypothesis.id] as BetTally
  tally.sum[side] += times * y
  tally.sumSq[side] += times * y * y
  if (tally.bins !== undefined) addToBins(tally.bins[side], y, times)
  const terms = cohort.terms.bets[hypothesis.id]
  if (terms === undefined) return
  const { harm } = hypothesis
  addBet(tally, terms, side, y, cohort.pi, harm.ratio, proofRatio(hypothesis), times)
}

/** Counts a unit whose value is above the cap, for harm and for the proof; `times` −1 takes it back. */
export function countAbove(
  tally: EventTally,
  side: Side,
  value: number,
  limits: CapLimits,
  times: 1 | -1,
): void {
  if (value > limits.proof) tally.events[side] += times
  if (value > limits.harm) tally.harmEvents[side] += times
}

/** Counts a unit with the event, for harm and proof alike; `times` −1 takes it back. */
export function countEvent(tally: EventTally, side: Side, times: number): void {
  tally.events[side] += times
  tally.harmEvents[side] += times
}
