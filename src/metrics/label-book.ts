import type { Cohort, Side } from '../domain/cohort.ts'
import type { Hypothesis, Score } from '../domain/hypothesis.ts'
import { rawScore, scoreValue } from '../statistics/score.ts'
import type { CapLearner } from './cap-learner.ts'
import { bookCappedValue } from './capped-value.ts'

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
      const { score } = questions
      const raw = prediction === null ? null : rawScore(score, prediction, label)
      if (raw === null) continue
      const toMean = (capped: number) => scoreValue(score, capped)
      bookCappedValue(cohort, questions, side, raw, toMean, this.#capLearner)
    }
  }
}
