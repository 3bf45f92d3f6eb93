import { BASELINE_SIDE, type BetTally, type Cohort, type EventTally } from '../domain/cohort.ts'
import {
  proofRatio,
  type ConversionSource,
  type Hypothesis,
  type MeanSource,
  type RatioSource,
  type SumSource,
} from '../domain/hypothesis.ts'
import { eventValue, type FeedbackEvent, type Prediction } from '../domain/prediction.ts'
import { replaceRatioUnit, type Counts } from '../statistics/ratio-bet.ts'
import type { CapLearner } from './cap-learner.ts'
import { addToBet, bookCappedValue, countEvent } from './capped-value.ts'

/** What one metric asks of events, and where its running totals stand among those of a unit. */
type EventQuestion = {
  readonly hypothesis: Hypothesis
  readonly source: ConversionSource | SumSource | MeanSource | RatioSource
  readonly names: readonly string[]
  /** All hypotheses of the metric. */
  readonly hypotheses: readonly Hypothesis[]
  readonly aboveCap: Hypothesis | null
  readonly place: number
}

/** Where an event belongs. */
export type EventPlace = {
  readonly cohort: Cohort
  /** The request that its unit is judged by. */
  readonly request: Pick<Prediction, 'side' | 'at'>
  /** The unit's running totals so far; empty before its first event. */
  readonly totals: readonly number[]
  /** Whether a hypothesis has folded the cohort without it. */
  readonly isFolded: (hypothesis: string) => boolean
}

/**
 * Books events of units into the tallies of their cohorts. Tallies are sums over units, so an event takes
 * back what its unit has added so far and adds what the unit comes to now: the order of events does not
 * matter. Units without events are no business of this book; they are counted when the cohort is folded.
 */
export class EventBook {
  readonly #questions: readonly EventQuestion[]
  readonly #noTotals: readonly number[]
  readonly #capLearner: CapLearner

  constructor(hypotheses: readonly Hypothesis[], capLearner: CapLearner) {
    this.#capLearner = capLearner
    const noTotals: number[] = []
    this.#questions = hypotheses.flatMap((hypothesis) => {
      const { source, metric } = hypothesis
      const names = namesOf(source)
      if (names === null) return []
      const place = noTotals.length
      // A mean has no value before its first event.
      noTotals.push(...(source.of === 'ratio' ? [0, 0] : [source.of === 'mean' ? NaN : 0]))
      const all = hypotheses.filter((h) => h.metric === metric)
      const aboveCap = all.find((h) => h.source.of === 'above-cap') ?? null
      return [
        {
          hypothesis,
          source: source as EventQuestion['source'],
          names,
          hypotheses: all,
          aboveCap,
          place,
        },
      ]
    })
    this.#noTotals = noTotals
  }

  /** Books one event for every metric that counts it; late where the windows of all of them are over. */
  book(
    { cohort, request, totals, isFolded }: EventPlace,
    event: FeedbackEvent,
  ): { readonly result: 'joined' | 'late'; readonly totals: readonly number[] } {
    const next = [...(totals.length === 0 ? this.#noTotals : totals)]
    let result: 'joined' | 'late' = 'late'
    for (const question of this.#questions) {
      if (!question.names.includes(event.name)) continue
      if (event.at - request.at > question.source.windowMs) continue
      if (isFolded(question.hypothesis.id)) continue
      result = 'joined'
      this.#add(question, cohort, request, event, next)
    }
    return { result, totals: result === 'late' ? totals : next }
  }

  #add(
    question: EventQuestion,
    cohort: Cohort,
    { side }: EventPlace['request'],
    event: FeedbackEvent,
    totals: number[],
  ): void {
    const { hypothesis, source, place } = question
    const before = totals[place]!
    switch (source.of) {
      case 'conversion':
        totals[place] = 1
        if (before === 0) countEvent(cohort.tallies[hypothesis.id] as EventTally, side, 1)
        return
      case 'sum':
        // Two infinities would make no number.
        totals[place] = within(before + eventValue(event, source.field)!, Number.MAX_VALUE)
        this.#replaceTotal(question, cohort, side, before, totals[place])
        return
      case 'mean': {
        if (!Number.isNaN(before)) return
        const { field } = source.from as Extract<MeanSource['from'], { in: 'event' }>
        const value = Math.max(0, eventValue(event, field)!)
        totals[place] = value
        const metric = { metric: hypothesis.metric!, hypotheses: question.hypotheses }
        bookCappedValue(cohort, metric, side, value, (capped) => capped, this.#capLearner)
        return
      }
      case 'ratio': {
        const counts = (): Counts => [
          Math.min(totals[place]!, source.cap),
          Math.min(totals[place + 1]!, source.cap),
        ]
        const earlier = counts()
        if (event.name === source.numerator) totals[place]!++
        else totals[place + 1]!++
        const { id, harm } = hypothesis
        replaceRatioUnit(
          cohort.tallies[id] as BetTally,
          cohort.terms.bets[id],
          side,
          earlier,
          counts(),
          { pi: cohort.pi, harm: harm.ratio, proof: proofRatio(hypothesis) },
        )
      }
    }
  }

  #replaceTotal(
    { hypothesis, aboveCap }: EventQuestion,
    cohort: Cohort,
    side: EventPlace['request']['side'],
    before: number,
    after: number,
  ): void {
    const metric = hypothesis.metric!
    const cap = cohort.terms.caps[metric]
    if (cap === undefined) {
      if (side === BASELINE_SIDE) this.#capLearner.replace(metric, before, after)
      return
    }
    const capped = (total: number) => Math.min(Math.max(0, total), cap)
    addToBet(cohort, hypothesis, side, capped(before), -1)
    addToBet(cohort, hypothesis, side, capped(after), 1)
    if (aboveCap === null) return
    const change = Number(after > cap) - Number(before > cap)
    if (change !== 0) countEvent(cohort.tallies[aboveCap.id] as EventTally, side, change)
  }
}

function within(number: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, number))
}

/** The events that a hypothesis counts; null = it is not about events. */
function namesOf(source: Hypothesis['source']): readonly string[] | null {
  switch (source.of) {
    case 'conversion':
    case 'sum':
      return [source.event]
    case 'mean':
      return source.from.in === 'event' ? [source.from.event] : null
    case 'ratio':
      return [source.numerator, source.denominator]
    default:
      return null
  }
}
