import type { Cohort, Side } from '../domain/cohort.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { CapLearner } from './cap-learner.ts'
import { bookCappedValue } from './capped-value.ts'

/** Books the numbers of answers for the metrics that are means of them, into the tallies of a cohort. */
export class AnswerBook {
  readonly #questions: readonly {
    readonly metric: string
    readonly pointer: string
    readonly hypotheses: readonly Hypothesis[]
  }[]
  readonly #capLearner: CapLearner

  constructor(hypotheses: readonly Hypothesis[], capLearner: CapLearner) {
    this.#capLearner = capLearner
    this.#questions = hypotheses.flatMap(({ source, metric }) =>
      source.of !== 'mean' || source.from.in !== 'answer'
        ? []
        : [
            {
              metric: metric!,
              pointer: source.from.pointer,
              hypotheses: hypotheses.filter((h) => h.metric === metric),
            },
          ],
    )
  }

  /** Books one answer: its numbers by pointer, null where it has none (it is missed then). Below 0 is 0. */
  book(cohort: Cohort, side: Side, numbers: Readonly<Record<string, number | null>>): void {
    for (const questions of this.#questions) {
      const number = numbers[questions.pointer] ?? null
      if (number === null) continue
      const value = Math.max(0, number)
      bookCappedValue(cohort, questions, side, value, (capped) => capped, this.#capLearner)
    }
  }
}
