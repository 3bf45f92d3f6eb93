import type { Cohort, Side } from '../domain/cohort.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { CapLearner } from './cap-learner.ts'
import { bookCappedValue } from './capped-value.ts'
import { isAskedOf, valueQuestions, type ValueQuestion } from './value-question.ts'

/** Books the numbers of answers for the metrics that are means of them, into the tallies of a cohort. */
export class AnswerBook {
  readonly #questions: readonly (ValueQuestion & { readonly pointer: string })[]
  readonly #capLearner: CapLearner

  constructor(hypotheses: readonly Hypothesis[], capLearner: CapLearner) {
    this.#capLearner = capLearner
    this.#questions = valueQuestions(hypotheses, ({ source }) =>
      source.of === 'mean' && source.from.in === 'answer' ? { pointer: source.from.pointer } : null,
    )
  }

  /**
   * Books one answer: its numbers by pointer, null where it has none (it is missed then). Below 0 is 0. True
   * where a tally changed.
   */
  book(
    cohort: Cohort,
    side: Side,
    segment: string | null,
    numbers: Readonly<Record<string, number | null>>,
  ): boolean {
    let isChanged = false
    for (const question of this.#questions) {
      const number = numbers[question.pointer] ?? null
      if (number === null || !isAskedOf(question, segment)) continue
      const value = Math.max(0, number)
      bookCappedValue(cohort, question, side, value, (capped) => capped, this.#capLearner)
      isChanged = true
    }
    return isChanged
  }
}
