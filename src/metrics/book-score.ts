import type { BetTally, Cohort, EventTally, Side } from '../domain/cohort.ts'
import { proofRatio, type Hypothesis } from '../domain/hypothesis.ts'
import { addBet } from '../statistics/mean-bet.ts'
import { scoreValue } from '../statistics/score.ts'
import { addToBins } from '../statistics/value-bins.ts'
import type { LabelQuestions } from './questions.ts'

/**
 * Books a label's score under the questions of one metric; `raw`: before the cap. Until the cap is known
 * it is only no longer missing.
 */
export function bookScore(
  cohort: Cohort,
  { metric, score, hypotheses }: LabelQuestions,
  side: Side,
  raw: number,
): void {
  const cap = cohort.terms.caps[metric]
  for (const hypothesis of hypotheses) {
    const { source, id } = hypothesis
    if (source.of === 'label-missing') {
      ;(cohort.tallies[id] as EventTally).trials[side]++
    } else if (cap === undefined) {
      continue
    } else if (source.of === 'above-cap') {
      const tally = cohort.tallies[id] as EventTally
      tally.trials[side]++
      if (raw > cap) {
        tally.events[side]++
        tally.harmEvents[side]++
      }
    } else {
      bookBet(cohort, hypothesis, side, scoreValue(score, Math.min(raw, cap)))
    }
  }
}

function bookBet(cohort: Cohort, hypothesis: Hypothesis, side: Side, y: number): void {
  const tally = cohort.tallies[hypothesis.id] as BetTally
  tally.n[side]++
  tally.sum[side] += y
  tally.sumSq[side] += y * y
  if (tally.bins !== undefined) addToBins(tally.bins[side], y)
  const terms = cohort.terms.bets[hypothesis.id]
  if (terms === undefined) return
  addBet(tally, terms, side, y, cohort.pi, hypothesis.harm.ratio, proofRatio(hypothesis))
}
