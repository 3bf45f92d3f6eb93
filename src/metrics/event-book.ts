import {
  BASELINE_SIDE,
  type BetTally,
  type Cohort,
  type EventTally,
  type Side,
} from '../domain/cohort.ts'
import {
  proofRatio,
  type ConversionSource,
  type Hypothesis,
  type MeanSource,
  type RatioSource,
  type SumSource,
} from '../domain/hypothesis.ts'
import { eventValue, type FeedbackEvent, type Prediction } from '../domain/prediction.ts'
import { capLimits, cappedMeanOf } from '../statistics/above-cap.ts'
import { replaceRatioUnit, type Counts } from '../statistics/ratio-bet.ts'
import type { CapLearner } from './cap-learner.ts'
import { addToBet, bookCappedValue, countAbove, countEvent } from './capped-value.ts'
import type { EventBooking } from './feedback-booking.ts'
import { isAskedOf, valueQuestions, type ValueQuestion } from './value-question.ts'

/** What one metric asks of events, and where its running totals stand among those of a unit. */
type EventQuestion = ValueQuestion & {
  readonly hypothesis: Hypothesis
  readonly source: ConversionSource | SumSource | MeanSource | RatioSource
  readonly names: readonly string[]
  readonly aboveCap: Hypothesis | null
  /** All that ask for the same value: an experiment asks twice (is it no worse, is it better). */
  readonly twins: readonly Hypothesis[]
  /** The same for all units and for those of a segment: it is the unit's. */
  readonly place: number
  /** Where the time of a mean's number stands; of no use to other metrics. */
  readonly timePlace: number
}

/** Where an event belongs. */
export type EventPlace = {
  readonly cohort: Cohort
  /** The request that its unit is judged by. */
  readonly request: Pick<Prediction, 'side' | 'at' | 'segment'>
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
    const places = new Map<string, number>()
    const placeOf = (metric: string, { of }: EventQuestion['source']) => {
      const known = places.get(metric)
      if (known !== undefined) return known
      const place = noTotals.length
      places.set(metric, place)
      // A mean has no value before its first event.
      noTotals.push(...(of === 'ratio' ? [0, 0] : [of === 'mean' ? NaN : 0]))
      return place
    }
    const questions = valueQuestions(hypotheses, (hypothesis) => {
      const names = namesOf(hypothesis.source)
      if (names === null) return null
      const source = hypothesis.source as EventQuestion['source']
      return { hypothesis, source, names, place: placeOf(hypothesis.metric!, source) }
    }).map((question) => ({
      ...question,
      aboveCap: question.hypotheses.find((h) => h.source.of === 'above-cap') ?? null,
      twins: question.hypotheses.filter((h) => h.source.of === question.source.of),
    }))
    // Behind all others: units that were stored without times keep their places.
    const times = [...new Set(questions.filter((q) => q.source.of === 'mean').map((q) => q.place))]
    this.#questions = questions.map((question) => ({
      ...question,
      timePlace: noTotals.length + times.indexOf(question.place),
    }))
    this.#noTotals = [...noTotals, ...times.map(() => NaN)]
  }

  /**
   * Books one event for every metric that counts it; late where the windows of all of them are over. Not `counted`:
   * only says what would become of it.
   */
  book(
    { cohort, request, totals, isFolded }: EventPlace,
    event: FeedbackEvent,
    counted: boolean,
  ): Pick<EventBooking, 'result' | 'totals' | 'metrics'> {
    const before = [...totals, ...this.#noTotals.slice(totals.length)]
    const next = [...before]
    let metrics = 0
    for (const question of this.#questions) {
      if (!isCounted(question, event)) continue
      if (!isAskedOf(question, request.segment ?? null)) continue
      if (event.at - request.at > question.source.windowMs) continue
      if (isFolded(question.hypothesis.id)) continue
      metrics++
      addToTotals(question, event, before, next)
      if (counted) this.#add(question, cohort, request.side, before, next)
    }
    return metrics === 0
      ? { result: 'late', totals, metrics }
      : { result: 'joined', totals: next, metrics }
  }

  /** `before` and `next`: the unit's totals without and with the event. */
  #add(
    question: EventQuestion,
    cohort: Cohort,
    side: Side,
    before: readonly number[],
    next: readonly number[],
  ): void {
    const { twins, source, place, timePlace } = question
    const earlier = before[place]!
    switch (source.of) {
      case 'conversion':
        if (earlier !== 0) return
        for (const { id } of twins) countEvent(cohort.tallies[id] as EventTally, side, 1)
        return
      case 'sum':
        this.#replaceTotal(question, cohort, side, earlier, next[place]!)
        return
      case 'mean':
        if (Object.is(before[timePlace], next[timePlace])) return
        if (!Number.isNaN(earlier)) this.#bookNumber(question, cohort, side, earlier, -1)
        this.#bookNumber(question, cohort, side, next[place]!, 1)
        return
      case 'ratio': {
        const counts = (totals: readonly number[]): Counts => [
          Math.min(totals[place]!, source.cap),
          Math.min(totals[place + 1]!, source.cap),
        ]
        for (const hypothesis of twins) {
          const { id, harm } = hypothesis
          replaceRatioUnit(
            cohort.tallies[id] as BetTally,
            cohort.terms.bets[id],
            side,
            counts(before),
            counts(next),
            { pi: cohort.pi, harm: harm.ratio, proof: proofRatio(hypothesis) },
          )
        }
      }
    }
  }

  #bookNumber(
    question: EventQuestion,
    cohort: Cohort,
    side: Side,
    number: number,
    times: 1 | -1,
  ): void {
    bookCappedValue(cohort, question, side, number, (y) => y, this.#capLearner, times)
  }

  #replaceTotal(
    { metric, hypothesis, twins, aboveCap, segment }: EventQuestion,
    cohort: Cohort,
    side: Side,
    before: number,
    after: number,
  ): void {
    const cap = cohort.terms.caps[metric]
    if (cap === undefined) {
      // The whole teaches it once.
      const isTeaching = side === BASELINE_SIDE && segment === undefined
      if (isTeaching) this.#capLearner.replace(metric, before, after)
      return
    }
    const capped = (total: number) => Math.min(Math.max(0, total), cap)
    for (const hypothesis of twins) {
      addToBet(cohort, hypothesis, side, capped(before), -1)
      addToBet(cohort, hypothesis, side, capped(after), 1)
    }
    if (aboveCap === null) return
    const tally = cohort.tallies[aboveCap.id] as EventTally
    const limits = capLimits(cap, side, cappedMeanOf(hypothesis))
    countAbove(tally, side, before, limits, -1)
    countAbove(tally, side, after, limits, 1)
  }
}

/** Whether a metric counts an event: means are of numbers from 0 on, and a refund may come for a total beside them. */
function isCounted({ names, source }: EventQuestion, event: FeedbackEvent): boolean {
  if (!names.includes(event.name)) return false
  if (source.of !== 'mean') return true
  const number = eventValue(event, placeOfNumber(source).field)
  return number !== null && number >= 0
}

function placeOfNumber({ from }: MeanSource) {
  return from as Extract<MeanSource['from'], { in: 'event' }>
}

/** Makes `next` of a unit's totals `before` one event, where its metric keeps them. */
function addToTotals(
  { source, place, timePlace }: EventQuestion,
  event: FeedbackEvent,
  before: readonly number[],
  next: number[],
): void {
  const earlier = before[place]!
  switch (source.of) {
    case 'conversion':
      next[place] = 1
      return
    case 'sum':
      // Two infinities would make no number.
      next[place] = within(earlier + eventValue(event, source.field)!, Number.MAX_VALUE)
      return
    case 'mean': {
      // The first by when it happened; what was stored without its time stays.
      if (!Number.isNaN(earlier) && !(event.at < before[timePlace]!)) return
      next[place] = eventValue(event, placeOfNumber(source).field)!
      next[timePlace] = event.at
      return
    }
    case 'ratio': {
      const isNumerator = event.name === source.numerator
      next[place] = earlier + Number(isNumerator)
      next[place + 1] = before[place + 1]! + Number(!isNumerator)
    }
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
