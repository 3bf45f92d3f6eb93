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
   * Books one answer: its numbers by pointer, null where it has none. It is missed then, and where the number is
   * below 0, which no mean is of. True where a tally changed.
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
      if (number === null || number < 0 || !isAskedOf(question, segment)) continue
      bookCappedValue(cohort, question, side, number, (capped) => capped, this.#capLearner)
      isChanged = true
    }
    return isChanged
  }
}
