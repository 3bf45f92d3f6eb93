import {
  BASELINE_SIDE,
  CANARY_SIDE,
  type BetTally,
  type Cohort,
  type EventTally,
} from '../domain/cohort.ts'
import type { LabelTest, PairMoments, PairScoreQuestion, PairTally } from '../domain/pairs.ts'
import type { Prediction } from '../domain/prediction.ts'
import { addPairTallies, emptyPairTally } from '../rollout/pair-tally.ts'
import { capLimits } from '../statistics/above-cap.ts'
import { addPairedValues } from '../statistics/paired-mean-bet.ts'
import { rawScore, scoreValue } from '../statistics/score.ts'
import { CapLearner } from './cap-learner.ts'
import { CohortShelf } from './cohort-shelf.ts'
import { LATE, type FeedbackBooking } from './feedback-booking.ts'
import { bookPairEvent } from './pair-event.ts'

/** A mirrored cohort that waits for labels. */
export type PairSlot = {
  readonly cohort: Cohort
  /** The fates of all its pairs are known, those of other replicas too, or nobody waits for them any more. */
  settled: boolean
  /** The store has it, or is about to get it: a label that changes it must be stored with it. */
  persisted: boolean
  /** A label has come for it. */
  fed: boolean
}

/** What labels are asked of one metric, of all pairs or of those of a segment. */
type Question = {
  readonly metric: string
  readonly segment: string | undefined
  readonly score: LabelTest & { readonly asks: PairScoreQuestion }
  readonly aboveCap: string | null
}

/**
 * The mirrored cohorts of one attempt that wait for labels: a label that comes scores both predictions of its
 * request, and what is compared are these two.
 */
export class PairLabels {
  readonly tests: readonly LabelTest[]
  readonly #questions: readonly Question[]
  readonly #slots = new CohortShelf<PairSlot>()
  readonly #capLearner = new CapLearner()
  /** Of all labels that have come, folded or not: what bets are sized by. By the id of the test. */
  readonly #arrived = new Map<string, PairTally>()
  /** Labels have come for them that only this process knows of. */
  readonly #unsaid = new Set<PairSlot>()

  constructor(tests: readonly LabelTest[]) {
    this.tests = tests
    this.#questions = questionsOf(tests)
  }

  /** The sums of a cohort before the first label. */
  emptyTallies(): Cohort['tallies'] {
    return Object.fromEntries(this.tests.map((test) => [test.id, emptyPairTally(test)]))
  }

  /** What the labels of a test have said so far, folded or not; null = none has come. */
  arrived(id: string): BetTally | null {
    return (this.#arrived.get(id) as BetTally | undefined) ?? null
  }

  /** The same of all tests of which any has come, by id. */
  get moments(): Readonly<Record<string, PairMoments>> {
    return Object.fromEntries(
      Array.from(this.#arrived, ([id, tally]) => {
        const { n, sum, sumSq, product } = tally as BetTally
        return [id, { n, sum, sumSq, product: product! }]
      }),
    )
  }

  /** Takes back what labels have said of a test before. */
  recall(id: string, tally: PairTally): void {
    if (tally.kind !== 'bet') return
    const before = this.#arrived.get(id)
    this.#arrived.set(
      id,
      before === undefined ? structuredClone(tally) : addPairTallies(before, tally),
    )
  }

  /** Labels may come for it from now on; its number is beyond all others. */
  add(cohort: Cohort, stored: boolean): void {
    this.#capLearner.learnt(cohort.terms.caps)
    this.#slots.add({ cohort, settled: stored, persisted: stored, fed: false })
  }

  get(number: number): PairSlot | undefined {
    return this.#slots.get(number)
  }

  get isEmpty(): boolean {
    return this.#slots.size === 0
  }

  /** All of them, in order; what is deleted meanwhile does not matter. */
  slots(): Iterable<PairSlot> {
    return this.#slots.values()
  }

  /** Those after a number, in order; none may be deleted meanwhile. */
  slotsAfter(number: number): Iterable<PairSlot> {
    return this.#slots.after(number)
  }

  delete(number: number): void {
    const slot = this.#slots.get(number)
    if (slot !== undefined) this.#unsaid.delete(slot)
    this.#slots.delete(number)
  }

  /** Books the label of a pair, once per pair; `late`: its cohort was folded without it. */
  label(
    { value, segment, pair }: Pick<Prediction, 'value' | 'segment' | 'pair'>,
    label: number,
  ): FeedbackBooking {
    const slot = this.#slots.get(pair!.cohort)
    if (slot === undefined) return LATE
    const { cohort, persisted } = slot
    for (const question of this.#questions) {
      if (question.segment !== undefined && question.segment !== segment) continue
      this.#book(cohort, question, [value, pair!.copy], label)
    }
    slot.fed = true
    if (!persisted) {
      this.#unsaid.add(slot)
      return { result: 'joined', changed: null }
    }
    const { rollout, number, tallies } = cohort
    return { result: 'joined', changed: { rollout, cohort: number, tallies } }
  }

  /** Cohorts that labels have come for since it was asked last, and that the store has not. */
  takeUnsaid(): readonly PairSlot[] {
    const unsaid = [...this.#unsaid]
    this.#unsaid.clear()
    return unsaid.filter(({ persisted }) => !persisted)
  }

  /** The cap that the baseline's first labels of a metric have taught, once; null = not enough of them yet. */
  takeLearntCap(metric: string, minLabels: number): number | null {
    return this.#capLearner.take(metric, minLabels)
  }

  #book(
    { tallies, terms }: Cohort,
    { metric, segment, score: { id, asks }, aboveCap }: Question,
    predictions: readonly [baseline: number | null, canary: number | null],
    label: number,
  ): void {
    const { score, harmRatio: harm, proofRatio: proof } = asks
    const [baseline, canary] = predictions.map((value) =>
      value === null ? null : rawScore(score, value, label),
    ) as [number | null, number | null]
    if (baseline === null || canary === null) return
    const cap = terms.caps[metric]
    if (cap === undefined) {
      // The whole teaches it once.
      if (segment === undefined) this.#capLearner.add(metric, baseline)
      return
    }
    if (aboveCap !== null) {
      const limits = capLimits(cap, CANARY_SIDE, { ...asks, isSquared: score === 'squared-error' })
      const isAbove = baseline > cap
      const above = [isAbove, canary > limits.harm] as const
      bookPairEvent(tallies[aboveCap] as EventTally, above, [isAbove, canary > limits.proof])
    }
    const values = [baseline, canary].map((raw) => scoreValue(score, Math.min(raw, cap)))
    const pair = [values[BASELINE_SIDE]!, values[CANARY_SIDE]!] as const
    const ratios = { harm, proof }
    const arrived = this.#arrived.get(id) ?? emptyPairTally({ asks })
    this.#arrived.set(id, arrived)
    addPairedValues(arrived as BetTally, undefined, pair, ratios)
    // The first ones only tell what bets are sized by.
    const bets = terms.bets[id]
    if (bets !== undefined) addPairedValues(tallies[id] as BetTally, bets, pair, ratios)
  }
}

function questionsOf(tests: readonly LabelTest[]): readonly Question[] {
  return tests.flatMap((test) => {
    const { asks, metric, segment } = test
    if (asks.of !== 'score') return []
    const isBeside = (each: LabelTest) =>
      each.metric === metric && each.segment === segment && each.asks.of === 'above-cap'
    const aboveCap = tests.find(isBeside)?.id ?? null
    return [{ metric, segment, score: { ...test, asks }, aboveCap }]
  })
}
