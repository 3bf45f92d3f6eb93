import {
  BASELINE_SIDE,
  type Cohort,
  type CohortTerms,
  type DriftTally,
  type Side,
} from '../domain/cohort.ts'
import type { DriftSource, Hypothesis } from '../domain/hypothesis.ts'
import { binOf, decileEdges } from '../statistics/bins.ts'

/** Values of the baseline that the bins are learnt from; they are not judged. */
const TEACHING_VALUES = 500

type Watched = { readonly id: string; readonly segment: string | undefined } & Pick<
  DriftSource,
  'value'
>

/**
 * Counts values into the bins of their cohort, each unit once; until there are bins, the baseline's values
 * teach them. Null instead of a book where no drift is watched.
 */
export class DriftBook {
  readonly #predictions: readonly Watched[]
  readonly #numbers: readonly (Watched & { readonly pointer: string })[]
  readonly #taught = new Map<string, number[]>()

  private constructor(watched: readonly Watched[]) {
    this.#predictions = watched.filter(({ value }) => value === 'prediction')
    this.#numbers = watched.flatMap((w) =>
      w.value === 'prediction' ? [] : [{ ...w, pointer: w.value.pointer }],
    )
  }

  /** A book for the drift hypotheses among these; null where there is none. */
  static of(hypotheses: readonly Hypothesis[]): DriftBook | null {
    const watched = hypotheses.flatMap(({ id, segment, source }): Watched[] =>
      source.of === 'drift' ? [{ id, segment, value: source.value }] : [],
    )
    return watched.length === 0 ? null : new DriftBook(watched)
  }

  /** Counts the prediction of a unit. */
  addPrediction(cohort: Cohort, side: Side, segment: string | null, value: number): void {
    for (const watched of this.#predictions) this.#add(watched, cohort, side, segment, value)
  }

  /** Counts the numbers of a unit's request, by pointer. */
  addNumbers(
    cohort: Cohort,
    side: Side,
    segment: string | null,
    numbers: ReadonlyMap<string, number>,
  ): void {
    for (const watched of this.#numbers) {
      const value = numbers.get(watched.pointer)
      if (value !== undefined) this.#add(watched, cohort, side, segment, value)
    }
  }

  /** The edges that the baseline's first values have taught, once; null = not enough of them yet. */
  takeLearntEdges(id: string): readonly number[] | null {
    const values = this.#taught.get(id)
    if (values === undefined || values.length < TEACHING_VALUES) return null
    this.#taught.delete(id)
    return decileEdges(values)
  }

  #add(
    { id, segment: only }: Watched,
    cohort: Cohort,
    side: Side,
    segment: string | null,
    value: number,
  ): void {
    if (only !== undefined && only !== segment) return
    const edges = cohort.terms.bins?.[id]
    if (edges === undefined) {
      if (side === BASELINE_SIDE) this.#teach(id, value)
      return
    }
    const tally = cohort.tallies[id] as DriftTally
    const counts = side === BASELINE_SIDE ? tally.baseline : tally.canary
    counts[binOf(edges, value)]!++
  }

  #teach(id: string, value: number): void {
    const values = this.#taught.get(id)
    if (values === undefined) this.#taught.set(id, [value])
    else if (values.length < TEACHING_VALUES) values.push(value)
  }
}

/** Counts of a drift hypothesis before the first value. */
export function emptyDriftTally(id: string, { bins }: CohortTerms): DriftTally {
  const edges = bins?.[id]
  const zeros = () => Array.from({ length: edges === undefined ? 0 : edges.length + 1 }, () => 0)
  return { kind: 'drift', baseline: zeros(), canary: zeros() }
}
