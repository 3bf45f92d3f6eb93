import type { Cohort, EventTally, Side } from '../domain/cohort.ts'
import type { Hypothesis, Score } from '../domain/hypothesis.ts'
import type { Prediction } from '../domain/prediction.ts'
import { rawScore, scoreValue } from '../statistics/score.ts'
import type { CapLearner } from './cap-learner.ts'
import { bookCappedValue } from './capped-value.ts'
import { isAskedOf, valueQuestions, type ValueQuestion } from './value-question.ts'

/** Scores predictions against their labels, for every metric that asks, into the tallies of a cohort. */
export class LabelBook {
  readonly #questions: readonly (ValueQuestion & { readonly score: Score })[]
  readonly #capLearner: CapLearner

  constructor(hypotheses: readonly Hypothesis[], capLearner: CapLearner) {
    this.#capLearner = capLearner
    this.#questions = valueQuestions(hypotheses, ({ source }) =>
      source.of === 'score' ? { score: source.score } : null,
    )
  }

  /**
   * Books one label, once per prediction, for every metric that has not folded the cohort without it; false = all that
   * ask have. A prediction that cannot be scored is missed on its side, and counted among the missing where it is a number.
   */
  book(
    cohort: Cohort,
    { side, value, segment }: Pick<Prediction, 'side' | 'value' | 'segment'>,
    label: number,
    isFolded: (hypothesis: string) => boolean,
  ): boolean {
    let [isAsked, isInTime] = [false, false]
    for (const question of this.#questions) {
      if (!isAskedOf(question, segment ?? null)) continue
      isAsked = true
      const { score, hypotheses } = question
      // All of them wait for the same time.
      if (isFolded(hypotheses[0]!.id)) continue
      isInTime = true
      if (value === null) continue
      const raw = rawScore(score, value, label)
      if (raw === null) {
        bookUnscored(cohort, question, side)
        continue
      }
      const toMean = (capped: number) => scoreValue(score, capped)
      bookCappedValue(cohort, question, side, raw, toMean, this.#capLearner)
    }
    return isInTime || !isAsked
  }
}

// While a cohort waits, the events among those that are missing are of nobody else: see `completeTally`.
function bookUnscored({ tallies }: Cohort, { hypotheses }: ValueQuestion, side: Side): void {
  for (const { id, source } of hypotheses) {
    if (source.of === 'label-missing') (tallies[id] as EventTally).events[side]++
  }
}
