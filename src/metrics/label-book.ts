import {
  BASELINE_SIDE,
  type BetTally,
  type Cohort,
  type EventTally,
  type Side,
} from '../domain/cohort.ts'
import { proofRatio, type Hypothesis, type Score } from '../domain/hypothesis.ts'
import { addBet } from '../statistics/mean-bet.ts'
import { rawScore, scoreValue } from '../statistics/score.ts'
import type { CapLearner } from './cap-learner.ts'

/** What is asked of the labels for one metric. */
type LabelQuestions = {
  readonly metric: string
  readonly score: Score
  /** The score itself, its share above the cap, and the labels that are missing. */
  readonly hypotheses: readonly Hypothesis[]
}

/** Scores predictions against their labels, for every metric that asks, into the tallies of a cohort. */
export class LabelBook {
  readonly #questions: readonly LabelQuestions[]
  readonly #capLearner: CapLearner

  constructor(hypotheses: readonly Hypothesis[], capLearner: CapLearner) {
    this.#capLearner = capLearner
    this.#questions = hypotheses.flatMap(({ source, metric }) =>
      source.of !== 'score'
        ? []
        : [
            {
              metric: metric!,
              score: source.score,
              hypotheses: hypotheses.filter((h) => h.metric === metric),
            },
          ],
    )
  }

  /** Books one label, once per prediction; a prediction that cannot be scored is missed on its side. */
  book(cohort: Cohort, side: Side, prediction: number | null, label: number): void {
    for (const questions of this.#questions) {
      const raw = prediction === null ? null : rawScore(questions.score, prediction, label)
      if (raw !== null) this.#bookScore(cohort, questions, side, raw)
    }
  }

  #bookScore(
    cohort: Cohort,
    { metric, score, hypotheses }: LabelQuestions,
    side: Side,
    raw: number,
  ): void {
    const cap = cohort.terms.caps[metric]
    if (cap === undefined && side === BASELINE_SIDE) this.#capLearner.add(metric, raw)
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
}

function bookBet(cohort: Cohort, hypothesis: Hypothesis, side: Side, y: number): void {
  const tally = cohort.tallies[hypothesis.id] as BetTally
  tally.n[side]++
  tally.sum[side] += y
  tally.sumSq[side] += y * y
  const terms = cohort.terms.bets[hypothesis.id]
  if (terms === undefined) return
  addBet(tally, terms, side, y, cohort.pi, hypothesis.harm.ratio, proofRatio(hypothesis))
}
